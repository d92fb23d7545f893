#include "top-view.h"

#include "live-words.h"
#include "memory.h"
#include "screen.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_SIZE    16 /* bytes of a number as count writes it */
#define LIST_PART     4  /* at most one in so many rows is for the list of processes */
#define ORDERS_SHOWN  2
#define NAMES_SHOWN   2u /* of the kinds of one region */
#define NARROW        16 /* columns of a bar on a screen of 80 */
#define WIDE_FROM     100
#define WIDE          32
#define REGION_FIXED  47 /* columns of a region's line but for the bar and the names */
#define VERDICT_START 15 /* columns of the questions */

typedef struct stingy_screen screen_t;
typedef struct stingy_follow_process process_t;

/* A number in at most seven characters. */
static const char *count(double n, char text[COUNT_SIZE])
{
	if (n < 1e6)
		snprintf(text, COUNT_SIZE, "%.0f", n);
	else
		snprintf(text, COUNT_SIZE, n < 1e9 ? "%.2fM" : "%.2fG", n < 1e9 ? n / 1e6 : n / 1e9);
	return text;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

size_t stingy_top_view_busiest(const struct stingy_follow *follow)
{
	uint64_t most = 0;
	size_t found = 0;

	for (size_t i = 0; i < follow->n; i++) {
		const process_t *process = follow->process[i];
		struct stingy_live_counters counters =
			stingy_live_reader_sum(process->seconds > 0 ? &process->change : &process->now);

		if (stingy_live_words_all(&counters) <= most)
			continue;
		most = stingy_live_words_all(&counters);
		found = i;
	}
	return found;
}

static void print_title(screen_t *screen, const struct stingy_top_view *view, const struct stingy_follow *follow)
{
	const process_t *process = follow->process[view->selected];

	stingy_screen_text(screen, STINGY_SCREEN_REVERSE, " stingy top  %s (pid %ld)", base_name(process->now.program),
			   (long)process->now.pid);
	if (follow->n > 1)
		stingy_screen_text(screen, STINGY_SCREEN_REVERSE, ", %zu of %zu", view->selected + 1, follow->n);
	stingy_screen_text(screen, STINGY_SCREEN_REVERSE, ", every %g s%s   q: quit ", view->interval,
			   follow->n > 1 ? "   up, down: select" : "");
	stingy_screen_line(screen);
}

static void print_answer(screen_t *screen, const char *question, const struct stingy_verdict_line *line)
{
	static const enum stingy_screen_style style[STINGY_VERDICT_MOODS] = {
		[STINGY_VERDICT_GOOD] = STINGY_SCREEN_GREEN,
		[STINGY_VERDICT_FAIR] = STINGY_SCREEN_YELLOW,
		[STINGY_VERDICT_BAD] = STINGY_SCREEN_RED,
	};
	int room = screen->columns - VERDICT_START;
	const char *rest = line->text;

	stingy_screen_text(screen, STINGY_SCREEN_BOLD, " %s", question);
	do { /* in lines that end between words */
		int len = (int)strlen(rest);

		if (len > room && room > 0) {
			for (len = room; len > 0 && rest[len] != ' '; len--)
				;
			len = len ? len : room;
		}
		stingy_screen_column(screen, VERDICT_START);
		stingy_screen_text(screen, style[line->mood], "%.*s", len, rest);
		stingy_screen_line(screen);
		rest += len;
		rest += *rest == ' ';
	} while (*rest);
}

static void print_verdict(screen_t *screen, const process_t *process)
{
	const struct stingy_live_reader *counted = process->seconds > 0 ? &process->change : &process->now;
	char fullest[STINGY_LABELS_NAME] = "";
	struct stingy_verdict verdict;
	size_t at = 0;

	stingy_labels_next(&process->labels, stingy_verdict_fullest(counted), &at, fullest);
	stingy_verdict_init(&verdict, &process->now, counted, fullest);
	print_answer(screen, "is it on?", &verdict.on);
	print_answer(screen, "does it help?", &verdict.helps);
	print_answer(screen, "what limits?", &verdict.limit);
	stingy_screen_line(screen);
}

static void print_process(screen_t *screen, const process_t *process, bool is_selected)
{
	struct stingy_live_counters counters = stingy_live_reader_sum(&process->change);
	enum stingy_screen_style style = is_selected ? STINGY_SCREEN_BOLD : STINGY_SCREEN_PLAIN;
	uint64_t all = stingy_live_words_all(&counters);
	char rate[COUNT_SIZE];

	stingy_screen_text(screen, style, " %c %8ld  %-9s %9s/s  %5.1f%%  %-10s %s", is_selected ? '>' : ' ',
			   (long)process->now.pid, stingy_live_words_state(process->now.live.state),
			   count(stingy_follow_rate(process, all), rate), stingy_live_words_share(counters.served, all),
			   stingy_live_words_ordering(process->now.live.order[0].state), process->now.program);
	stingy_screen_line(screen);
}

/* Those around the one that is selected. */
static void print_list(screen_t *screen, const struct stingy_top_view *view, const struct stingy_follow *follow)
{
	size_t room = (size_t)(view->rows / LIST_PART), first = 0;

	if (follow->n < 2 || room == 0)
		return;
	room = room < follow->n ? room : follow->n;
	if (view->selected >= room)
		first = view->selected - room + 1;
	stingy_screen_text(screen, STINGY_SCREEN_BOLD, " %10s  %-9s %11s  %6s  %-10s %s", "pid", "state", "allocations",
			   "arena", "ordering", "program");
	stingy_screen_line(screen);
	for (size_t i = first; i < first + room; i++)
		print_process(screen, follow->process[i], i == view->selected);
	stingy_screen_line(screen);
}

static void print_counter(screen_t *screen, const process_t *process, const char *name, uint64_t change,
			  uint64_t change_all, uint64_t now, uint64_t now_all)
{
	char rate[COUNT_SIZE], total[COUNT_SIZE];

	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, " %-18s %10s  %5.1f%%   %12s  %5.1f%%", name,
			   count(stingy_follow_rate(process, change), rate),
			   stingy_live_words_share(change, change_all), count((double)now, total),
			   stingy_live_words_share(now, now_all));
	stingy_screen_line(screen);
}

