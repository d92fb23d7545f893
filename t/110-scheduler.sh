#!/usr/bin/env bash
# What a program asks and tells by the public header: the answer to StingyDynCheck follows the free slots of what a run
# of the stage allocates; the profile has the stages and tasks that were announced.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

stager=$progdir/stager
yes="read_request 1, write_reply 1, idle 1, nothing 1, errno kept"

# answers LINE...: whether the program, its output in out, gave exactly these.
answers()
{
	diff -u <(printf '%s\n' "$@") out
}

all_yes()
{
	answers "at first: $yes" "with 3 tasks: $yes" "with 4 tasks: $yes" "with 6 tasks: $yes" "in a child: $yes" \
		"in a child that has freed: $yes" "after another thread freed a request: $yes" "at the end: $yes"
}

bare "$stager" >out
tap_ok "without a library, all is well" all_yes
profiled stager "$stager" >out
tap_ok "while profiled, too" all_yes

for trace in stager.*.trace; do
	"$progdir/tracedump" "$trace" >dump
	grep -q '^trace .* parent=0 ' dump && cp dump parent.dump
done

# The runs that the trace has: as many as there were, each with its end, by functions that are found.
told()
{
	[ "$(grep -c '^stage ' parent.dump)" -eq 12 ] && [ "$(grep -c '^stage-end ' parent.dump)" -eq 12 ] &&
		[ "$(grep -c '^task-end ' parent.dump)" -eq 6 ] &&
		[ "$(sed -n 's/^stage .* frame=\([0-9]*\) .*/\1/p' parent.dump | sort | uniq -c | awk '{ print $1 }' |
			paste -sd' ')" = "6 6" ] &&
		[ "$(sed -n 's/^stage .* \(task=.*\)/\1/p' parent.dump | sort -u | wc -l)" -eq 6 ]
}
tap_ok "the profile has every stage and the end of every task" told

# stage_of NAME: MODULE+0xOFFSET of the function of that name, from the frame that its stage records name.
stage_of()
{
	awk -v name="name=$1" '$1 == "frame" { line[$2] = $0 }
		$1 == "stage" { sub("frame=", "", $3); n = split(line[$3], f, " ")
			if (f[n] == name) { split(f[3], a, "+"); sub("function=", "", f[4]); print a[1] "+" f[4]; exit } }' parent.dump
}
reader=$(stage_of read_request)
writer=$(stage_of write_reply)
tap_ok "by names and places of their functions" test -n "$reader" -a -n "$writer" -a "$reader" != "$writer"
placed()
{
	local address
	address=$(nm "$stager" | awk '$3 == "read_request" { print $1 }') || return 1
	# Offsets in the file and link addresses differ by what the linker put before the text.
	[ $(((16#$address - ${reader#0+}) % 4096)) -eq 0 ]
}
if command -v nm >/dev/null; then
	tap_ok "as nm has them" placed
else
	tap_skip "as nm has them" "there is no nm"
fi

# Requests are kind 0, replies kind 1: four slots each. A run of write_reply is said to need two of them.
awk '$1 == "frame" || $1 == "module" || $1 == "chain" || $2 !~ /=/ { print; next } $3 == "size=100" || $3 == "size=300"' \
	parent.dump | awk -v slots=4 -v home=1 -f "$testdir/trace-manifest.awk" |
	sed "s/^end/stage 0 function=$reader allocates=0\nstage 1 function=$writer allocates=1*2\nstage 2 name=none\nend/" >manifest

full="idle 1, nothing 1, errno kept"
served_answers()
{
	answers "at first: $yes" "with 3 tasks: read_request 1, write_reply 0, $full" \
		"with 4 tasks: read_request 0, write_reply 0, $full" "with 6 tasks: read_request 0, write_reply 0, $full" \
		"in a child: read_request 0, write_reply 0, $full" \
		"in a child that has freed: read_request 1, write_reply 0, $full" \
		"after another thread freed a request: read_request 1, write_reply 0, $full" "at the end: $yes"
}
STINGY_REPORT=1 managed "$work/manifest" "$stager" >out 2>err
tap_ok "served, the answers follow what is free" served_answers
tap_note "$(cat err)"
STINGY_DRY_RUN=1 managed "$work/manifest" "$stager" >out 2>err
tap_ok "in a dry run, all is well" all_yes

# --- a stage in a module that comes and goes, and another module that may come to lie in its place

rm -f stager.*.trace
modules=("$progdir"/chain-module{,-2}.so)
bare "$stager" "${modules[@]}" >bare.out
profiled stager "$stager" "${modules[@]}" >out 2>err
tap_ok "of modules, while profiled, all is well" same bare.out out
"$progdir/tracedump" stager.*.trace >parent.dump
stage=$(awk '$1 == "frame" { place[$2] = $3; function_at[$2] = $4 }
	$1 == "stage" { sub("frame=", "", $3); split(place[$3], a, "+"); sub("function=", "", function_at[$3])
		print a[1] "+" function_at[$3]; exit }' parent.dump)
tap_ok "the module's stage is in the profile" test -n "$stage"
# The stage is said to need more than there is.
solve stager -v slots=4 | sed -e '/^site [1-9]/d' -e "s/^end/stage 0 function=$stage allocates=0*200\nend/" >manifest
module_answers()
{
	answers "nothing: 1" "a module: 0" "a module, when it has run: 0" "a module, and gone: 1" \
		"the module again: 0" "the module again, when it has run: 0" "the module again, and gone: 1" \
		"another module: 1" "another module, when it has run: 1" "another module, and gone: 1" \
		"the first once more: 0" "the first once more, when it has run: 0" "the first once more, and gone: 1"
}
managed "$work/manifest" "$stager" "${modules[@]}" >out 2>err
tap_ok "served, the stage is known while its module is there, and only that" module_answers
tap_note "$(cat err)"

tap_done
