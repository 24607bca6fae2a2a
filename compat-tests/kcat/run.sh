#!/usr/bin/env bash
# Runs Debian's kcat (librdkafka), of the one version that versions.txt pins:
#
#   run.sh ARG...     kcat ARG...
#   run.sh prepare    only checks that it is there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() { echo "kcat/run.sh: $*" >&2; exit 1; }
if [ "${1:-}" != prepare ]; then exec kcat "$@"; fi
want=$(grep -v '^#' "$here/versions.txt" | head -1)
command -v kcat >/dev/null || die "FAIL: 'kcat' is not installed (Debian: apt-get install kcat)"
kcat -V | grep -qF "Version $want (" || die "FAIL: this lane wants kcat $want, but it is: $(kcat -V | grep Version)"
