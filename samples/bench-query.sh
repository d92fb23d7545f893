#!/usr/bin/env bash
# What the questions and announcements of stingy.h cost, with the library and without: at most 10 ns a question is what a
# scheduler is promised, where a stage was looked up and takes from a few regions.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

bench=$PWD/samples/bench-query
questions="nothing count:none count:one count:two count:eight count:one-twice priority:two why:two check check-unknown begin
	begin-another"

manifest slots=64 spare=100 -- "$bench" nothing 1 | sed '/^end/d' >"$work/manifest"
kinds=$(sed -n 's/^kind \([0-9]*\) .*size=48\b.*/\1/p' "$work/manifest" | head -n 8 | paste -sd' ')
[ "$(wc -w <<<"$kinds")" -eq 8 ] || { echo "bench: the profile has not the sites that it should" >&2; exit 1; }
read -r one two _ <<<"$kinds"
cat >>"$work/manifest" <<END
stage 0 name=none
stage 1 name=one function=$("$bench" place) allocates=$one
stage 2 name=two allocates=$one,$two
stage 3 name=eight allocates=${kinds// /,}
stage 4 name=one-twice allocates=$one*2
end
END
must_serve "$work/manifest" "$bench" nothing 1

for _ in $(seq "$runs"); do
	for question in $questions; do
		"${pin[@]}" env LD_PRELOAD="$production" STINGY_MANIFEST="$work/manifest" "$bench" "$question" >>"$work/with.$question"
		"${pin[@]}" "$bench" "$question" >>"$work/without.$question"
	done
done

echo "ns for a question or an announcement, loop included: median and least..most of $runs runs"
printf '%-15s' ''
cell_titles "with the library" without
echo
for question in $questions; do
	printf '%-15s' "$question"
	cell <"$work/with.$question"
	cell <"$work/without.$question"
	echo
done
