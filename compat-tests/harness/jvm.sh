# For the run.sh of lanes whose programs run on a JVM; it is sourced.
#
#   use_jvm LANE [FOLDER]                          names the lane, and its folder in the cache; ends where a tool is missing
#   fetch_jars FOLDER WHAT MAVEN-ARGUMENT...       once: what a pom depends on; sets $jars
#   compile NAME RELEASE WHAT SOURCE...            once for these sources: against $jars; sets $classpath
#
# Folders appear under their names when they are whole, so that runs at the same time and runs that were ended do no harm.

die() { echo "$lane/run.sh: $*" >&2; exit 1; }

use_jvm() {
    lane=$1
    cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/${2:-$lane}
    local tool
    for tool in java javac; do
        command -v "$tool" >/dev/null || die "FAIL: '$tool' is not installed (Debian: apt-get install default-jdk-headless)"
    done
    mkdir -p "$cache"
}

fetch_jars() {
    jars=$cache/$1
    local what=$2 scratch out
    [ ! -d "$jars" ] || return 0
    command -v mvn >/dev/null || die "FAIL: 'mvn' is not installed (Debian: apt-get install maven)"
    scratch=$(mktemp -d "$cache/.fetch-XXXXXX")
    out=$(mvn -q -B -Dstyle.color=never "${@:3}" "-DoutputDirectory=$scratch" dependency:copy-dependencies 2>&1) ||
        { rm -rf "$scratch"; die "cannot fetch $what: $out"; }
    mv -T "$scratch" "$jars" 2>/dev/null || rm -rf "$scratch"
}

compile() {
    local name=$1 release=$2 what=$3 scratch stamp classes
    stamp=$(cat "${@:4}" | sha256sum | cut -c 1-16)
    classes=$cache/$name-$stamp
    if [ ! -d "$classes" ]; then
        scratch=$(mktemp -d "$cache/.compile-XXXXXX")
        javac -nowarn -Xlint:-options -Xlint:none --release "$release" -encoding UTF-8 -cp "$jars/*" -d "$scratch" "${@:4}" >&2 ||
            { rm -rf "$scratch"; die "cannot compile the program for $what"; }
        rm -rf "$cache/$name"-*
        mv -T "$scratch" "$classes" 2>/dev/null || rm -rf "$scratch"
    fi
    classpath=$classes:$jars/*
}
