#!/usr/bin/env bash
# memcached: one event loop, then several, each in a thread of its own.

# shellcheck source-path=SCRIPTDIR source=server-test.sh disable=SC2317 # test functions are called by name
. "$(dirname "$0")/server-test.sh"

# loops_have_arenas: the manifest has one for each worker at least, if there is anything to be served.
loops_have_arenas()
{
	local arenas
	arenas=$(sed -n 's/^slab .* arenas=\([0-9]*\).*/\1/p' "$server_manifest")
	grep '^slab' "$server_manifest"
	! grep -q '^site ' "$server_manifest" || [ "${arenas:-1}" -ge "$memcached_threads" ]
}

for memcached_threads in 1 4; do
	server_test memcached
	tap_ok "$server_label: an arena for each loop" loops_have_arenas
done
tap_done
