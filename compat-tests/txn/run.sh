#!/usr/bin/env bash
# Starts transactional programs on one released kafka-clients, which is used as it is.
#
#   run.sh VERSION HOST:PORT ROLE=PROGRAM=ARGUMENT...    see java/src/load/sordini/txn/Load.java
#   run.sh prepare VERSION                               only fetches the jars and compiles
#
# Needs java and javac (11 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/java

die() { echo "txn/run.sh: $*" >&2; exit 1; }
for tool in java javac; do
    command -v "$tool" >/dev/null || die "FAIL: '$tool' is not installed (Debian: apt-get install default-jdk-headless)"
done

prepare() { # VERSION: sets $classpath
    local version=$1 shim=clients-2.5 scratch stamp out
    case $version in
        0.11.* | 1.* | 2.[0-4].*) shim=clients-0.11 ;;
    esac
    local jars=$cache/$version
    mkdir -p "$cache"
    if [ ! -d "$jars" ]; then
        command -v mvn >/dev/null || die "FAIL: 'mvn' is not installed (Debian: apt-get install maven)"
        scratch=$(mktemp -d "$cache/.fetch-XXXXXX")
        out=$(mvn -q -B -Dstyle.color=never -f "$here/../java/pom.xml" "-Dclients.version=$version" "-DoutputDirectory=$scratch" dependency:copy-dependencies 2>&1) ||
            { rm -rf "$scratch"; die "cannot fetch kafka-clients $version: $out"; }
        mv -T "$scratch" "$jars" 2>/dev/null || rm -rf "$scratch"
    fi
    local sources=("$here"/java/src/load/sordini/txn/*.java "$here/java/src/$shim"/sordini/txn/*.java)
    stamp=$(cat "${sources[@]}" | sha256sum | cut -c 1-16)
    local classes=$cache/txn-$version-$stamp
    if [ ! -d "$classes" ]; then
        scratch=$(mktemp -d "$cache/.compile-XXXXXX")
        javac -nowarn -Xlint:none --release 11 -encoding UTF-8 -cp "$jars/*" -d "$scratch" "${sources[@]}" >&2 ||
            { rm -rf "$scratch"; die "cannot compile the programs for kafka-clients $version"; }
        rm -rf "$cache/txn-$version"-*
        mv -T "$scratch" "$classes" 2>/dev/null || rm -rf "$scratch"
    fi
    classpath=$classes:$jars/*
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
