#!/usr/bin/env bash
# Prints, as a Markdown table, what share of each server's allocations comes from the arena while it serves:
# profiles it under all its workloads, makes a manifest, and runs it under that. Names of servers/ as arguments;
# without, all that are tested.

# shellcheck source-path=SCRIPTDIR source=servers.sh disable=SC2154
. "$(dirname "$0")/servers.sh"

# share_rows NAME: its rows, one a workload.
share_rows()
{
	local workload
	server_use "$1"
	server_make_managed || return 1
	for workload in "${server_workloads[@]}"; do
		server_measure "$workload" >&2 || return 1
		printf '| %s | %s | %s | %d | %s |\n' "$server_label" "$(server_version)" "$workload" \
			"$server_allocations" "$(server_is_left_alone && echo 'left alone' || echo "$server_share")"
	done
	server_stop
}

[ $# -gt 0 ] || set -- nginx squid lighttpd memcached redis haproxy
printf '| server | version | workload | allocations while serving | from the arena |\n'
printf '| --- | --- | --- | ---: | ---: |\n'
status=0
for name in "$@"; do
	(share_rows "$name") && continue
	printf 'share-table: %s failed\n' "$name" >&2
	status=1
done
exit $status
