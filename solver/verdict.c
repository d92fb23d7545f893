#include "verdict.h"

#include "live-words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shares of the allocations, in per cent, from which on something limits. */
#define MUCH_FELL_BACK 1.0
#define MUCH_UNMANAGED 10.0
#define MUCH_SERVED    50.0 /* from which on the arena is what the program works in */

#define NAME_TOLD 120u /* bytes of what the region that is full holds */

__attribute__((format(printf, 3, 4))) static void say(struct stingy_verdict_line *line, enum stingy_verdict_mood mood,
						      const char *format, ...)
{
	va_list arguments;

	line->mood = mood;
	va_start(arguments, format);
	vsnprintf(line->text, sizeof(line->text), format, arguments);
	va_end(arguments);
}

static void add(struct stingy_verdict_line *line, const char *text)
{
	strncat(line->text, text, sizeof(line->text) - strlen(line->text) - 1);
}

/* The place to wait that most events came by; NULL: there is none. */
static const struct stingy_live_order *main_order(const struct stingy_live_reader *counted)
{
	const struct stingy_live_order *found = NULL;

	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++) {
		const struct stingy_live_order *order = &counted->live.order[i];

		if (order->state != STINGY_ORDERING_NONE && (!found || order->events[0] > found->events[0]))
			found = order;
	}
	return found;
}

static void judge_serving(struct stingy_verdict_line *line, const struct stingy_live_reader *now)
{
	uint32_t pages = stingy_live_words_pages_of(now);
	enum stingy_verdict_mood mood = pages == STINGY_PAGES_SMALL ? STINGY_VERDICT_FAIR : STINGY_VERDICT_GOOD;

	say(line, mood, "yes: serving, %" PRIu64 " of %" PRIu64 " sites are loaded, %s pages", now->live.sites_here,
	    now->live.sites,
	    pages == STINGY_PAGES_NONE    ? "no"
	    : pages == STINGY_PAGES_SMALL ? "small"
					  : "huge");
}

static void judge_on(struct stingy_verdict_line *line, const struct stingy_live_reader *now,
		     const struct stingy_live_reader *counted)
{
	const struct stingy_live *live = &now->live;

	if (live->state == STINGY_LIVE_SERVING)
		judge_serving(line, now);
	else if (live->state == STINGY_LIVE_READY)
		say(line, STINGY_VERDICT_FAIR, "ready, but nothing that the manifest names has been allocated yet");
	else if (live->state == STINGY_LIVE_DRY_RUN)
		say(line, STINGY_VERDICT_FAIR, "dry run: allocations are counted, none is served");
	else if (live->manifest[0])
		say(line, STINGY_VERDICT_BAD, "no: %s", live->note[0] ? live->note : "the manifest was refused");
	else if (main_order(counted))
		say(line, STINGY_VERDICT_GOOD, "yes, the order of events only: there is no manifest");
	else
		say(line, STINGY_VERDICT_BAD, "no: there is no manifest, and no events are ordered");
}

static void add_ordering(struct stingy_verdict_line *line, const struct stingy_live_order *order)
{
	char text[128];

	switch (order->state) {
	case STINGY_ORDERING_ON:
	case STINGY_ORDERING_RESTING:
		snprintf(text, sizeof(text), "ordering %s%s", stingy_live_words_ordering(order->state),
			 order->duels ? "" : ", by your bound");
		add(line, text);
		if (order->duels)
			snprintf(text, sizeof(text), ", last seen to save %" PRId32 "%% of a request's time",
				 order->saved);
		add(line, order->duels ? text : "");
		return;
	case STINGY_ORDERING_SEARCHING:
		add(line, "whether ordering helps is being found out");
		return;
	case STINGY_ORDERING_OFF:
		add(line, order->duels ? "ordering would win nothing here" : "too few events at a time to order them");
		return;
	default:
		add(line, "events are left in their order");
	}
}

