/* Frees of what is no object of a region: each ends the program, with one line that says where. */
#include "../shim/region.h"

#include "../manifests/manifest.h"
#include "../shim/say.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "region-free.h"

#define NUMBER 7u    /* of the region, in messages */
#define OFFSET 1024u /* of the region in the arena */

static _Alignas(4096) char arena[8192];
static char *const slots = arena + OFFSET;
static _Alignas(16) char memory[1024];

/* Ten slots of 48 bytes, of which the first four are given. */
static void make(void)
{
	assert_true(stingy_region_memory(48, 10) <= sizeof(memory));
	stingy_region_init(&region, NUMBER, arena, OFFSET, 48, 10, memory);
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(stingy_region_refill(&region), slots + i * 48);
}

/* Runs the function in a child; it must be stopped by SIGABRT, and its one line on stderr is put into said. */
static void assert_stopped(void (*bad)(void), char *said, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		stingy_say_init(false);
		bad();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_ptr_equal(strchr(said, '\n'), said + used - 1);
}

static void free_twice(void)
{
	push(slots + 2 * 48);
	push(slots + 2 * 48);
}

static void free_remote_twice(void)
{
	push_remote(slots + 2 * 48);
	push_remote(slots + 2 * 48);
}

static void free_remote_then_here(void)
{
	push_remote(slots + 2 * 48);
	push(slots + 2 * 48);
}

static void free_never_given(void)
{
	push(slots + 9 * 48);
}

static void free_inside(void)
{
	push(slots + 2 * 48 + 16);
}

static void free_inside_by_a_byte(void)
{
	push_remote(slots + 3 * 48 - 1);
}

static void free_behind(void)
{
	push(slots + 10 * 48);
}

static void free_at_the_end(void)
{
	push(arena + OFFSET + STINGY_REGION_ALIGN - 1);
}

static void free_at_the_end_remotely(void)
{
	push_remote(arena + OFFSET + STINGY_REGION_ALIGN - 16);
}

static void free_the_first_slot_again(void)
{
	push(slots);
	push_remote(slots);
}

static void free_what_is_collected(void)
{
	push_remote(slots + 48);
	stingy_region_rebuild(&region);
	push_remote(slots + 48);
}

static void test_bad_frees_end_the_program(void **state)
{
	static const struct {
		void (*bad)(void);
		const char *says;
		size_t at;
	} table[] = {
		{free_twice, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_remote_twice, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_remote_then_here, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_never_given, "%p was never allocated (slot 9 of region 7)", 9 * 48},
		{free_inside, "%p is inside slot 2 of region 7, not its start", 2 * 48 + 16},
		{free_inside_by_a_byte, "%p is inside slot 2 of region 7, not its start", 3 * 48 - 1},
		{free_behind, "%p is in no slot (behind region 7)", 10 * 48},
		{free_at_the_end, "%p is in no slot (behind region 7)", STINGY_REGION_ALIGN - 1},
		{free_at_the_end_remotely, "%p is in no slot (behind region 7)", STINGY_REGION_ALIGN - 16},
		{free_the_first_slot_again, "double free of %p (slot 0 of region 7)", 0},
		{free_what_is_collected, "double free of %p (slot 1 of region 7)", 48},
	};

	(void)state;
	make();
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char said[1000], wanted[1000] = "stingy: free(): ";
		size_t len = strlen(wanted);

		snprintf(wanted + len, sizeof(wanted) - len, table[i].says, (void *)(slots + table[i].at));
		assert_stopped(table[i].bad, said, sizeof(said));
		strcat(wanted, "\n");
		assert_string_equal(said, wanted);
	}
}

static void free_all_four(void)
{
	push(slots);
	push_remote(slots + 48);
	push_remote(slots + 2 * 48);
	push(slots + 3 * 48);
}

static void test_good_frees_do_not(void **state)
{
	(void)state;
	make();
	free_all_four();
	assert_int_equal(stingy_region_n_free(&region), 10);
	assert_true(stingy_region_is_valid(&region));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_frees_end_the_program),
		cmocka_unit_test(test_good_frees_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
