/* The trace's sink: what is committed is in the file, whatever happens to the process, its descriptors, or the disk. */
#define _GNU_SOURCE
#include "../profiler/sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB  (1ul << 20)
#define TEXT 1000u /* bytes of text in a test record */

static char directory[] = "/tmp/stingy-sink.XXXXXX";
static char prefix[200];
static struct stingy_sink sink;
static struct stingy_trace_state state_of_trace;
static unsigned n_put; /* records of the test's in the trace */
static pid_t tester;

static int set_up(void **state)
{
	(void)state;
	n_put = 0;
	state_of_trace = (struct stingy_trace_state){0, 0};
	memset(&sink, 0, sizeof(sink));
	return 0;
}

/* A child in which an assertion failed must not go on with the tests that follow. */
static int empty_directory(void **state)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	(void)state;
	if (getpid() != tester)
		_exit(1);
	stingy_sink_forget(&sink);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	return dir ? closedir(dir) : -1;
}

/* Puts one more record, a module whose number is the record's. Returns whether there was room. */
static bool put(void)
{
	static char text[TEXT];
	struct stingy_trace_record record = {.type = STINGY_TRACE_MODULE,
					     .module = {.number = n_put, .path = {text, TEXT}}};
	uint8_t *room = stingy_sink_room(&sink);

	if (!room)
		return false;
	memset(text, 'a' + (int)(n_put % 26), sizeof(text));
	stingy_sink_commit(&sink, stingy_trace_encode(&state_of_trace, &record, room));
	n_put++;
	return true;
}

static void put_many(unsigned n)
{
	while (n-- > 0)
		assert_true(put());
}

