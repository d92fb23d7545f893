#!/usr/bin/env bash
# memcached: one event loop, then several, each in a thread of its own.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

# shellcheck disable=SC2034
for memcached_threads in 1 4; do
	server_test memcached
done
tap_done
