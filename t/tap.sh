# shellcheck shell=bash
# TAP for the shell tests: source it, make one call a test point, and end with tap_done.
#
# A test point that runs a command shows what the command printed when it fails. Nothing here touches the
# process table or the disk: what a test starts and leaves behind is the test's own affair.

tap_points=0
tap_failures=0

# tap_note TEXT...: a comment for whoever reads the log; every line of it, nothing if it is empty.
tap_note()
{
	[ -z "$*" ] || printf '%s\n' "$*" | sed 's/^/# /'
}

# tap_pass DESCRIPTION, tap_fail DESCRIPTION: a point that was decided elsewhere.
tap_pass()
{
	tap_points=$((tap_points + 1))
	printf 'ok %d - %s\n' "$tap_points" "$1"
}

tap_fail()
{
	tap_points=$((tap_points + 1))
	tap_failures=$((tap_failures + 1))
	printf 'not ok %d - %s\n' "$tap_points" "$1"
}

# tap_ok DESCRIPTION COMMAND [ARGUMENT]...: passes if the command succeeds; so does tap_ok.
# The command runs in a subshell, so that a test point changes nothing for the next.
tap_ok()
{
	local description=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	if [ "$status" -eq 0 ]; then
		tap_pass "$description"
		return 0
	fi
	tap_fail "$description"
	tap_note "exit status $status of: $*"
	tap_note "$output"
	return 1
}

# tap_is DESCRIPTION GOT WANTED: passes if the two strings are equal.
tap_is()
{
	if [ "$2" = "$3" ]; then
		tap_pass "$1"
		return 0
	fi
	tap_fail "$1"
	tap_note "got:    '$2'"
	tap_note "wanted: '$3'"
	return 1
}

# tap_skip DESCRIPTION REASON: a point that cannot be decided here, and need not be.
tap_skip()
{
	tap_points=$((tap_points + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_points" "$1" "$2"
}

# tap_require COMMAND...: the whole test needs these commands. Somebody's own machine may lack a server; where
# CI is set all of them were to be installed, and a test that is skipped there would be a test that never runs.
tap_require()
{
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null && continue
		if [ -n "${CI:-}" ]; then
			tap_fail "'$command' is installed"
			tap_done
		fi
		printf '1..0 # SKIP %s is not installed\n' "$command"
		exit 0
	done
}

# tap_bail REASON: nothing that follows can mean anything.
tap_bail()
{
	printf 'Bail out! %s\n' "$1"
	exit 1
}

# tap_done: prints the plan and leaves. A test that dies before has no plan, and fails for that.
tap_done()
{
	printf '1..%d\n' "$tap_points"
	exit $((tap_failures != 0))
}
