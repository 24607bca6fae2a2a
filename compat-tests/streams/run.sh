#!/usr/bin/env bash
# Starts an exactly-once program on one released Kafka Streams, which is used as it is.
#
#   run.sh VERSION HOST:PORT GUARANTEE STATE_DIR    see src/sordini/streams/Sums.java
#   run.sh prepare VERSION                          only fetches the jars and compiles
#
# Needs java and javac (11 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/streams

die() { echo "streams/run.sh: $*" >&2; exit 1; }
for tool in java javac; do
    command -v "$tool" >/dev/null || die "FAIL: '$tool' is not installed (Debian: apt-get install default-jdk-headless)"
done

prepare() { # VERSION: sets $classpath
    local version=$1 scratch stamp out
    local jars=$cache/$version source=$here/src/sordini/streams/Sums.java
    mkdir -p "$cache"
    if [ ! -d "$jars" ]; then
        command -v mvn >/dev/null || die "FAIL: 'mvn' is not installed (Debian: apt-get install maven)"
        scratch=$(mktemp -d "$cache/.fetch-XXXXXX")
        out=$(mvn -q -B -Dstyle.color=never -f "$here/pom.xml" "-Dstreams.version=$version" "-DoutputDirectory=$scratch" dependency:copy-dependencies 2>&1) ||
            { rm -rf "$scratch"; die "cannot fetch Kafka Streams $version: $out"; }
        mv -T "$scratch" "$jars" 2>/dev/null || rm -rf "$scratch"
    fi
    stamp=$(sha256sum <"$source" | cut -c 1-16)
    local classes=$cache/classes-$version-$stamp
    if [ ! -d "$classes" ]; then
        scratch=$(mktemp -d "$cache/.compile-XXXXXX")
        javac -nowarn -Xlint:none --release 11 -encoding UTF-8 -cp "$jars/*" -d "$scratch" "$source" >&2 ||
            { rm -rf "$scratch"; die "cannot compile the program for Kafka Streams $version"; }
        rm -rf "$cache/classes-$version"-*
        mv -T "$scratch" "$classes" 2>/dev/null || rm -rf "$scratch"
    fi
    classpath=$classes:$jars/*
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
