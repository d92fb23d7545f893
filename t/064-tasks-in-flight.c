/* How many tasks are in flight is told while most turns are not looked at, too, or not at all: never what once was. */
#include "../shim/order-poll.h"
#include "../shim/order.h"
#include "../shim/room.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_epoll), cmocka_unit_test(test_poll)};

	if (stingy_order_init(&(struct stingy_order_schedule){STINGY_ORDER_AUTO, 0}, live, 2) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
