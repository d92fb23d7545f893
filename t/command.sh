# shellcheck shell=bash
# What the tests of the `stingy` command share: a directory to work in, with libraries and two manifests, and ways to run
# the command and look at what it says. Source it after tap.sh.
#
# The libraries are empty files here: the loader complains and goes on, so nothing depends on what they do.

stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
[ -x "$stingy" ] || tap_bail "no command at '$stingy'"
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-command.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
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

# has LINE: whether out has this very line.
has()
{
	grep -qxF -e "$1" out && return 0
	printf "no line '%s':\n" "$1"
	cat out
	return 1
}
