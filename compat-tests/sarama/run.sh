#!/usr/bin/env bash
# Starts the agent on the released Sarama that agent/go.mod pins, which is used as it is.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only fetches and builds, what the first start would do otherwise
#
# VERSION is a line of versions.txt: as- and the Kafka of Sarama's config.Version. Needs go. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() { echo "sarama/run.sh: $*" >&2; exit 1; }
. "$here/../harness/goagent/build.sh"

case "${1:-}:$#" in
    prepare:2) build_agent sarama ;;
    as-*:2)
        build_agent sarama
        exec "$agent" "${1#as-}" "$2"
        ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
