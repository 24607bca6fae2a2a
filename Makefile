# Two commands are all it takes: `make run` starts a broker, `make test` passes the tests.

GO      ?= go
BIN     := bin/sordini
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# compat-tests need JDK 17 and Maven, Python 3, Node.js and kcat; harness says which one is missing.
UNIT   = $(shell $(GO) list ./... | grep -v /compat-tests/)
COMPAT := ./compat-tests/...
LANES  := $(patsubst %/versions.txt,./%,$(wildcard compat-tests/*/versions.txt))
RESULTS := bin/compat-results.jsonl
FUZZTIME ?= 30s
CRASH_ROUNDS ?= 100
POWERLOSS_ROUNDS ?= 20
TXN_ROUNDS ?= 60

export CGO_ENABLED := 0

.PHONY: all build run test unit lint compat compat-all crash txn powerloss bench figures fuzz docs clean

all: build

build:
	@echo "build: $(BIN) $(VERSION) (the first time this fetches and compiles everything, for a few minutes)"
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/sordini

# Starts a broker on port 9092; see `bin/sordini serve --help`.
run: build
	$(BIN) serve

# Everything that must hold before a commit: lint, unit tests with fuzz corpora, and real clients against the real binary.
test: lint unit compat

unit:
	@echo "unit: every package with its fuzz corpora"
	@$(GO) test $(UNIT)

# Our own rules, gofmt, go vet, staticcheck; see cmd/tidy/rules.go.
lint:
	@echo "lint: our rules, go vet, staticcheck; the first time they are compiled, which takes a few minutes"
	@$(GO) run ./cmd/tidy && echo "lint: nothing found"

# Real, unmodified clients, the crash loop and bad input, against bin/sordini.
compat: build
	@echo "compat: real clients, crash loop and bad input; one lane after the other, about 20 minutes"
	@$(GO) test -count=1 -p 1 -timeout 25m $(COMPAT)

# Every version of every client, with what came of it in docs/clients.md; see compat-tests/README.md.
compat-all: build
	rm -f $(RESULTS)
	SORDINI_COMPAT_ALL=1 SORDINI_COMPAT_RESULTS=$(abspath $(RESULTS)) $(GO) test -count=1 -p 1 -timeout 60m $(LANES); \
		status=$$?; $(GO) run ./compat-tests/matrix $(RESULTS) && exit $$status

# The long form of the crash loop, for every durability policy.
crash: build
	SORDINI_CRASH_ROUNDS=$(CRASH_ROUNDS) $(GO) test -count=1 -timeout 3h -v ./compat-tests/crash/

# The long form of transactions under kills of the broker, for every client.
txn: build
	SORDINI_TXN_ROUNDS=$(TXN_ROUNDS) $(GO) test -count=1 -timeout 45m -v ./compat-tests/txn/

# Losses of power on a file system that forgets what was not synced; needs root and /dev/fuse.
powerloss: build
	cd compat-tests/powerloss/fs && $(GO) vet ./...
	SORDINI_POWERLOSS_ROUNDS=$(POWERLOSS_ROUNDS) $(GO) test -count=1 -timeout 30m -v ./compat-tests/powerloss/

# CPU seconds per GB beside Apache Kafka; see compat-tests/bench/README.md.
bench: build
	$(GO) run ./compat-tests/bench -binary $(BIN)

# A whole broker against the clock; see compat-tests/figures/README.md. Only a quiet machine shows what it can do.
figures: build
	$(GO) test -count=1 -run xxx -bench . -benchtime 3x -timeout 40m ./compat-tests/figures

# Each fuzz target in turn, FUZZTIME each.
fuzz:
	$(GO) run ./cmd/tidy fuzz $(FUZZTIME)

# The documents that are generated from the code.
docs: build
	$(BIN) docs apis > docs/apis.md
	$(BIN) docs tools > docs/tools.md
	$(BIN) config docs > docs/configuration.md

clean:
	rm -rf bin
