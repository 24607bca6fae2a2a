#!/usr/bin/env bash
# Runs franz-go's own test suite (package kgo, unmodified, of the version in the root go.mod) against a broker.
#
#   run.sh HOST:PORT [GO-TEST-FLAG...]
#
# The tests of tests.allow are run; the script fails when one of them fails, skips or is not there. Needs go.
# KGO_TEST_RECORDS (default 50000) is the volume of the group tests; ALLOW names another list.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
allow=${ALLOW:-$here/tests.allow}

die() { echo "franz-go/run.sh: $*" >&2; exit 1; }
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
command -v go >/dev/null || die "FAIL: 'go' is not installed"
seeds=$1; shift

must=$(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$allow" | LC_ALL=C sort -u)
pattern="^($(sed 's,/.*,,' <<<"$must" | sort -u | paste -sd'|'))\$"
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# The suite is compiled straight from the module cache; only the working folder has to be one that it may write to.
cd "$here"
status=0
KGO_SEEDS=$seeds KGO_TEST_RF=1 KGO_TEST_RECORDS=${KGO_TEST_RECORDS:-50000} KGO_LOG_LEVEL=${KGO_LOG_LEVEL:-none} \
    go test -count=1 -v -timeout 8m -run "$pattern" "$@" github.com/twmb/franz-go/pkg/kgo >"$out" 2>&1 || status=$?

passed=$(sed -n 's/^ *--- PASS: \([^ ]*\).*/\1/p' "$out" | LC_ALL=C sort -u)
missing=$(LC_ALL=C comm -23 <(echo "$must") <(echo "$passed"))
if [ -n "$missing" ] || [ "$status" -ne 0 ]; then
    # What went wrong, without the thousands of lines of what did not.
    grep -vE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$out" | tail -150 || true
    grep -E '^ *--- (FAIL|SKIP)' "$out" || true
    [ -z "$missing" ] || printf 'franz-go/run.sh: did not pass: %s\n' $missing
    exit 1
fi
echo "franz-go/run.sh: $(wc -l <<<"$must") tests of kgo's own suite passed"
