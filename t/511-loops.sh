#!/usr/bin/env bash
# A program with an event loop in each of four threads: its manifest asks for an arena for each, and is made for what one
# of them holds, not for what all do. And what else `stingy solve` can be told of arenas.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

loops=$progdir/loops
as_ever()
{
	bare "$loops" >bare.out && profiled loops "$loops" >out && same bare.out out
}
tap_ok "profiled: its results are as ever" as_ever

# solved [OPTION]...: makes manifest; whether that went well.
solved()
{
	"$stingy" solve --cache 1M,16,64 "$@" loops.*.trace -o manifest 2>err && return 0
	cat err
	return 1
}

# has TEXT: whether it is in the manifest.
has()
{
	grep -qF -e "$1" manifest && return 0
	echo "no '$1' in:"
	cat manifest
	return 1
}

tap_ok "it is solved" solved
tap_ok "an arena for each loop" has ' arenas=4'
tap_ok "connections: 100 in all, 40 in one loop" has 'at most 100 live, 40 in one thread, 1 in one task'
tap_ok "requests: one at a time in each" has ' 1 in one thread, 1 in one task'
tap_ok "all of it is expected from the arenas" grep -q 'expected from the arena: 100.0%' err

# Forty, and a quarter more, where the process had a hundred.
bounded()
{
	solved -v && grep -q '^bounds: .* n_open_connection <= 50$' err && return 0
	grep '^bounds' err
	return 1
}
tap_ok "what could be of use is what is in one loop" bounded

checked()
{
	"$stingy" check -m manifest "$loops" >out
	cat out
	grep -q "^[a-z]*: $1 arenas, $2 bytes in all" out
}
tap_ok "check says what they take" checked 4 8388608

under_it()
{
	STINGY_REPORT=1 managed "$work/manifest" "$loops" >out 2>err
	cat err
	same bare.out out && [ "$(served err)" -gt 0 ]
}
tap_ok "under it, results are as ever, and some of it is from the arena" under_it

fewer()
{
	solved --arenas 2 && has ' arenas=2' && ! grep -q 'arena: 100.0%' err && under_it
}
tap_ok "--arenas 2: so many, and less is expected of them" fewer

one()
{
	solved --arenas 1 && ! grep -q arenas= manifest
}
tap_ok "--arenas 1: as if there were no others" one

# A cache in which the connections do not fit: 12 KiB of which the stack takes 4.
stacked()
{
	solved --cache 16K,4,64 --stack 4000 && has ' stack=4096' && has 'region 0 offset=4096 ' && has ' arenas=4' && under_it
}
tap_ok "--stack: rounded up, and regions begin above it" stacked

high()
{
	local before
	solved --cache 16K,4,64 --stack 4000 --high 0 && ! grep -q ' high=' manifest || return 1
	before=$(sed -n 's/.*expected from the arena: \(.*\)%.*/\1/p' err)
	solved --cache 16K,4,64 --stack 4000 --high 64K && has ' high=' && grep -q '^kind .* high=' manifest &&
		grep -q 'expected from the arena: 100.0%' err && [ "$before" != 100.0 ] && checked 4 8388608
}
tap_ok "--high: for what found no slot" high
tap_ok "check says that it fits the huge page" grep -q '^ok: high slab of [0-9]* bytes: fits the huge pages of the slab' out

# What ends where no library sees it must not be ours: the C library would stop the program.
unseen()
{
	rm -f loops.*.trace
	profiled loops "$loops" unseen >out && same bare.out out && solved || return 1
	cat err
	grep -q '^stingy: left alone: 1 call chain ' err && [ "$(grep -c '^site' manifest)" -eq 1 ] &&
		managed "$work/manifest" "$loops" unseen >out && same bare.out out
}
tap_ok "objects that end unseen are left alone" unseen

# refuses TEXT OPTION...: one line with the text, and the manifest is as it was.
refuses()
{
	local text=$1
	shift
	cp manifest before
	! "$stingy" solve --cache 1M,16,64 "$@" loops.*.trace -o manifest 2>err && one_line err "$text" && same before manifest
}
tap_ok "--arenas 0" refuses "'0': is not a number of arenas" --arenas 0
tap_ok "--arenas 65" refuses "'65': is not a number of arenas" --arenas 65
tap_ok "--stack of all that there is" refuses 'a stack of 786432 bytes takes all' --stack 768K
tap_ok "--stack of something" refuses "'some': is neither auto nor a size" --stack some
tap_ok "--high beyond what arenas may take" refuses 'more than 2147483648 bytes' --high 1G --arenas 2

tap_done
