#!/usr/bin/env bash
# `stingy check`: what it finds wrong with a manifest, with a program, and with the machine.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=command.sh disable=SC2154
. "${0%/*}/command.sh"

tap_ok "check: a malformed manifest" refuses 2 "bad.manifest:5: " check -m bad.manifest
tap_ok "check: a missing manifest" refuses 2 "'missing.manifest'" check -m missing.manifest
tap_ok "check: a program that is not there" refuses 2 "'nonsense'" check -m good.manifest nonsense

# verdict STATUS TEXT ARGUMENT...: the last line begins with the text.
verdict()
{
	local status=$1 text=$2
	shift 2
	run "$status" check "$@" && [ ! -s err ] && tail -n 1 out | grep -q "^verdict: $text: "
}
other_build()
{
	verdict 1 'not good' -m good.manifest && grep -q "^bad: program '/bin/sh': .*for build-id 00ff$" out
}
tap_ok "check: another build of the program" other_build

untrusted()
{
	cp good.manifest open.manifest && chmod o+w open.manifest
	verdict 1 'not good' -m open.manifest && grep -q '^bad: manifest: anybody may write it' out
}
tap_ok "check: a manifest that anybody may write" untrusted

# contradictory SED: of one address there is more than can be true.
contradictory()
{
	sed "$1" good.manifest >odd.manifest
	verdict 1 'not good' -m odd.manifest && grep -q ': 0 of ' out &&
		grep -Eq '^bad: line [0-9]+: contradicts an earlier site, so the manifest would be refused$' out
}
tap_ok "check: the same site twice" contradictory '/^site 0/{p;s/site 0/site 1/}'
tap_ok "check: two rules for one address" contradictory '/^site 0/{p;s/.*/site 1 kind=0 0+0x10:sp+16 0+0x20/;p;s/.*/site 2 kind=0 0+0x10:sp+24 0+0x30/}'
crowded()
{
	awk '/^site/ { for (i = 0; i < 8192; i++) { printf "site %d kind=0", i
			for (j = 0; j < 16; j++) printf " 0+0x%x%s", 65536 + i * 16 + j, j < 15 ? ":sp+8" : ""
			print "" }; next } { print }' good.manifest >odd.manifest
	verdict 1 'not good' -m odd.manifest && grep -q ': 0 of ' out && grep -q '^bad: line [0-9]*: the sites have more addresses' out
}
tap_ok "check: more addresses than the library takes" crowded

# The same manifest, made for this machine and this shell, as far as check itself tells of them.
id=$("$stingy" check -m good.manifest | sed -n "s/^bad: program '.*': build-id \([0-9a-f]*\), but.*/\1/p")
if [ -n "$id" ]; then
	sed "s/id=00ff/id=$id/" good.manifest >here.manifest
	has_program()
	{
		run "$1" check -m here.manifest -- "${@:3}" && grep -q "^$2: program '" out
	}
	"$stingy" check -m here.manifest >out 2>err
	status=$?
	tap_ok "check: this build, searched in PATH" has_program "$status" ok sh -c 'some arguments'
	tap_ok "check: another program" has_program 1 bad env
	tap_ok "check: what is no program" has_program 1 bad "$(printf '#!/bin/sh\n' >script; chmod +x script; echo ./script)"

	lost_module()
	{
		sed "/^module/a module 1 path=$work/gone%2eso id=0102" here.manifest >lost.manifest
		sed -i 's/0+0x1000/1+0x1000/' lost.manifest
		verdict 1 'not good' -m lost.manifest &&
			has "bad: module '$work/gone.so': No such file or directory" &&
			has 'verdict: not good: 0 of 1 sites can be served here'
	}
	tap_ok "check: a library that is gone, and its sites with it" lost_module

	cache=$("$stingy" check -m here.manifest |
		sed -n 's/^bad: cache of .*: here it has \([0-9]*\) bytes, \([0-9]*\) ways, lines of \([0-9]*\)$/size=\1 ways=\2 line=\3/p')
	[ -z "$cache" ] || sed -i "s/^cache .*/cache $cache/" here.manifest
	consistent()
	{
		local bad
		"$stingy" check -m here.manifest >out 2>err
		status=$?
		bad=$(grep -c '^bad: ' out)
		cat out
		grep -v '^bad: huge pages' out | grep -q '^bad: ' && return 1
		[ "$status" -eq $((bad != 0)) ] && [ ! -s err ]
	}
	tap_ok "check: nothing but huge pages is left to find fault with, and the status says so" consistent
else
	tap_skip "check: this build of the program" "/bin/sh has no build-id"
fi

# Nothing is wrong with it, but a script that deploys it should know that it does nothing.
empty_manifest()
{
	sed '/^site/d' here.manifest >empty.manifest
	run 1 check -m empty.manifest && has 'bad: no sites: nothing would be served' &&
		grep -q '^verdict: not good: 0 of 0 sites can be served here$' out
}
[ ! -e here.manifest ] || tap_ok "check: a manifest of no sites" empty_manifest

ordered_manifest()
{
	"$stingy" check -m ordered.manifest >out 2>err
	has 'ok: events: ordered, at first 16 tasks at a time'
}
sed 's/^end$/schedule auto tasks=24\nend/' good.manifest >ordered.manifest
tap_ok "check: a manifest with a schedule" ordered_manifest

tap_done