static void print_reasons(screen_t *screen, const process_t *process, const struct stingy_live_counters *change,
			  const struct stingy_live_counters *now)
{
	uint64_t all_change = stingy_live_words_all(change), all_now = stingy_live_words_all(now);
	char name[32];

	for (int i = 0; i < STINGY_FELL_REASONS; i++) {
		if (!now->fell_back[i])
			continue;
		snprintf(name, sizeof(name), "  %s", stingy_live_words_fell_back(i));
		print_counter(screen, process, name, change->fell_back[i], all_change, now->fell_back[i], all_now);
	}
}

static void print_counters(screen_t *screen, const process_t *process)
{
	struct stingy_live_counters change = stingy_live_reader_sum(&process->change);
	struct stingy_live_counters now = stingy_live_reader_sum(&process->now);
	uint64_t all_change = stingy_live_words_all(&change), all_now = stingy_live_words_all(&now);

	if (process->now.live.n_regions == 0)
		return;
	stingy_screen_text(screen, STINGY_SCREEN_BOLD, " %-18s %10s  %6s   %12s  %6s", "allocations", "per second",
			   "share", "in all", "share");
	stingy_screen_line(screen);
	print_counter(screen, process, "from the arena", change.served, all_change, now.served, all_now);
	print_counter(screen, process, "unmanaged", change.unmanaged, all_change, now.unmanaged, all_now);
	print_counter(screen, process, "fell back", stingy_live_words_all_fell_back(&change), all_change,
		      stingy_live_words_all_fell_back(&now), all_now);
	print_reasons(screen, process, &change, &now);
	stingy_screen_line(screen);
}

static void print_order(screen_t *screen, const process_t *process, uint32_t i)
{
	const struct stingy_live_order *now = &process->now.live.order[i], *change = &process->change.live.order[i];
	char turns[COUNT_SIZE], first[COUNT_SIZE], text[STINGY_LIVE_WORDS_TEXT];

	stingy_screen_text(screen, STINGY_SCREEN_BOLD, " order  ");
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "%s", stingy_live_words_order(now, text));
	if (now->duels)
		stingy_screen_text(screen, STINGY_SCREEN_PLAIN,
				   "; %" PRIu32 " of %" PRIu32 " trials won, last: %" PRId32 "%%", now->won, now->duels,
				   now->saved);
	stingy_screen_line(screen);
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "        %s turns/s of %.1f events, ",
			   count(stingy_follow_rate(process, change->turns[0]), turns),
			   stingy_live_words_per_turn(change, false));
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "%s/s of %.1f for what is under way",
			   count(stingy_follow_rate(process, change->turns[1]), first),
			   stingy_live_words_per_turn(change, true));
	stingy_screen_line(screen);
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "        tasks in flight: ");
	stingy_screen_text(screen, STINGY_SCREEN_BOLD, "%s", stingy_live_words_in_flight(now, text));
	stingy_screen_line(screen);
}

