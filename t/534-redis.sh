#!/usr/bin/env bash
# redis: an allocator of its own (jemalloc) behind the libraries, and data that outlive every request.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

server_test redis
tap_done
