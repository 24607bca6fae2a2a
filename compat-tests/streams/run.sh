#!/usr/bin/env bash
# Starts an exactly-once program on one released Kafka Streams, which is used as it is.
#
#   run.sh VERSION HOST:PORT GUARANTEE STATE_DIR    see src/sordini/streams/Sums.java
#   run.sh prepare VERSION                          only fetches the jars and compiles
#
# Needs java and javac (11 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../harness/jvm.sh"
use_jvm streams

prepare() { # VERSION: sets $classpath
    fetch_jars "$1" "Kafka Streams $1" -f "$here/pom.xml" "-Dstreams.version=$1"
    compile "classes-$1" 11 "Kafka Streams $1" "$here/src/sordini/streams/Sums.java"
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:4)
        prepare "$1"
        exec java -Xmx192m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Dfile.encoding=UTF-8 \
            -Dorg.slf4j.simpleLogger.defaultLogLevel="${CLIENT_LOG:-error}" -Dorg.slf4j.simpleLogger.showDateTime=true \
            -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$classpath" sordini.streams.Sums "${@:2}"
        ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
