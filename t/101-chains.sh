#!/usr/bin/env bash
# The walk by frame rules finds what libunwind finds (STINGY_CHECK_WALK): through frames of all sorts of builds, call-backs
# from the C library, threads, modules that come and go, frames of varying size. Where it is known to end early, on a
# signal handler's or a coroutine's stack, it must do no harm, and be right again on the thread's own.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# walks ALLOWED PROGRAM [ARGUMENT]...: runs it; whether its output is as ever and at most ALLOWED in a thousand chains differ.
walks()
{
	local allowed=$1 line chains different
	shift
	bare "$progdir/$1" "${@:2}" >bare.out
	STINGY_CHECK_WALK=1 profiled walk "$progdir/$1" "${@:2}" >out 2>err || return 1
	same bare.out out || return 1
	line="^stingy: check-walk .*\]: \([0-9]*\) chains, \([0-9]*\) not as libunwind walks them\$"
	read -r chains different < <(sed -n "s/$line/\1 \2/p" err)
	[ -n "$different" ] || { echo "no line of the check"; cat err; return 1; }
	echo "$chains chains, $different differ" | tee said
	[ "$chains" -gt 500 ] && [ $((different * 1000)) -le $((chains * allowed)) ]
}

# walks_unchecked PROGRAM [ARGUMENT]...: whether its output is as ever, by itself.
walks_unchecked()
{
	bare "$progdir/$1" "${@:2}" >bare.out
	profiled walk "$progdir/$1" "${@:2}" >out 2>err && same bare.out out && [ ! -s err ]
}

for build in chains chains-fp chains-O0 chains-O3; do
	tap_ok "$build: calls and call-backs" walks 1 "$build"
	tap_note "$(cat said)"
	tap_ok "$build: threads" walks 1 "$build" thread
	tap_ok "$build: modules that come and go" walks 1 "$build" module "$progdir"/chain-module{,-2}.so
	for mode in signal altstack; do
		tap_ok "$build: $mode: no harm" walks 1000 "$build" $mode
		tap_note "$mode: $(cat said): the walk ends where the handler was called"
	done
	tap_ok "$build: code without tables: no harm" walks_unchecked "$build" jit
	tap_ok "$build: code without tables, checked: the walk ends there" walks 1000 "$build" jit
	# A little more than half of the objects are allocated on the coroutine's stack, where the walk has one address.
	tap_ok "$build: coroutine of the main thread, which can still be walked itself" walks 600 "$build" coroutine
	tap_note "coroutine: $(cat said): there, chains are one address deep"
	tap_ok "$build: a thread whose first object is a coroutine's, the same" walks 600 "$build" first
done
tap_ok "frames of varying size" walks 1 chains-alloca

# deepest MODE: the depth of the deepest chain in the trace.
deepest()
{
	rm -f ./*.trace
	profiled depth "$progdir/chains" "$1" >/dev/null
	"$progdir/tracedump" depth.*.trace | awk '$1 == "chain" && NF - 3 > most { most = NF - 3 } END { print most }'
}
tap_is "a chain has 64 frames at most" "$(deepest plain)" 64
tap_ok "in a signal handler, chains reach out to where it was called" test "$(deepest signal)" -gt 30

tap_done
