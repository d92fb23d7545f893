#!/usr/bin/env bash
# Manifests that cannot be used: the program runs as it would without, and one line on stderr says why.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

chmod 755 "$work"
cp "$progdir/plain" plain
steps=(say=begin alloc=60 exit=7)
bare ./plain "${steps[@]}" >bare.out
profiled plain ./plain alloc=60 >/dev/null || tap_bail "cannot profile"
solve plain -v depth=2 -v home=1 >good

# runs MANIFEST [PROGRAM]: whether its output and status under the manifest are as ever; what it says is in err.
runs()
{
	managed "$1" "${2:-./plain}" "${steps[@]}" >out 2>err
	local status=$?
	[ "$status" -eq 7 ] || { echo "exit status $status"; cat err; return 1; }
	same bare.out out
}

# refused PATTERN MANIFEST [PROGRAM]: the same, and it says one line that matches.
refused()
{
	runs "$2" "${3:-}" && one_line err "'$2': .*($1).*: nothing is served\$"
}

# in_force MANIFEST [PROGRAM]: whether it is used.
in_force()
{
	STINGY_REPORT=1 runs "$@" && [ "$(served err)" -ge 50 ] && [ "$(wc -l <err)" -eq 1 ]
}

tap_ok "the good one is in force" in_force "$work/good"
without_environment()
{
	local steps=("${steps[@]::2}" forget exit=7)
	in_force "$work/good"
}
tap_ok "also where the program has done away with its environment by the end" without_environment
ln -s good link
tap_ok "so is a symbolic link to it" in_force "$work/link"
nameless()
(
	ulimit -f 0
	# What is printed must not be a file there.
	managed "$work/good" ./plain alloc=60 exit=7 2>&1 >/dev/null | cat >&3
	[ "${PIPESTATUS[0]}" -eq 7 ]
)
nobody_finds_it()
{
	nameless 3>&1 | cat >err
	[ "${PIPESTATUS[0]}" -eq 0 ] && one_line err "memfd_create is not allowed, or limited: 'stingy stat' will not find this process"
}
tap_ok "where no file may be had in memory, it says who will not find it" nobody_finds_it
mkdir elsewhere
cp plain elsewhere/renamed
tap_ok "and it holds for a copy of the program by another name" in_force "$work/good" elsewhere/renamed

# --- files

tap_ok "missing" refused "cannot open it: No such file" "$work/missing"
tap_ok "below a file" refused "cannot open it: Not a directory" "$work/good/missing"
tap_ok "a directory" refused "not a file" "$work"
tap_ok "a device" refused "not a file" /dev/null
mkfifo fifo
tap_ok "a pipe that nobody writes to" refused "not a file" "$work/fifo"
: >empty
tap_ok "empty" refused "empty" "$work/empty"
truncate -s 65M huge
tap_ok "huge" refused "too large" "$work/huge"
head -c 300000 /dev/urandom >noise
tap_ok "noise" refused "line [0-9]+: " "$work/noise"
cp good loose
chmod o+w loose
tap_ok "writable by anybody" refused "anybody may write it" "$work/loose"
chmod 644 good

if [ "$(id -u)" -eq 0 ]; then
	cp good foreign
	chown 65534 foreign
	tap_ok "of another user" refused "neither root's nor yours" "$work/foreign"
	cp good private
	chmod 600 private
	cp "$production" .
	chmod 755 libstingy.so plain
	unreadable()
	{
		touch out err
		timeout "$limit" setpriv --reuid=65534 --clear-groups env LD_PRELOAD="$work/libstingy.so" \
			STINGY_MANIFEST="$work/private" ./plain "${steps[@]}" >out 2>err
		[ $? -eq 7 ] && same bare.out out && one_line err "cannot open it: Permission denied"
	}
	tap_ok "unreadable" unreadable
else
	tap_skip "of another user" "only root can make one"
	chmod 000 loose
	tap_ok "unreadable" refused "cannot open it: Permission denied" "$work/loose"
fi

# --- contents

sed -E '/^(module|kind|site|stage) /d' good >anonymous
tap_ok "of no program at all" refused "it names no program" "$work/anonymous"
printf 'stingy-manifest 1\nend\n' >bare
tap_ok "of nothing but its ends" refused "it names no program" "$work/bare"

# DESCRIPTION, what the line says, a sed script that spoils the good one

while IFS='|' read -r description says script; do
	sed -E -e "$script" good >bad
	if cmp -s good bad; then
		tap_fail "$description: the script spoils something"
		continue
	fi
	tap_ok "$description" refused "line [0-9]+: .*$says" "$work/bad"
