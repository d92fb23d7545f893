#!/usr/bin/env bash
# The mock server (samples/mock.c): tasks in flight and nothing else, so that what order and place are worth shows by
# itself. Tasks in turn or stage by stage, from glibc or from the arena; the manifest is from a profile of it. Then the
# same as the number of tasks in flight grows.
#
#	bench-mock.sh
#
# Two manifests: one for the L2, and one for the L1, which is enough where stages have next to no code.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

mock=$build_dir/samples/mock
stingy=$build_dir/stingy
counts=${BENCH_MOCK_COUNTS:-10 40 100 400 1000 2500 5000 10000 20000}
admitted=47 # tasks, of the rows that do not ask: 752 KiB

# run PLACE POLICY OPTION...: nanoseconds for a task.
run()
{
	local place=$1 policy=(--policy "$2")
	shift 2
	case $place.${policy[1]} in
	glibc.staged) policy+=(--admit "$admitted") ;;
	esac
	case $place in
	glibc) "${pin[@]}" "$mock" "${policy[@]}" "$@" ;;
	*) "${pin[@]}" "$stingy" run -m "$work/$place.manifest" -- "$mock" "${policy[@]}" "$@" ;;
	esac | sed -n 's/.*ns per task \([0-9]*\).*/\1/p'
}

# row TASKS OPTION...: all places and policies, alternated; a line of the results for each.
row()
{
	local tasks=$1 place policy
	shift
	rm -f "$work"/times.*
	for _ in $(seq "$runs"); do
		for place in glibc L2 L1; do
			for policy in round-robin staged; do
				run $place $policy --tasks "$tasks" "$@" >>"$work/times.$place.$policy"
			done
		done
	done
	for place in glibc L2 L1; do
		for policy in round-robin staged; do
			read -r middle least most < <(spread <"$work/times.$place.$policy")
			result mock "$(printf '"options": "%s", "tasks": %d, "place": "%s", "policy": "%s", "ns": %s, "least": %s, "most": %s' \
				"$*" "$tasks" $place $policy "$middle" "$least" "$most")"
		done
	done
}

new_results mock
begin_progress 30 # seconds
progress "mock: profile"
"$stingy" profile -o "$work/mock" -- "$mock" --policy staged >"$work/out" 2>&1
"$stingy" solve "$work"/mock.*.trace -o "$work/L2.manifest" 2>"$work/out"
"$stingy" solve "$work"/mock.*.trace -o "$work/L1.manifest" --cache \
	"$(getconf LEVEL1_DCACHE_SIZE),$(getconf LEVEL1_DCACHE_ASSOC),$(getconf LEVEL1_DCACHE_LINESIZE)" 2>"$work/out"
progress "mock: 2500 tasks"
row 2500
runs=3
row 20000 --total 60000
done_of_progress 12
for count in $counts; do
	progress "mock: $count tasks, 8 KiB each, in sequence"
	row "$count" --state 8192 --access sequential --total "$((count > 10000 ? 40000 : 20000))"
	done_of_progress 2
done
"$bench_dir/bench-results.sh" mock
