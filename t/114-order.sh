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

# The listening socket's turn comes once in $((clients / bound)) turns.
accepts_soon()
{
	serves "$1" fair && [ "$(value accept)" -le 16 ]
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

for way in epoll epoll_pwait epoll_pwait2; do
	tap_ok "$way: an accept does not wait until all have had their turn" accepts_soon $way
done
for way in epoll epoll_pwait epoll_pwait2 poll ppoll select pselect; do
	tap_ok "$way: what has begun is finished before more than $bound tasks begin" finishes_first $way
	tap_ok "$way: nobody waits for more than $most_turns turns, nor does an accept" is_fair $way
	tap_ok "$way: eventfd, timerfd, signalfd and pipes are not delayed" delays_no_other $way
	tap_ok "$way: one that always has something to do keeps nobody from beginning" stops_the_greedy $way
	tap_ok "$way: no event of what was closed, changed or replaced" is_never_stale $way
done

comes_to_the_same()
{
	bare "$@" >bare.out 2>err || { cat err; return 1; }
	ordered "$@" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && same bare.out out
}
for mode in edge oneshot mixed shared exclusive errors threads cancel signals children close-all instances; do
	tap_ok "epoll: $mode: the same as by itself" comes_to_the_same "$progdir/epolls" $mode
done
for schedule in 4 auto; do
	bound=$schedule
	tap_ok "order=$schedule: what the kernel refuses is refused, and nobody looks at it" comes_to_the_same "$progdir/polls" bad
done
bound=4
for way in ppoll pselect; do
	tap_ok "$way: a signal that it lets in interrupts it" comes_to_the_same "$progdir/polls" signals $way
	for others in 0 30 700; do
		tap_ok "$way: beside $others eventfds that are always ready, all have their turn, and these every other" \
			comes_to_the_same "$progdir/polls" fair $way $others
	done
done
if bare "$progdir/epolls" seccomp >/dev/null 2>&1; then
	tap_ok "epoll: under a seccomp filter that allows only the server's own calls" comes_to_the_same "$progdir/epolls" seccomp
	bound=auto
	tap_ok "and while a bound is searched for" comes_to_the_same "$progdir/epolls" seccomp
else
	tap_skip "epoll: under a seccomp filter" "the kernel has no seccomp"
fi

# What is promised to 120 of them; twice that for poll and select, as one may have missed the marking.
seed=${SEED:-$RANDOM}
tap_note "seed $seed; SEED=$seed repeats it"
told_what_is_true()
{
	local most=$((9 * (120 / bound + 1)))
	[ "${1#epoll}" != "$1" ] || most=$((most * 2))
	bare "$progdir/oracle" "$1" 2000 "$seed" >bare.out 2>err || { cat err; return 1; }
	ordered "$progdir/oracle" "$1" 2000 "$seed" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] && same bare.out out && [ "$(value waited)" -le "$most" ] && [ "$(value waited)" -gt 1 ]
}
for bound in 1 4 16; do
	for way in epoll poll select; do
		tap_ok "$way, at most $bound: at random, each event is the kernel's, and none is withheld for long" \
			told_what_is_true $way
	done
done
bound=4

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
both_say()
{
	says "$@" && [ "$(grep -Ec "$2" err)" -eq 2 ]
}
tap_ok "an instance with connections of both sorts is ordered" says 4 ': order on, .* of these [1-9]' "$progdir/epolls" mixed
tap_ok "so are two that share a listening socket" both_say 4 ': order (on|resting), ' "$progdir/epolls" shared
tap_ok "and two that have it for themselves in turn" both_say 4 ': order (on|resting), ' "$progdir/epolls" exclusive
silent()
{
	! says "$@"
}
tap_ok "off: nothing is said" silent off order "$progdir/server" epoll finish 10
# told WORD: it is off, and that is the one line that is said.
told()
{
	says "$1" "^stingy: STINGY_SCHEDULE '$1': is not auto, off or a number: events are not ordered\$" \
		"$progdir/server" epoll finish 10 && ! grep -q 'order \(on\|off\|left\|rest\)' err
}
tap_ok "a word that is none is told" told Auto
tap_ok "so is a number with something behind it" told 4x

# --- what a manifest says

profiled holds "$progdir/server" epoll holds 20 >/dev/null 2>&1 || tap_bail "cannot profile"
solve holds -v home=1 -v slots=8 | sed '/^end$/d' >unscheduled
kind=$(sed -n 's/^kind \([0-9]*\) .*/\1/p' unscheduled | tail -n 1)
# scheduled [SCHEDULE]: the manifest, with room for eight tasks, and with such a schedule.
scheduled()
{
	cat unscheduled
	[ $# -eq 0 ] || echo "schedule $1"
	echo end
}
scheduled >plain.manifest
scheduled "auto tasks=16" >auto.manifest
scheduled "auto tasks=1000" >large.manifest
scheduled "fixed tasks=4" >fixed.manifest
scheduled "auto tasks=16 takes=$kind" >takes.manifest
scheduled "fixed tasks=32 takes=$kind" >fixed-takes.manifest

# begins MANIFEST SCHEDULE MOST [KEPT]: whether under the manifest, and what the user says, so many begin at a time.
begins()
{
	STINGY_SCHEDULE=$2 managed "$work/$1.manifest" "$progdir/server" epoll holds "$clients" "${@:4}" >out 2>err
	local status=$?
	cat out err
	[ "$status" -eq 0 ] && grep -q '^all answered$' out && [ "$(value events)" -eq "$3" ]
}
begins_at_once()
{
	begins "$@" && [ "$(value first)" -eq "$3" ]
}
tap_ok "a manifest without a schedule" begins plain '' $clients
tap_ok "one with a number to begin with, from the first turn on" begins_at_once auto '' 16
tap_ok "a large number to begin with is not taken as it is" begins_at_once large '' 16
tap_ok "one with a number for good" begins fixed '' 4
tap_ok "the user's word counts: off" begins fixed off $clients
tap_ok "the user's word counts: a number" begins auto 10 10
tap_ok "the user's word counts: auto, which begins with the manifest's number" begins auto auto 16
tap_ok "no more begin than the arena has room for" begins takes '' 8
tap_ok "what idle connections have is not counted upon" begins takes '' 5 3
tap_ok "but a region that they have the most of bounds nothing" begins takes '' 16 5
tap_ok "nor does one that is full for good" begins takes '' 16 8
tap_ok "a number of the user's is not bounded by what there is room for" begins fixed-takes '' 32
not_dry()
{
	STINGY_DRY_RUN=1 begins "$@"
}
tap_ok "in a dry run the manifest's schedule is not in force" not_dry fixed '' $clients
tap_ok "but the user's is" not_dry fixed 4 4
other_program()
{
	managed "$work/fixed.manifest" "$progdir/epolls" mixed >out 2>err
	cat err
	grep -q 'another program' err && bare "$progdir/epolls" mixed | cmp - out
}
tap_ok "nor is it in another program" other_program
reports()
{
	STINGY_REPORT=1 managed "$work/takes.manifest" "$progdir/server" "$1" holds "$clients" >out 2>err
	cat err
	grep -q ': order .*, bound 16, .* [1-9][0-9]* turns cut short by full regions' err && [ "$(value events)" -eq 8 ]
}
for way in epoll poll select; do
	tap_ok "$way: the report tells of turns that were cut short" reports $way
done

tap_done
