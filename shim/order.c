#define _GNU_SOURCE
#include "order.h"

#include "../manifests/live.h"
#include "calls.h"
#include "env.h"
#include "order-epoll.h"
#include "order-poll.h"
#include "room.h"
#include "say.h"
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <x86intrin.h>

#define ORDERS      64u   /* at a time; later ones are not looked at */
#define FIRST_TURNS 8u    /* in a row: whatever is under way, a task begins after so many turns */
#define START       16u   /* events: where the search for a bound begins, if nobody knows better */
#define WAIT_TICKS  4000u /* of a wait that found everything ready, at most */
#define EVENT_TICKS 1000u /* and for each event that it found */

bool stingy_order_is_on;
__thread bool stingy_order_is_counting __attribute__((tls_model("initial-exec")));
__thread uint32_t stingy_order_answers __attribute__((tls_model("initial-exec")));

static struct stingy_order orders[ORDERS];
static bool used[ORDERS];                        /* whether they belong to a place; atomic */
static struct stingy_live_order nowhere[ORDERS]; /* figures that nobody reads; one each, as threads write them */
static struct stingy_order_schedule schedule;
static bool is_filtered; /* system calls may be forbidden; atomic */

/* The thread's, in ns; 0 where a filter may forbid to ask. */
static uint64_t processor_time(void)
{
	struct timespec time;
	int saved = errno;
	if (__atomic_load_n(&is_filtered, __ATOMIC_RELAXED) || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) < 0) {
		errno = saved;
		return 0;
	}
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void stingy_order_filtered(void)
{
	__atomic_store_n(&is_filtered, true, __ATOMIC_RELAXED);
}

static void init_tuner(struct stingy_tuner *tuner)
{
	if (schedule.mode == STINGY_ORDER_FIXED)
		stingy_tuner_init(tuner, processor_time, schedule.tasks, STINGY_TUNER_FIX);
	else if (schedule.tasks != 0)
		stingy_tuner_init(tuner, processor_time, schedule.tasks, STINGY_TUNER_EXPECT);
	else
		stingy_tuner_init(tuner, processor_time, START, STINGY_TUNER_SEARCH);
}

struct stingy_order *stingy_order_claim(void)
{
	for (uint32_t i = 0; i < ORDERS; i++) {
		if (__atomic_load_n(&used[i], __ATOMIC_RELAXED) ||
		    __atomic_exchange_n(&used[i], true, __ATOMIC_ACQUIRE))
			continue;
		struct stingy_order *order = &orders[i];
		struct stingy_live_order *live = order->live;
		*order = (struct stingy_order){.first = -1, .live = live};
		init_tuner(&order->tuner);
		memset(live, 0, sizeof(*live));
		return order;
	}
	return NULL;
}

void stingy_order_release(struct stingy_order *order)
{
	order->live->tasks = 0; /* its other figures stay, for the report */
	__atomic_store_n(&used[order - orders], false, __ATOMIC_RELEASE);
}

uint8_t stingy_order_number(const struct stingy_order *order)
{
	return (uint8_t)(order - orders + 1);
}

struct stingy_order *stingy_order_numbered(uint8_t number)
{
	return &orders[number - 1];
}

void stingy_order_leave(struct stingy_order *order, enum stingy_live_left why)
{
	order->live->why = why;
	order->live->state = STINGY_ORDERING_LEFT;
	__atomic_store_n(&order->is_left, true, __ATOMIC_RELAXED);
}

/* Events that the turn may begin with. A fixed bound is the user's, and so is what comes of it. */
static uint32_t most(const struct stingy_tuner *tuner)
{
	if (tuner->bound == 0 || tuner->is_fixed || tuner->is_resting)
		return tuner->bound;
	uint32_t room = stingy_room_for_tasks();
	room = room > STINGY_TUNER_LEAST ? room : STINGY_TUNER_LEAST;
	return room < tuner->bound ? room : tuner->bound;
}

