#!/usr/bin/env bash
# What memory the library adds to a process besides its arena, under a manifest of 1,000 sites, each of which it has
# served: anonymous memory by mapping, from smaps, with the library less without it.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

program=$PWD/samples/bench-memory

# snapshot NAME COMMAND...: what COMMAND says it did, and its mappings then, in $work/NAME.said and NAME.smaps.
snapshot()
{
	local name=$1 process
	shift
	rm -f "$work/input"
	mkfifo "$work/input"
	"$@" <"$work/input" >"$work/$name.said" &
	process=$!
	exec 9>"$work/input"
	until [ -s "$work/$name.said" ]; do
		kill -0 $process # or it has failed
		sleep 0.05
	done
	cat "/proc/$process/smaps" >"$work/$name.smaps"
	sed -n 's/^VmPTE: *//p' "/proc/$process/status" >"$work/$name.tables"
	exec 9>&-
	wait $process
}

# dirty NAME: KiB of private dirty memory and the mapping's name, one a line, but for where the objects are.
dirty()
{
	local lowest highest first second path name='' is_arena=0
	read -r _ _ lowest highest <"$work/$1.said"
	while read -r first second _ _ _ path; do # a mapping's first line has all six
		case $first in
		*-*)
			name=${path%% *}
			name=${name##*/} # where it is built or installed is no matter
			is_arena=$((0x${first%-*} <= highest && 0x${first#*-} > lowest))
			;;
		Anonymous:) [ "$is_arena" = 1 ] || echo "$second ${name:-anonymous}" ;;
		esac
	done <"$work/$1.smaps"
}

progress memory
manifest depth=3 share=1 -- "$program" >"$work/manifest"
must_serve "$work/manifest" "$program"
snapshot without "$program" none
snapshot with env LD_PRELOAD="$production" STINGY_MANIFEST="$work/manifest" "$program"
dirty without >"$work/without"
dirty with >"$work/with"
echo "KiB of memory besides the arena, $(grep -c '^site' "$work/manifest") sites served, $(wc -c <"$work/manifest") bytes of manifest"
printf '%-40s %8s %8s %8s\n' mapping without with more
awk '
	{ kib[FILENAME ~ /without$/, $2] += $1; names[$2]; sum[FILENAME ~ /without$/] += $1 }
	END {
		for (name in names)
			if (kib[0, name] != kib[1, name])
				printf "%-40s %8d %8d %+8d\n", name, kib[1, name], kib[0, name], kib[0, name] - kib[1, name]
		printf "%-40s %8d %8d %+8d\n", "all", sum[1], sum[0], sum[0] - sum[1]
	}' "$work/without" "$work/with"
echo "page tables: $(cat "$work/without.tables") without, $(cat "$work/with.tables") with"
