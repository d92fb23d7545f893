#!/usr/bin/env bash
# The `stingy` command by itself: help, refusals, what it passes on to the program it becomes, and `stingy check`.
# The libraries are empty files here: the loader complains and goes on, so nothing depends on what they do.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"

stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
[ -x "$stingy" ] || tap_bail "no command at '$stingy'"
manuals=$(realpath "${srcdir:-.}/man")
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-command.XXXXXX") || exit 1
sleeper=
trap '[ -z "$sleeper" ] || kill "$sleeper"; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir lib 'with space' 'with:colon' traces
touch {lib,with\ space,with:colon}/libstingy.so {lib,with\ space,with:colon}/libstingy-profile.so
export STINGY_LIBDIR=$work/lib
unset LD_PRELOAD

cat >good.manifest <<END
stingy-manifest 1
cache size=1048576 ways=8 line=64
slab size=4096
module 0 path=/bin/sh id=00ff
region 0 offset=0 slot=512 count=8
kind 0 region=0 size=512
site 0 kind=0 0+0x1000
end
END
sed 's/slot=512/slot=511/' good.manifest >bad.manifest

# run STATUS ARGUMENT...: runs the command into out and err, without the loader's complaints; whether it exits so.
run()
{
	local wanted=$1 status
	shift
	"$stingy" "$@" >out 2>err.all
	status=$?
	grep -v '^ERROR: ld.so' err.all >err
	[ "$status" -eq "$wanted" ] && return 0
	printf "exit status %d, not %d; out and err:\n" "$status" "$wanted"
	cat out err
	return 1
}

# says FILE TEXT: whether the file is one line with the text in it.
says()
{
	[ "$(wc -l <"$1")" -eq 1 ] && grep -qF -e "$2" "$1" && return 0
	printf "not one line with '%s':\n" "$2"
	cat "$1"
	return 1
}

# refuses STATUS TEXT ARGUMENT...: nothing on stdout, one line on stderr with the text in it.
refuses()
{
	local status=$1 text=$2
	shift 2
	run "$status" "$@" && says err "$text" && grep -q '^stingy: ' err && [ ! -s out ]
}

# helps ARGUMENT...: a usage on stdout, nothing on stderr.
helps()
{
	run 0 "$@" && head -n 1 out | grep -q '^usage: stingy' && [ ! -s err ]
}

# has LINE: whether out has this very line.
has()
{
	grep -qxF -e "$1" out && return 0
	printf "no line '%s':\n" "$1"
	cat out
	return 1
}

lacks()
{
	! grep -q -e "^$1=" out
}

# --- help and usage

tap_ok "--help" helps --help
for command in profile solve run stat check top tune report map; do
	tap_ok "$command --help" helps "$command" --help
	tap_ok "$command -h" helps "$command" -h
	tap_ok "$command refuses an unknown option" refuses 2 "'--nonsense'" "$command" --nonsense
done

version()
{
	run 0 --version && grep -qE '^stingy [0-9]' out
}
tap_ok "--version" version

no_arguments()
{
	run 2 && [ ! -s out ] && grep -q '^usage: ' err
}
tap_ok "no command: usage on stderr" no_arguments
tap_ok "an unknown command" refuses 2 "'nonsense'" nonsense
tap_ok "profile without a program" refuses 2 "profile what" profile
tap_ok "profile with a size that is none" refuses 2 "'3Q'" profile --max-trace 3Q true
tap_ok "profile with a size beyond 64 bits" refuses 2 "'99999999999G'" profile --max-trace 99999999999G true
tap_ok "profile with a blank for a unit" refuses 2 "'1 '" profile --max-trace '1 ' true
tap_ok "profile with a size of zero" refuses 2 "'0'" profile --max-trace 0 true
tap_ok "profile into a directory that is not there" refuses 2 "nowhere/" profile -o nowhere/x true
tap_ok "run without a manifest" refuses 2 "which manifest" run true
tap_ok "run without a program" refuses 2 "run what" run -m good.manifest
tap_ok "run with -m and nothing after it" refuses 2 "'m'" run -m
tap_ok "check without a manifest" refuses 2 "which manifest" check
tap_ok "stat of what is no process number" refuses 2 "'12x'" stat 12x
tap_ok "stat of two processes" refuses 2 "'2'" stat 1 2

