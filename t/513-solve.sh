#!/usr/bin/env bash
# `stingy solve` of a trace made here byte by byte: its options, where its output goes, and what it says of traces that are
# damaged, cut short or have nothing to manage.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=command.sh disable=SC2154
. "${0%/*}/command.sh"

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
	trace coloured.trace $'\e[31m' && solve -v coloured.trace && grep -qF '?[31m' err && ! grep -q $'\e' err &&
		trace coloured.trace $'\xc2\x9b31m' && solve -v coloured.trace && grep -qF '??31m' err
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

tap_done
