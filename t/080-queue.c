/*
 * The samples' queues and elections, with answers that the test makes up: for each number of waiting tasks and of runs
 * that fit, who is elected, and for how long a batch. What Stingy is asked, and told, is checked too.
 */
#include "../samples/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N_STAGES 4u
#define N_TASKS  (3 * QUEUE_BATCH)

static struct task tasks[N_TASKS];
static unsigned n_queued;

static unsigned n_fit[N_STAGES]; /* what StingyDynCount says of each */
static unsigned n_asked, n_begun, n_over, n_tasks_ended;
static const void *told_stage, *told_task;

static stage_function *successor; /* what a run queues for its task; NULL: it ends the task */

static void run(struct task *task)
{
	if (successor)
		queue_stage(task, successor);
	else
		queue_end_task();
}

/* They differ only in their addresses, which the compiler must not make one. */
#define STAGE(n)                                                                                                       \
	static void stage_##n(struct task *task)                                                                       \
	{                                                                                                              \
		__asm__ volatile("# " #n);                                                                             \
		run(task);                                                                                             \
	}
STAGE(0)
STAGE(1)
STAGE(2)
STAGE(3)
static stage_function *const function[N_STAGES] = {stage_0, stage_1, stage_2, stage_3};
static struct stage stages[N_STAGES];

const struct stingy_stage *StingyStageOf(const void *of)
{
	for (unsigned i = 0; i < N_STAGES; i++)
		if (of == (const void *)function[i])
			return (const struct stingy_stage *)(const void *)&n_fit[i];
	return NULL;
}

unsigned StingyDynCount(const struct stingy_stage *stage)
{
	n_asked++;
	return *(const unsigned *)(const void *)stage;
}

void StingyStageBegin(const void *stage, const void *task)
{
	n_begun++;
	told_stage = stage;
	told_task = task;
}

void StingyStageEnd(const void *stage, const void *task)
{
	n_over += stage == told_stage && task == told_task;
}

void StingyTaskEnd(const void *task)
{
	n_tasks_ended += task == told_task;
}

static int begin(void **state)
{
	(void)state;
	memset(stages, 0, sizeof(stages));
	n_queued = n_asked = n_begun = n_over = n_tasks_ended = 0;
	successor = NULL;
	for (unsigned i = 0; i < N_STAGES; i++) {
		stages[i].function = function[i];
		n_fit[i] = STINGY_MANY;
	}
	queue_init(stages, N_STAGES);
	return 0;
}

static void wait_at(unsigned stage, unsigned n)
{
	for (; n; n--) {
		tasks[n_queued].name = 100 + n_queued;
		queue_stage(&tasks[n_queued++], function[stage]);
	}
}

static void assert_elects(unsigned stage, unsigned batch)
{
	struct stage *elected = queue_elect();
	unsigned n = 0;

	assert_ptr_equal(elected, &stages[stage]);
	while (queue_goes_on(elected))
		n++;
	assert_int_equal(n, batch);
}

static void test_nothing_waits(void **state)
{
	(void)state;
	assert_null(queue_elect());
	assert_int_equal(n_asked, 0);
}

static void test_one_question_for_each_stage_with_tasks(void **state)
{
	(void)state;
	wait_at(1, 5);
	wait_at(3, 7);
	queue_elect();
	assert_int_equal(n_asked, 2);
}

/* Enough for all: the earliest, so that more is gathered for the later ones. */
static void test_earlier_of_those_with_enough(void **state)
{
	(void)state;
	wait_at(1, 5);
	wait_at(2, 9);
	n_fit[1] = 6;
	n_fit[2] = 10;
	assert_elects(1, 5);
}

/* As many wait as fit: before earlier ones that could gather more. */
static void test_maximal_flow_comes_first(void **state)
{
	(void)state;
	wait_at(0, 5);
	wait_at(2, 9);
	wait_at(3, 2);
	n_fit[2] = 9;
	assert_elects(2, 9);
}

static void test_batch_is_what_fits(void **state)
{
	(void)state;
	wait_at(2, 9);
	n_fit[2] = 4;
	assert_elects(2, 4);
}

static void test_later_of_those_at_maximal_flow(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		wait_at(i, 5);
		n_fit[i] = 5;
	}
	wait_at(3, 4);
	n_fit[3] = 5;
	assert_elects(2, 5);
}

static void test_what_does_not_fit_comes_last(void **state)
{
	(void)state;
	wait_at(0, 50);
	wait_at(1, 1);
	wait_at(2, 50);
	n_fit[0] = n_fit[2] = 0;
	assert_elects(1, 1);
}

/* The worked example of the paper: three slots for what stage 1 allocates are in use, one task more waits there. */
static void test_task_at_another_stage_is_chosen(void **state)
{
	(void)state;
	wait_at(1, 1);
	wait_at(2, 3);
	n_fit[0] = n_fit[1] = 0;
	assert_elects(2, 3);
}

/* Work conserving: the latest, once, as its run may release what the others wait for. */
static void test_nothing_fits(void **state)
{
	(void)state;
	wait_at(0, 5);
	wait_at(2, 5);
	n_fit[0] = n_fit[2] = 0;
	assert_elects(2, 1);
}

static void test_bound_without_anybody_to_ask(void **state)
{
	(void)state;
	wait_at(0, QUEUE_BATCH - 1);
	wait_at(1, QUEUE_BATCH - 1);
	assert_elects(0, QUEUE_BATCH - 1);
	wait_at(1, 2);
	assert_elects(1, QUEUE_BATCH);
}

/* A stage loses QUEUE_PATIENCE elections in a row, and no more; if it does not fit, one run is made. */
static void test_patience(void **state)
{
	(void)state;
	wait_at(0, 1);
	wait_at(3, 3);
	n_fit[3] = 0;
	for (unsigned i = 0; i < QUEUE_PATIENCE; i++)
		assert_elects(0, 1);
	assert_elects(3, 1);
	assert_elects(0, 1);
}

static void run_batch(void)
{
	struct stage *stage = queue_elect();

	while (queue_goes_on(stage))
		queue_run(stage);
}

/* What a run queues for its own stage waits for the next batch; what it tells is of its stage and its task. */
static void test_runs_in_order(void **state)
{
	(void)state;
	wait_at(2, 3);
	successor = stage_2;
	run_batch();
	assert_int_equal(n_begun, 3);
	assert_int_equal(n_over, 3);
	assert_int_equal(n_tasks_ended, 0);
	assert_ptr_equal(told_stage, (const void *)stage_2);
	assert_ptr_equal(told_task, (const void *)102);
	successor = NULL;
	run_batch();
	assert_int_equal(n_begun, 6);
	assert_int_equal(n_tasks_ended, 3);
	assert_null(queue_elect());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_waits, begin),
		cmocka_unit_test_setup(test_one_question_for_each_stage_with_tasks, begin),
		cmocka_unit_test_setup(test_earlier_of_those_with_enough, begin),
		cmocka_unit_test_setup(test_maximal_flow_comes_first, begin),
		cmocka_unit_test_setup(test_batch_is_what_fits, begin),
		cmocka_unit_test_setup(test_later_of_those_at_maximal_flow, begin),
		cmocka_unit_test_setup(test_what_does_not_fit_comes_last, begin),
		cmocka_unit_test_setup(test_task_at_another_stage_is_chosen, begin),
		cmocka_unit_test_setup(test_nothing_fits, begin),
		cmocka_unit_test_setup(test_bound_without_anybody_to_ask, begin),
		cmocka_unit_test_setup(test_patience, begin),
		cmocka_unit_test_setup(test_runs_in_order, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