full_disk()
{
	"$stingy" --help >/dev/full 2>err
	[ $? -eq 2 ] && says err "cannot write the output"
}
[ -w /dev/full ] && tap_ok "output that does not arrive is an error" full_disk

# --- finding the libraries

no_library()
{
	STINGY_LIBDIR=$work/nowhere refuses 2 "'$work/nowhere'" "$@"
}
tap_ok "run: no library" no_library run -m good.manifest true
tap_ok "profile: no library" no_library profile true

unloadable()
{
	STINGY_LIBDIR=$1 refuses 2 "'$work/$1/libstingy.so'" run -m good.manifest true
}
tap_ok "a library whose path has a space" unloadable 'with space'
tap_ok "a library whose path has a colon" unloadable 'with:colon'

# --- what the program gets

run_environment()
{
	STINGY_DRY_RUN=1 run 0 run -m good.manifest --report env && [ ! -s err ] &&
		has "LD_PRELOAD=$work/lib/libstingy.so" && has "STINGY_MANIFEST=$work/good.manifest" &&
		has STINGY_REPORT=1 && lacks STINGY_DRY_RUN
}
tap_ok "run: the environment" run_environment

run_dry()
{
	run 0 run --dry-run --manifest=good.manifest -- env && has STINGY_DRY_RUN=1 && lacks STINGY_REPORT
}
tap_ok "run --dry-run" run_dry

profile_environment()
{
	run 0 profile env && says err "stingy: profiling env, traces go to $work/env.PID.trace" &&
		has "LD_PRELOAD=$work/lib/libstingy-profile.so" && has "STINGY_TRACE=$work/env" &&
		has STINGY_MAX_TRACE=1073741824 && lacks STINGY_BATCH && lacks STINGY_CHECK_WALK &&
		lacks STINGY_ONLY_ALLOCATIONS
}
tap_ok "profile: the environment" profile_environment

profile_options()
{
	run 0 profile -o traces/x --max-trace 64K --batch --check-walk --only-allocations env && has "STINGY_TRACE=$work/traces/x" &&
		has STINGY_MAX_TRACE=65536 && has STINGY_BATCH=1 && has STINGY_CHECK_WALK=1 &&
		has STINGY_ONLY_ALLOCATIONS=1
}
tap_ok "profile: its options" profile_options

profile_into()
{
	run 0 profile -o traces/ "$(command -v env)" && has "STINGY_TRACE=$work/traces/env"
}
tap_ok "profile -o FOLDER/: the program's name is added" profile_into

other_preloads()
{
	LD_PRELOAD=/nowhere/other.so run 0 run -m good.manifest env &&
		has "LD_PRELOAD=$work/lib/libstingy.so:/nowhere/other.so"
}
tap_ok "other preloads are kept, after ours" other_preloads

relative_libdir()
{
	STINGY_LIBDIR=lib run 0 run -m good.manifest env && has "LD_PRELOAD=$work/lib/libstingy.so"
}
tap_ok "a relative STINGY_LIBDIR is made absolute" relative_libdir

build_tree()
{
	mkdir -p build/.libs && cp "$stingy" build/stingy && touch build/.libs/libstingy.so && unset STINGY_LIBDIR
	stingy=build/stingy
	run 0 run -m good.manifest env && has "LD_PRELOAD=$work/build/.libs/libstingy.so"
}
tap_ok "a command where it was built takes the libraries from there" build_tree

same_process()
{
	# shellcheck disable=SC2016 # the program under test expands it
	run 0 run -m good.manifest sh -c 'test "$$" = "$STINGY_MAIN"'
}
tap_ok "STINGY_MAIN is the program's own number" same_process

its_own_options()
{
	run 0 run -m good.manifest echo --dry-run -m x && has '--dry-run -m x'
}
tap_ok "options after the program are the program's" its_own_options

