#!/usr/bin/env bash
# lighttpd: one process, buffers that it keeps from one request to the next.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

server_test lighttpd
tap_done
