#include "live-words.h"
#include "page.h"
#include "report-parts.h"

#include <inttypes.h>

#define PROCESSES_SHOWN 16u /* with all their regions */

const struct stingy_live_json_process *stingy_report_busiest(const struct stingy_report *report)
{
	const struct stingy_live_json_process *found = &report->live->process[0];
	uint64_t most = 0;

	for (size_t i = 0; i < report->live->n; i++) {
		struct stingy_live_counters counters = stingy_live_reader_sum(&report->live->process[i].reader);

		if (stingy_live_words_all(&counters) <= most)
			continue;
		most = stingy_live_words_all(&counters);
		found = &report->live->process[i];
	}
	return found;
}

static void print_counter(const char *name, uint64_t n, uint64_t all, FILE *out)
{
	stingy_page_row_begin(out);
	stingy_page_cell(out, name);
	stingy_page_number(out, n);
	stingy_page_figure(out, "%.1f%%", stingy_live_words_share(n, all));
	stingy_page_row_end(out);
}

static void print_counters(const struct stingy_live_counters *counters, FILE *out)
{
	static const char *const headings[] = {"allocations", "#in all", "#share", NULL};
	uint64_t all = stingy_live_words_all(counters);
	char name[64];

	stingy_page_table_begin(out, headings);
	print_counter("from the arena", counters->served, all, out);
	print_counter("at sites that the manifest does not name", counters->unmanaged, all, out);
	for (int i = 0; i < STINGY_FELL_REASONS; i++) {
		if (!counters->fell_back[i])
			continue;
		snprintf(name, sizeof(name), "fell back: %s", stingy_live_words_fell_back_why(i));
		print_counter(name, counters->fell_back[i], all, out);
	}
	stingy_page_table_end(out);
}

static void print_order(const struct stingy_live_order *order, FILE *out)
{
	char text[1024], words[STINGY_LIVE_WORDS_TEXT], turns[32], first[32];
	int n = snprintf(text, sizeof(text), "Order of events %s", stingy_live_words_order(order, words));

	if (order->duels)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "; %" PRIu32 " of %" PRIu32 " comparisons of two bounds were won by the new one, and the "
			      "last with none saved %" PRId32 "%% of a request's time",
			      order->won, order->duels, order->saved);
	if (order->turns[0])
		snprintf(text + n, sizeof(text) - (size_t)n,
			 "; %s turns of %.1f events in the mean, %s of them for what was under way, of %.1f",
			 stingy_page_thousands(order->turns[0], turns), stingy_live_words_per_turn(order, false),
			 stingy_page_thousands(order->turns[1], first), stingy_live_words_per_turn(order, true));
	stingy_page_text(out, "%s.", text);
	stingy_page_text(out, "Tasks in flight when the figures were taken: %s.",
			 stingy_live_words_in_flight(order, words));
}

static void print_region(const struct stingy_live_json_process *process, uint32_t i, FILE *out)
{
	const struct stingy_live_reader_region *region = &process->reader.region[i];
	uint64_t slots = (uint64_t)region->count * process->reader.live.n_arenas;

	stingy_page_row_begin(out);
	stingy_page_number(out, i);
	stingy_page_number(out, region->slot);
	stingy_page_number(out, slots);
	stingy_page_bar(out, stingy_live_words_share(region->in_use, slots),
			stingy_live_words_share(region->peak, slots));
	stingy_page_number(out, region->in_use);
	stingy_page_number(out, region->peak);
	stingy_page_number(out, region->served);
	stingy_page_number(out, region->full);
	stingy_page_cell(out, process->kinds[i]);
	stingy_page_row_end(out);
}

/* Whether the one comes before the other: first what found them full, then what they served. */
static bool is_before(const struct stingy_live_reader_region *one, const struct stingy_live_reader_region *other)
{
	return one->full != other->full ? one->full > other->full : one->served > other->served;
}

/* What limits stands at the top. */
static void print_regions(const struct stingy_live_json_process *process, FILE *out)
{
	static const char *const headings[] = {"#region",  "#slot",   "#slots",      "in use, at most", "#in use",
					       "#at most", "#served", "#found full", "kinds",           NULL};
	const struct stingy_live_reader *reader = &process->reader;
	uint32_t number[STINGY_REGIONS_MAX];

	if (reader->live.n_regions == 0)
		return;
	for (uint32_t i = 0; i < reader->live.n_regions; i++) {
		uint32_t at = i;

		for (; at > 0 && is_before(&reader->region[i], &reader->region[number[at - 1]]); at--)
			number[at] = number[at - 1];
		number[at] = i;
	}
	stingy_page_table_begin(out, headings);
	for (uint32_t i = 0; i < reader->live.n_regions; i++)
		print_region(process, number[i], out);
	stingy_page_table_end(out);
}

static void print_process(const struct stingy_live_json_process *process, FILE *out)
{
	const struct stingy_live_reader *reader = &process->reader;
	struct stingy_live_counters counters = stingy_live_reader_sum(reader);

	stingy_page_text(out, "%s (process %ld): %s, %s pages%s%s", reader->program, (long)reader->pid,
			 stingy_live_words_state(reader->live.state),
			 stingy_live_words_pages(stingy_live_words_pages_of(reader)), reader->live.note[0] ? "; " : "",
			 reader->live.note);
	if (stingy_live_words_all(&counters))
		print_counters(&counters, out);
	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++)
		if (reader->live.order[i].state != STINGY_ORDERING_NONE)
			print_order(&reader->live.order[i], out);
	print_regions(process, out);
}

void stingy_report_live(const struct stingy_report *report, FILE *out)
{
	stingy_page_section(out, "live", "What was served in production");
	for (size_t i = 0; i < report->live->n && i < PROCESSES_SHOWN; i++)
		print_process(&report->live->process[i], out);
	if (report->live->n > PROCESSES_SHOWN)
		stingy_page_text(out, "And %zu more processes.", report->live->n - PROCESSES_SHOWN);
	stingy_page_section_end(out);
}
