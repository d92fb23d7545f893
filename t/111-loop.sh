#!/usr/bin/env bash
# The event loop under the profiling library: one event a turn, so that what a turn allocates is for one descriptor; none
# is lost, none starves, and the trace says which is which.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

sources=6
events=300

# most: events in one turn; waited: turns that one descriptor waited; from what the program says.
most()
{
	sed -n 's/^at most \([0-9]*\) events a turn.*/\1/p' err
}

waited()
{
	sed -n 's/.* at most \([0-9]*\) turns for one$/\1/p' err
}

# one_by_one PROGRAM WAY
one_by_one()
{
	bare "$progdir/$1" "$2" >bare.out 2>err || return 1
	[ "$(most)" -eq "$sources" ] || { echo "by itself: $(cat err)"; return 1; }
	rm -f ./*.trace
	profiled loop "$progdir/$1" "$2" >out 2>err || { cat err; return 1; }
	cat err
	same bare.out out && [ "$(most)" -eq 1 ] && [ "$(waited)" -le $((2 * sources)) ]
}

# attributed: in the trace, each event's object comes after the turn for its descriptor, and there are all of them.
attributed()
{
	"$progdir/tracedump" loop.*.trace | awk -v events="$events" '
		$1 == "wait" { waits++; fd = "" }
		$1 == "turn" { fd = substr($3, 4) }
		$1 == "alloc" { size = substr($3, 6) }
		$1 == "alloc" && size > 1000 && size < 1100 { made++; if (size != 1000 + fd) { print "turn for", fd, "made", size; bad = 1 } }
		END { print waits, "waits", made, "objects"; exit bad || made != events || waits <= events }'
}

in_batches()
{
	rm -f ./*.trace
	STINGY_BATCH=1 profiled loop "$progdir/looper" "$1" >out 2>err || return 1
	cat err
	same bare.out out && [ "$(most)" -eq "$sources" ] && "$progdir/tracedump" loop.*.trace | grep -q '^turn .* fd=-1$'
}

refuses()
{
	bare "$progdir/polls" bad >bare.out && profiled bad "$progdir/polls" bad >out && same bare.out out
}
tap_ok "what the kernel refuses is refused, and nobody looks at it" refuses

for way in epoll epoll_pwait epoll_pwait2 poll ppoll select pselect; do
	for program in looper looper-fortify; do
		tap_ok "$program: $way: one event a turn, all of them, none waits for long" one_by_one $program $way
		tap_ok "$program: $way: the trace has each object in the turn of its descriptor" attributed
	done
	tap_ok "$way: as many as it asks for, if that is wanted" in_batches $way
done

connections()
{
	bare "$progdir/looper" accept >bare.out
	rm -f ./*.trace
	profiled loop "$progdir/looper" accept >out 2>err && same bare.out out || return 1
	"$progdir/tracedump" loop.*.trace | awk '
		$1 == "accept" { open = $2; accepts++ }
		$1 == "link" { linked[$2] = 1; links++ }
		$1 == "close" && linked[$2] { delete linked[$2]; next }
		$1 == "close" { if ($2 != open) { print "close of", $2, "while open:", open; bad = 1 } closes++ }
		END { print accepts, "accepts", closes, "closes", links, "links"; exit bad || accepts != 4 || closes != 4 || links != 4 }'
}
tap_ok "connections begin and end; other descriptors are not spoken of" connections

interrupted()
{
	bare "$progdir/perils" handler >bare.out
	rm -f ./*.trace
	profiled loop "$progdir/perils" handler >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && same bare.out out && "$progdir/tracedump" loop.*.trace >/dev/null
}
tap_ok "descriptors are closed in signal handlers: no harm" interrupted

errors()
{
	bare "$progdir/looper" errors >bare.out
	"$1" "$2" "$progdir/looper" errors >out 2>err && same bare.out out
}
tap_ok "errors are as ever under the profiling library" errors profiled errors
tap_ok "and under the other" errors managed ""

tap_done
