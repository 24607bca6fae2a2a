package main

// This file is what is allowed, as data. A new package gets a row in arrows; the rules that read the data are beside it.

// rules are run in this order; the findings are sorted afterwards.
var rules = []rule{
	{"arrows", checkArrows},
	{"only", checkOnly},
	{"test support", checkTestSupport},
	{"names", checkNames},
	{"package comment", checkPackageComment},
	{"dot import", checkDotImports},
	{"cgo", checkCgo},
	{"pure", checkPure},
	{"clock", checkClock},
	{"output", checkOutput},
	{"exit", checkExit},
	{"panic", checkPanic},
	{"init", checkInit},
	{"size", checkSize},
	{"gofmt", checkFormat},
	{"seeds", checkSeeds},
	{"machine", checkMachine},
	{"links", checkLinks},
}

// arrows says which packages of this module a package may import, outside its tests. A pattern that ends in /... is the package and all
// below it. Read from the top, everything points down.
var arrows = map[string][]string{
	"cmd/sordini": {"broker", "broker/config", "broker/importdir", "controller/record", "storage/inspect", "storage/inspect/decode"},
	"cmd/tidy":    {},

	"broker": {"broker/api", "broker/config", "broker/metalog", "broker/replica", "groupcoord", "groupcoord/group", "groupcoord/txn",
		"controller", "controller/image", "controller/machine", "controller/quorum", "storage", "storage/vfs", "protocol/..."},
	"broker/api": {"broker/config", "broker/replica", "groupcoord", "controller", "controller/image", "controller/machine",
		"storage", "protocol/..."},
	"broker/replica": {"broker/config", "storage", "protocol/..."},
	"broker/config":  {},
	"broker/metalog": {"controller/quorum", "storage", "storage/vfs", "protocol/..."},
	"broker/importdir": {"broker/config", "broker/metalog", "broker/replica", "controller", "controller/record",
		"storage", "storage/inspect", "storage/vfs", "protocol/..."},

	"groupcoord":                {"groupcoord/group", "groupcoord/runtime", "groupcoord/txn", "protocol/..."},
	"groupcoord/runtime":        {"protocol/batch"}, // the log is an interface of its own
	"groupcoord/runtime/memlog": {"protocol/batch"},
	"groupcoord/group":          {},
	"groupcoord/txn":            {},

	"controller":                   {"controller/image", "controller/machine", "controller/quorum", "controller/record", "storage/vfs"},
	"controller/machine":           {"controller/image", "controller/record"},
	"controller/image":             {"controller/record"},
	"controller/record":            {},
	"controller/quorum":            {"storage/vfs"},
	"controller/quorum/quorumtest": {"controller/quorum", "storage/vfs"},

	"storage":          {"storage/index", "storage/producer", "storage/vfs", "protocol/..."},
	"storage/index":    {"storage/vfs"},
	"storage/inspect":  {"protocol/..."},
	"storage/producer": {},
	"storage/vfs":      {},

	"storage/inspect/decode": {},

	"protocol":        {"protocol/batch", "protocol/codec"},
	"protocol/legacy": {"protocol/batch", "protocol/codec"},
	"protocol/batch":  {"protocol/codec"},
	"protocol/codec":  {},

	// Clients see the broker from outside.
	"compat-tests/...": {"compat-tests/..."},
}

// only says where a library may be known, and so what it takes to replace it.
var only = []struct {
	library string // and what is below it
	in      []string
	tests   bool // tests may use it anywhere
}{
	// quorumtest opens the quorum's files on Pebble's file system that fails on demand; it is linked into tests alone.
	{library: "github.com/cockroachdb/pebble", in: []string{"storage/index/...", "storage/vfs/...", "controller/quorum/quorumtest"}},
	{library: "github.com/spf13/viper", in: []string{"cmd/..."}},
	{library: "go.etcd.io/raft", in: []string{"controller/quorum"}},
	{library: "github.com/twmb/franz-go/pkg/kgo", in: []string{"cmd/...", "compat-tests/..."}, tests: true},
	{library: "github.com/twmb/franz-go/pkg/kadm", in: []string{"cmd/...", "compat-tests/..."}, tests: true},
}

// testSupport packages are imported by tests and by each other alone.
var testSupport = []string{"controller/quorum/quorumtest", "groupcoord/runtime/memlog"}

// pure packages take time, ids and randomness as arguments. They reach nothing outside themselves and start nothing.
var pure = []string{"protocol/...", "storage/producer", "groupcoord/group", "groupcoord/txn", "controller/machine", "controller/image", "controller/record"}

// impure is what they must not import, with what is below.
var impure = []string{"net", "os", "sync", "context", "log", "math/rand", "crypto/rand"}

// pooled packages are pure but for sync.Pool: coders are dear to make.
var pooled = []string{"protocol/codec"}

// belowBroker get a clock or a time.
var belowBroker = []string{"storage/...", "groupcoord/...", "controller/...", "protocol/..."}

// noNames are no names for packages: they say nothing about what is inside.
var noNames = []string{"util", "utils", "common", "types", "constants", "helpers", "helper", "misc", "shared"}

const (
	maxLines   = 800 // of a file that is no test
	manyLines  = 400 // which one file in oneIn may exceed
	oneIn      = 10
	maxTextLen = 4 << 20 // larger files are not read for links and paths
)
