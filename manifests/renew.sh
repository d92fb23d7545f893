#!/usr/bin/env bash
# Makes the ready manifests anew, for the servers that are installed: profiles each under all its workloads of t/servers/,
# and under 2,500 kept-alive connections, solves both together, runs it under that, and writes
# manifests/debian-12/NAME.manifest, with what it was made from and what it gains at its head. Run in the build directory,
# on a quiet machine; names of t/servers/ as arguments; without, all that have a manifest. RENEW_CONNECTIONS: fewer of
# them, for a server that bears no more. --gain first: only what they gain is measured anew, half a minute each.

# shellcheck source-path=SCRIPTDIR source=../t/servers.sh disable=SC2034,SC2154,SC2317 # to and from files; called by name
. "$(dirname "$0")/../t/servers.sh"
ready=$(realpath "$(dirname "$0")")/debian-12
busy=${RENEW_CONNECTIONS:-2500}
busy_seconds=2
packages=$(realpath "${STINGY_PACKAGES:-$servers_at/../packages}")

# package: the Debian package that the server is from, and its version; of one that is only unpacked, too.
package()
{
	local file
	file=$(realpath "$(command -v "${server_command[0]}")")
	if [[ $file == "$packages"/* ]]; then
		dpkg-deb -f "$packages/${server_command[0]}"_*.deb Package Version | sed 's/^[^:]*: //' | tr '\n' ' ' | sed 's/ $//'
	else
		dpkg-query -W -f '${Package} ${Version}' "$(dpkg -S "$file" | cut -d : -f 1)"
	fi
}

# shares: a comment for each workload: what came from the arena under this very manifest.
shares()
{
	local workload
	for workload in "${server_workloads[@]}"; do
		server_measure "$workload" >&2 || return 1
		printf '#   %s: %s of %d allocations while serving came from the arena\n' "$workload" "$server_share" "$server_allocations"
	done
}

# measure_gain NAME: leaves the figures in $server_work/gain.json, and the benchmark's own results as they were.
measure_gain()
{
	local status=0 results=$PWD/bench-results
	mkdir -p "$results"
	mv "$results" "$results.kept"
	BENCH_STARTS=2 BENCH_MANIFESTS=$ready "$ready/../../samples/bench.sh" load "$1:100,2500:bare,both" >&2 &&
		cp "$results/load-summary.json" "$server_work/gain.json" || status=1
	rm -rf "$results"
	mv "$results.kept" "$results"
	return "$status"
}

# gain NAME: measures what the manifest gains, and puts that into its head, in the place of what stood there.
gain()
{
	local file=$ready/$1.manifest
	local command="BENCH_STARTS=2 BENCH_MANIFESTS=manifests/debian-12 samples/bench.sh load $1:100,2500:bare,both"
	measure_gain "$1" || return 1
	{
		sed -n '1,/came from the arena$/p' "$file" | sed '/came from the arena$/d; /^#   gain/d'
		grep 'came from the arena$' "$file"
		echo "#   gain against the bare server, with kept-alive connections ($command):"
		# shellcheck disable=SC2016 # jq's
		jq -r 'def change: (. - 1) * 1000 | round / 10 | (if . >= 0 then "+" else "" end) + tostring + "%";
			.[] | select(.variant == "both") | "#   gain, \(.connections) connections: requests/s \(.rate_ratio.median | change), " +
			"processor time a request \(.cpu_ratio.median | change)"' "$server_work/gain.json"
		sed '1,/came from the arena$/d; /came from the arena$/d; /^#   gain/d' "$file"
	} >"$server_work/gained" && cp "$server_work/gained" "$file"
}

# profile_busy: another trace, under many kept-alive connections: so many are what the manifest is for, and of 100 no
# solver can tell what they would keep.
profile_busy()
{
	server_connections=$((busy + 100))
	server_start_profiled && server_bench || return 1
	echo "0 $busy_seconds" |
		"${builddir:-.}/samples/bench-client" "$server_port" "$busy" "$server_pid" "${server_talks[@]}" >&2 || return 1
	server_stop
}

renew()
{
	server_use "$1"
	server_profile && profile_busy || return 1
	server_solve "$server_dir"/traces/*.trace >&2 && server_start_managed || return 1
	shares >"$server_dir/shares" || return 1
	server_stop || return 1
	{
		head -n 1 "$server_manifest"
		echo "# Ready for Debian 12's $(package) (manifests/renew.sh $1). Made under t/servers/$1.sh's workloads and" \
			"$busy kept-alive connections; under those workloads:"
		cat "$server_dir/shares"
		tail -n +2 "$server_manifest"
	} | sed "s#$packages/#/#" >"$ready/$1.manifest"
	gain "$1"
}

ulimit -n 20000 # that the clients have
what=renew
if [ "${1:-}" = --gain ]; then
	what=gain
	shift
fi
[ -n "${server_work:-}" ] || server_begin
[ $# -gt 0 ] || set -- nginx squid lighttpd memcached redis haproxy merecat
mkdir -p "$ready"
status=0
for name in "$@"; do
	(
		"$what" "$name"
		ended=$?
		server_kill
		exit $ended
	) && continue
	echo "renew: $name failed" >&2
	status=1
done
exit $status