done <<'END'
another format|not a manifest|s/^stingy-manifest/stingy-trace/
a later version|version|1s/1$/2/
no cache line||/^cache/d
no slab line||/^slab/d
no program||/^module 0/d
an unknown keyword||s/^end/frobnicate\nend/
an unknown field||/^region 0/s/$/ colour=red/
a field twice||/^region 0/s/$/ count=1/
a number that is none||/^region 0/s/count=[0-9]+/count=many/
a number too large||/^region 0/s/count=[0-9]+/count=99999999999/
a region without slots||/^region 0/s/count=[0-9]+/count=0/
a region outside the slab||/^region 0/s/count=[0-9]+/count=99999999/
a slot size that is odd||/^region 0/s/slot=[0-9]+/slot=23/
regions that overlap||/^region 1/s/offset=[0-9]+/offset=0/
a kind in no region||/^kind 0/s/region=0/region=999/
a kind larger than its slot||/^kind 0/s/size=[0-9]+/size=99999/
a site of no kind||/^site 0/s/kind=0/kind=999/
a site in no module||/^site 0/s/ 0\+/ 99+/
a site without an address||/^site 0/s/kind=0.*/kind=0/
a malformed rule||/^site 0/s/:[a-z]+\+/:ax+/
a rule that ends a key||/^site 0/s/:[^ ]*/:end/
the same site twice|contradicts an earlier site|/^site [1-9]/d;/^site 0/{p;s/site 0/site 1/}
two rules for one address|contradicts an earlier site|/^site 0/{h;s/:[^ ]* .*/:sp+8 0+0x1/p;g;s/site 0/site 1/};/^site [1-9][0-9]*/{/^site 1 kind=0/!d}
something after the end|something follows|$s/$/\nend/
a line cut off|ends before|$d
END

truncations()
{
	local size at
	size=$(wc -c <small)
	for ((at = 0; at < size - 1; at++)); do
		head -c "$at" small >short
		refused "" "$work/short" && continue
		echo "cut after $at of $size bytes"
		return 1
	done
}
awk '/^site/ { next } /^(region|kind) [1-9]/ { next } /^module [1-9]/ { next } { print }' good >small
sed -i '/^end/i site 0 kind=0 0+0x1010' small
tap_note "truncations: $(wc -c <small) bytes"
tap_ok "small, but whole" runs "$work/small"
tap_ok "every truncation of it is refused" truncations

# A slab that is larger than what is left of the addresses that the program may have.
awk '{ sub(/^slab size=.*/, "slab size=268435456"); print }' good >vast
cramped()
{
	(ulimit -v 150000 && refused "no memory" "$work/vast")
}
tap_ok "of a slab for which there are no addresses" cramped
tap_ok "where there are, it is in force" in_force "$work/vast"

# --- builds

cp "$progdir/chains" chains
steps=()
bare ./chains >bare.out 2>&1
profiled chains ./chains >/dev/null
solve chains -v depth=2 -v home=1 >chains.manifest
cp "$progdir/chains-fp" chains
other_build()
{
	managed "$work/chains.manifest" ./chains >out 2>err &&
		same bare.out out && one_line err "this process is another build of '.*/chains': nothing is served"
}
tap_ok "of another build of the program" other_build
other_program()
{
	managed "$work/chains.manifest" ./plain alloc=6 >out 2>err &&
		one_line err "this process is another program, '.*/plain': nothing is served"
}
tap_ok "of another program" other_program
only_main()
{
	STINGY_MAIN=1 managed "$work/missing" ./plain alloc=6 >out 2>err && [ ! -s err ]
}
tap_ok "what the program meant runs in turn is not told" only_main

# --- rights

if [ "$(id -u)" -eq 0 ] && command -v "${CC:-cc}" >/dev/null; then
	cp "$production" .
	"${CC:-cc}" -o secure "$testdir/prog/plain.c" -Wl,--no-as-needed "$work/libstingy.so" -Wl,-rpath,"$work"
	STINGY_MANIFEST=$work/missing STINGY_REPORT=1 ./secure secure >open.out 2>open.err
	chown 65534 secure
	chmod 4755 secure
	STINGY_MANIFEST=$work/missing STINGY_REPORT=1 ./secure secure >out 2>err
	if grep -q 'secure: 1' out; then
		tap_ok "with no more rights than the caller's, the variables count" grep -q missing open.err
		tap_is "with more, they do not" "$(cat err)" ""
	else
		tap_skip "with more rights than the caller's" "the file system ignores the set-user-ID bit"
	fi
else
	tap_skip "with more rights than the caller's" "needs root and a compiler"
fi

tap_done
