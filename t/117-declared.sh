#!/usr/bin/env bash
# Functions that an interface file declares, stood before in each of three ways: where modules call them, at the entry of a
# function of the program, and at an offset of a program without symbols. The program's results are those it has without.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

program=$progdir/declared
late=$progdir/declared-late.so
shipped=$testdir/../profiler/interfaces

# declare LINE...: into the file that the next declared run is given.
declare_all()
{
	printf '%s\n' 'stingy-interface 1' "$@" >interface
}

# declared PREFIX COMMAND...: profiled, with the interface file in force; what it says goes to err.
declared()
{
	local prefix=$1
	shift
	rm -f "$prefix".*.trace
	timeout "$limit" env STINGY_INTERFACE="$work/interface${more:+:$more}" LD_PRELOAD="$profiling" \
		STINGY_TRACE="$(realpath "$work")/$prefix" "$@" 2>err
}

# watched DESCRIPTION PREFIX COMMAND...: two points: it ran, and its results are those in bare.out.
watched()
{
	local description=$1 status=0
	shift
	declared "$@" >out || status=$?
	tap_is "$description" "$status" 0
	tap_ok "the program's results are the same" cmp bare.out out
}

# queued PREFIX: lines "COUNT CALLER STAGE", by what a trace's queue records say; stages without a name by offset.
queued()
{
	"$progdir/tracedump" "$1".*.trace | awk '
		$1 == "chain" { caller[$2] = $4 }
		$1 == "frame" { split($3, place, ":"); name[$2] = $NF ~ /^name=/ ? substr($NF, 6) : "?" }
		$1 == "queue" { sub("chain=", "", $3); sub("frame=", "", $4)
			n[name[caller[$3]] " " ($4 < 0 ? "unknown" : name[$4])]++ }
		END { for (key in n) print n[key], key }' | sort
}

# is LINES: what comes in is these lines.
is()
{
	diff -u <(printf '%s\n' "$@") -
}

by_slots=('queue across T S X X X X' 'assign watcher_new S T returns=H' 'assign watcher_set H S T'
	'queue watcher_start H' 'queue watcher_inside T[0],S[24]')
by_entry=('queue direct X T S' 'queue odd_short T S' 'queue odd_test T S' 'queue odd_data T S' 'queue odd_tail T S'
	'queue odd_frame T S' 'queue odd_mark T S' 'queue odd_keep T S')
pools=('malloc pool_alloc size=1' 'free pool_free object=1')

bare "$program" "$late" >bare.out || tap_bail "the program does not run by itself"

# --- across modules

declare_all "${by_slots[@]}"
watched "what modules call is watched" slots "$program" "$late"
tap_is "nothing is said" "$(cat err)" ""
across()
{
	queued slots | is '1 call_all stage_two' '1 late stage_one' '3 call_all stage_one'
}
tap_ok "stages are queued by arguments, by handles and from structures, also by a module loaded late" across
tasks()
{
	"$progdir/tracedump" slots.*.trace | awk '$1 == "queue" { print $5 }' | sort | uniq -c |
		awk '{ print $1, $2 }' | is '4 task=0x10000' '1 task=0x77770'
}
tap_ok "each for its task" tasks

# --- the program's own

declare_all "${by_entry[@]}"
watched "functions of the program are watched" entry "$program" "$late"
tap_is "nothing is said" "$(cat err)" ""
entered()
{
	queued entry | is '1 call_all ?' '4 call_all stage_one' '5 call_all stage_two'
}
tap_ok "each call is seen once, by its caller; a jump from one to another is a call of both" entered

declare_all 'queue odd_again T S' 'queue nonesuch T S' 'queue program:nonesuch T S' 'queue libc.so.6:memcpy T S' \
	'queue program+0x10 T S'
watched "what cannot be watched is left alone" odd "$program" "$late"
refusals()
{
	sed "s|$work/||" err | is "stingy: interface:2: 'odd_again' is not watched: it jumps to its own beginning" \
		"stingy: interface:5: 'libc.so.6:memcpy' is not watched: which code it is, is chosen when the program starts (IFUNC)" \
		"stingy: interface: nothing in this program matches: nonesuch, program:nonesuch, program+0x10"
}
tap_ok "and it is told why" refusals

# --- without symbols

