#!/usr/bin/env bash
# squid, a caching proxy in front of an nginx: hundreds of allocations a request, through wrappers of its own.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

server_test squid
tap_done
