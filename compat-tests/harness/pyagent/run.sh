# Sourced by the run.sh of lanes whose agent is in Python, with the lane's folder in $here: main ARG... is all they do.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only makes the virtual environment, what the first start would do otherwise
#
# VERSION is a file of pins/, the whole environment. A line "# python 3.6" in it names the newest Python that the client runs
# on; without one any from 3.8 to 3.11 will do. PYTHON names another interpreter for those. SORDINI_COMPAT_CACHE: see ../README.md.
name=$(basename "$here")
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/$name

die() { echo "$name/run.sh: $*" >&2; exit 1; }

# find_python MAJOR.MINOR: a Python that is installed by that name, or by pyenv, which hides those that are not switched on.
find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" -c '' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "FAIL: this version needs Python $1, and neither 'python$1' nor pyenv has one"
}

prepare() { # VERSION: sets $venv
    local version=$1 pins=$here/pins/$1.txt stamp python wanted
    [ -e "$pins" ] || die "no pins/$version.txt"
    wanted=$(sed -n 's/^# python \([0-9.]*\)$/\1/p' "$pins")
    python=${PYTHON:-python3}
    if [ -n "$wanted" ]; then python=$(find_python "$wanted"); fi
    command -v "$python" >/dev/null || die "FAIL: '$python' is not installed (Debian: apt-get install python3 python3-venv)"
    stamp=$( { cat "$pins"; "$python" -c 'import sys; print(sys.executable, sys.version)'; } | sha256sum | cut -c 1-16)
    venv=$cache/$version-$stamp
    # The mark comes last: an environment cannot be moved, so an interrupted one is made again in its place.
    [ -e "$venv/.complete" ] && return
    mkdir -p "$cache"
    rm -rf "$venv" "$cache/$version"-*
    "$python" -m venv "$venv" >&2 || die "FAIL: cannot make a virtual environment (Debian: apt-get install python3-venv)"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: -r "$pins" >&2 || die "cannot install $name $version"
    touch "$venv/.complete"
}

main() {
    case "${1:-}:$#" in
        prepare:2) prepare "$2" ;;
        [0-9]*:2)
            prepare "$1"
            export PYTHONPATH=$here/../harness/pyagent PYTHONDONTWRITEBYTECODE=1
            exec "$venv/bin/python" -u "$here/agent.py" "$2"
            ;;
        *) sed -n '3,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
}
