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
. "$here/../harness/jvm.sh"
use_jvm programs

prepare() { # LIBRARY-VERSION: sets $classpath
    local library=${1%%-*} group artifact slf4j=1.7.36 release=8
    case $library in
        streams) group=org.apache.kafka artifact=kafka-streams ;;
        spring) group=org.springframework.kafka artifact=spring-kafka ;;
        *) die "no source for $library under src/" ;;
    esac
    case $1 in
        spring-4.*) slf4j=2.0.17 release=17 ;;
        streams-4.*) release=11 ;;
    esac
    fetch_jars "$1" "$1" -f "$here/pom.xml" "-Dlibrary.group=$group" "-Dlibrary.artifact=$artifact" "-Dlibrary.version=${1#*-}" "-Dslf4j.version=$slf4j"
    compile "classes-$1" "$release" "$1" "$here/src/$library/Program.java"
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
