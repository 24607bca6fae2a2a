#!/usr/bin/env bash
# Starts a program that is built on a released library, which is used as it is.
#
#   run.sh LIBRARY-VERSION HOST:PORT NAME STATE    reads the topic NAME-lines, writes NAME-out; runs until it is ended
#   run.sh prepare LIBRARY-VERSION                 only fetches the jars and compiles, what the first start would do otherwise
#
# LIBRARY is a folder of src/. Needs java and javac (17 or newer) and, the first time for a version, mvn. SORDINI_COMPAT_CACHE: see
# ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/programs

die() { echo "programs/run.sh: $*" >&2; exit 1; }
for tool in java javac; do
    command -v "$tool" >/dev/null || die "FAIL: '$tool' is not installed (Debian: apt-get install default-jdk-headless)"
done

prepare() { # LIBRARY-VERSION: sets $classpath
    local name=$1 library=${1%%-*} version=${1#*-} coordinates slf4j=1.7.36 scratch out stamp
    case $library in
        streams) coordinates="-Dlibrary.group=org.apache.kafka -Dlibrary.artifact=kafka-streams" ;;
        spring) coordinates="-Dlibrary.group=org.springframework.kafka -Dlibrary.artifact=spring-kafka" ;;
        *) die "no source for $library under src/" ;;
    esac
    case $name in spring-4.*) slf4j=2.0.17 ;; esac
    local jars=$cache/$name source=$here/src/$library/Program.java
    mkdir -p "$cache"
    if [ ! -d "$jars" ]; then
        command -v mvn >/dev/null || die "FAIL: 'mvn' is not installed (Debian: apt-get install maven)"
        scratch=$(mktemp -d "$cache/.fetch-XXXXXX")
        # shellcheck disable=SC2086
        out=$(mvn -q -B -Dstyle.color=never -f "$here/pom.xml" $coordinates "-Dlibrary.version=$version" "-Dslf4j.version=$slf4j" \
            "-DoutputDirectory=$scratch" dependency:copy-dependencies 2>&1) || { rm -rf "$scratch"; die "cannot fetch $name: $out"; }
        mv -T "$scratch" "$jars" 2>/dev/null || rm -rf "$scratch"
    fi
    stamp=$(sha256sum <"$source" | cut -c 1-16)
    local classes=$cache/classes-$name-$stamp release=8
    case $name in spring-4.*) release=17 ;; streams-4.*) release=11 ;; esac
    if [ ! -d "$classes" ]; then
        scratch=$(mktemp -d "$cache/.compile-XXXXXX")
        javac -nowarn -Xlint:-options -Xlint:none --release "$release" -encoding UTF-8 -cp "$jars/*" -d "$scratch" "$source" >&2 ||
            { rm -rf "$scratch"; die "cannot compile the program for $name"; }
        rm -rf "$cache/classes-$name"-*
        mv -T "$scratch" "$classes" 2>/dev/null || rm -rf "$scratch"
    fi
    classpath=$classes:$jars/*
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [a-z]*:4)
        prepare "$1"
        # --add-opens: Spring 4 makes subclasses at run time as one did before modules.
        exec java -Xmx192m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto --add-opens java.base/java.lang=ALL-UNNAMED \
            -Dorg.slf4j.simpleLogger.defaultLogLevel="${CLIENT_LOG:-warn}" -Dorg.slf4j.simpleLogger.showDateTime=true \
            -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -cp "$classpath" Program "$2" "$3" "$4"
        ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
