#!/usr/bin/env bash
# Starts the agent on the released rskafka that agent/Cargo.toml pins, which is used as it is.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only fetches and builds, what the first start would do otherwise
#
# VERSION is the one that agent/Cargo.toml pins. Needs cargo (Rust 1.85 or newer) and a C compiler. SORDINI_COMPAT_CACHE: see
# ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/rskafka

die() { echo "rskafka/run.sh: $*" >&2; exit 1; }

prepare() { # VERSION
    local out tool
    grep -qxF "rskafka = \"=$1\"" "$here/agent/Cargo.toml" || die "agent/Cargo.toml pins another version than $1"
    for tool in cargo cc; do
        command -v "$tool" >/dev/null || die "FAIL: '$tool' is not installed (Debian: apt-get install cargo gcc; Rust must be 1.85 or newer)"
    done
    mkdir -p "$cache"
    cp -ur "$here/agent/." "$cache" # cargo leaves its lock file beside the manifest
    out=$(cd "$cache" && cargo build --quiet 2>&1) || die "cannot build the agent: $out"
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:2)
        prepare "$1"
        exec "$cache/target/debug/agent" "$2"
        ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
