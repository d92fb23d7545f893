#include "batches.h"

#include "serve.h"
#include "stingy.h"

#include <string.h>

/* The batch of the thread that goes on. */
struct batch {
	const void *function;          /* of the stage */
	struct stingy_live_stage *row; /* NULL: there has been no batch yet */
	uint64_t runs_before;          /* what the row had counted when it began */
};

/* No function of a program is there. */
static const char no_function;

static __thread struct batch batch = {.function = &no_function};

/* The rows of the first thread; those of the others follow. */
static struct stingy_live_stage *rows(void)
{
	struct stingy_live *live = stingy_serve.live;
	return (struct stingy_live_stage *)(void *)((char *)live + live->stages.at);
}

static void end_batch(void)
{
	uint64_t length = batch.row ? batch.row->runs - batch.runs_before : 0;
	if (length == 0)
		return;
	unsigned place = 63 - (unsigned)__builtin_clzll(length);
	batch.row->batches[place < STINGY_LIVE_BATCHES ? place : STINGY_LIVE_BATCHES - 1]++;
}

static __attribute__((noinline)) void begin_batch(const void *function)
{
	const struct stingy_stages *stages = &stingy_serve.stages;
	if (!__atomic_load_n(&stingy_serve.is_on, __ATOMIC_ACQUIRE) || stages->n == 0)
		return;
	end_batch();
	const struct stingy_stage *stage = stingy_stages_find(stages, &stingy_serve.sites, (uintptr_t)function);
	struct stingy_live_stage *row = rows() + stingy_serve_thread() * stingy_live_stage_rows(stages->n);
	row += stage ? (uint32_t)(stage - stages->stage) : stages->n;
	batch = (struct batch){function, row, row->runs};
	row->runs++;
}

__attribute__((visibility("default"))) void StingyStageBegin(const void *function, const void *task)
{
	(void)task;
	if (__builtin_expect(function == batch.function, 1))
		batch.row->runs++;
	else
		begin_batch(function);
}

/* The row stays: a signal handler may have forked amid an announcement, which goes on in the child. */
void stingy_batches_reset(void)
{
	const struct stingy_live *live = stingy_serve.live;
	uint32_t n = live->n_threads < STINGY_LIVE_THREADS ? live->n_threads : STINGY_LIVE_THREADS;
	memset(rows(), 0, n * stingy_live_stage_rows(live->stages.count) * sizeof(struct stingy_live_stage));
	batch.function = &no_function;
	batch.runs_before = 0;
}