static void print_orders(screen_t *screen, const process_t *process)
{
	int n = 0;

	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++)
		if (process->now.live.order[i].state != STINGY_ORDERING_NONE && n++ < ORDERS_SHOWN)
			print_order(screen, process, i);
	if (!n && process->now.live.state != STINGY_LIVE_OFF) {
		stingy_screen_text(screen, STINGY_SCREEN_BOLD, " order  ");
		stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "none; tasks in flight: -");
		stingy_screen_line(screen);
	}
	stingy_screen_line(screen);
}

/* In use now, and at most; red if there were too few. */
static void print_bar(screen_t *screen, const struct stingy_live_reader_region *region,
		      const struct stingy_live_reader_region *change, uint64_t slots, int width)
{
	double in_use = stingy_live_words_share(region->in_use, slots) / 100;
	double peak = stingy_live_words_share(region->peak, slots) / 100;
	enum stingy_screen_style style = change->full ? STINGY_SCREEN_RED : STINGY_SCREEN_GREEN;
	int full = (int)(in_use * width + 0.999), high = (int)(peak * width + 0.999);

	full = full < width ? full : width;
	high = high < width ? high : width;
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "[");
	stingy_screen_text(screen, style, "%.*s", full, "################################");
	stingy_screen_text(screen, STINGY_SCREEN_FAINT, "%.*s", high > full ? high - full : 0,
			   "--------------------------------");
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "%*s]", width - (high > full ? high : full), "");
}

static void print_names(screen_t *screen, const struct stingy_labels *labels, uint32_t region)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	stingy_labels_print(labels, region, NAMES_SHOWN, out);
	if (fclose(out) == 0)
		stingy_screen_text(screen, STINGY_SCREEN_PLAIN, "  %s", text);
	free(text);
}

static void print_region(screen_t *screen, const process_t *process, uint32_t i)
{
	const struct stingy_live_reader_region *region = &process->now.region[i], *change = &process->change.region[i];
	uint64_t slots = (uint64_t)region->count * process->now.live.n_arenas;
	int width = screen->columns < WIDE_FROM ? NARROW : WIDE;
	char served[COUNT_SIZE], full[COUNT_SIZE];

	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, " %3" PRIu32 " %7" PRIu32 " %6" PRIu64 " ", i, region->slot,
			   slots);
	print_bar(screen, region, change, slots, width);
	stingy_screen_text(screen, STINGY_SCREEN_PLAIN, " %6" PRIu32 " %8s ", region->in_use,
			   count(stingy_follow_rate(process, change->served), served));
	stingy_screen_text(screen, change->full ? STINGY_SCREEN_RED : STINGY_SCREEN_PLAIN, "%7s",
			   count(stingy_follow_rate(process, change->full), full));
	print_names(screen, &process->labels, i);
	stingy_screen_line(screen);
}

/* For qsort, which hands on no argument: the regions that are compared. */
static const struct stingy_live_reader *sorted;

/* By what they did in all their life, as the order should not change from look to look. */
static int compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	uint64_t n = sorted->region[one].served + sorted->region[one].full;
	uint64_t m = sorted->region[other].served + sorted->region[other].full;

	return n != m ? (n < m) - (n > m) : (one > other) - (one < other);
}

static void print_regions(screen_t *screen, const process_t *process)
{
	uint32_t n = process->now.live.n_regions, i;
	uint32_t *number = stingy_memory_new(n + 1u, sizeof(*number));

	for (i = 0; i < n; i++)
		number[i] = i;
	sorted = &process->now;
	qsort(number, n, sizeof(*number), compare);
	if (n) {
		stingy_screen_text(screen, STINGY_SCREEN_BOLD, " %3s %7s %6s %-*s %6s %8s %7s  %s", "reg", "slot",
				   "slots", (screen->columns < WIDE_FROM ? NARROW : WIDE) + 2, "# in use  - at most",
				   "in use", "served/s", "full/s", process->labels.n_kinds ? "kinds" : "");
		stingy_screen_line(screen);
	}
	for (i = 0; i < n && (stingy_screen_left(screen) > 1 || i + 1 == n); i++)
		print_region(screen, process, number[i]);
	if (i < n) {
		stingy_screen_text(screen, STINGY_SCREEN_FAINT, " and %" PRIu32 " more regions", n - i);
		stingy_screen_line(screen);
	}
	free(number);
}

void stingy_top_view_print(const struct stingy_top_view *view, const struct stingy_follow *follow, FILE *out)
{
	const process_t *process = follow->process[view->selected];
	screen_t screen;

	stingy_screen_init(&screen, out, view->rows, view->columns);
	print_title(&screen, view, follow);
	print_verdict(&screen, process);
	print_list(&screen, view, follow);
	print_counters(&screen, process);
	print_orders(&screen, process);
	print_regions(&screen, process);
	stingy_screen_end(&screen);
}
