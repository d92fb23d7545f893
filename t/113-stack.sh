#!/usr/bin/env bash
# The main thread's stack in the cache slab: a program does with it what it does with the kernel's, objects beside it
# stay what they are, and sites are found from it.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

ulimit -c 0
ulimit -Ss 8192 # KiB
export STACK_TEST=seen

# agrees PROGRAM MODE LEAST: output and exit status are as ever; of the objects of each process that says how many,
# LEAST or more are from the arena; -: it ends before it could say.
agrees()
{
	local program=$1 mode=$2 least=$3 wanted got
	bare "$program" "$mode" >bare.out 2>bare.err
	wanted=$?
	STINGY_REPORT=1 managed "$work/manifest" "$program" "$mode" >out 2>err
	got=$?
	cat err
	[ "$got" -eq "$wanted" ] || { echo "exit status $got, not $wanted"; return 1; }
	same bare.out out || return 1
	[ "$least" = - ] || { served err | grep -q . && [ "$(served err | awk '{ print $1 < '"$least"' }' | sort -u)" = 0 ]; }
}

says()
{
	printf '%s\n' "$1" >wanted
	managed "$work/manifest" "${@:2}" >out 2>err || { cat out err; return 1; }
	cat err
	same wanted out && [ ! -s err ]
}

for name in stack old-stack; do
	program=$progdir/$name
	rm -f ./*.trace
	profiled returns "$program" return >/dev/null
	solve returns -v home=1 -v depth=3 -v spare=600 -v stack=65536 >manifest
	[ "$(grep -c '^site.*:.*:' manifest)" -eq 2 ] || tap_bail "the profile lacks sites"
	tap_ok "$name: main is on another stack than the kernel's" says "another one" "$program" where
	while read -r mode least; do
		tap_ok "$name: $mode" agrees "$program" "$mode" "$least"
	done <<-'END'
		deep 600
		endless -
		caught 600
		jump 1000
		exit 300
		return 600
		leave 300
		fork 300
		vfork 900
		backtrace 0
		environ 0
		coroutine 900
		sorted 300
	END
done

# --- where it cannot be placed, or should not be: the kernel's

kernels()
{
	says "the kernel's" "$program" where
}
STINGY_DRY_RUN=1 tap_ok "in a dry run: the kernel's" kernels
sed -i 's/stack=[0-9]*/stack=0/' manifest
tap_ok "of a manifest that does not ask: the kernel's" kernels

program=$progdir/exec-stack
profiled execs "$program" return >/dev/null
solve execs -v home=1 -v depth=3 -v spare=600 -v stack=65536 >manifest
cannot_be()
{
	managed "$work/manifest" "$program" where >out 2>err || { cat out err; return 1; }
	cat out
	grep -qx "the kernel's" out && one_line err 'executable'
}
tap_ok "where it has to be executable: the kernel's, and one line says so" cannot_be

tap_done
