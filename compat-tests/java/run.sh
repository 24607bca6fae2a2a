#!/usr/bin/env bash
# Starts the Java agent on one released kafka-clients, which is used as it is.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only fetches the jars and compiles, what the first start would do otherwise
#
# Needs java and javac (11 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../harness/jvm.sh"
use_jvm java

# The folder of src/ that serves VERSION among those called NAME-V: the one with the highest V that is not above it.
serving() { # NAME VERSION
    local best="" v
    for v in $(ls "$here/src" | sed -n "s/^$1-//p" | sort -V); do
        [ "$(printf '%s\n' "$v" "$2" | sort -V | head -1)" = "$v" ] && best=$v
    done
    [ -n "$best" ] || die "no source for kafka-clients $2 under src/$1-*"
    echo "$here/src/$1-$best"
}

prepare() { # VERSION: sets $classpath
    local version=$1 name sources=("$here"/src/agent/sordini/compat/*.java)
    for name in $(ls "$here/src" | sed -n 's/-.*//p' | sort -u); do
        sources+=("$(serving "$name" "$version")"/sordini/compat/*.java)
    done
    fetch_jars "$version" "kafka-clients $version" -f "$here/pom.xml" "-Dclients.version=$version"
    compile "classes-$version" 11 "kafka-clients $version" "${sources[@]}"
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:2)
        prepare "$1"
        exec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Dfile.encoding=UTF-8 \
            -Dorg.slf4j.simpleLogger.defaultLogLevel="${CLIENT_LOG:-warn}" -Dorg.slf4j.simpleLogger.showDateTime=true \
            -Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.consumer.internals="${CLIENT_LOG:-info}" \
            -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$classpath" sordini.compat.Agent "$1" "$2"
        ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