# ready_runs: the manifest that names env by its build-id is found among others, and one that is spoilt is passed over.
ready_runs()
{
	local id
	id=$(readelf -n "$(command -v env)" | sed -n 's/.*Build ID: //p')
	rm -rf ready && mkdir ready && echo spoilt >ready/a.manifest && cp good.manifest ready/b.manifest &&
		printf 'stingy-manifest 1\nmodule 0 id=%s path=/env\nend\n' "$id" >ready/c.manifest
	STINGY_READY=$work/ready run 0 run --ready env && has "STINGY_MANIFEST=$work/ready/c.manifest" &&
		STINGY_READY=$work/ready run 1 check --ready env && grep -qx "ready: $work/ready/c.manifest" out
}
tap_ok "run --ready, check --ready" ready_runs
ready_refuses()
{
	rm -rf ready && mkdir ready && cp good.manifest ready/b.manifest
	STINGY_READY=$work/ready refuses 2 "no ready manifest for this build of" run --ready env &&
		STINGY_READY=$work/nowhere refuses 2 "no ready manifest" check --ready env
}
tap_ok "run --ready: there is none" ready_refuses
tap_ok "run --ready without a program" refuses 2 "run what" run --ready

tap_ok "run: the program's exit status" run 7 run -m good.manifest sh -c 'exit 7'
tap_ok "profile: the program's exit status" run 7 profile sh -c 'exit 7'
# shellcheck disable=SC2016
tap_ok "run: the signal that ends the program" run 143 run -m good.manifest sh -c 'kill -TERM $$'
# shellcheck disable=SC2016
tap_ok "profile: the signal that ends the program" run 137 profile sh -c 'kill -KILL $$'

tap_ok "a program that is not there: 127" refuses 127 "'$work/nonsense'" run -m good.manifest "$work/nonsense"
tap_ok "a program that cannot be run: 126" refuses 126 "'/'" run -m good.manifest /

# --- a manifest that is spoilt must not keep a server from coming up

# What is wrong with it the library says (104-manifests.sh), and the one here is none.
runs_on()
{
	run 0 run -m "$1" echo alive && has alive
}
tap_ok "run: with a malformed manifest" runs_on bad.manifest
tap_ok "run: with one that is missing" runs_on missing.manifest
ordered()
{
	run 0 run --order="$1" sh -c "echo \$STINGY_SCHEDULE" && has "$1"
}
for order in auto off 16; do
	tap_ok "run: --order=$order" ordered $order
done
tap_ok "run: --order with what is none" refuses 2 "'on'" run --order=on echo
tap_ok "run: with a directory" runs_on lib

# --- check

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
	has 'ok: events: ordered, at first 24 tasks at a time'
}
sed 's/^end$/schedule auto tasks=24\nend/' good.manifest >ordered.manifest
tap_ok "check: a manifest with a schedule" ordered_manifest

# --- solve

# records NAME: a trace of /made, whose loop serves eight requests with an object each, allocated by NAME (5 bytes) and
# freed, or 'leak'ed. The bytes are explained in manifests/FORMAT.md.
records()
{
	printf '\x01\0\x01\xaa\0\x05/made'                       # module 0, build-id aa
	printf '\x02\0\x01\x90\x01\x80\x01\x01\x04main'          # frame 0, the outermost
	printf '\x02\x01\x01\x90\x02\x80\x02\x02\x10\0\x04loop'  # frame 1, where it waits
	printf '\x02\x02\x01\xa0\x02\x80\x02\x02\x10\0\x04loop'  # frame 2, where it calls frame 3
	printf '\x02\x03\x01\x90\x03\x80\x03\x02\x10\0\x05%s' "$1"
	printf '\x03\0\x05\x01\0\x03\x01\x07\x03\x02\0'          # chain 0, of the wait, and 1, of the allocation
	for _ in $(seq 32); do
		printf '\x08\x02\0\x09\x02\x06\x04\x01\x40\0\x80\x01' # wait, turn of descriptor 5, 64 bytes
		[ "${2:-}" = leak ] || printf '\x05\0'
		printf '\x0b\x05' # it is closed
	done
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		printf '\x0b\x05\x08\x02\0\x09\x02\x06' # it is closed; then others come by
	done
	printf '\x08\x02\0'
}

