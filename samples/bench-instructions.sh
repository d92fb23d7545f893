#!/usr/bin/env bash
# How many instructions of libstingy.so an operation takes, by callgrind; compared with those in instructions.txt.
# What the next allocator and memset do for it is not counted: it is theirs, and differs from machine to machine.
#
#	bench-instructions.sh           status 0: as in the file; 1: not; 77: the file is of another compiler
#	bench-instructions.sh --renew   writes the file
#
# Run from the build directory (make instructions).

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

file=$bench_dir/instructions.txt
count=$PWD/t/prog/count
objects=64   # in count.c
tolerance=2  # instructions
command -v valgrind >/dev/null || { echo "bench: valgrind is not installed" >&2; exit 2; }

# What the counts depend on: the compiler that made the library, and its flags.
compiler()
{
	readelf -p .comment "$production" | sed -n 's/^ *\[[ 0-9a-f]*\] *//p'
	sed -n 's/^CFLAGS = //p' Makefile
}

# operations DEPTH MANAGED [UNMANAGED]: counts the operations of both lists; those of the second are not in the manifest.
operations()
{
	# shellcheck disable=SC2086 # lists of words
	{
		manifest depth="$1" slots=$objects -- "$count" $2 >"$work/manifest"
		must_serve "$work/manifest" "$count" $2
		# It also starts two programs of its own, in which the library says that the manifest is for another.
		LD_PRELOAD=$production STINGY_MANIFEST=$work/manifest valgrind -q --tool=callgrind --zero-before=begin \
			--dump-after='op_*' --combine-dumps=yes --compress-strings=no --compress-pos=no \
			--callgrind-out-file="$work/callgrind" "$count" $2 ${3:-} 2>"$work/err" || { cat "$work/err" >&2; exit 1; }
	}
	awk -v objects=$objects -f "$bench_dir/bench-callgrind.awk" "$work/callgrind"
}

count_all()
{
	operations 1 "malloc_1 calloc posix_memalign new realloc free delete" "malloc_unmanaged free_unmanaged"
	operations 2 malloc_2 malloc_2_unmanaged
	operations 4 malloc_4
}

# compare: the counts beside the file's; fails if they are too far apart.
compare()
{
	awk -v tolerance=$tolerance '
		/^#/ { next }
		NR == FNR { expected[$1] = $2; next }
		{ printf "%-20s %8s %8s %8s\n", $1, $2, $1 in expected ? expected[$1] : "-", note($2 - expected[$1]); delete expected[$1] }
		END {
			for (name in expected) { print name " was not counted"; is_far = 1 }
			exit is_far
		}
		function note(difference) {
			if (difference > tolerance || difference < -tolerance) is_far = 1
			return sprintf("%+g", difference)
		}' "$file" "$1"
}

count_all >"$work/counts"
compiler | tr '\n' ' ' | sed 's/ $/\n/' >"$work/compiler"
if [ "${1:-}" = --renew ]; then
	{
		echo "# Instructions of libstingy.so for an operation (make instructions; make renew-instructions writes this file)."
		sed 's/^/# compiler: /' "$work/compiler"
		cat "$work/counts"
	} >"$file"
	exit
fi
printf '%-20s %8s %8s %8s\n' instructions counted file change
status=0
compare "$work/counts" || status=1
if ! sed -n 's/^# compiler: //p' "$file" | cmp -s - "$work/compiler"; then
	echo "the file is of another compiler or other flags: $(sed -n 's/^# compiler: //p' "$file")"
	exit 77
fi
[ $status -eq 0 ] || echo "more than $tolerance from samples/instructions.txt; if that is meant to be: make renew-instructions"
exit $status
