# shellcheck shell=bash
# What the tests of the two preloaded libraries share: where things are, and how a program runs under which library.
# Source it after tap.sh; it makes a directory to work in, goes there, and removes it at the end.

libdir=$(realpath "${STINGY_LIBDIR_TEST:-${builddir:-.}/.libs}")
progdir=$(realpath "${PROGDIR:-${builddir:-.}/t/prog}")
testdir=$(realpath "${BASH_SOURCE[0]%/*}")
production=$libdir/libstingy.so
profiling=$libdir/libstingy-profile.so
for needed in "$production" "$profiling" "$progdir/tracedump"; do
	[ -e "$needed" ] || tap_bail "'$needed' is not built"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-shim.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset LD_PRELOAD STINGY_MAIN STINGY_MANIFEST STINGY_DRY_RUN STINGY_REPORT STINGY_TRACE STINGY_MAX_TRACE STINGY_BATCH
unset STINGY_CALLS STINGY_CHECK_WALK STINGY_ONLY_ALLOCATIONS STINGY_PAGES STINGY_CANARIES STINGY_SCHEDULE

command=() # what unnoticed and serves_more run: the test's to set

# A test that hangs is a test that fails; nothing here takes as long.
limit=300 # seconds

# bare COMMAND...: without a library, for comparison.
bare()
{
	timeout "$limit" "$@"
}

# profiled PREFIX COMMAND...: traces are PREFIX.PID.trace, in $work if PREFIX is no path.
profiled()
{
	local prefix=$1
	shift
	timeout "$limit" env LD_PRELOAD="$profiling${preload_too:+:$preload_too}" STINGY_TRACE="$(realpath "$work")/$prefix" "$@"
}

# managed MANIFEST COMMAND...: MANIFEST "" for none.
managed()
{
	local manifest=$1
	shift
	timeout "$limit" env LD_PRELOAD="$production${preload_too:+:$preload_too}" STINGY_MANIFEST="$manifest" "$@"
}

# solve PREFIX [AWK ARGUMENT]...: prints a manifest that serves all sites of the traces PREFIX.*.trace (of one process).
solve()
{
	local prefix=$1
	shift
	"$progdir/tracedump" "$prefix".*.trace | awk "$@" -f "$testdir/trace-manifest.awk"
}

# has_pool PAGES: whether the kernel's pool, empty so far, has so many explicit huge pages now; they are given back at the
# end.
has_pool()
{
	local pool=/proc/sys/vm/nr_hugepages
	[ "$(cat "$pool" 2>/dev/null)" = 0 ] && [ -w "$pool" ] || return 1
	trap 'echo 0 >/proc/sys/vm/nr_hugepages; rm -rf "$work"' EXIT
	{ echo "$1" >"$pool"; } 2>/dev/null && [ "$(cat "$pool")" -eq "$1" ]
}

# first_trace PREFIX NAME: of the traces PREFIX.*.trace of several processes, NAME.0.trace is that of the one that was
# started: the only one without a parent.
first_trace()
{
	local trace
	for trace in "$1".*.trace; do
		"$progdir/tracedump" "$trace" | grep -q '^trace .* parent=0 ' && mv "$trace" "$2.0.trace"
	done
}

# whole COMMAND...: whether all objects of a program that looks after them were whole; what was said is in err.
whole()
{
	"$@" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] || { echo "exit status $status"; return 1; }
	grep -qx 'all objects whole' out
}

# unnoticed LIBRARY'S FUNCTION AND ITS ARGUMENT: whether $command prints what is in bare.out, without a word more.
unnoticed()
{
	"$1" "$2" "${command[@]}" >out 2>err || { echo "exit status $?"; cat err; return 1; }
	same bare.out out && [ ! -s err ]
}

# serves_more LEAST: runs $command; whether more than LEAST of its allocations came from the arena.
serves_more()
{
	STINGY_REPORT=1 managed "$work/manifest" "${command[@]}" 2>err >/dev/null
	[ "$(served err)" -gt "$1" ]
}

# served FILE: the number of allocations from the arena, by the line that STINGY_REPORT gives, in FILE.
served()
{
	sed -n 's/^stingy: .*\]: \([0-9]*\) of [0-9]* allocations .* from the arena,.*/\1/p' "$1"
}

# allocations FILE: how many there were in all, by the same line.
allocations()
{
	sed -n 's/^stingy: .*\]: [0-9]* of \([0-9]*\) allocations .* from the arena,.*/\1/p' "$1"
}

# same FILE FILE: whether they are, and how they differ.
same()
{
	diff -u "$1" "$2" | head -40
	cmp -s "$1" "$2"
}

# one_line FILE PATTERN: whether FILE is one line of ours that matches the extended regular expression.
one_line()
{
	[ "$(wc -l <"$1")" -eq 1 ] && grep -Eq -e "^stingy: .*$2" "$1" && return 0
	printf "not one line 'stingy: ...%s':\n" "$2"
	head -20 "$1"
	return 1
}
