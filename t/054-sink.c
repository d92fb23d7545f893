/* The trace's sink: what is committed is in the file, whatever happens to the process, or to its descriptors. */
#define _GNU_SOURCE
#include "made-sink.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
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
	static const size_t bounds[] = {32768, 40960, 65536, 100000, MIB, MIB + 4096, 3 * MIB};

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

/* Reads the file as it is while it may be written; it must have at least n records. Returns how many it has. */
static unsigned read_mapped(const char *path, unsigned n)
{
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	int fd = open(path, O_RDONLY), more;
	size_t size = (size_t)size_of(path);
	unsigned seen = 0;

	assert_true(fd >= 0);
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_true(data != MAP_FAILED);
	close(fd);
	assert_int_equal(stingy_trace_reader_init(&reader, data, size), 0);
	for (; (more = stingy_trace_next(&reader, &record)) > 0; seen++) {
		assert_int_equal(record.module.number, seen);
		assert_int_equal(record.module.path.at[0], 'a' + (int)(seen % 26));
		assert_int_equal(record.module.path.at[TEXT - 1], 'a' + (int)(seen % 26));
	}
	if (reader.header.committed <= size) /* else it has grown since */
		assert_int_equal(more, 0);
	assert_true(seen >= n);
	munmap(data, size);
	return seen;
}

/* What was in the buffer when it was looked at may be written, and the buffer filled again, amid that. */
static void test_read_while_written(void **state)
{
	int status;
	unsigned seen = 0;

	(void)state;
	open_sink(64 * MIB);
	pid_t pid = fork();
	if (pid == 0) {
		put_many(8000);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		seen = read_mapped(sink.path, seen);
	assert_int_equal(status, 0);
	assert_int_equal(read_mapped(sink.path, seen), 8000);
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
	assert_int_equal(stingy_sink_open(&sink, prefix, 16384, 0), -1); /* no room for the buffer */
	assert_int_equal(errno, EFBIG);
	assert_null(stingy_sink_room(&sink));
	stingy_sink_end(&sink);
	stingy_sink_forget(&sink);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_opens_a_new_file_each_time),
		CASE(test_nobody_else_may_read_it),
		CASE(test_grows),
		CASE(test_stops_at_the_bound),
		CASE(test_goes_on_after_its_end),
		CASE(test_survives_sigkill),
		CASE(test_read_while_written),
		CASE(test_fork_gives_two_traces),
		CASE(test_leaves_a_foreign_descriptor_alone),
		CASE(test_closed_descriptors),
		CASE(test_a_file_that_is_gone),
		CASE(test_refuses_what_it_cannot_open),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
