# shellcheck shell=bash disable=SC2154 # shim.sh sets the variables
# Programs that are not ours, and are no servers, under the two libraries: what they print and how they end is as
# without. Source it after tap.sh and shim.sh; call outside once, then outside_managed for each program in it.
#
# Commands that are run by the command say what they were served only where STINGY_MAIN is unset.

stingy=$(realpath "${STINGY:-${builddir:-$testdir/..}/stingy}")
export LC_ALL=C HOME=$work

# outside WHAT COMMAND...: COMMAND by itself, which is the measure for all that follows; under each library, without a
# manifest; and with what `stingy solve` makes of the profile, where it makes anything of programs without event loop.
outside()
{
	outside_what=$1
	shift
	outside_command=("$@")
	bare "$@" >bare.out 2>bare.err
	echo "exit status $?" >>bare.out
	tap_note "$outside_what: $(wc -c <bare.out) bytes of output, $(tail -n 1 bare.out)"
	tap_is "$outside_what: it has no complaints" "$(cat bare.err)" ""
	tap_ok "$outside_what, no manifest: all as ever" outside_agrees managed ""
	tap_ok "$outside_what, profiled: all as ever" outside_agrees profiled outside
	"$stingy" solve outside.*.trace -o solved >said 2>&1
	tap_note "$(grep -v 'not used' said)"
	[ ! -e solved ] ||
		tap_ok "$outside_what, by the solver's manifest: all as ever" outside_agrees managed "$work/solved"
}

# outside_managed PROGRAM LEAST: the same with a manifest for PROGRAM (a path) that has no sites, and with one that has
# all that the profile shows: then LEAST per cent of its allocations must come from the arena.
outside_managed()
{
	local what="$outside_what, $1"
	outside_manifest "$1" >all-sites
	sed '/^region/d; /^kind/d; /^site/d' all-sites >no-sites
	tap_ok "$what, no sites: all as ever" outside_agrees managed "$work/no-sites"
	tap_is "$what, no sites: the manifest is in force" "$(outside_counted "$1" | awk '{ print $1, ($2 > 0) }')" "0 1"
	tap_ok "$what, $(grep -c '^site' all-sites) sites: all as ever" outside_agrees managed "$work/all-sites"
	tap_note "$(outside_share "$1")% from the arena (served, of all: $(outside_counted "$1"))"
	tap_ok "$what: at least $2% from the arena" test "$(outside_share "$1")" -ge "$2"
}

# outside_agrees LIBRARY'S FUNCTION AND ITS ARGUMENT: whether output and status are the same; what the library itself
# says is in err.
outside_agrees()
{
	STINGY_REPORT=1 "$@" "${outside_command[@]}" >out 2>all.err
	echo "exit status $?" >>out
	grep '^stingy: ' all.err >err
	grep -v '^stingy: ' all.err
	same bare.out out && ! grep -qv '^stingy: ' all.err
}

# outside_manifest PROGRAM: prints one of all the sites in the traces of its processes.
outside_manifest()
{
	local trace traces=()
	for trace in outside.*.trace; do
		"$progdir/tracedump" "$trace" 2>&1 | grep -q "^module 0 .*path=$1\$" && traces+=("$trace")
	done
	[ ${#traces[@]} -gt 0 ] || return 1
	"$progdir/tracedump" "${traces[@]}" |
		awk -v depth=3 -v share=1 -v slots=12000 -v spare=1000 -v largest=4096 -f "$testdir/trace-manifest.awk"
}

# outside_counted PROGRAM: the allocations of all its processes that said so: from the arena, and in all.
outside_counted()
{
	grep -v 'made for' err |
		sed -n "s,^stingy: $1\[[0-9]*\]: \([0-9]*\) of \([0-9]*\) allocations .*,\1 \2,p" |
		awk '{ served += $1; all += $2 } END { print served + 0, all + 0 }'
}

# outside_share PROGRAM: the same in per cent.
outside_share()
{
	outside_counted "$1" | awk '{ print $2 ? int(100 * $1 / $2) : 0 }'
}
