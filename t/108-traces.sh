#!/usr/bin/env bash
# The trace that a program leaves behind: whole up to the last thing it did, however it ended and whatever it did to its
# descriptors; and what happens where no trace can be written, or no more of it.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

plain=$progdir/plain
ulimit -c 0

# dump PREFIX: all its traces, as text in the file dump; whether they could be read to the end.
dump()
{
	"$progdir/tracedump" "$1".*.trace >dump
}

# counts TYPE NUMBER: whether there are so many records of the type in the dump.
counts()
{
	local n
	n=$(grep -c "^$1 " dump)
	[ "$n" -eq "$2" ] && return 0
	echo "$n records '$1', not $2"
	return 1
}

has()
{
	grep -Eq -- "$1" dump && return 0
	echo "no '$1' in:"
	head -5 dump
	return 1
}

orderly()
{
	profiled orderly "$plain" alloc=300 exit=3
	[ $? -eq 3 ] && dump orderly && counts alloc 300 && counts free 300 && has '^trace .* full=0 ended=1' &&
		has '^trace .* parent=0 .* dropped=0 '
}
tap_ok "an orderly end: all allocations, and the mark of it" orderly

killed()
{
	{ profiled killed "$plain" alloc=12345 kill; } 2>/dev/null
	[ $? -eq 137 ] && dump killed && counts alloc 12345 && counts free 12345 && has '^trace .* ended=0'
}
tap_ok "killed: readable to the last record" killed

# Killed from outside, while it waits; read while it lives, too.
killed_while_it_waits()
{
	local pid
	LD_PRELOAD=$profiling STINGY_TRACE=$work/waits "$plain" alloc=777 say=ready stop >ready &
	pid=$!
	for _ in {1..1200}; do
		grep -q ready ready && break
		sleep 0.05
	done
	dump waits && counts free 777 || return 1
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	dump waits && counts free 777 && has '^trace .* ended=0'
}
tap_ok "read while it runs, and after it was killed" killed_while_it_waits

forks()
{
	profiled forks "$plain" alloc=50 fork=70 alloc=20 fork=30 >/dev/null || return 1
	dump forks && counts trace 3 && counts alloc 171 && # and what stdout is buffered in
		[ "$(sed -n 's/^trace pid=[0-9]* parent=\([0-9]*\).*/\1/p' dump | sort | uniq -c | awk '{ print $1 }' |
			paste -sd' ')" = "1 2" ] && [ "$(grep -c '^trace .* ended=1' dump)" -eq 3 ]
}
tap_ok "children have their own, which name the parent" forks

# Of a process that does nothing, there is no trace.
idle()
{
	profiled idle "$plain" exit=0 && ! ls idle.*.trace 2>/dev/null
}
tap_ok "no trace without a record" idle

cancelled()
{
	bare "$progdir/perils" cancel >bare.out
	profiled cancelled "$progdir/perils" cancel >out || return 1
	same bare.out out && dump cancelled && [ "$(grep -c '^alloc .* size=64 ' dump)" -eq 5 ]
}
tap_ok "a cancelled thread: recorded, and no harm" cancelled

bounded()
{
	bare "$plain" alloc=20000 >bare.out
	STINGY_MAX_TRACE=65536 profiled bounded "$plain" alloc=20000 >out 2>err || return 1
	same bare.out out && one_line err 'bounded\..*\.trace.: full \(see --max-trace\): [0-9]+ records were dropped' && dump bounded &&
		has '^trace .* max=65536 full=1 ended=1' && ! grep -q ' dropped=0 ' dump &&
		[ "$(stat -c %s bounded.*.trace)" -le 65536 ] && [ "$(grep -c ^alloc dump)" -gt 1000 ]
}
tap_ok "the bound: the program goes on, the trace says so" bounded

closed()
{
	profiled closed "$plain" alloc=10 close alloc=200000 close alloc=7 >out 2>err || return 1
	[ ! -s err ] && dump closed && counts free 200017 && has '^trace .* full=0 ended=1' &&
		[ "$(stat -c %s closed.*.trace)" -gt 1048576 ]
}
tap_ok "closed descriptors: it goes on" closed

directory()
{
	mkdir -p away
	(timeout "$limit" env LD_PRELOAD="$profiling" STINGY_TRACE=relative "$plain" chdir=away alloc=30 exit=0) || return 1
	dump relative && counts alloc 30
}
tap_ok "a relative path is from where the program began" directory

by_default()
{
	timeout "$limit" env LD_PRELOAD="$profiling" "$plain" alloc=30 exit=0 && dump stingy && counts alloc 30
}
tap_ok "without a path, traces are called stingy" by_default

not_overwritten()
{
	local first=(orderly.*.trace)
	"$progdir/tracedump" orderly.*.trace >before
	(cd "$work" && exec env LD_PRELOAD="$profiling" STINGY_TRACE="$work/orderly" "$plain" alloc=2 exit=0)
	"$progdir/tracedump" "${first[0]}" | cmp - before
}
tap_ok "another run leaves the first one's trace alone" not_overwritten

# nowhere PREFIX: the program is as ever, and says in one line that there is no trace.
nowhere()
{
	bare "$plain" alloc=300 fork=10 alloc=10 >bare.out
	timeout "$limit" env LD_PRELOAD="$profiling" STINGY_TRACE="$1" STINGY_MAIN="${2:-0}" "$plain" alloc=300 alloc=10 \
		fork=0 >out 2>err
	one_line err "cannot write a trace '$1\.[0-9]+\.trace': $3"
}
tap_ok "a directory that is not there: one line" nowhere "$work/missing/x" 0 "No such file or directory"
tap_ok "a file in place of a directory: one line" nowhere "$work/dump/x" 0 "Not a directory"
goes_on()
{
	bare "$plain" alloc=300 fork=10 alloc=10 >bare.out
	timeout "$limit" env LD_PRELOAD="$profiling" STINGY_TRACE="$work/missing/x" "$plain" alloc=300 fork=10 alloc=10 \
		>out 2>err && same bare.out out
}
tap_ok "and the program is as ever, and its child" goes_on

# What the program meant runs in turn has nothing to say (stingy-environment(7)).
only_main()
{
	timeout "$limit" env LD_PRELOAD="$profiling" STINGY_TRACE="$work/missing/x" STINGY_MAIN=1 "$plain" alloc=3 >out 2>err
	cat err
	[ ! -s err ]
}
tap_ok "what the program meant runs in turn is not told" only_main

if [ "$(id -u)" -eq 0 ] && command -v "${CC:-cc}" >/dev/null; then
	chmod 755 "$work"
	mkdir -m 777 open
	cp "$profiling" .
	"${CC:-cc}" -o secure "$testdir/prog/plain.c" -Wl,--no-as-needed "$work/libstingy-profile.so" -Wl,-rpath,"$work"
	STINGY_TRACE=$work/open/own ./secure secure alloc=10 >out
	chown 65534 secure
	chmod 4755 secure
	STINGY_TRACE=$work/open/more ./secure secure alloc=10 >out 2>err
	if grep -q 'secure: 1' out; then
		tap_is "a program with more rights than the caller's leaves no trace" "$(cd open && echo own.*.trace more*)$(cat err)" "$(cd open && echo own.*.trace) more*"
	else
		tap_skip "a program with more rights than the caller's" "the file system ignores the set-user-ID bit"
	fi
else
	tap_skip "a program with more rights than the caller's" "needs root and a compiler"
fi

tap_done
