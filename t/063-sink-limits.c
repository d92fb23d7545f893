/*
 * The trace's sink where there is little room: limits of the process and disks that are full cost records, and neither
 * those before them nor the process.
 */
#define _GNU_SOURCE
#include "made-sink.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Runs the test in a child whose resources may be cut. */
static void run_in_child(void (*test)(void))
{
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void limit_file_size(size_t bytes)
{
	struct rlimit limit = {bytes, bytes};

	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void write_to_the_limit(void)
{
	limit_file_size(2 * MIB + 123);
	open_sink(16 * MIB);
	while (put())
		assert_true(n_put < 10000);
	assert_true(n_put > 1900);
	assert_int_equal(check_file(sink.path, n_put).flags, STINGY_TRACE_FULL);
}

static void test_a_limit_on_file_sizes(void **state)
{
	(void)state;
	run_in_child(write_to_the_limit);
}

static void write_to_a_later_limit(void)
{
	open_sink(16 * MIB);
	put_many(10);
	limit_file_size(MIB + 5000);
	while (put())
		assert_true(n_put < 10000);
	assert_int_equal(check_file(sink.path, n_put).flags, STINGY_TRACE_STUCK);
}

/* The program may set the limit itself, after the trace was opened: SIGXFSZ would be our fault. */
static void test_a_limit_set_later(void **state)
{
	(void)state;
	run_in_child(write_to_a_later_limit);
}

static void open_under_no_size_at_all(void)
{
	limit_file_size(0);
	assert_int_equal(stingy_sink_open(&sink, prefix, MIB, 0), -1);
	assert_int_not_equal(access(sink.path, F_OK), 0);
	assert_null(stingy_sink_room(&sink));
}

static void test_a_limit_of_nothing(void **state)
{
	(void)state;
	run_in_child(open_under_no_size_at_all);
}

static void open_with_few_descriptors(void)
{
	struct rlimit limit = {20, 20}; /* fewer than the sink would go up to */

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	closefrom(0);
	open_sink(16 * MIB);
	assert_true(sink.fd > STDERR_FILENO);
	put_many(2000);
	check_file(sink.path, n_put);
}

/* A program that begins without them must not find the trace under the number of a standard descriptor. */
static void test_takes_no_standard_descriptor(void **state)
{
	(void)state;
	run_in_child(open_with_few_descriptors);
}

/* In a mount namespace of its own, which goes with the process. Exits with 77 where that is not allowed. */
static void mount_small(const char *options)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", directory, "tmpfs", 0, options) != 0)
		_exit(77);
}

static void fill_the_disk(void)
{
	mount_small("size=3m");
	open_sink(64 * MIB);
	while (put())
		assert_true(n_put < 10000);
	assert_true(n_put > 900);
	assert_false(put());
	struct stingy_trace_header header = check_file(sink.path, n_put);
	assert_int_equal(header.flags, STINGY_TRACE_STUCK);
	assert_int_equal(header.dropped, 2);
	stingy_sink_end(&sink);
	check_file(sink.path, n_put);
}

static void test_a_disk_that_fills_up(void **state)
{
	(void)state;
	run_in_child(fill_the_disk);
}

static void open_on_a_full_disk(void)
{
	mount_small("size=64k");
	assert_int_equal(stingy_sink_open(&sink, prefix, 64 * MIB, 0), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_not_equal(access(sink.path, F_OK), 0); /* no empty file is left */
	assert_null(stingy_sink_room(&sink));
}

static void test_a_disk_that_is_full(void **state)
{
	(void)state;
	run_in_child(open_on_a_full_disk);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_a_limit_on_file_sizes), CASE(test_a_limit_set_later),
		CASE(test_a_limit_of_nothing),    CASE(test_takes_no_standard_descriptor),
		CASE(test_a_disk_that_fills_up),  CASE(test_a_disk_that_is_full),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
