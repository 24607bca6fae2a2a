#!/usr/bin/env bash
# Starts the Python agent on one released kafka-python, which is used as it is.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only makes the virtual environment, what the first start would do otherwise
#
# VERSION is a file of pins/. Needs python3 (3.8 to 3.11: kafka-python 2.0.2 does not run on newer ones) with venv;
# PYTHON names another interpreter. SORDINI_COMPAT_CACHE: see ../README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/kafka-python
python=${PYTHON:-python3}

die() { echo "kafka-python/run.sh: $*" >&2; exit 1; }
command -v "$python" >/dev/null || die "FAIL: '$python' is not installed (Debian: apt-get install python3 python3-venv)"

prepare() { # VERSION: sets $venv
    local version=$1 pins=$here/pins/$1.txt stamp
    [ -e "$pins" ] || die "no pins/$version.txt"
    stamp=$( { cat "$pins"; "$python" -c 'import sys; print(sys.executable, sys.version)'; } | sha256sum | cut -c 1-16)
    venv=$cache/$version-$stamp
    # The mark comes last: an environment cannot be moved, so an interrupted one is made again in its place.
    [ -e "$venv/.complete" ] && return
    mkdir -p "$cache"
    rm -rf "$venv" "$cache/$version"-*
    "$python" -m venv "$venv" >&2 || die "FAIL: cannot make a virtual environment (Debian: apt-get install python3-venv)"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r "$pins" >&2 || die "cannot install kafka-python $version"
    touch "$venv/.complete"
}

case "${1:-}:$#" in
    prepare:2) prepare "$2" ;;
    [0-9]*:2)
        prepare "$1"
        exec "$venv/bin/python" -u "$here/agent.py" "$1" "$2"
        ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
