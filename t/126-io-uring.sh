#!/usr/bin/env bash
# Loops that wait for completions of io_uring, under the profiling library: each wait is a turn's end and the next one's
# begin, what does not wait is none, and the program does as it does by itself. With a fake liburing, as the kernel's
# io_uring is forbidden in many places; syscall() asks the kernel, and is answered or refused the same with and without.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

turns=100

# same_with COMMAND...: what it prints is the same as by itself.
same_with()
{
	rm -f ./*.trace
	bare "$@" >bare.out || return 1
	profiled rings "$@" >out 2>err || { cat err; return 1; }
	cat out
	same bare.out out && [ ! -s err ]
}

# turned: as many waits as turns, none of a known descriptor, and each with its object.
turned()
{
	"$progdir/tracedump" rings.*.trace | awk -v turns="$turns" '
		$1 == "wait" { waits++; in_turn = 0 }
		$1 == "turn" { n++; in_turn = 1; bad = bad || $3 != "fd=-1" }
		$1 == "alloc" && $3 == "size=1000" { made += in_turn }
		END { print waits, "waits", n, "turns", made, "objects in them"
		      exit bad || waits != turns || n != turns || made != turns }'
}

# loop calls serve, all runs of which but the last are followed by a wait.
structured()
{
	"$stingy" graph -o graph rings.*.trace || return 1
	cat graph
	grep -q "^scheduler: loop, which waited $turns times" graph && grep -q "^ *1 *$((turns - 1)) .* serve\$" graph
}

for way in get cqes timeout submit submit-timeout enter enter2 syscall; do
	tap_ok "$way: the program does as it does by itself" same_with "$progdir/rings" $way
	tap_ok "$way: each wait ends a turn and begins another" turned
	tap_ok "$way: who waits is the scheduler, what it calls a stage" structured
done

tap_ok "liburing of a module that nobody else sees" same_with "$progdir/rings-alone" "$progdir/rings.so" timeout
tap_ok "its waits count, too" turned

# Whoever finds the functions here though there is no liburing is told that there is no io_uring (-ENOSYS).
alone()
{
	[ -z "$(bare "$progdir/rings-alone")" ] && [ "$(profiled rings "$progdir/rings-alone")" = "-38 -38" ]
}
tap_ok "no liburing at all" alone

tap_done
