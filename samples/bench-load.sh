#!/usr/bin/env bash
# Throughput, processor time for a request and latency against concurrency: real servers and the samples, by themselves,
# with their events in order, with the arena, with both, and with other allocators (bench-servers.sh names the variants).
#
#	bench-load.sh [SERVER[:CONNECTIONS[,CONNECTIONS]...[:VARIANT[,VARIANT]...]]]...
#
# For each number of connections all variants are started, each with a client of its own that keeps its connections. They
# are warmed up until the shim has found its bound; then the clients load their servers in turn, for a window each. So a
# window of one variant has a window of each other one beside it, and the ratios are of such pairs. The server has one
# processor and the client (and a proxy's origin) the other.
#
# BENCH_STARTS (3), BENCH_WINDOWS (3): starts, and windows of each; BENCH_SECONDS (0.4): of a window; BENCH_SEARCH (5):
# seconds that the search may take; BENCH_MANIFESTS: a folder with manifests, SERVER.manifest. Each window is a line of bench-results/load.jsonl.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"
find_others
# shellcheck source=bench-servers.sh
. "$bench_dir/bench-servers.sh"

starts=${BENCH_STARTS:-3}
windows=${BENCH_WINDOWS:-3}
seconds=${BENCH_SECONDS:-0.4}
warm=0.7 # seconds
search=${BENCH_SEARCH:-5}

# What is measured if nobody says what. Few connections differ little, and are there to show no loss. The staged sample
# orders its tasks itself; nginx, redis and memcached have little to win, and are there for the same reason.
allocators=''
for allocator in "${others[@]:1}"; do
	allocators+=,$allocator,$allocator+both
done
# shellcheck disable=SC2054 # commas are part of the words
default=(
	squid:10,40,100:bare,both squid:300,1000,4000 "squid:2500:bare,order,arena,both$allocators"
	evhttp:10,40,100:bare,both evhttp:300,1000,4000 "evhttp:2500:bare,order,arena,both$allocators"
	staged:10,40,100:bare,both staged:300,1000,4000:bare,arena,both "staged:2500:bare,arena,both$allocators"
	haproxy:10,40:bare,both haproxy:100,300,1000,2500,4000
	lighttpd:10,40,100:bare,both lighttpd:2500
	merecat:10,40,100:bare,both merecat:2500
	nginx:10,40,100,2500:bare,both
	redis:10,40,100,2500:bare,both
	memcached:10,40,100,2500:bare,both
)

# note CONNECTIONS VARIANT START WINDOW OBJECT: a line of the results.
note()
{
	result load "$(printf '"server": "%s", "connections": %d, "variant": "%s", "start": %d, "window": %d, %s' \
		"$name" "$1" "$2" "$3" "$4" "${5#\{}")"
}

# warm_up VARIANT: sets $searched to the seconds that it took. False if the client has given up.
warm_up()
{
	searched=$warm
	tell "$1" 0 "$warm"
	hears "$1" || return 1
	case $1 in
	*order | *both) ;;
	*) return ;;
	esac
	while is_searching "$1" && awk "BEGIN { exit !($searched < $search) }"; do
		tell "$1" 0 0.5
		hears "$1" || return 1
		searched=$(awk "BEGIN { print $searched + 0.5 }")
	done
}

is_searching()
{
	live "$1" | jq -e 'any(.order[]?; .ordering == "searching")' >"$work/searching"
}

# plan SERVER:CONNECTIONS:VARIANTS: about how many seconds that takes.
plan()
{
	awk -v what="$1" -v starts="$starts" -v windows="$windows" -v seconds="$seconds" -v lead="$lead" 'BEGIN {
		split(what, part, ":")
		counts = split(part[2], count, ",")
		variants = split(part[3] == "" ? "bare,order,arena,both" : part[3], variant, ",")
		for (c = 1; c <= counts; c++)
			for (v = 1; v <= variants; v++)
				sum += starts * (1.2 + (count[c] > 100 && variant[v] ~ /order|both/ ? 2.5 : 0) + windows * (seconds + lead + 0.02))
		printf "%d\n", sum + 4
	}'
}

# lose CONNECTIONS VARIANT START: an answer did not come within a minute, with or without the shim: it is an error, and
# the variant is left out of the rest of the start.
lose()
{
	echo "bench: $name, $2, $1 connections: an answer did not come; left out of start $3" >&2
	note "$1" "$2" "$3" -1 '{"lost": 1}'
	lost[$2]=1
}

# point CONNECTIONS VARIANT...: all starts and windows of them.
point()
{
	local connections=$1 start window variant
	local -A time lost
	shift
	for start in $(seq "$starts"); do
		progress "$name: $connections connections, start $start of $starts"
		time=() lost=()
		for variant; do
			begin "$variant" "$connections"
			warm_up "$variant" || lose "$connections" "$variant" "$start"
			time[$variant]=$searched
		done
		for window in $(seq "$windows"); do
			for variant; do
				[ -z "${lost[$variant]:-}" ] || continue
				tell "$variant" "$lead" "$seconds"
				if hears "$variant"; then
					note "$connections" "$variant" "$start" "$window" "$heard"
				else
					lose "$connections" "$variant" "$start"
				fi
			done
		done
		for variant; do
			case $variant in
			*order* | *arena | *both*)
				note "$connections" "$variant" "$start" 0 \
					"{\"searched\": ${time[$variant]}, \"live\": $(live "$variant")}"
				;;
			esac
			end "$variant"
		done
	done
}

# rows SERVER: those that are measured of it if nobody says what.
rows()
{
	local row
	for row in "${default[@]}"; do
		[ "${row%%:*}" != "$1" ] || printf '%s\n' "$row"
	done
}

[ $# -gt 0 ] || set -- "${default[@]}"
wanted=()
for what; do
	case $what in
	*:*) wanted+=("$what") ;;
	*) mapfile -t -O "${#wanted[@]}" wanted < <(rows "$what") ;;
	esac
done
if [ ${#wanted[@]} -eq 0 ]; then
	echo "bench: '$*': there are rows of $(printf '%s\n' "${default[@]%%:*}" | uniq | xargs); others: SERVER:CONNECTIONS" >&2
	exit 2
fi
set -- "${wanted[@]}"
new_results load
for what; do
	planned=$((${planned:-0} + $(plan "$what")))
done
begin_progress "$planned"
for what; do
	IFS=: read -r name counts variants <<<"$what"
	IFS=, read -ra variants <<<"${variants:-bare,order,arena,both}"
	IFS=, read -ra counts <<<"$counts"
	make_manifest 2500
	each=$(($(plan "$what") / ${#counts[@]}))
	for count in "${counts[@]}"; do
		point "$count" "${variants[@]}"
		done_of_progress "$each"
	done
done
"$bench_dir/bench-results.sh" load
