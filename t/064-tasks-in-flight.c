/*
 * How many tasks are in flight is told while most turns are not looked at, too, or not at all: never what once was, nor
 * what the last call was about.
 */
#include "../shim/order-poll.h"
#include "../shim/order.h"
#include "../shim/room.h"
#include "../shim/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MANY 100 /* descriptors, enough for poll to be looked at */

static struct stingy_live_order live[2];

/* There is no arena here. */
uint32_t stingy_room_for_tasks(void)
{
	return UINT32_MAX;
}

uint64_t stingy_room_refused(void)
{
	return 0;
}

static void wait_unseen(struct stingy_order *order, int32_t n_tasks)
{
	order->n_tasks = n_tasks;
	order->tuner.sleep = 1;
	assert_false(stingy_order_begin(order));
	assert_false(order->is_seen);
}

static void test_epoll(void **state)
{
	struct stingy_order *order = stingy_order_claim();

	(void)state;
	wait_unseen(order, 3);
	assert_int_equal(order->live->tasks, 3);
	wait_unseen(order, 0);
	assert_int_equal(order->live->tasks, 0);
	stingy_order_release(order);
}

static void test_poll(void **state)
{
	struct stingy_order *order = stingy_order_poll_enter(MANY);

	(void)state;
	order->n_tasks = 3;
	order->tuner.sleep = 1;
	stingy_order_poll_enter(MANY);
	assert_int_equal(order->live->tasks, -1);
	assert_ptr_equal(stingy_order_poll_enter(MANY), order);
	assert_int_equal(order->live->tasks, 3);
	assert_null(stingy_order_poll_enter(1));
	assert_int_equal(order->live->tasks, -1);
}

/* Of MANY entries, with so many accepted connections to be written to; the listener is no task. */
static void wait_for(struct pollfd *fds, int n_writing)
{
	for (int i = 0; i < MANY; i++) {
		fds[i] = (struct pollfd){.fd = i, .events = i < n_writing ? POLLIN | POLLOUT : POLLIN};
		stingy_watch_renew(&stingy_watches[i], i < MANY - 1 ? STINGY_ROLE_ACCEPTED : STINGY_ROLE_LISTENER);
	}
	fds[MANY - 1].events = POLLOUT;
}

/* What is waited for now counts, whatever the last call was about, and whether or not anything comes of it. */
static void test_poll_counts(void **state)
{
	struct pollfd fds[MANY];
	struct stingy_order *order = stingy_order_poll_enter(MANY);

	(void)state;
	wait_for(fds, 5);
	stingy_order_poll_count(order, fds, MANY);
	assert_int_equal(order->live->tasks, 5);
	stingy_order_end(order, false);
	assert_int_equal(order->live->tasks, 5);
	stingy_order_poll_enter(MANY);
	stingy_order_poll_count(order, NULL, MANY);
	assert_int_equal(order->live->tasks, -1);
	stingy_order_end(order, false);
	assert_int_equal(order->live->tasks, -1);
	stingy_order_poll_enter(MANY);
	wait_for(fds, 0);
	stingy_order_poll_count(order, fds, MANY);
	assert_int_equal(order->live->tasks, 0);
}

/* The few that are asked about: what is marked and may begin, and what is under way. They count, too. */
static void test_poll_chooses(void **state)
{
	struct stingy_few few = STINGY_FEW_OF(MANY);
	struct pollfd fds[MANY];
	struct stingy_order *order = stingy_order_poll_enter(MANY);

	(void)state;
	wait_for(fds, 2);
	for (int i = 50; i < 60; i++)
		stingy_roles[i] |= STINGY_ROLE_MARKED;
	fds[98].revents = POLLIN;
	order->most = 4;
	stingy_order_poll_choose(order, fds, MANY, &few);
	assert_int_equal(order->live->tasks, 2);
	assert_int_equal(few.n, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(few.at[i], i < 2 ? i : 48 + i);
	assert_int_equal(fds[98].revents, 0);
	assert_true(order->has_marked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_epoll), cmocka_unit_test(test_poll),
					   cmocka_unit_test(test_poll_counts), cmocka_unit_test(test_poll_chooses)};

	if (stingy_order_init(&(struct stingy_order_schedule){STINGY_ORDER_AUTO, 0}, live, 2) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
