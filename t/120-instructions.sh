#!/usr/bin/env bash
# What an operation costs, in instructions: no more than samples/instructions.txt says, and no less, so that the file is
# kept. Counts of another compiler, or with other flags, are not comparable.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"
tap_require valgrind readelf

output=$("${0%/*}/../samples/bench-instructions.sh" 2>&1)
status=$?
tap_note "$output"
case $status in
0) tap_pass "as many instructions as in samples/instructions.txt" ;;
77) tap_skip "as many instructions as in samples/instructions.txt" "it is of another compiler or other flags" ;;
*) tap_fail "as many instructions as in samples/instructions.txt" ;;
esac
tap_done
