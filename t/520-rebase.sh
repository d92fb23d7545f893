#!/usr/bin/env bash
# `stingy solve --rebase`: a manifest is carried over to another build of its program, and serves it as before.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

cp "$progdir/rebuilt-1" "$progdir/rebuilt-2" .
bare ./rebuilt-1 >bare.out

# carries STATUS ARGUMENT...: carries old.manifest over, with what it says in err; whether it exits so.
carries()
{
	local wanted=$1 status
	shift
	"$stingy" solve --rebase old.manifest "$@" -o new.manifest 2>err
	status=$?
	cat err
	[ "$status" -eq "$wanted" ]
}

# serves MANIFEST PROGRAM NUMBER: whether its results are as ever, and so many allocations come from the arena.
serves()
{
	STINGY_REPORT=1 managed "$work/$1" "$2" >out 2>err
	cat err
	same bare.out out && [ "$(served err)" -eq "$3" ]
}

# The two builds are stripped, and functions and sites are in other places.
solved()
{
	profiled old ./rebuilt-1 >out && same bare.out out && "$stingy" solve --cache 1M,16,64 old.*.trace -o old.manifest &&
		[ "$(grep -c ^site old.manifest)" -eq 4 ]
}
tap_ok "the old build is profiled and solved: four sites" solved || tap_bail "nothing to carry over"
tap_ok "the old build under it" serves old.manifest ./rebuilt-1 3020
tap_ok "the new build under it: nothing is served" serves old.manifest ./rebuilt-2 0

carried()
{
	carries 0 --for ./rebuilt-2 && grep -qx "stingy: carried 3 of 4 sites and \([2-9]\) of \1 stages over to './rebuilt-2'" err &&
		[ "$(wc -l <err)" -eq 2 ] && grep -q '^stingy: left out site 1 .*: its function has changed' err
}
tap_ok "it is carried over, but for what has changed too much" carried
tap_ok "the new build under that: what was carried is served" serves new.manifest ./rebuilt-2 2020

checked()
{
	"$stingy" check -m new.manifest ./rebuilt-2 >out || [ $? -eq 1 ] # the cache may be another
	cat out
	grep -q '^verdict: .*: 3 of 3 sites can be served here$' out
}
tap_ok "check finds all sites" checked
kept()
{
	grep -v '^module\|^site\|^stage\|^# carried' new.manifest >new.rest
	grep -v '^module\|^site\|^stage' old.manifest >old.rest
	same old.rest new.rest && grep -q '^# carried over to build-id [0-9a-f]*: 3 of 4 sites$' new.manifest
}
tap_ok "all else is as it was, comments too" kept

back_again()
{
	cp old.manifest kept.manifest && mv new.manifest old.manifest && carries 0 --for ./rebuilt-1 --from ./rebuilt-2 &&
		mv kept.manifest old.manifest && grep -q 'carried 3 of 3 sites and \([2-9]\) of \1 stages' err &&
		diff <(grep '^site' old.manifest | sed 's/.*kind=[023] //;t;d') <(grep '^site' new.manifest | sed 's/.*kind=. //')
}
tap_ok "and back again: the same addresses" back_again
same_build()
{
	carries 0 --for ./rebuilt-1 && grep -q 'carried 4 of 4 sites .*, which is of the same build$' err &&
		diff <(grep -v '^# carried' new.manifest) old.manifest
}
tap_ok "the same build: nothing changes" same_build

mv rebuilt-1 elsewhere
tap_ok "without the old build it is refused" carries 2 --for ./rebuilt-2
tap_ok "it says what it wants" one_line err "build-id [0-9a-f]*; is it somewhere else\? --from FILE"
tap_ok "with the old build from elsewhere it is not" carries 0 --for ./rebuilt-2 --from ./rebuilt-2 --from ./elsewhere
mv elsewhere rebuilt-1

# A library of which there is no old build: what goes through it is lost, the rest is not.
library()
{
	cp old.manifest kept.manifest
	sed -e '/^module 0/a module 1 path=/proc/self/exe id=0102' -e '/^site 3/s/ 0+[^ ]*$/ 1+0x1000/' kept.manifest >old.manifest
	carries 0 --for ./rebuilt-2 && grep -q '^stingy: module 1 ' err &&
		grep -q '^stingy: left out site 3 .*: its old build is not there' err && grep -q 'carried 2 of 4' err &&
		grep -q '^module 1 path=/proc/self/exe id=0102$' new.manifest
	set -- $?
	mv kept.manifest old.manifest
	return "$1"
}
tap_ok "a library that has changed" library

none()
{
	sed '/^site/s/0x13/0x9913/g; /^site/s/0x14/0x9914/g; /^site/s/+0x[0-9a-f]*/+0x10/g' old.manifest >odd && mv odd old.manifest
	rm -f new.manifest
	carries 1 --for ./rebuilt-2 && [ ! -e new.manifest ] && grep -q 'carried 0 of 4' err
}
tap_ok "where no site can be carried there is no manifest" none

tap_ok "no program" carries 2 --for ./missing
tap_ok "it is named" one_line err "'./missing': No such file"
echo text >text
tap_ok "what is no program" carries 2 --for ./text
tap_ok "a manifest without a program" carries 2
tap_ok "and a trace" carries 2 --for ./rebuilt-2 old.*.trace
tap_done
