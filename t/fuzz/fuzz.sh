#!/bin/sh
# Fuzzes the readers of the manifest and of the trace, and the way from a trace to a manifest, each for as many seconds
# as given (60), or those named behind that: fuzz.sh 60 trace solve.
#
# What reaches something new is kept in fuzz-work/TARGET, in the current directory, and gone on from the next time; a
# finding ends it and is left in fuzz-work/TARGET-crash-*. The compiler is FUZZ_CC, or clang.
set -eu
seconds=${1:-60}
compiler=${FUZZ_CC:-clang}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- manifest trace solve
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..

compile()
{
	"$compiler" -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "$@"
}

# fuzz TARGET: what it links besides the formats are the rest of the solver and its libraries, for the last one.
fuzz()
{
	target=$1
	set --
	if [ "$target" = solve ]; then
		for source in "$top"/solver/*.c; do
			case $source in
			*/cmd-*.c | */stingy.c | */preload.c | */ready.c) ;;
			*) set -- "$@" "$source" ;;
			esac
		done
		set -- "$@" -lglpk -liberty -ljansson -ldw -lelf -lZydis -lm
	fi
	compile -DTARGET="fuzz_$target" -o "fuzz-work/fuzz-$target" "$here/entry.c" "$here/$target.c" \
		"$top/manifests/manifest.c" "$top/manifests/manifest-write.c" "$top/manifests/records.c" \
		"$top/manifests/rule.c" "$top/manifests/words.c" "$top/profiler/trace.c" "$@"
	set -- "fuzz-work/$target"
	[ ! -d "$here/$target" ] || set -- "$@" "$here/$target"
	[ ! -e "$here/$target.dict" ] || set -- -dict="$here/$target.dict" "$@"
	"fuzz-work/fuzz-$target" -max_len=4096 -max_total_time="$seconds" -print_final_stats=1 \
		-artifact_prefix="fuzz-work/$target-" "$@"
}

mkdir -p fuzz-work
echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' >fuzz-work/try.c
if ! compile -o fuzz-work/try fuzz-work/try.c 2>/dev/null; then
	echo "fuzz.sh: this takes clang with libFuzzer: apt-get install clang libclang-rt-dev, or name one in FUZZ_CC" >&2
	exit 1
fi
for name in "$@"; do
	mkdir -p "fuzz-work/$name"
	fuzz "$name"
done
