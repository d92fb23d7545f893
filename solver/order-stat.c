#include "order-stat.h"

#include "live-words.h"

#include <inttypes.h>
#include <stdio.h>

bool stingy_order_stat_is_plausible(const struct stingy_live *live)
{
	for (unsigned i = 0; i < STINGY_LIVE_ORDERS; i++)
		if (live->order[i].state >= STINGY_ORDERING_STATES || live->order[i].why >= STINGY_LEFT_REASONS)
			return false;
	return true;
}

/* How many events of one kind came in a row, in the mean; by the middles of the classes, of which the last has no end.
 */
static double mean_run(const uint64_t *runs)
{
	double n = 0, events = 0;

	for (unsigned i = 0; i < STINGY_LIVE_RUNS; i++) {
		n += (double)runs[i];
		events += (double)runs[i] * (i == 0 ? 1.0 : 1.5 * (double)(1u << i) - 0.5);
	}
	return n > 0 ? events / n : 0;
}

static void print_one(const struct stingy_live_order *order)
{
	char text[STINGY_LIVE_WORDS_TEXT];

	printf("  order      %s\n", stingy_live_words_order(order, text));
	printf("    tasks in flight: %s\n", stingy_live_words_in_flight(order, text));
	if (order->duels)
		printf("    %" PRIu32 " of %" PRIu32 " comparisons won; the last against none saved %" PRId32
		       "%% of a request's time\n",
		       order->won, order->duels, order->saved);
	if (order->turns[0])
		printf("    %" PRIu64 " turns, of %.1f events; of these %" PRIu64 " for what was under way, of %.1f; "
		       "runs of %.1f events without a bound, %.1f with\n",
		       order->turns[0], stingy_live_words_per_turn(order, false), order->turns[1],
		       stingy_live_words_per_turn(order, true), mean_run(order->runs[0]), mean_run(order->runs[1]));
	if (order->short_turns)
		printf("    %" PRIu64 " turns began with fewer events, as the regions had room for no more tasks\n",
		       order->short_turns);
}

void stingy_order_stat_print(const struct stingy_live *live)
{
	for (unsigned i = 0; i < STINGY_LIVE_ORDERS; i++)
		if (live->order[i].state != STINGY_ORDERING_NONE)
			print_one(&live->order[i]);
}

static void json_runs(const char *key, const uint64_t *runs)
{
	printf(", \"%s\": [", key);
	for (unsigned i = 0; i < STINGY_LIVE_RUNS; i++)
		printf("%s%" PRIu64, i ? ", " : "", runs[i]);
	putchar(']');
}

/* null: not known. */
static void json_number(const char *key, int64_t n)
{
	if (n < 0)
		printf(", \"%s\": null", key);
	else
		printf(", \"%s\": %" PRId64, key, n);
}

static void json_one(const struct stingy_live_order *order)
{
	printf("{\"ordering\": \"%s\", \"why\": \"%s\", \"bound\": %" PRIu32 ", \"crowd\": %" PRIu32
	       ", \"comparisons\": %" PRIu32 ", \"won\": %" PRIu32 ", \"saved\": %" PRId32 ", \"turns\": %" PRIu64
	       ", \"events\": %" PRIu64 ", \"first_turns\": %" PRIu64 ", \"first_events\": %" PRIu64
	       ", \"short_turns\": %" PRIu64,
	       stingy_live_words_ordering(order->state), stingy_live_words_left(order->why), order->bound, order->crowd,
	       order->duels, order->won, order->saved, order->turns[0], order->events[0], order->turns[1],
	       order->events[1], order->short_turns);
	json_number("tasks", stingy_live_words_tasks(order));
	json_number("connections", stingy_live_words_connections(order));
	json_runs("runs_off", order->runs[0]);
	json_runs("runs_on", order->runs[1]);
	putchar('}');
}

void stingy_order_stat_json(const struct stingy_live *live)
{
	const char *before = "";

	fputs("\"order\": [", stdout);
	for (unsigned i = 0; i < STINGY_LIVE_ORDERS; i++) {
		if (live->order[i].state == STINGY_ORDERING_NONE)
			continue;
		fputs(before, stdout);
		json_one(&live->order[i]);
		before = ", ";
	}
	putchar(']');
}
