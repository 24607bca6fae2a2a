# Sourced by the run.sh of lanes whose agent is in JavaScript, with the lane's folder in $here: main ARG... is all they do.
#
#   run.sh VERSION HOST:PORT    the agent; JSON lines on stdin and stdout (see ../README.md)
#   run.sh prepare VERSION      only installs the packages, what the first start would do otherwise
#
# VERSION is a folder of pins/ with a package.json and its package-lock.json, the whole environment. Needs node (18 or newer) and,
# the first time for a version, npm. SORDINI_COMPAT_CACHE: see ../README.md.
name=$(basename "$here")
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/$name

die() { echo "$name/run.sh: $*" >&2; exit 1; }

prepare() { # VERSION: sets $modules
    local pins=$here/pins/$1 stamp scratch out
    [ -e "$pins/package.json" ] || die "no pins/$1"
    command -v node >/dev/null || die "FAIL: 'node' is not installed (Debian: apt-get install nodejs npm)"
    stamp=$( { cat "$pins"/*.json; node --version; } | sha256sum | cut -c 1-16)
    modules=$cache/$1-$stamp
    if [ -d "$modules" ]; then return; fi
    command -v npm >/dev/null || die "FAIL: 'npm' is not installed (Debian: apt-get install npm)"
    mkdir -p "$cache"
    scratch=$(mktemp -d "$cache/.install-XXXXXX")
    cp "$pins"/*.json "$scratch"
    out=$(cd "$scratch" && install 2>&1) || { rm -rf "$scratch"; die "cannot install $name $1: $out"; }
    rm -rf "$cache/$1"-*
    mv -T "$scratch" "$modules" 2>/dev/null || rm -rf "$scratch"
}

# install fills the folder that it runs in; a lane whose packages need more defines it again.
install() { npm ci --no-audit --no-fund --ignore-scripts; }

main() {
    case "${1:-}:$#" in
        prepare:2) prepare "$2" ;;
        [0-9]*:2)
            prepare "$1"
            NODE_PATH=$modules/node_modules:$here/../harness/jsagent exec node "$here/agent.js" "$2"
            ;;
        *) sed -n '3,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
}
