#include "live-words.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const states[] = {
	[STINGY_LIVE_OFF] = "off",
	[STINGY_LIVE_READY] = "ready",
	[STINGY_LIVE_SERVING] = "serving",
	[STINGY_LIVE_DRY_RUN] = "dry-run",
};

static const char *const pages_words[] = {
	[STINGY_PAGES_NONE] = "none",
	[STINGY_PAGES_EXPLICIT] = "explicit",
	[STINGY_PAGES_TRANSPARENT] = "transparent",
	[STINGY_PAGES_SMALL] = "small",
};

static const char *const reasons[STINGY_FELL_REASONS] = {
	[STINGY_FELL_SIZE] = "size",     [STINGY_FELL_ALIGN] = "align",       [STINGY_FELL_FULL] = "full",
	[STINGY_FELL_THREAD] = "thread", [STINGY_FELL_NO_ARENA] = "no_arena",
};

static const char *const whys[STINGY_FELL_REASONS] = {
	[STINGY_FELL_SIZE] = "larger than in the profile", [STINGY_FELL_ALIGN] = "aligned beyond the slots",
	[STINGY_FELL_FULL] = "no free slot in the region", [STINGY_FELL_THREAD] = "a thread without an arena",
	[STINGY_FELL_NO_ARENA] = "no memory for an arena",
};

static const char *const orderings[STINGY_ORDERING_STATES] = {
	[STINGY_ORDERING_NONE] = "none",           [STINGY_ORDERING_OFF] = "off",
	[STINGY_ORDERING_SEARCHING] = "searching", [STINGY_ORDERING_ON] = "on",
	[STINGY_ORDERING_RESTING] = "resting",     [STINGY_ORDERING_LEFT] = "left alone",
};

static const char *const left[STINGY_LEFT_REASONS] = {
	[STINGY_LEFT_NOT] = "",
	[STINGY_LEFT_EDGES] = "its connections are edge-triggered or one-shot",
	[STINGY_LEFT_THREADS] = "several threads use it",
	[STINGY_LEFT_FORKED] = "it was made before a fork",
	[STINGY_LEFT_DESCRIPTORS] = "there is no descriptor for a second instance",
	[STINGY_LEFT_TWICE] = "it polls a descriptor twice at once",
	[STINGY_LEFT_STRANGER] = "it may have another descriptor, too",
};

const char *stingy_live_words_state(uint32_t state)
{
	return states[state];
}

const char *stingy_live_words_pages(uint32_t pages)
{
	return pages_words[pages];
}

const char *stingy_live_words_fell_back(int reason)
{
	return reasons[reason];
}

const char *stingy_live_words_fell_back_why(int reason)
{
	return whys[reason];
}

const char *stingy_live_words_ordering(uint32_t state)
{
	return orderings[state];
}

const char *stingy_live_words_left(uint32_t why)
{
	return left[why];
}

/* Explicit pages are none of those that the kernel counts there. */
uint32_t stingy_live_words_pages_of(const struct stingy_live_reader *reader)
{
	if (reader->resident == 0 || reader->live.pages == STINGY_PAGES_EXPLICIT)
		return reader->live.pages;
	return reader->huge ? STINGY_PAGES_TRANSPARENT : STINGY_PAGES_SMALL;
}

uint64_t stingy_live_words_all_fell_back(const struct stingy_live_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		sum += counters->fell_back[i];
	return sum;
}

uint64_t stingy_live_words_all(const struct stingy_live_counters *counters)
{
	return counters->served + counters->unmanaged + stingy_live_words_all_fell_back(counters);
}

double stingy_live_words_share(uint64_t n, uint64_t all)
{
	return all ? 100.0 * (double)n / (double)all : 0;
}

const char *stingy_live_words_order(const struct stingy_live_order *order, char text[STINGY_LIVE_WORDS_TEXT])
{
	int n = snprintf(text, STINGY_LIVE_WORDS_TEXT, "%s", stingy_live_words_ordering(order->state));
	char *rest = text + n;
	size_t room = STINGY_LIVE_WORDS_TEXT - (size_t)n;

	if (order->why)
		snprintf(rest, room, ": %s", stingy_live_words_left(order->why));
	else if (order->bound)
		snprintf(rest, room, ": at most %" PRIu32 " events begin a turn", order->bound);
	return text;
}

int64_t stingy_live_words_tasks(const struct stingy_live_order *order)
{
	if (order->why != STINGY_LEFT_NOT || order->state == STINGY_ORDERING_NONE || order->tasks < 0)
		return -1;
	return order->tasks;
}

int64_t stingy_live_words_connections(const struct stingy_live_order *order)
{
	return stingy_live_words_tasks(order) >= 0 && order->connections >= 0 ? order->connections : -1;
}

const char *stingy_live_words_in_flight(const struct stingy_live_order *order, char text[STINGY_LIVE_WORDS_TEXT])
{
	int64_t tasks = stingy_live_words_tasks(order), connections = stingy_live_words_connections(order);

	if (tasks < 0)
		snprintf(text, STINGY_LIVE_WORDS_TEXT, "-");
	else if (connections < 0)
		snprintf(text, STINGY_LIVE_WORDS_TEXT, "%" PRId64, tasks);
	else
		snprintf(text, STINGY_LIVE_WORDS_TEXT, "%" PRId64 ", on %" PRId64 " connections", tasks, connections);
	return text;
}

double stingy_live_words_per_turn(const struct stingy_live_order *order, bool is_under_way)
{
	return order->turns[is_under_way] ? (double)order->events[is_under_way] / (double)order->turns[is_under_way]
					  : 0;
}
