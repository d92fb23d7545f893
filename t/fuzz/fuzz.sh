#!/bin/sh
# Fuzzes the readers of the manifest, the interface file and the trace, and the way from a trace to a manifest, each for
# as many seconds as given (60), or those named behind that: fuzz.sh 60 trace solve.
#
# What reaches something new is kept in fuzz-work/TARGET, in the current directory, and gone on from the next time; a
# finding ends it and is left in fuzz-work/TARGET-crash-*. The compiler is FUZZ_CC, or clang; FUZZ_SOURCES and FUZZ_LIBS
# are what the solver is made of, which make knows.
set -eu
seconds=${1:-60}
compiler=${FUZZ_CC:-clang}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- manifest interface trace solve
FUZZ_SOURCES=${FUZZ_SOURCES:-} FUZZ_LIBS=${FUZZ_LIBS:-}
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..

compile()
{
	"$compiler" -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-DSTINGY_LIBDIR='""' -DSTINGY_READY='""' -DSTINGY_INTERFACES='""' -DPACKAGE_VERSION='""' "$@"
}

# fuzz TARGET: it links the readers and the writer of the formats, or the whole solver.
fuzz()
{
	target=$1
	set -- manifests/manifest.c manifests/manifest-write.c manifests/records.c manifests/rule.c manifests/words.c \
		profiler/interface.c profiler/trace.c profiler/trace-file.c
	# shellcheck disable=SC2086 # lists
	[ "$target" != solve ] || set -- $FUZZ_SOURCES
	for source in "$@"; do
		shift
		case $source in
		*.c) set -- "$@" "$top/$source" ;;
		esac
	done
	# shellcheck disable=SC2086 # a list
	compile -DTARGET="fuzz_$target" -o "fuzz-work/fuzz-$target" "$here/entry.c" "$here/$target.c" "$@" $FUZZ_LIBS
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
