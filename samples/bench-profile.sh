#!/usr/bin/env bash
# What recording a profile costs servers, two things apart:
#
#	(a) how many times as slow a server is under `stingy profile`, as users run it: all is recorded, allocations,
#	    system calls, turns, requests, stack use, and the loop gets one event a turn;
#	(b) what each allocation costs, its free included: the processor time that a request takes longer than without a
#	    recorder, by the allocations in one, under `stingy profile --only-allocations`, and under heaptrack, another
#	    recorder of every allocation with its call chain, and of nothing else. In it is what either costs the
#	    program by taking up room in the caches, and what it costs Stingy to pass system calls on unrecorded.
#
#	bench-profile.sh [SERVER]...     squid, nginx and evhttp by default
#
# Each round starts all four variants anew, one after the other; each is warmed up, then gets BENCH_REQUESTS (20000)
# requests over 100 kept-alive connections. The server has one processor and the client the other. The median of
# BENCH_ROUNDS (5) counts. Heaptrack's own second process, which interprets what the first one says, is left out: its
# output goes to a file.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"
# shellcheck source=../t/servers.sh
. "$bench_dir/../t/servers.sh"

rounds=${BENCH_ROUNDS:-5}
requests=${BENCH_REQUESTS:-20000}
warm_up=2000
heaptrack=/usr/lib/heaptrack/libheaptrack_preload.so
server_begin
trap 'server_leave; rm -rf "$work"' EXIT

# processor_time PID: nanoseconds so far, of all its threads.
processor_time()
{
	cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# load REQUESTS: prints the seconds that it took.
load()
{
	"${pin[@]}" ab -q -k -s 60 -n "$1" -c 100 "http://127.0.0.1:$server_port/small" 2>/dev/null |
		awk '/^Time taken/ { print $5 } /^Failed/ && $3 { exit 1 } /^Non-2xx/ { exit 1 }'
}

# begin VARIANT: starts the server so.
begin()
{
	server_traces=$work/traces
	rm -rf "$server_traces" && mkdir "$server_traces" && chmod 1777 "$server_traces"
	case $1 in
	bare) server_start "${server_pin[@]}" ;;
	stingy) server_start "${server_pin[@]}" "$stingy" profile -o "$server_traces/t" -- ;;
	allocations)
		server_start "${server_pin[@]}" "$stingy" profile --only-allocations -o "$server_traces/t" --
		;;
	heaptrack)
		server_start "${server_pin[@]}" env LD_PRELOAD="$heaptrack" DUMP_HEAPTRACK_OUTPUT="$server_traces/raw"
		;;
	esac
}

# measure VARIANT: adds its figures to $work/SERVER.VARIANT: nanoseconds and wall-clock nanoseconds for a request.
measure()
{
	local before after took worker
	begin "$1" || { echo "bench: $server_name does not start: $1" >&2; exit 1; }
	worker=$(server_worker)
	load "$warm_up" >/dev/null
	before=$(processor_time "$worker")
	took=$(load "$requests")
	after=$(processor_time "$worker")
	server_stop || true
	awk -v cpu=$((after - before)) -v took="$took" -v n="$requests" \
		'BEGIN { print cpu / n, took * 1e9 / n }' >>"$work/$server_name.$1"
	[ "$1" != stingy ] || count_allocations >"$work/allocations"
}

# count_allocations: for a request.
count_allocations()
{
	"$stingy" graph "$server_traces"/*.trace 2>/dev/null |
		awk -v n=$((requests + warm_up)) 'NR == 1 { for (i = 2; i <= NF; i++) if ($i ~ /^allocations/) print $(i - 1) / n }'
}

middle()
{
	cut -d ' ' -f "$2" "$work/$server_name.$1" | spread | cut -d ' ' -f 1
}

report()
{
	awk -v server="$server_name" -v per="$(<"$work/allocations")" -v bare="$(middle bare 1)" -v cpu="$(middle stingy 1)" \
		-v alone="$(middle allocations 1)" -v other="$(middle heaptrack 1)" -v wall="$(middle bare 2)" -v slow="$(middle stingy 2)" \
		-v other_slow="$(middle heaptrack 2)" 'BEGIN {
			printf "%-8s %8.1f %8.1f %8.1f %8.1f  %5.2f %9.2f %10.1f %9.0f %9.0f %6.2f\n", server, bare / 1e3,
				cpu / 1e3, alone / 1e3, other / 1e3, slow / wall, other_slow / wall, per, (alone - bare) / per,
				(other - bare) / per, (alone - bare) / (other - bare)
		}'
}

# use SERVER: nginx without a master, as heaptrack does not follow into children.
use()
{
	server_use "$1"
	[ "$1" = nginx ] || return 0
	eval "with_master_$(declare -f server_configure)"
	server_configure()
	{
		with_master_server_configure
		server_command+=(-g 'master_process off;')
	}
	server_worker()
	{
		printf '%s\n' "$server_pid"
	}
}

[ -e "$heaptrack" ] || { echo "bench: no heaptrack here" >&2; exit 2; }
server_pin=()
[ "$(nproc)" -lt 2 ] || server_pin=(taskset -c 0)
[ $# -gt 0 ] || set -- squid nginx evhttp
printf '%-8s %35s  %15s %10s %19s %6s\n' '' 'processor us for a request' '(a) times as' 'allocs for' \
	'(b) ns added for one' ratio
printf '%-8s %8s %8s %8s %8s  %5s %9s %10s %9s %9s\n' server bare stingy '(b)' heaptrack slow heaptrack 'a request' stingy \
	heaptrack
for server; do
	use "$server"
	for ((round = 1; round <= rounds; round++)); do
		progress "profile: $server, round $round of $rounds"
		for variant in bare stingy allocations heaptrack; do
			measure "$variant"
		done
	done
	report
done