/* Reads the file from the disk's side: it must hold the test's records up to the last, and nothing else. */
static struct stingy_trace_header check_file(const char *path, unsigned n)
{
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	struct stat st;
	int fd = open(path, O_RDONLY), more;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	char *data = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	assert_int_equal(stingy_trace_reader_init(&reader, data, (size_t)st.st_size), 0);
	for (unsigned i = 0; (more = stingy_trace_next(&reader, &record)) > 0; i++) {
		assert_int_equal(record.type, STINGY_TRACE_MODULE);
		assert_int_equal(record.module.number, i);
		assert_int_equal(record.module.path.len, TEXT);
		assert_int_equal(record.module.path.at[TEXT - 1], 'a' + (int)(i % 26));
		n--;
	}
	assert_int_equal(more, 0);
	assert_int_equal(n, 0);
	free(data);
	return reader.header;
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void open_sink(size_t bound)
{
	assert_int_equal(stingy_sink_open(&sink, prefix, bound, 0), 0);
}

static void test_opens_a_new_file_each_time(void **state)
{
	char wanted[300];

	(void)state;
	open_sink(4 * MIB);
	snprintf(wanted, sizeof(wanted), "%s.%d.trace", prefix, getpid());
	assert_string_equal(sink.path, wanted);
	struct stingy_trace_header header = check_file(sink.path, 0);
	assert_int_equal(header.pid, getpid());
	assert_int_equal(header.parent, 0);
	assert_int_equal(header.flags, 0);
	assert_int_equal(header.max_size, 4 * MIB);
	assert_int_equal(header.dropped, 0);
	assert_true(header.started > UINT64_C(1700000000) * 1000000000);
	stingy_sink_forget(&sink);
	assert_int_equal(stingy_sink_open(&sink, prefix, 4 * MIB, 77), 0);
	snprintf(wanted, sizeof(wanted), "%s.%d.1.trace", prefix, getpid());
	assert_string_equal(sink.path, wanted);
	assert_int_equal(check_file(sink.path, 0).parent, 77);
}

static void test_nobody_else_may_read_it(void **state)
{
	struct stat st;

	(void)state;
	open_sink(MIB);
	assert_int_equal(stat(sink.path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_true(fcntl(sink.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(sink.fd >= 200); /* out of the way of programs that close by number */
}

static void test_grows(void **state)
{
	(void)state;
	open_sink(64 * MIB);
	for (unsigned i = 0; i < 9; i++) {
		put_many(700);
		check_file(sink.path, n_put);
	}
	assert_true(size_of(sink.path) > (off_t)(6 * MIB));
}

static void test_stops_at_the_bound(void **state)
{
	static const size_t bounds[] = {4096, 8192, 65536, 100000, MIB, MIB + 4096, 3 * MIB};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		set_up(state);
		open_sink(bounds[i]);
		while (put())
			assert_true(n_put < 10000);
		for (unsigned j = 0; j < 4; j++)
			assert_false(put());
		struct stingy_trace_header header = check_file(sink.path, n_put);
		assert_int_equal(header.flags, STINGY_TRACE_FULL);
		assert_int_equal(header.dropped, 5);
		assert_true(header.committed <= bounds[i]);
		assert_true(size_of(sink.path) <= (off_t)bounds[i]);
		/* What is wasted is less than the longest record, and a page. */
		assert_true(header.committed + STINGY_TRACE_RECORD_MAX + 4096 + TEXT > bounds[i]);
		stingy_sink_forget(&sink);
	}
}

static void test_goes_on_after_its_end(void **state)
{
	(void)state;
	open_sink(16 * MIB);
	for (unsigned i = 0; i < 5; i++) {
		put_many(1 + 700 * i);
		stingy_sink_end(&sink);
		struct stingy_trace_header header = check_file(sink.path, n_put);
		assert_int_equal(header.flags, STINGY_TRACE_ENDED);
		assert_int_equal(size_of(sink.path), header.committed);
	}
}

static void test_survives_sigkill(void **state)
{
	int status;

	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		open_sink(4 * MIB);
		put_many(1234);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	snprintf(sink.path, sizeof(sink.path), "%s.%d.trace", prefix, pid);
	assert_int_equal(check_file(sink.path, 1234).flags, 0);
}

static void test_fork_gives_two_traces(void **state)
{
	int status;
	char path[300];

	(void)state;
	open_sink(4 * MIB);
	put_many(100);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		stingy_sink_forget(&sink);
		if (stingy_sink_room(&sink) || stingy_sink_open(&sink, prefix, 4 * MIB, (uint32_t)parent) != 0)
			_exit(1);
		n_put = 0;
		put_many(50);
		_exit(0);
	}
	put_many(1500);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_file(sink.path, n_put);
	snprintf(path, sizeof(path), "%s.%d.trace", prefix, pid);
	assert_int_equal(check_file(path, 50).parent, parent);
}

/* A server may close what it does not know, and open a file of its own in that place. */
static void test_leaves_a_foreign_descriptor_alone(void **state)
{
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s.foreign", prefix);
	open_sink(16 * MIB);
	put_many(10);
	int number = sink.fd, other = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(dup2(other, number), number);
	put_many(5000);
	check_file(sink.path, n_put);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(dup2(other, sink.fd), sink.fd); /* and again, before the end */
	stingy_sink_end(&sink);
	stingy_sink_forget(&sink);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(write(number, "x", 1), 1); /* still open */
	close(number);
	close(other);
}

static void test_closed_descriptors(void **state)
{
	(void)state;
	open_sink(16 * MIB);
	put_many(10);
	close(sink.fd);
	put_many(3000);
	check_file(sink.path, n_put);
	close(sink.fd);
	stingy_sink_end(&sink); /* cannot cut the file, which is good all the same */
	assert_int_equal(check_file(sink.path, n_put).flags, STINGY_TRACE_ENDED);
}

/* Closed, and its path leads nowhere any more, or elsewhere: what is there must not be touched. */
static void test_a_file_that_is_gone(void **state)
{
	char path[sizeof(sink.path)];

	(void)state;
	open_sink(16 * MIB);
	close(sink.fd);
	strcpy(path, sink.path);
	strcat(path, ".old");
	assert_int_equal(rename(sink.path, path), 0);
	int other = open(sink.path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(other, "other", 5), 5);
	while (put())
		assert_true(n_put < 10000);
	assert_int_equal(check_file(path, n_put).flags, STINGY_TRACE_STUCK);
	assert_int_equal(size_of(sink.path), 5);
	close(other);
}

static void test_refuses_what_it_cannot_open(void **state)
{
	char deep[5000];

	(void)state;
	memset(deep, 'x', sizeof(deep) - 1);
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(stingy_sink_open(&sink, deep, MIB, 0), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(stingy_sink_open(&sink, "/nonexistent/x", MIB, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(stingy_sink_open(&sink, "/dev/null/x", MIB, 0), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_null(stingy_sink_room(&sink));
	stingy_sink_end(&sink);
	stingy_sink_forget(&sink);
}

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
	assert_null(stingy_sink_room(&sink));
}

static void test_a_disk_that_is_full(void **state)
{
	(void)state;
	run_in_child(open_on_a_full_disk);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, empty_directory)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_opens_a_new_file_each_time),
		CASE(test_nobody_else_may_read_it),
		CASE(test_grows),
		CASE(test_stops_at_the_bound),
		CASE(test_goes_on_after_its_end),
		CASE(test_survives_sigkill),
		CASE(test_fork_gives_two_traces),
		CASE(test_leaves_a_foreign_descriptor_alone),
		CASE(test_closed_descriptors),
		CASE(test_a_file_that_is_gone),
		CASE(test_refuses_what_it_cannot_open),
		CASE(test_a_limit_on_file_sizes),
		CASE(test_a_limit_set_later),
		CASE(test_a_limit_of_nothing),
		CASE(test_takes_no_standard_descriptor),
		CASE(test_a_disk_that_fills_up),
		CASE(test_a_disk_that_is_full),
	};

	tester = getpid();
	if (!mkdtemp(directory))
		return 1;
	snprintf(prefix, sizeof(prefix), "%s/trace", directory);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
