#!/usr/bin/env bash
# Runs Debian's kcat (librdkafka), of one version:
#
#   run.sh ARG...     kcat ARG...
#   run.sh prepare    only checks that it is there
set -euo pipefail
die() { echo "kcat/run.sh: $*" >&2; exit 1; }
if [ "${1:-}" != prepare ]; then exec kcat "$@"; fi
want=1.7.1
command -v kcat >/dev/null || die "FAIL: 'kcat' is not installed (Debian: apt-get install kcat)"
kcat -V | grep -qF "Version $want (" || die "FAIL: this lane wants kcat $want, but it is: $(kcat -V | grep Version)"
