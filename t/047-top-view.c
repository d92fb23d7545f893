/* top-view, verdict: what is on the screen, and that nothing is beyond its edges. */
#include "../solver/top-view.h"
#include "../solver/verdict.h"
#include "made-live.h"

#include <stdbool.h>

static char path[256];
static struct stingy_live_reader before;
static struct stingy_follow_process process[2];
static struct stingy_follow follow;
static struct stingy_verdict verdict;

/* Two processes, of which the second has done more: a second's worth of figures. */
static int set_up(void **state)
{
	static struct stingy_follow_process *processes[] = {&process[0], &process[1]};

	(void)state;
	made_live_manifest(path);
	follow = (struct stingy_follow){.process = processes, .n = 2};
	for (int i = 0; i < 2; i++) {
		made_live_reader(&before, 11 * (i + 1), path);
		stingy_live_reader_fini(&before);
		process[i].now = before;
		process[i].now.region[0].served += 100 * (uint64_t)(i + 1);
		process[i].now.live.thread[0].unmanaged += 20;
		process[i].now.live.order[0].turns[0] += 10;
		process[i].now.live.order[0].events[0] += 55;
		process[i].seconds = 1;
		stingy_follow_subtract(&process[i].change, &process[i].now, &before);
		stingy_labels_init(&process[i].labels, &process[i].now);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		stingy_labels_fini(&process[i].labels);
	return unlink(path);
}

/* The screen without its sequences; the caller frees it. */
static char *print(int rows, int columns, size_t selected)
{
	struct stingy_top_view view = {.rows = rows, .columns = columns, .interval = 1, .selected = selected};
	char *text = NULL, *to;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	stingy_top_view_print(&view, &follow, out);
	assert_int_equal(fclose(out), 0);
	to = text;
	for (const char *from = text; *from; from++) {
		if (*from == '\033') {
			assert_int_equal(from[1], '[');
			from += 2 + strspn(from + 2, "0123456789;");
			assert_non_null(strchr("mKJ", *from));
		} else if (*from != '\r') {
			*to++ = *from;
		}
	}
	*to = '\0';
	return text;
}

static void assert_shows(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void test_screen(void **state)
{
	char *text = print(40, 120, 1);

	(void)state;
	assert_shows(text, "server (pid 22), 2 of 2");
	assert_shows(text, "is it on?     yes: serving, 3 of 3 sites are loaded, huge pages");
	assert_shows(text,
		     "does it help? 90.9% of the allocations are from the arena; ordering on, last seen to save 23%");
	assert_shows(text, " >       22  serving         220/s");
	assert_shows(text, " from the arena            200   90.9%           1143   93.7%");
	assert_shows(text, "   full                      0    0.0%              7    0.6%");
	assert_shows(text, "order  on: at most 16 events begin a turn; 3 of 9 trials won, last: 23%");
	assert_shows(text, "tasks in flight: 13, on 2500 connections");
	assert_shows(text, "10 turns/s of 5.5 events, 0/s of 0.0 for what is under way");
	assert_shows(
		text,
		"  0     512     10 [#############-------------------]      4      200       0  first, say \"a\\b\"");
	assert_shows(text,
		     "  1      64     20 [################################]     20        0       0  std::map<int>");
	free(text);
}

/* Whatever the size, and whatever names there are. */
static void test_edges(void **state)
{
	static const int sizes[][2] = {{24, 80}, {1, 1}, {3, 5}, {10, 20}, {25, 79}, {200, 300}};

	(void)state;
	memset(process[0].now.live.note, 'n', sizeof(process[0].now.live.note) - 1);
	process[0].now.live.state = STINGY_LIVE_OFF;
	strcpy(process[0].now.program, "/a\033[2Jb\nc");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text = print(sizes[i][0], sizes[i][1], i % 2), *line = text;
		int rows = 1;

		for (char *end; (end = strchr(line, '\n')); line = end + 1, rows++)
			assert_in_range((uintptr_t)(end - line), 0, (uintptr_t)sizes[i][1]);
		assert_in_range(strlen(line), 0, (uintptr_t)sizes[i][1]);
		assert_in_range(rows, 1, (uintptr_t)sizes[i][0]);
		free(text);
	}
}

static void test_busiest(void **state)
{
	(void)state;
	assert_int_equal(stingy_top_view_busiest(&follow), 1);
}

/* Of the first process, in all its life. */
static void judge(void)
{
	stingy_verdict_init(&verdict, &process[0].now, &process[0].now, "std::map<int>");
}

static void test_state(void **state)
{
	struct stingy_live *live = &process[0].now.live;

	(void)state;
	live->state = STINGY_LIVE_READY;
	judge();
	assert_int_equal(verdict.on.mood, STINGY_VERDICT_FAIR);
	assert_shows(verdict.on.text, "ready");
	live->state = STINGY_LIVE_OFF;
	strcpy(live->note, "not for us");
	judge();
	assert_int_equal(verdict.on.mood, STINGY_VERDICT_BAD);
	assert_string_equal(verdict.on.text, "no: not for us");
	assert_int_equal(verdict.limit.mood, STINGY_VERDICT_BAD);
	live->manifest[0] = '\0';
	judge();
	assert_string_equal(verdict.on.text, "yes, the order of events only: there is no manifest");
	assert_string_equal(verdict.helps.text, "ordering on, last seen to save 23% of a request's time");
	live->order[0].state = STINGY_ORDERING_NONE;
	judge();
	assert_int_equal(verdict.on.mood, STINGY_VERDICT_BAD);
	assert_string_equal(verdict.helps.text, "no");
}

static void test_limit(void **state)
{
	struct stingy_live_reader *now = &process[0].now;

	(void)state;
	judge();
	assert_string_equal(verdict.limit.text, "nothing that the figures show");
	now->live.order[0].state = STINGY_ORDERING_LEFT;
	now->live.order[0].why = STINGY_LEFT_EDGES;
	judge();
	assert_string_equal(verdict.limit.text,
			    "events are not ordered: its connections are edge-triggered or one-shot");
	now->live.order[0].state = STINGY_ORDERING_NONE;
	judge();
	assert_shows(verdict.limit.text, "stingy run --order");
	now->live.pages = STINGY_PAGES_SMALL;
	now->huge = 0;
	judge();
	assert_shows(verdict.limit.text, "small pages");
	now->live.thread[0].fell_back[STINGY_FELL_FULL] = 200;
	now->region[1].full = 193;
	judge();
	assert_shows(verdict.limit.text, "find their region full, most in region 1 (std::map<int>)");
	now->live.thread[0].fell_back[STINGY_FELL_THREAD] = 300;
	judge();
	assert_shows(verdict.limit.text, "fell back: a thread without an arena");
	now->live.thread[0].unmanaged = 5000;
	judge();
	assert_shows(verdict.limit.text, "at sites that the manifest does not name");
	now->live.sites_here = 0;
	judge();
	assert_shows(verdict.limit.text, "none of the manifest's sites is loaded");
}

static void test_idle(void **state)
{
	(void)state;
	stingy_follow_subtract(&process[0].change, &process[0].now, &process[0].now);
	stingy_verdict_init(&verdict, &process[0].now, &process[0].change, "");
	assert_shows(verdict.helps.text, "nothing is allocated");
	assert_string_equal(verdict.limit.text, "nothing that the figures show");
}

/* All figures fall when a process begins anew. */
static void test_subtract(void **state)
{
	(void)state;
	stingy_follow_subtract(&process[0].change, &before, &process[1].now);
	assert_int_equal(process[0].change.region[0].served, 0);
	assert_int_equal(process[0].change.live.thread[0].unmanaged, 0);
	assert_int_equal(process[0].change.region[1].in_use, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_screen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busiest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_subtract, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
