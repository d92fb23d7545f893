/* The fuzz targets over the corpus that is kept in t/fuzz, whole and cut: see t/fuzz/fuzz.h for what they hold to. */
#include "fuzz/fuzz.h"
#include "guarded-room.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM (1u << 16) /* bytes: the longest file of a corpus */

/* Files are read from room[0] to room[ROOM - 1]; what lies before and behind must not be read. */
static uint8_t *room;

static int set_up(void **state)
{
	(void)state;
	room = guarded_room(ROOM);
	return room ? 0 : -1;
}

/* Reads a file to the start of the room. */
static size_t read_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, room, ROOM);

	if (size < 0 || size == ROOM)
		fail_msg("cannot read '%s', or it is too long", name);
	close(fd);
	return (size_t)size;
}

/* At the start of the room; then at its end, whole and cut before each of its bytes. */
static void replay(void (*target)(const uint8_t *data, size_t size), int dir, const char *name)
{
	uint8_t bytes[ROOM];
	size_t size = read_file(dir, name);

	memcpy(bytes, room, size);
	target(room, size);
	for (size_t len = 0; len <= size; len++)
		target(memcpy(room + ROOM - len, bytes, len), len);
}

static void replay_all(void (*target)(const uint8_t *data, size_t size), const char *corpus, unsigned least)
{
	const char *top = getenv("srcdir");
	char path[1024];
	unsigned n = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/t/fuzz/%s", top ? top : ".", corpus);
	dir = opendir(path);
	if (!dir)
		fail_msg("cannot open '%s'", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		replay(target, dirfd(dir), entry->d_name);
		n++;
	}
	closedir(dir);
	printf("# %u files of '%s'\n", n, path);
	assert_true(n >= least);
}

static void test_manifests(void **state)
{
	(void)state;
	replay_all(fuzz_manifest, "manifest", 20);
}

static void test_interfaces(void **state)
{
	(void)state;
	replay_all(fuzz_interface, "interface", 20);
}

static void test_traces(void **state)
{
	(void)state;
	replay_all(fuzz_trace, "trace", 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_traces),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
