#!/usr/bin/env bash
# Ordering in programs that are hard on it (prog/waits.c): their results are those that they have by themselves, and the
# figures are true when all is over.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

waits=$progdir/waits
export STINGY_SCHEDULE=4

same_as_ever()
{
	bare "$waits" "$@" >bare.out || return 1
	STINGY_REPORT=1 managed "" "$waits" "$@" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && same bare.out out
}

tap_ok "registrations that are taken back by another descriptor of the instance" same_as_ever duplicate
tap_ok "then the instance is left alone, and the report says why" grep -q ': order left (perhaps by another descriptor, too)' err
tap_ok "poll: two entries of a descriptor each have their turn" same_as_ever twice
tap_ok "as the thread is left alone, which the report says, too" grep -q ': order left (a descriptor twice in the array)' err
for way in poll select; do
	tap_ok "$way: a thread with hardly any stack" same_as_ever little $way
	tap_ok "$way: threads that come and go" same_as_ever passing $way
	tap_is "$way: what the last one leaves, the next one takes" "$(grep -c ': order on, bound 4' err)" 1
	STINGY_SCHEDULE=auto tap_ok "$way: a thread with hardly any stack, and a bound is searched for" same_as_ever little $way
done

# at_rest TEXT: what stat says of the tasks in flight, when other threads have closed all connections.
at_rest()
{
	mkfifo input
	rm -f out
	LD_PRELOAD=$production "$waits" closers <input >out 2>err &
	local pid=$!
	exec 4>input
	for _ in {1..1200}; do
		[ -s out ] && break
		sleep 0.05
	done
	"$stingy" stat "$pid" >figures
	exec 4>&-
	wait "$pid" || { echo "exit status $?"; return 1; }
	cat figures err
	grep -qx " *tasks in flight: $1" figures && grep -qx '0 events of what is closed' out
}
tap_ok "threads that close the loop's connections: each of them is counted once" at_rest '0, on 0 connections'

tap_done
