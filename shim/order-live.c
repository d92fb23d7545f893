/*
 * The figures of ordering, for `stingy stat` and STINGY_REPORT.
 */
#include "order.h"

#include "../manifests/live.h"
#include "modules.h"
#include "say.h"

#include <sys/epoll.h>

static uint32_t state_of(const struct stingy_tuner *tuner)
{
	if (tuner->phase != STINGY_TUNER_HOLDING)
		return STINGY_ORDERING_SEARCHING;
	if (tuner->is_resting)
		return STINGY_ORDERING_RESTING;
	return tuner->bound != 0 ? STINGY_ORDERING_ON : STINGY_ORDERING_OFF;
}

void stingy_order_publish(struct stingy_order *order)
{
	const struct stingy_tuner *tuner = &order->tuner;
	struct stingy_live_order *live = order->live;
	live->state = state_of(tuner);
	live->bound = tuner->bound;
	live->crowd = tuner->crowd;
	live->duels = tuner->n_duels;
	live->won = tuner->n_won;
	live->saved = tuner->saved;
}

void stingy_order_count_wait(struct stingy_order *order)
{
	order->n_waiting = order->n_tasks;
	order->n_begun = 0;
	order->live->tasks = order->n_tasks;
}

/* How long runs are of events of one kind: to read, or to write. */
void stingy_order_count_event(struct stingy_order *order, uint32_t events)
{
	bool is_writing = events & EPOLLOUT;
	order->n_begun += (events & EPOLLIN) != 0;
	if (is_writing == order->is_writing) {
		order->run++;
		return;
	}
	uint32_t place = order->run ? 31 - (uint32_t)__builtin_clz(order->run) : 0;
	order->live->runs[order->is_ordering][place < STINGY_LIVE_RUNS ? place : STINGY_LIVE_RUNS - 1]++;
	order->is_writing = is_writing;
	order->run = 1;
}

void stingy_order_count_turn(struct stingy_order *order)
{
	struct stingy_live_order *live = order->live;
	live->turns[0] += order->turn.events != 0;
	live->events[0] += order->turn.events;
	if (order->n_waiting >= 0)
		live->tasks = order->n_waiting + (order->turn.is_first ? 0 : order->n_begun);
	live->short_turns += !order->turn.is_first && order->turn.most < order->tuner.bound &&
			     order->turn.events >= order->turn.most;
	if (order->turn.is_first) {
		live->turns[1]++;
		live->events[1] += order->turn.events;
	}
}

static void report_one(const struct stingy_live *live, const struct stingy_live_order *order)
{
	static const char *const states[STINGY_ORDERING_STATES] = {"none", "off", "searching", "on", "resting", "left"};
	static const char *const reasons[STINGY_LEFT_REASONS] = {
		[STINGY_LEFT_NOT] = "",
		[STINGY_LEFT_EDGES] = " (edge-triggered or one-shot connections)",
		[STINGY_LEFT_THREADS] = " (several threads)",
		[STINGY_LEFT_FORKED] = " (made before a fork)",
		[STINGY_LEFT_DESCRIPTORS] = " (no descriptor for a second instance)",
		[STINGY_LEFT_TWICE] = " (a descriptor twice in the array)",
		[STINGY_LEFT_STRANGER] = " (perhaps by another descriptor, too)",
	};
	stingy_say("%s[%u]: order %s%s, bound %u, %lu events in %lu turns, of these %lu in %lu for what was under way; "
		   "%u of %u comparisons "
		   "won, the last against none saved %d%%; %lu turns cut short by full regions",
		   stingy_program_path(), live->pid, states[order->state], reasons[order->why], order->bound,
		   order->events[0], order->turns[0], order->events[1], order->turns[1], order->won, order->duels,
		   order->saved, order->short_turns);
}

void stingy_order_report(const struct stingy_live *live)
{
	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++)
		if (live->order[i].state != STINGY_ORDERING_NONE)
			report_one(live, &live->order[i]);
}