# trace FILE NAME [leak]: the records behind a header.
trace()
{
	local size
	records "${@:2}" >body
	size=$(($(wc -c <body) + 80))
	{
		printf 'stngytrc\1\0\0\0\x50\0\0\0'
		# shellcheck disable=SC2059 # two bytes by their numbers
		printf "\\x$(printf %x $((size % 256)))\\x$(printf %x $((size / 256)))"
		head -c 62 /dev/zero
		cat body
	} >"$1"
}
trace made.trace serve
solve()
{
	run 0 solve --cache 64K,8,64 "$@"
}

solves()
{
	solve made.trace && [ "$(head -n 2 out)" = "stingy-manifest 1
# For /made" ] && [ "$(tail -n 1 out)" = end ] && grep -q '^kind 0 .* name=serve$' out && grep -q ' 1 sites, 1 kinds$' err
}
tap_ok "solve: a manifest on stdout" solves
tap_ok "solve without a trace" refuses 2 "needs a trace" solve
tap_ok "solve: a trace that is not there" refuses 2 "'missing.trace'" solve --cache 64K,8,64 missing.trace
# short FLAG TEXT: whether that is said of a trace with that flag in its header.
short()
{
	cp made.trace short.trace && printf "%b" "\\$1" | dd of=short.trace bs=1 seek=56 conv=notrunc status=none &&
		solve short.trace && grep -qF "'short.trace': $2 while it was recorded: what came later is missing" err
}
tap_ok "solve: a trace that was full" short 001 'reached its bound'
tap_ok "solve: one that could not grow" short 004 'could not grow (disk full, or ulimit -f?)'
tap_ok "solve: a share that is none" refuses 2 "'75x'" solve --share 75x made.trace
tap_ok "solve: a cache that is none" refuses 2 "'64K,8'" solve --cache 64K,8 made.trace
tap_ok "solve: a level that there is not" refuses 2 "'L4': is not a cache (give L2, L3, " solve --cache L4 made.trace

fraction()
{
	solve --share 79.9 made.trace && grep -q ' of 52224 bytes' err # 51 KiB: of 79 per cent it would be 50
}
tap_ok "solve: a share with a fraction" fraction
if [ -e /sys/devices/system/cpu/cpu0/cache/index2/shared_cpu_list ]; then
	by_name()
	{
		run 0 solve --cache L2 made.trace && tail -n 1 err | grep -q ': take the L2$' && mv out by-name &&
			run 0 solve made.trace && cmp out by-name # the trace tells no cache
	}
	tap_ok "solve --cache L2: this machine's, and advice" by_name
fi
# schedules WHAT PATTERN: whether the manifest has one line that begins so, or, with "", none.
schedules()
{
	solve ${1:+--schedule "$1"} made.trace && grep -q '^# events: ' out && grep -q '^stingy: events: ' err &&
		[ "$(grep -c '^schedule' out)" -eq "$(grep -c "^schedule ${2:-$}" out)" ] && { [ -z "$2" ] || grep -q "^schedule $2" out; }
}
stacks()
{
	solve --stack auto made.trace && ! grep -q '^slab .*stack=' out &&
		grep -qx 'stingy: stack: not placed; of no run of the main thread was it measured' err &&
		solve --stack 5000 made.trace && grep -q '^slab .*stack=5120$' out &&
		grep -qx 'stingy: stack: 5120 bytes of the slab, as given; of no run of the main thread was it measured' err
}
tap_ok "solve --stack auto, and of a size" stacks
tap_ok "solve --stack some" refuses 2 "'some': is neither auto nor a size" solve --stack some made.trace
tap_ok "solve: no schedule for what accepts no connections" schedules "" ""
tap_ok "solve --schedule auto" schedules auto auto
tap_ok "solve --schedule off" schedules off ""
tap_ok "solve --schedule 24" schedules 24 'fixed tasks=24\b'
for bad in 0 1048576 on 12x; do
	tap_ok "solve --schedule $bad" refuses 2 "'$bad'" solve --schedule $bad made.trace
done

replaces()
{
	echo old >file && ln file other && solve made.trace -o file && grep -q '^site' file && [ "$(cat other)" = old ]
}
tap_ok "solve -o FILE: the file is replaced" replaces

follows()
{
	mkdir -p elsewhere && echo old >elsewhere/file && ln -sf elsewhere/file link && solve made.trace -o link &&
		[ -L link ] && grep -q '^site' elsewhere/file && [ ! -L elsewhere/file ]
}
tap_ok "solve -o LINK: what it leads to is replaced" follows

dangles()
{
	ln -sf elsewhere/new dangling && solve made.trace -o dangling && [ -L dangling ] && grep -q '^site' elsewhere/new
}
tap_ok "solve -o LINK: what it leads to is made" dangles

# What /dev/stdout is, where nothing is lost if it is replaced after all.
to_stdout()
{
	ln -sf /proc/self/fd/1 stdout && solve made.trace -o stdout && grep -q '^site' out && [ -L stdout ] &&
		echo first >log && "$stingy" solve --cache 64K,8,64 made.trace -o stdout >>log 2>err &&
		[ -L stdout ] && [ "$(head -n 1 log)" = first ] && grep -q '^site' log
}
tap_ok "solve -o /dev/stdout: after what is there" to_stdout

to_fifo()
{
	mkfifo fifo && { timeout 120 cat fifo >got & } && solve made.trace -o fifo && wait $! && [ -p fifo ] &&
		grep -q '^site' got
}
tap_ok "solve -o FIFO: it is written to" to_fifo

# full OPTION...: its manifest cannot be written, which is one line.
full()
{
	"$stingy" solve --cache 64K,8,64 made.trace "$@" >/dev/full 2>err
	[ $? -eq 2 ] && says err "cannot write"
}
if [ -w /dev/full ]; then
	tap_ok "solve: a full disk behind stdout" full
	tap_ok "solve -o /dev/stdout: a full disk" full -o stdout
	full_output()
	{
		refuses 2 "'/dev/full'" solve --cache 64K,8,64 made.trace -o /dev/full
	}
	tap_ok "solve -o: a full disk" full_output
fi
tap_ok "solve -o: a directory" refuses 2 "'elsewhere'" solve --cache 64K,8,64 made.trace -o elsewhere

# No byte of a trace reaches the terminal as it stands.
clean()
{
	trace coloured.trace $'\e[31m' && solve -v coloured.trace && grep -qF '?[31m' err && ! grep -q $'\e' err
}
tap_ok "solve -v: names are printed clean" clean

# left_alone, and cut short by a byte: a manifest of no sites, or one line.
left_alone()
{
	trace leak.trace serve leak && solve leak.trace -o none.manifest && grep -q 'nothing to manage' err &&
		! grep -q '^site' none.manifest && [ "$(tail -n 1 none.manifest)" = end ] &&
		grep -q '^# nothing to manage' none.manifest
}
tap_ok "solve: nothing to manage" left_alone
cut_short()
{
	head -c -1 leak.trace >cut.trace && refuses 2 "cut off at byte" solve --cache 64K,8,64 cut.trace &&
		grep -q "nothing to manage" err
}
tap_ok "solve: a trace that was cut off, and nothing to manage" cut_short

damaged()
{
	cp made.trace damaged.trace && printf '\x7f' | dd of=damaged.trace bs=1 seek=$(($(wc -c <made.trace) - 3)) conv=notrunc status=none &&
		solve damaged.trace -o damaged.manifest && grep -q '^site' damaged.manifest &&
		grep -q "^stingy: 'damaged.trace': cut off at byte [0-9]*: used what is before it (unknown record)$" err
}
tap_ok "solve: a damaged trace is used up to there, and that is said" damaged
# What was decided, and why, for people and for programs.
explains()
{
	solve --explain made.trace -o file && grep -q '^Object kinds that have a place' err &&
		grep -q '^Stages ' err && grep -q '^Predicted misses ' err
}
tap_ok "solve --explain" explains
solve_json()
{
	solve --json made.json made.trace -o file && python3 - made.json <<-'END'
		import json, sys
		made = json.load(open(sys.argv[1]))
		kept = [kind for kind in made["kinds"] if kind["place"]]
		assert kept and all(kind["place"]["region"] < len(made["slab"]["regions"]) for kind in kept)
		assert made["solution"]["gap"] == 0 and made["stages"] and made["chains"]
	END
}
tap_ok "solve --json" solve_json
tap_ok "solve --json into a directory that there is not" refuses 2 "cannot write 'none/json'" \
	solve --cache 64K,8,64 -o file --json none/json made.trace
objectives()
{
	local objective
	for objective in stages served; do
		solve --objective "$objective" --gap 1 --head-room 0 --cover 90 --confidence 50 made.trace &&
			grep -q '^site' out || return 1
	done
}
tap_ok "solve --objective" objectives
tap_ok "solve: the concurrency of a stage that there is not" refuses 2 "no stage is called 'nobody'" \
	solve --cache 64K,8,64 --objective concurrency=nobody made.trace
tap_ok "solve: an objective that is none" refuses 2 "'most': is not stages, served" solve --objective most made.trace
for bad in "cover 0" "cover 101" "head-room -1" "confidence 100" "gap x" "time-limit 0" "count kind" "count kind=0"; do
	tap_ok "solve: --$bad" refuses 2 "--${bad% *} '${bad#* }': is not" solve "--${bad% *}" "${bad#* }" made.trace
done
count_unused()
{
	solve --count nobody=3 made.trace && grep -q "no kind is called 'nobody'" err
}
tap_ok "solve: a count for a kind that there is not" count_unused

# --- map

map_text()
{
	run 0 map good.manifest && [ ! -s err ] && has /bin/sh && has '0    0          0    4 KiB        8 x 512 tasks' &&
		[ "$(grep -c '^ *[0-9]*\( KiB\)\? [0.]*$' out)" -eq 8 ]
}
tap_ok "map: the lines of the cache, and the table" map_text
map_file()
{
	run 0 map --format svg --output map.svg good.manifest && [ ! -s out ] && [ ! -s err ] &&
		[ "$(tail -n 1 map.svg)" = '</svg>' ]
}
tap_ok "map: SVG into a file" map_file
map_manual()
{
	sed -n '/^stingy-manifest 1$/,/^end$/p' "$manuals/stingy-manifest.5" >manual.manifest
	run 0 map manual.manifest && [ ! -s err ] && has /usr/sbin/nginx &&
		has '2    2     458752   64 KiB       8 x 8192 high   request pool'
}
tap_ok "map: of the manual's example" map_manual
tap_ok "map without a manifest" refuses 2 "which manifest" map
tap_ok "map of two" refuses 2 "takes one" map good.manifest good.manifest
tap_ok "map in a format that there is not" refuses 2 "neither text nor svg" map -f png good.manifest
tap_ok "map of a malformed manifest" refuses 2 "bad.manifest:5: " map bad.manifest
tap_ok "map into a directory that there is not" refuses 2 "cannot write 'none/map'" map -o none/map good.manifest

# --- stat

tap_ok "stat of a process that is not there" refuses 1 "no such process" stat 2147483647
sleep 60 &
sleeper=$!
tap_ok "stat of a process that does not run under stingy" refuses 1 "process $sleeper: " stat "$sleeper"
stat_json()
{
	run 1 stat --json "$sleeper" && [ "$(cat out)" = '[]' ] && says err "process $sleeper: "
}
tap_ok "stat --json of it: an empty array" stat_json
kill "$sleeper"
wait "$sleeper" 2>/dev/null
sleeper=

tap_done
