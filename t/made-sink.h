/* Sinks in a folder of the test's own, and records put into them that can be told from each other. */
#ifndef MADE_SINK_H
#define MADE_SINK_H

#include "../profiler/sink.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void open_sink(size_t bound)
{
	assert_int_equal(stingy_sink_open(&sink, prefix, bound, 0), 0);
}

/* For the group of tests. */
static int make_directory(void **state)
{
	(void)state;
	tester = getpid();
	if (!mkdtemp(directory))
		return -1;
	snprintf(prefix, sizeof(prefix), "%s/trace", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, empty_directory)

#endif
