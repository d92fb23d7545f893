#!/usr/bin/env bash
# The order of events under libstingy.so: tasks under way are finished first, the rules of fairness hold by each way to
# wait, and what programs do with epoll that is out of the ordinary comes to the same.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

bound=4
clients=100
# What is promised (shim/order.h): no ready descriptor waits longer.
most_turns=$((9 * (clients / bound + 1)))

# ordered COMMAND...: with at most $bound events of new tasks a turn.
ordered()
{
	STINGY_SCHEDULE=$bound managed "" "$@"
}

# value NAME: what the program says of it.
value()
{
	sed -n "s/^$1 //p" err
}

# serves WAY MODE: runs it without and with; the results are the same.
serves()
{
	bare "$progdir/server" "$1" "$2" "$clients" >bare.out 2>bare.err || { cat bare.err; return 1; }
	ordered "$progdir/server" "$1" "$2" "$clients" >out 2>err
	local status=$?
	sed 's/^/by itself: /' bare.err
	cat err
	[ "$status" -eq 0 ] && same bare.out out
}

finishes_first()
{
	serves "$1" finish && [ "$(sed -n 's/^tasks //p' bare.err)" -eq "$clients" ] && [ "$(value tasks)" -le "$bound" ] &&
		[ "$(value events)" -le "$bound" ]
}

is_fair()
{
	serves "$1" fair && [ "$(value waited)" -le "$most_turns" ] && [ "$(value accept)" -le "$most_turns" ] &&
		[ "$(value waited)" -gt 1 ]
}

delays_no_other()
{
	serves "$1" urgent && [ "$(value turns)" -le 2 ]
}

stops_the_greedy()
{
	serves "$1" greedy && [ "$(value turns)" -le "$most_turns" ] && [ "$(value turns)" -gt $((clients / bound)) ]
}

is_never_stale()
{
	serves "$1" stale && [ "$(value read)" -gt 0 ] && [ "$(value write)" -gt 0 ]
}

for way in epoll epoll_pwait epoll_pwait2 poll ppoll select pselect; do
	tap_ok "$way: what has begun is finished before more than $bound tasks begin" finishes_first $way
	tap_ok "$way: nobody waits for more than $most_turns turns, nor does an accept" is_fair $way
	tap_ok "$way: eventfd, timerfd, signalfd and pipes are not delayed" delays_no_other $way
	tap_ok "$way: one that always has something to do keeps nobody from beginning" stops_the_greedy $way
	tap_ok "$way: no event of what was closed, changed or replaced" is_never_stale $way
done

comes_to_the_same()
{
	bare "$progdir/epolls" "$1" >bare.out 2>err || { cat err; return 1; }
	ordered "$progdir/epolls" "$1" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && same bare.out out
}
for mode in edge oneshot errors threads cancel signals children close-all instances; do
	tap_ok "epoll: $mode: the same as by itself" comes_to_the_same $mode
done
if bare "$progdir/epolls" seccomp >/dev/null 2>&1; then
	tap_ok "epoll: under a seccomp filter that allows only the server's own calls" comes_to_the_same seccomp
	bound=auto
	tap_ok "and while a bound is searched for" comes_to_the_same seccomp
else
	tap_skip "epoll: under a seccomp filter" "the kernel has no seccomp"
fi

# says SCHEDULE PATTERN COMMAND...: whether the report has such a line.
says()
{
	local schedule=$1 pattern=$2
	shift 2
	STINGY_SCHEDULE=$schedule STINGY_REPORT=1 STINGY_MAIN='' LD_PRELOAD=$production "$@" >out 2>err || return 1
	cat err
	grep -Eq "$pattern" err
}
tap_ok "the report says that it is on" says 4 ': order on, bound 4, ' "$progdir/server" epoll finish $clients
tap_ok "the report says why an instance is left alone" says auto ': order left \(edge-triggered or one-shot' \
	"$progdir/epolls" edge
tap_ok "few clients: auto does nothing" says auto ': order off.* 0 in 0 for what was under way.* 0 of 0 comparisons' \
	"$progdir/server" epoll finish 10
silent()
{
	! says "$@"
}
tap_ok "off: nothing is said" silent off order "$progdir/server" epoll finish 10
tap_ok "nonsense: nothing is said" silent 4x order "$progdir/server" epoll finish 10

tap_done
