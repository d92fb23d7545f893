#include "report.h"

#include "explain.h"
#include "map.h"
#include "page.h"
#include "report-parts.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_SIZE 512

/* What the print writes, in text[ANSWER_SIZE]. Returns text. */
static char *collect(const struct stingy_worth *worth, void (*print)(const struct stingy_worth *worth, FILE *out),
		     char *text)
{
	FILE *out = fmemopen(text, ANSWER_SIZE, "w");

	text[0] = '\0';
	if (!out)
		return text;
	print(worth, out);
	fclose(out);
	return text;
}

static const char *mood_of(enum stingy_verdict_mood mood)
{
	static const char *const moods[STINGY_VERDICT_MOODS] = {
		[STINGY_VERDICT_GOOD] = "good",
		[STINGY_VERDICT_FAIR] = "fair",
		[STINGY_VERDICT_BAD] = "bad",
	};

	return moods[mood];
}

static void answer_live(const struct stingy_report *report, FILE *out)
{
	const struct stingy_live_json_process *process = stingy_report_busiest(report);
	const char *fullest = process->kinds[stingy_verdict_fullest(&process->reader)];
	struct stingy_verdict verdict;

	stingy_verdict_init(&verdict, &process->reader, &process->reader, fullest ? fullest : "");
	stingy_page_answer(out, "Is it on?", mood_of(verdict.on.mood), verdict.on.text);
	stingy_page_answer(out, "Does it help?", mood_of(verdict.helps.mood), verdict.helps.text);
	stingy_page_answer(out, "What limits it?", mood_of(verdict.limit.mood), verdict.limit.text);
}

static void answer_without(const struct stingy_worth *worth, FILE *out)
{
	char text[ANSWER_SIZE];

	stingy_page_answer(out, "Does it help?", "fair",
			   "Not known: this report has no live statistics (stingy report --stat)");
	if (worth->answer == STINGY_WORTH_FITS)
		snprintf(text, sizeof(text), "Nothing: all that tasks keep fits the cache");
	else if (worth->answer == STINGY_WORTH_NOTHING)
		snprintf(text, sizeof(text), "There is nothing for an arena to hold");
	else
		snprintf(text, sizeof(text),
			 "%" PRIu64 " of %" PRIu32 " tasks fit the cache at once; %.1f%% of the allocations are not "
			 "expected from the arena",
			 worth->n_fit, worth->n_tasks, 100 - worth->expected);
	stingy_page_answer(out, "What limits it?", stingy_worth_is_advised(worth) ? "fair" : "good", text);
}

/* What was measured in production says more than what a profile lets expect. Returns per cent saved; 0: not known. */
static int32_t saved(const struct stingy_report *report)
{
	int32_t most = 0;

	if (!report->live)
		return 0;
	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++) {
		const struct stingy_live_order *order = &stingy_report_busiest(report)->reader.live.order[i];

		if (order->state == STINGY_ORDERING_ON && order->duels && order->saved > most)
			most = order->saved;
	}
	return most;
}

static void answer_worth(const struct stingy_report *report, const struct stingy_worth *worth, FILE *out)
{
	char text[ANSWER_SIZE], both[2 * ANSWER_SIZE];

	collect(worth, stingy_worth_print_answer, text);
	if (saved(report)) {
		snprintf(both, sizeof(both),
			 "yes: in production, ordering saved %" PRId32 "%% of a request's time. By the profile: %s",
			 saved(report), text);
		stingy_page_answer(out, "Is it worth it?", "good", both);
	} else {
		stingy_page_answer(out, "Is it worth it?", stingy_worth_is_advised(worth) ? "good" : "fair", text);
	}
	stingy_page_answer(out, "Why, by the profile?", "", collect(worth, stingy_worth_print_reason, text));
}

static void print_answers(const struct stingy_report *report, const struct stingy_worth *worth, FILE *out)
{
	stingy_page_answers_begin(out);
	answer_worth(report, worth, out);
	if (report->live)
		answer_live(report, out);
	else
		answer_without(worth, out);
	stingy_page_answers_end(out);
}

static void print_input(const struct stingy_report *report, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *told = open_memstream(&text, &size);

	stingy_page_section(out, "input", "What was looked at");
	if (told) {
		stingy_explain(report->solve, false, told);
		if (fclose(told) == 0)
			stingy_page_code(out, text);
		free(text);
	}
	stingy_page_section_end(out);
}

static void print_map(const struct stingy_report *report, FILE *out)
{
	struct stingy_map map;

	stingy_page_section(out, "map", "The arena, over the ways of the cache");
	stingy_page_text(out, "As %s lays it out. What is one above the other falls into the same sets of the cache.",
			 report->manifest_name ? report->manifest_name : "a manifest from these traces");
	stingy_map_init(&map, report->manifest, report->manifest_size);
	if (map.n_blocks) {
		stingy_page_picture_begin(out, 0);
		stingy_map_svg(&map, out);
		stingy_page_picture_end(out);
	} else {
		stingy_page_text(out, "It has no regions.");
	}
	stingy_map_fini(&map);
	stingy_page_section_end(out);
}

static void print_links(const struct stingy_report *report, FILE *out)
{
	fputs("<nav>", out);
	if (report->live)
		fputs("<a href=\"#live\">In production</a> ", out);
	fputs("<a href=\"#loads\">Prediction</a> <a href=\"#graph\">Graph</a> <a href=\"#stages\">Stages</a> <a "
	      "href=\"#map\">Map</a> <a "
	      "href=\"#kinds\">Decisions</a> "
	      "<a href=\"#sites\">Sites</a> <a href=\"#input\">Input</a></nav>\n",
	      out);
}

static void print_title(const struct stingy_report *report, FILE *out)
{
	const struct stingy_solve *solve = report->solve;
	const char *path = solve->places.module[solve->program].path, *slash = strrchr(path, '/');
	char title[256], subtitle[512], tasks[32], allocations[32];

	snprintf(title, sizeof(title), "Stingy: %s", slash ? slash + 1 : path);
	snprintf(subtitle, sizeof(subtitle), "%s; %" PRIu32 " trace%s, %s tasks, %s allocations while serving", path,
		 solve->n_used, solve->n_used == 1 ? "" : "s", stingy_page_thousands(solve->census.tasks, tasks),
		 stingy_page_thousands(solve->census.serving, allocations));
	stingy_page_begin(out, title, subtitle);
}

void stingy_report_print(const struct stingy_report *report, FILE *out)
{
	struct stingy_account account;
	struct stingy_worth worth;

	stingy_account_init(&account, report->solve);
	stingy_worth_init(&worth, &account);
	print_title(report, out);
	print_answers(report, &worth, out);
	print_links(report, out);
	if (report->live)
		stingy_report_live(report, out);
	stingy_report_loads(&account, out);
	stingy_report_graph(report, out);
	stingy_report_stages(report, &account, out);
	print_map(report, out);
	stingy_report_kinds(&account, out);
	stingy_report_sites(&account, out);
	print_input(report, out);
	stingy_page_end(out);
	stingy_account_fini(&account);
}
