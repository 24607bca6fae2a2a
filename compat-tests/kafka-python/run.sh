#!/usr/bin/env bash
# Starts the agent on one released kafka-python, which is used as it is. Its usage is that of
# ../harness/pyagent/run.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../harness/pyagent/run.sh"
main "$@"
