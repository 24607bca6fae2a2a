#!/usr/bin/env bash
# Starts transactional programs on one released kafka-clients, which is used as it is.
#
#   run.sh VERSION HOST:PORT ROLE=PROGRAM=ARGUMENT...    see java/src/load/sordini/txn/Load.java
#   run.sh prepare VERSION                               only fetches the jars and compiles
#
# Needs java and javac (11 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../harness/jvm.sh"
use_jvm txn java

prepare() { # VERSION: sets $classpath
    local shim=clients-2.5
    case $1 in
        0.11.* | 1.* | 2.[0-4].*) shim=clients-0.11 ;;
    esac
    fetch_jars "$1" "kafka-clients $1" -f "$here/../java/pom.xml" "-Dclients.version=$1"
    compile "txn-$1" 11 "kafka-clients $1" "$here"/java/src/load/sordini/txn/*.java "$here/java/src/$shim"/sordini/txn/*.java
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:[3-9] | [0-9]*:1[0-9])
        prepare "$1"
        exec java -Xmx160m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Dfile.encoding=UTF-8 \
            -Dorg.slf4j.simpleLogger.defaultLogLevel="${CLIENT_LOG:-error}" -Dorg.slf4j.simpleLogger.showDateTime=true \
            -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$classpath" sordini.txn.Load "${@:2}"
        ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
