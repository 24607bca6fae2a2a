#!/usr/bin/env bash
# Starts the agent on one released KafkaJS, which is used as it is. Its usage is that of ../harness/jsagent/run.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../harness/jsagent/run.sh"
main "$@"
