# Sourced by the run.sh of lanes whose agent is a Go module: build_agent NAME builds $here/agent into the cache folder and sets
# $agent. The module's go.mod and go.sum pin the client; Go fetches it once.
build_agent() { # NAME
    local cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/$1 out
    command -v go >/dev/null || die "FAIL: 'go' is not installed"
    mkdir -p "$cache"
    agent=$cache/agent
    out=$(cd "$here/agent" && go build -o "$agent" . 2>&1) || die "cannot build the agent: $out"
}