/* After fork a thread may begin to count anew. */
static uint32_t refused_since(uint64_t before)
{
	uint64_t refused = stingy_room_refused();
	return refused > before ? (uint32_t)(refused - before) : 0;
}

/* The turn before is over. */
static void tell(struct stingy_order *order)
{
	order->turn.ticks += order->entered - order->returned;
	order->turn.units = stingy_order_answers;
	order->turn.refused = refused_since(order->refused);
	order->returned = 0;
	stingy_tuner_turn(&order->tuner, &order->turn);
	stingy_order_publish(order);
}

bool stingy_order_begin(struct stingy_order *order)
{
	order->is_seen = !stingy_tuner_sleeps(&order->tuner);
	if (!order->is_seen) {
		stingy_order_count_wait(order);
		return false;
	}
	order->entered = __rdtsc();
	if (order->returned != 0)
		tell(order);
	stingy_order_is_counting = false;
	order->is_seen = order->tuner.sleep == 0;
	stingy_order_count_wait(order);
	order->most = most(&order->tuner);
	order->turn = (struct stingy_tuner_turn){.most = order->most};
	return order->tuner.bound != 0 && !order->tuner.is_resting;
}

int stingy_order_heard(struct stingy_order *order, int n)
{
	stingy_tuner_heard(&order->tuner, n);
	return n;
}

bool stingy_order_asks_first(const struct stingy_order *order)
{
	return order->n_first < FIRST_TURNS;
}

void stingy_order_see(struct stingy_order *order, uint32_t events)
{
	order->turn.events++;
	stingy_order_count_event(order, events);
}

void stingy_order_end(struct stingy_order *order, bool is_first)
{
	uint64_t longest = WAIT_TICKS + (uint64_t)order->turn.events * EVENT_TICKS;
	order->returned = __rdtsc();
	uint64_t waited = order->returned - order->entered;
	order->turn.ticks = waited < longest ? waited : longest;
	order->turn.is_first = is_first;
	order->refused = stingy_room_refused();
	stingy_order_is_counting = true;
	stingy_order_answers = 0;
	order->n_first = is_first ? order->n_first + 1 : 0;
	stingy_order_count_turn(order);
}

static void after_fork_in_child(void)
{
	for (uint32_t i = 0; i < ORDERS; i++)
		if (used[i] && orders[i].is_poll)
			stingy_order_poll_forked(&orders[i]);
		else if (used[i] && orders[i].first >= 0)
			stingy_order_epoll_forked(&orders[i]);
}

struct stingy_order_schedule stingy_order_choose(const struct stingy_order_schedule *manifest)
{
	const char *wanted = stingy_env("STINGY_SCHEDULE");
	uint64_t number = stingy_env_number("STINGY_SCHEDULE", 0);
	if (!wanted)
		return *manifest;
	if (strcmp(wanted, "auto") == 0)
		return (struct stingy_order_schedule){STINGY_ORDER_AUTO, manifest->tasks};
	if (number != 0 && number <= INT32_MAX)
		return (struct stingy_order_schedule){STINGY_ORDER_FIXED, (uint32_t)number};
	if (strcmp(wanted, "off") != 0 && strcmp(wanted, "0") != 0)
		stingy_say("STINGY_SCHEDULE '%s': is not auto, off or a number: events are not ordered", wanted);
	return (struct stingy_order_schedule){STINGY_ORDER_OFF, 0};
}

int stingy_order_init(const struct stingy_order_schedule *chosen, struct stingy_live_order *live, uint32_t n_live)
{
	if (stingy_watch_init() < 0 || stingy_order_poll_init() != 0 ||
	    pthread_atfork(NULL, NULL, after_fork_in_child) != 0)
		return -1;
	for (uint32_t i = 0; i < ORDERS; i++)
		orders[i].live = i < n_live ? &live[i] : &nowhere[i];
	schedule = *chosen;
	is_filtered = STINGY_CALL(prctl)(PR_GET_SECCOMP) != 0;
	stingy_order_is_on = true;
	return 0;
}