# offset NAME: of a function in the file, which in these programs is where it is linked to.
offset()
{
	nm "$program" | awk -v name="$1" '$3 == name { print "0x" $1 }' | sed 's/0x0*/0x/'
}
tap_require nm
declare_all "queue declared-stripped+$(offset direct) X T S" "queue program+$(offset odd_test) T S" \
	"queue program+$(printf '0x%x' $(($(offset odd_mark) + 2))) T S"
watched "functions at an offset are watched" stripped "$progdir/declared-stripped" "$late"
tap_is "of a stripped program, as many are seen" "$("$progdir/tracedump" stripped.*.trace | grep -c ^queue)" 3
tap_ok "what is no beginning of a function is refused" grep -q "is not watched: no function begins there" err

# --- pools

declare_all "${pools[@]}"
bare "$program" "$late" 10 >bare.out
watched "pools are watched" pool "$program" "$late" 10
pooled()
{
	"$progdir/tracedump" pool.*.trace | awk '
		{ is_pool = length($NF) == 21 && substr($NF, 6, 1) ~ /[89a-f]/ }
		$1 == "alloc" && is_pool { if (live[substr($NF, 4)]++) bad++; n++; if ($3 != "size=40") bad++ }
		$1 == "free" && is_pool { if (!live[substr($NF, 4)]--) bad++; freed++ }
		$1 == "alloc" && $3 == "size=448" { blocks++ }
		END { exit !(n == 41 && freed == 41 && !bad && blocks == 5) }'
}
tap_ok "their objects come and go, and their blocks are recorded too" pooled
nested()
{
	"$progdir/tracedump" pool.*.trace | awk '$1 == "frame" { name[$2] = $NF }
		$1 == "chain" { first[$2] = name[$4] " " name[$5] }
		$1 == "alloc" && $3 == "size=448" { sub("chain=", "", $2); print first[$2] }' | sort -u |
		is "name=pool_alloc name=call_all"
}
tap_ok "the gate is in no call chain" nested
STINGY_CHECK_WALK=1 declared walked "$program" "$late" 10 >out
tap_ok "which are as libunwind walks them" grep -q ' chains, 0 not as libunwind walks them' err

# --- often, from four threads at once

declare_all "${by_slots[@]}" "${by_entry[@]}" "${pools[@]}"
bare "$program" "$late" 25000 >bare.out
watched "4 threads call each 25,000 times" often "$program" "$late" 25000
tap_is "and each call is in the trace" "$("$progdir/tracedump" often.*.trace | grep -c ^queue)" $((14 * 100001 + 1))

# --- files that are no good

printf 'stingy-interface 1\nqueue f Q\n' >interface
more=$work/nonesuch:$work/good
printf 'stingy-interface 1\nqueue across T S\n' >good
declared several "$program" "$late" >out
bad_files()
{
	sed "s|$work/||" err | is "stingy: interface:2: role that is not X, T, S or H" \
		"stingy: interface file 'nonesuch' is not used: cannot open it: No such file or directory" &&
		[ "$("$progdir/tracedump" several.*.trace | grep -c ^queue)" -eq 2 ]
}
tap_ok "of several files, those that are good count" bad_files
more=

# --- libraries, by the files that are shipped

# library NAME WANTED...
library()
{
	local name=$1
	shift
	[ -e "$progdir/declared-$name" ] || { echo "'declared-$name' is not built: its library is missing"; return 1; }
	cp "$shipped/lib$name.interface" interface
	bare "$progdir/declared-$name" >bare.out && declared "$name" "$progdir/declared-$name" >out &&
		cmp bare.out out && queued "$name" | awk '{ print $2, $3 }' | grep -E '^(main|run|stage_[a-z]*) stage_' | sort -u | is "$@"
}
for name in event uv ev; do
	if [ ! -e "$progdir/declared-$name" ] && [ -z "${CI:-}" ]; then
		tap_skip "lib$name" "it is not installed"
		continue
	fi
	case $name in
	event) wanted=('run stage_read' 'stage_look stage_answer' 'stage_read stage_look') ;;
	uv) wanted=('run stage_read' 'stage_look stage_answer' 'stage_look stage_work' 'stage_read stage_look') ;;
	ev) wanted=('run stage_read' 'stage_look stage_answer' 'stage_read stage_look') ;;
	esac
	tap_ok "lib$name: who queues what" library "$name" "${wanted[@]}"
done

tap_done
