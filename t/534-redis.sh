#!/usr/bin/env bash
# redis: an allocator of its own (jemalloc) behind the libraries, and data that outlive every request; one thread, then
# several that read what one works on.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

# shellcheck disable=SC2034
for redis_threads in 1 2; do
	server_test redis
done
tap_done