static void judge_help(struct stingy_verdict_line *line, const struct stingy_live_reader *now,
		       const struct stingy_live_reader *counted)
{
	struct stingy_live_counters counters = stingy_live_reader_sum(counted);
	const struct stingy_live_order *order = main_order(counted);
	double served = stingy_live_words_share(counters.served, stingy_live_words_all(&counters));

	if (!now->live.manifest[0])
		say(line, order && order->bound ? STINGY_VERDICT_GOOD : STINGY_VERDICT_FAIR, "%s", "");
	else if (stingy_live_words_all(&counters) == 0)
		say(line, STINGY_VERDICT_FAIR, "nothing is allocated");
	else
		say(line, served >= MUCH_SERVED ? STINGY_VERDICT_GOOD : STINGY_VERDICT_FAIR,
		    "%.1f%% of the allocations %s from the arena", served,
		    now->live.state == STINGY_LIVE_DRY_RUN ? "would be" : "are");
	if (order) {
		add(line, line->text[0] ? "; " : "");
		add_ordering(line, order);
	} else if (!line->text[0]) {
		add(line, "no");
	}
}

uint32_t stingy_verdict_fullest(const struct stingy_live_reader *counted)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < counted->live.n_regions; i++)
		if (counted->region[i].full > counted->region[found].full)
			found = i;
	return found;
}

static void tell_full(struct stingy_verdict_line *line, const struct stingy_live_reader *counted, const char *name,
		      double part)
{
	int cut = strlen(name) > NAME_TOLD;

	say(line, STINGY_VERDICT_FAIR,
	    "%.1f%% of the allocations find their region full, most in region %" PRIu32 "%s%.*s%s%s", part,
	    stingy_verdict_fullest(counted), name[0] ? " (" : "", (int)NAME_TOLD, name, cut ? "..." : "",
	    name[0] ? ")" : "");
}

/* The reason by which most allocations missed the arena. Returns whether it is worth a word. */
static bool tell_missed(struct stingy_verdict_line *line, const struct stingy_live_reader *counted, const char *name)
{
	struct stingy_live_counters counters = stingy_live_reader_sum(counted);
	uint64_t all = stingy_live_words_all(&counters);
	double unmanaged = stingy_live_words_share(counters.unmanaged, all), part;
	int most = 0;

	for (int i = 1; i < STINGY_FELL_REASONS; i++)
		if (counters.fell_back[i] > counters.fell_back[most])
			most = i;
	part = stingy_live_words_share(counters.fell_back[most], all);
	if (unmanaged >= MUCH_UNMANAGED && unmanaged > part)
		say(line, STINGY_VERDICT_FAIR,
		    "%.1f%% of the allocations are at sites that the manifest does not name: was it made under this "
		    "load?",
		    unmanaged);
	else if (part < MUCH_FELL_BACK)
		return false;
	else if (most == STINGY_FELL_FULL && counted->live.n_regions)
		tell_full(line, counted, name, part);
	else
		say(line, STINGY_VERDICT_FAIR, "%.1f%% of the allocations fell back: %s", part,
		    stingy_live_words_fell_back_why(most));
	return true;
}

static void judge_limit(struct stingy_verdict_line *line, const struct stingy_live_reader *now,
			const struct stingy_live_reader *counted, const char *name)
{
	const struct stingy_live_order *order = main_order(counted);

	if (now->live.manifest[0] && now->live.state == STINGY_LIVE_OFF)
		say(line, STINGY_VERDICT_BAD, "the manifest is not in force");
	else if (now->live.manifest[0] && now->live.sites_here == 0 && now->live.sites != 0)
		say(line, STINGY_VERDICT_BAD, "none of the manifest's sites is loaded: another build of the program?");
	else if (now->live.manifest[0] && tell_missed(line, counted, name))
		return;
	else if (order && order->why)
		say(line, STINGY_VERDICT_FAIR, "events are not ordered: %s", stingy_live_words_left(order->why));
	else if (stingy_live_words_pages_of(now) == STINGY_PAGES_SMALL)
		say(line, STINGY_VERDICT_FAIR, "small pages: where the arena lies in the cache is not exact");
	else if (now->live.manifest[0] && !order)
		say(line, STINGY_VERDICT_FAIR,
		    "as many tasks begin as there are clients: events are not ordered (stingy run --order)");
	else
		say(line, STINGY_VERDICT_GOOD, "nothing that the figures show");
}

void stingy_verdict_init(struct stingy_verdict *verdict, const struct stingy_live_reader *now,
			 const struct stingy_live_reader *counted, const char *fullest)
{
	judge_on(&verdict->on, now, counted);
	judge_help(&verdict->helps, now, counted);
	judge_limit(&verdict->limit, now, counted, fullest);
}
