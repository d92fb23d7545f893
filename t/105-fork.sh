#!/usr/bin/env bash
# Objects and the arena across fork, in all its forms: both processes keep what they had, each serves from an arena of
# its own, and neither the number of forks nor the sort of page changes that.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

forker=$progdir/forker

# The sites of all modes: those of the one function that makes objects.
profiled sites "$forker" again >/dev/null || tap_bail "cannot profile"
first_trace sites first
solve first -v home=1 -v spare=600 >good
tap_note "$(grep -c '^site' good) sites"

# agrees MODE LINES LEAST PREFIX...: the output is as ever; LINES processes report, each at least LEAST objects served.
agrees()
{
	local mode=$1 lines=$2 least=$3 status
	shift 3
	bare "$forker" "$mode" 2>&1 | cat >bare.out
	"$@" "$forker" "$mode" 2>&1 | cat >all # a daemon ends later than its parent: this waits for both
	status=${PIPESTATUS[0]}
	grep -v '^stingy: ' all >out
	grep '^stingy: ' all >err
	[ "$status" -eq 0 ] || { echo "exit status $status"; cat all; return 1; }
	same bare.out out || return 1
	cat err
	[ "$(wc -l <err)" -eq "$lines" ] && [ "$(served err | wc -l)" -eq "$lines" ] &&
		[ "$(served err | awk -v least="$least" '$1 < least' | wc -l)" -eq 0 ]
}

# mode, processes that report, and the least number of objects that each has from its arena
while read -r mode lines least; do
	export STINGY_REPORT=1
	tap_ok "$mode: each process is served from its own arena" agrees "$mode" "$lines" "$least" managed "$work/good"
	unset STINGY_REPORT
	tap_ok "$mode: the same under the profiling library" agrees "$mode" 0 0 profiled "$mode"
done <<'END'
fork 2 60
again 4 60
empty 4 200
storm 1 400
thread 1 200
storms 1 200
workers 5 200
exec 2 200
vfork 2 200
spawn 2 200
daemon 1 200
thp 3 60
END

# every_trace PREFIX NUMBER: whether there are so many traces, each readable to its end, all but one with a parent.
every_trace()
{
	local traces=("$1".*.trace)
	printf '%s\n' "${traces[@]}"
	[ ${#traces[@]} -eq "$2" ] || return 1
	"$progdir/tracedump" "${traces[@]}" >dump || return 1
	grep -c '^trace .* parent=0 ' dump | grep -qx 1
}
tap_ok "fork storm: a trace of each process, readable to its end" every_trace storm 201
tap_ok "generations: likewise" every_trace again 4

# --- parent and child beside each other: both are on huge pages again, unless there are too many forks for it

# The arena's mapping is as large as the huge pages that hold the slab.
stay_huge()
{
	STINGY_REPORT=1 managed "$work/good" "$forker" huge >out 2>err || { echo "exit status $?"; cat err; return 1; }
	cat out err
	[ "$(sed 's/: .*//' out | paste -sd' ')" = "before parent child" ] && ! grep -q 'small pages' err &&
		awk -v least="$((pages * 2048))" '$2 < least { exit 1 }' out
}
pages=$(awk '/^slab/ { sub("size=", "", $2); print int(($2 + 2097151) / 2097152) }' good)
tap_note "$pages huge pages"
tap_ok "parent and child are on huge pages while both write" stay_huge

parent_says_small()
{
	mkfifo input
	STINGY_MANIFEST=$work/good LD_PRELOAD=$production "$forker" linger <input >out 2>err &
	local pid=$!
	exec 9>input
	for _ in {1..1200}; do
		grep -q ready out && break
		sleep 0.05
	done
	"$stingy" stat "$pid" >figures
	exec 9>&-
	wait "$pid" || { echo "exit status $?"; cat err; return 1; }
	cat figures
	grep -qi 'small pages: it forks too often' figures
}
tap_ok "a parent that forks often says what has become of its pages" parent_says_small

# --- forks while another thread is with the loader; perils.c

perils=$progdir/perils
profiled perils "$perils" iterate >/dev/null || tap_bail "cannot profile"
first_trace perils peril
solve peril -v home=1 -v depth=1 -v largest=1000 -v spare=100 >perilous
children_end()
{
	bare "$perils" "$@" >bare.out || return 1
	STINGY_REPORT=1 managed "$work/perilous" "$perils" "$@" >out 2>err
	local status=$?
	cat out err
	[ "$status" -eq 0 ] && same bare.out out && [ "$(served err)" -ge 1 ]
}
tap_ok "children of a process whose other thread loads and unloads a module" children_end loader "$progdir/chain-module.so"
tap_ok "children of a process whose other thread goes through the modules" children_end iterate

# --- other pages: where no transparent ones can be had, and where explicit ones are asked for

preload_too=$progdir/no-collapse.so
small_pages()
{
	STINGY_REPORT=1 managed "$work/good" "$forker" pages >out 2>err || { echo "exit status $?"; cat err; return 1; }
	cat out err
	grep -q '^page size 4$' out && grep -q 'small pages' err
}
tap_ok "small pages, where there are no others" small_pages

explicit_pages()
{
	STINGY_PAGES=explicit STINGY_REPORT=1 managed "$work/good" "$forker" pages >out 2>err ||
		{ echo "exit status $?"; cat err; return 1; }
	cat out err
	grep -q '^page size 2048$' out && grep -q '^page size [0-9]* in the child$' out
}
if has_pool "$pages"; then
	tap_ok "explicit pages, as many as the arena needs and none for a copy" explicit_pages
else
	tap_skip "explicit pages" "the kernel's pool cannot be had"
fi

tap_done
