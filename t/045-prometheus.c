/* prometheus: the text format, line by line, as its specification has it. */
#include "../solver/prometheus.h"
#include "made-live.h"

#include <regex.h>
#include <stdbool.h>

static char path[256];
static char *text; /* what was printed */

/* Prints two processes, the second of which has a name that asks for trouble. */
static void print_two(const char *second)
{
	struct stingy_prometheus prometheus = {.n = 0};
	struct stingy_live_reader reader;
	size_t size = 0;
	FILE *out;

	made_live_reader(&reader, 11, path);
	stingy_prometheus_add(&prometheus, &reader);
	made_live_reader(&reader, 22, "");
	strcpy(reader.program, second);
	reader.live.order[0].state = STINGY_ORDERING_NONE;
	stingy_prometheus_add(&prometheus, &reader);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	stingy_prometheus_print(&prometheus, out);
	assert_int_equal(fclose(out), 0);
	stingy_prometheus_fini(&prometheus);
}

static int set_up(void **state)
{
	(void)state;
	made_live_manifest(path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void assert_has(const char *line)
{
	const char *at = strstr(text, line);

	if (at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
		return;
	fail_msg("no line '%s' in:\n%s", line, text);
}

static void test_values(void **state)
{
	(void)state;
	print_two("/usr/sbin/other");
	assert_has("# TYPE stingy_served_total counter");
	assert_has("stingy_served_total{pid=\"11\",program=\"/usr/sbin/server\"} 943");
	assert_has("stingy_served_total{pid=\"22\",program=\"/usr/sbin/other\"} 943");
	assert_has("stingy_unmanaged_total{pid=\"11\",program=\"/usr/sbin/server\"} 50");
	assert_has("stingy_fell_back_total{pid=\"11\",program=\"/usr/sbin/server\",reason=\"full\"} 7");
	assert_has("# TYPE stingy_region_slots_in_use gauge");
	assert_has("stingy_region_slots_in_use{pid=\"11\",program=\"/usr/sbin/server\",region=\"1\","
		   "kind=\"std::map<int>\"} 20");
	assert_has("stingy_region_slots_in_use{pid=\"22\",program=\"/usr/sbin/other\",region=\"1\",kind=\"\"} 20");
	assert_has("stingy_order_info{pid=\"11\",program=\"/usr/sbin/server\",order=\"0\",ordering=\"on\",why=\"\"} 1");
	assert_has("stingy_order_tasks{pid=\"11\",program=\"/usr/sbin/server\",order=\"0\"} 13");
	assert_has("stingy_order_connections{pid=\"11\",program=\"/usr/sbin/server\",order=\"0\"} 2500");
	assert_has("stingy_order_saved_ratio{pid=\"11\",program=\"/usr/sbin/server\",order=\"0\"} 0.23");
	assert_has("stingy_stage_runs_total{pid=\"11\",program=\"/usr/sbin/server\",stage=\"0\","
		   "name=\"read_request\"} 77");
	assert_has("stingy_arenas_huge_bytes{pid=\"11\",program=\"/usr/sbin/server\"} 2097152");
	assert_null(strstr(text, "stingy_order_bound{pid=\"22\""));
	free(text);
}

static void test_escapes(void **state)
{
	(void)state;
	print_two("/tmp/a\"b\\c\nd\xff");
	assert_has("stingy_served_total{pid=\"22\",program=\"/tmp/a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 943");
	assert_has("stingy_region_slots{pid=\"11\",program=\"/usr/sbin/server\",region=\"0\","
		   "kind=\"first, say \\\"a\\\\b\\\"\"} 10");
	free(text);
}

/* The name of the metric that the line begins with, or is about, in name[64]. */
static void name_of(const char *line, char *name)
{
	const char *from = *line == '#' ? line + strlen("# HELP ") : line;
	size_t len = strspn(from, "abcdefghijklmnopqrstuvwxyz_");

	assert_in_range(len, 1, 63);
	memcpy(name, from, len);
	name[len] = '\0';
}

/* Each line is a comment or a sample, each metric comes with HELP, TYPE and samples, in this order, and once. */
static void test_grammar(void **state)
{
	char name[64], current[64] = "", seen[4096] = "";
	regex_t sample;

	(void)state;
	print_two("/tmp/{,}=\"\\\n");
	assert_int_equal(regcomp(&sample,
				 "^[a-z_]+\\{[a-z_]+=\"([^\"\\]|\\\\[\\\"n])*\""
				 "(,[a-z_]+=\"([^\"\\]|\\\\[\\\"n])*\")*\\} -?[0-9]+(\\.[0-9]+)?$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		name_of(line, name);
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_null(strstr(seen, name));
			strcpy(current, name);
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s{", name);
			line = strtok(NULL, "\n");
			assert_int_equal(strncmp(line, "# TYPE ", 7), 0);
			name_of(line, name);
			assert_true(strstr(line, strstr(name, "_total") ? " counter" : " gauge"));
		} else {
			assert_int_equal(regexec(&sample, line, 0, NULL, 0), 0);
		}
		assert_string_equal(name, current);
	}
	assert_non_null(strstr(seen, "stingy_stage_batches_total{"));
	regfree(&sample);
	free(text);
}

static void test_nothing(void **state)
{
	struct stingy_prometheus prometheus = {.n = 0};
	size_t size = 1;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	stingy_prometheus_print(&prometheus, out);
	assert_int_equal(fclose(out), 0);
	stingy_prometheus_fini(&prometheus);
	assert_int_equal(size, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
