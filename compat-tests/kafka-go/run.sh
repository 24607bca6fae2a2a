#!/usr/bin/env bash
# Starts the agent on the released kafka-go that agent/go.mod pins, which is used as it is.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only fetches and builds, what the first start would do otherwise
#
# VERSION is the one that agent/go.mod pins. Needs go. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() { echo "kafka-go/run.sh: $*" >&2; exit 1; }
. "$here/../harness/goagent/build.sh"

prepare() { # VERSION
    grep -qF "github.com/segmentio/kafka-go v$1" "$here/agent/go.mod" || die "agent/go.mod pins another version than $1"
    build_agent kafka-go
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:2)
        prepare "$1"
        exec "$agent" "$2"
        ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
