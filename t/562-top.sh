#!/usr/bin/env bash
# stingy top on a terminal (tmux), as a user sees it: a master and its workers, keys, another size, the end; and that
# the terminal is afterwards as it was.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require tmux
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
unset TMUX

# profile: until a worker has freed what it allocated.
profile()
{
	LD_PRELOAD=$profiling STINGY_TRACE=$work/sites "$progdir/busy" 2>err &
	local turns
	for turns in {1..600}; do
		"$progdir/tracedump" sites.*.trace 2>/dev/null | grep -q '^free' && break
		sleep 0.1
	done
	kill $!
	wait $! 2>/dev/null
}
profile
solve sites -v spare=100 >manifest
LD_PRELOAD=$production STINGY_MANIFEST=$work/manifest "$progdir/busy" &
busy=$!
tmux=(tmux -S "$work/socket" -f /dev/null)
trap '"${tmux[@]}" kill-server 2>/dev/null; kill $busy 2>/dev/null; rm -rf "$work"' EXIT

# A shell that tells its terminal's settings before and after, and the exit status.
cat >session <<'END'
stty -g >before
"$@"
echo $? >status
stty -g >after
echo it is over
exec sleep 60
END
"${tmux[@]}" new-session -d -x 80 -y 24 bash session "$stingy" top -d 0.2 $busy || tap_bail "no terminal"

# shown PATTERN...: waits until all of them are on the screen, which is left in the file screen.
shown()
{
	local pattern turns=600
	while [ $turns -gt 0 ]; do
		"${tmux[@]}" capture-pane -p >screen
		for pattern in "$@"; do
			grep -qE -e "$pattern" screen || break
			[ "$pattern" != "${!#}" ] || return 0
		done
		turns=$((turns - 1))
		sleep 0.1
	done
	echo "never shown: $pattern"
	cat screen
	return 1
}

press()
{
	"${tmux[@]}" send-keys "$@"
}

tap_ok "the questions are answered" shown '^ is it on\?     yes: serving, [0-9]+ of' \
	'^ does it help\?.* of the allocations are from the arena' '^ what limits\? '
tap_ok "the processes: a master and two workers" shown ' 3 of 3,|, 2 of 3,' "^ . +$busy +ready " '^ > +[0-9]+ +serving +[1-9]'
tap_ok "allocations per second" shown '^ from the arena +[1-9][0-9]+ +[0-9.]+%'
tap_ok "regions" shown '^ reg +slot +slots' '^ +0 +[0-9]+ +[0-9]+ \[#+-* *\] +[1-9][0-9]* +[1-9]'

is_narrow()
{
	[ "$(wc -L <screen)" -le 80 ] && [ "$(wc -l <screen)" -le 24 ]
}
tap_ok "nothing is wider than the terminal" is_narrow

press Up Up Up
tap_ok "up: the master is selected" shown ", 1 of 3," "^ > +$busy +ready"
press j
tap_ok "j: the first worker is" shown ', 2 of 3,' '^ > +[0-9]+ +serving'

"${tmux[@]}" resize-window -x 120 -y 40
tap_ok "another size: longer bars" shown '\[[#-]* *\]' '^ +0 +[0-9]+ +[0-9]+ \[[-# ]{32}\]'

press q
is_over()
{
	shown '^it is over' && [ "$(cat status)" -eq 0 ] && same before after && ! grep -q 'is it on' screen
}
tap_ok "q ends it, and the terminal is as it was" is_over

# The processes end, or it is told to.
"${tmux[@]}" respawn-window -k bash session "$stingy" top -d 0.2 $busy
shown 'is it on' >/dev/null
kill $busy
wait $busy
tap_ok "it ends with the processes, and says so" shown '^stingy: the processes have ended' '^it is over'
tap_ok "the terminal is as it was" same before after

LD_PRELOAD=$production STINGY_MANIFEST=$work/manifest "$progdir/busy" &
busy=$!
"${tmux[@]}" respawn-window -k bash session "$stingy" top
shown 'is it on' >/dev/null
terminated()
{
	kill "$(tr -d ' ' <"/proc/$1/task/$1/children")"
	shown '^it is over' && same before after
}
tap_ok "without a process number: all; and a signal restores the terminal" terminated "$("${tmux[@]}" display-message -p "#{pane_pid}")"

# refuses TEXT COMMAND...: one line with the text in it.
refuses()
{
	local text=$1
	shift
	! "$@" >out 2>err </dev/null && [ ! -s out ] && one_line err "$text"
}
tap_ok "no terminal" refuses "top needs a terminal" "$stingy" top $busy
sleep 60 &
tap_ok "a process that does not run under it" refuses "process $!: does not run under stingy" "$stingy" top $!
kill $!
tap_ok "not a process number" refuses "'12x'" "$stingy" top 12x
tap_ok "not an interval" refuses "'0'" "$stingy" top -d 0
tap_ok "two processes" refuses "'2' is too many" "$stingy" top 1 2

tap_done
