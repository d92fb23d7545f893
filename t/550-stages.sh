#!/usr/bin/env bash
# Stages and tasks of stripped servers without a word of declaration: as many tasks as requests were served, nearly all
# that is allocated while serving of a known stage and task, and the stages that each server's source says, no others.
# The lists are in stages/, with how they were made; offsets are those of one build, which is told by its build-id.

# shellcheck source-path=SCRIPTDIR source=server-test.sh disable=SC2154,SC2317 # test functions are called by name
. "${0%/*}/server-test.sh"
stages_at=${0%/*}/stages
dump=${PROGDIR:-${builddir:-.}/t/prog}/stagedump
server_requests=2000

# figure KEY: of the dump's first line.
figure()
{
	sed -n "1s/.*\<$1=\([0-9]*\).*/\1/p" "$server_dir/dump"
}

# within_a_percent GOT WANTED
within_a_percent()
{
	[ -n "$1" ] || { echo "the trace tells of none"; return 1; }
	echo "$1, and $2 were served"
	[ $((($1 > $2 ? $1 - $2 : $2 - $1) * 100)) -le "$2" ]
}

covered()
{
	echo "$(figure attributed) of $(figure serving)"
	[ "$(figure serving)" ] && [ "$(figure serving)" -gt 0 ] && [ $(($(figure attributed) * 100)) -ge $(($(figure serving) * 95)) ]
}

# seen: the stages that ran at least once in 100 requests, without their figures; those of our own build by name.
seen()
{
	awk -v least="$(($1 / 100))" '$1 == "stage" && $2 !~ /^-/ {
		runs = $0; sub(/.* runs=/, "", runs)
		if ($2 ~ /^evhttp\+/) $2 = "evhttp+*/" $3
		if (runs + 0 >= least) print $2 }' "$server_dir/dump" | LC_ALL=C sort
}

# listed: those that must be there; allowed: those that may.
listed()
{
	awk '$1 == "stage" { print $2 ($2 ~ /\*$/ ? "/" $3 : "") }' "$stages_at/$server_name.txt" | LC_ALL=C sort
}

allowed()
{
	awk '$1 == "stage" || $1 == "rare" { print $2 ($2 ~ /\*$/ ? "/" $3 : "") }' "$stages_at/$server_name.txt" | LC_ALL=C sort
}

as_listed()
{
	comm -13 <(seen "$1") <(listed) >"$server_dir/missing"
	comm -23 <(seen "$1") <(allowed) >"$server_dir/strange"
	sed 's/^/missing: /' "$server_dir/missing"
	sed 's/^/not in the list: /' "$server_dir/strange"
	cat "$server_dir/dump"
	[ ! -s "$server_dir/missing" ] && [ ! -s "$server_dir/strange" ]
}

# is_the_build: whether the trace is of the build that the list was made of.
is_the_build()
{
	local name id path
	read -r _ name id < <(grep '^module ' "$stages_at/$server_name.txt")
	path=$(awk -v name="$name" '$1 == "module" && $NF ~ "/" name "$" { sub(/.*path=/, ""); print; exit }' "$server_dir/text")
	[ "$(readelf -n "$path" | sed -n 's/.*Build ID: //p')" = "$id" ]
}

# stages NAME WORKLOAD REQUESTS: how many requests the workload makes of it.
stages()
{
	local trace
	server_use "$1"
	server_test_started profiled server_start_profiled || return 1
	trace=$server_dir/traces/$1.$(server_worker).trace
	tap_ok "$1 serves $3 requests" server_load "$2"
	server_test_stopped profiled
	"$dump" "$trace" >"$server_dir/dump"
	"${dump%stagedump}tracedump" "$trace" | grep -a '^module ' >"$server_dir/text"
	tap_ok "$1: as many tasks as requests" within_a_percent "$(figure tasks)" "$3"
	tap_ok "$1: allocations while serving are of a stage and a task" covered
	if is_the_build; then
		tap_ok "$1: the stages are those of its source" as_listed "$3"
	else
		tap_skip "$1: the stages are those of its source" "another build than the list's"
	fi
}

PATH=$PATH:${STINGY_PACKAGES:-${0%/*}/packages}/usr/sbin
tap_require nginx squid lighttpd redis-server redis-benchmark memcached memcslap haproxy merecat ab readelf
for name in nginx squid lighttpd haproxy merecat evhttp; do
	stages $name kept-alive $server_requests
done
stages redis set,get,incr $((3 * server_requests))
# Each of its connections says "quit" at the end.
stages memcached set $((server_requests + server_concurrency))
tap_done
