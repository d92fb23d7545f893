#!/usr/bin/env bash
# On real servers, the walk by frame rules finds what libunwind finds: at least 99.9% of the chains under load.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2034,SC2154,SC2317 # from file to file, by name
. "${0%/*}/tap.sh"
tap_require nginx redis-server redis-benchmark squid ab
# shellcheck source=servers.sh
. "${0%/*}/servers.sh"

server_requests=5000

# counts: "CHAINS DIFFERENT" of all processes, by the lines that they print when they end.
counts()
{
	sed -n 's/^stingy: check-walk .*\]: \([0-9]*\) chains, \([0-9]*\) not as libunwind walks them$/\1 \2/p' \
		"$server_dir/output" | awk '{ n += $1; different += $2 } END { print n + 0, different + 0 }'
}

walks()
{
	local workload chains different
	server_start "$stingy" profile --check-walk -o "$server_dir/traces/walk" -- || return 1
	for workload in "${server_workloads[@]}"; do
		server_load "$workload" || return 1
	done
	server_stop || return 1
	read -r chains different < <(counts)
	echo "$chains chains, $different differ" | tee "$server_dir/walked"
	[ "$chains" -gt 5000 ] && [ $((different * 1000)) -le "$chains" ]
}

for name in nginx redis squid; do
	server_use "$name"
	[ "$name" != squid ] || http_origin_start # here, as what a test starts in its subshell outlives it
	tap_ok "$name: walked as libunwind does" walks
	tap_note "$name: $(cat "$server_dir/walked")"
done
tap_done
