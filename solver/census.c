#include "census.h"

#include "bits.h"
#include "graph.h"
#include "memory.h"
#include "stages.h"

#include <stdlib.h>
#include <string.h>

#define NO_STAGE UINT32_MAX
#define FEW      1u /* percent */

void stingy_census_init(struct stingy_census *census, uint32_t n_units, const uint32_t *unit_of, uint32_t n_stages,
			bool relations)
{
	memset(census, 0, sizeof(*census));
	census->unit = stingy_memory_new(n_units, sizeof(*census->unit));
	census->n_units = n_units;
	census->unit_of = unit_of;
	census->stage = stingy_memory_new(n_stages, sizeof(*census->stage));
	census->n_stages = n_stages;
	census->last_timed = NO_STAGE;
	if (!relations || !n_units)
		return;
	census->thread = stingy_memory_new(STINGY_CENSUS_THREADS, sizeof(*census->thread));
	census->n_words = stingy_bits_words(n_units);
	census->together = stingy_memory_new(n_units * census->n_words, sizeof(uint64_t));
	census->dominates = stingy_memory_new(n_units * census->n_words, sizeof(uint64_t));
	census->n_stage_words = stingy_bits_words(n_stages);
	census->follows = stingy_memory_new(n_stages * census->n_stage_words, sizeof(uint64_t));
	memset(census->dominates, 0xff, n_units * census->n_words * sizeof(uint64_t));
	for (uint32_t i = 0; i < n_stages; i++) {
		census->stage[i].live = stingy_memory_new(n_units, sizeof(uint32_t));
		census->stage[i].need = stingy_memory_new(n_units, sizeof(uint32_t *));
	}
}

void stingy_census_fini(struct stingy_census *census)
{
	for (uint32_t i = 0; i < census->n_units; i++)
		free(census->unit[i].served);
	for (uint32_t i = 0; i < census->n_stages; i++) {
		for (uint32_t j = 0; census->stage[i].need && j < census->n_units; j++)
			free(census->stage[i].need[j]);
		free(census->stage[i].live);
		free(census->stage[i].need);
	}
	free(census->unit);
	free(census->stage);
	free(census->together);
	free(census->dominates);
	free(census->follows);
	for (uint32_t i = 0; census->thread && i < STINGY_CENSUS_THREADS; i++)
		free(census->thread[i].live);
	free(census->thread);
	memset(census, 0, sizeof(*census));
}

static void relate(struct stingy_census *census, uint32_t unit, struct stingy_task *task)
{
	uint64_t *together = census->together + unit * census->n_words;
	uint64_t *dominates = census->dominates + unit * census->n_words;

	if (!task->live)
		task->live = stingy_memory_new(census->n_words, sizeof(*task->live));
	for (size_t i = 0; i < census->n_words; i++) {
		together[i] |= task->live[i];
		dominates[i] &= task->live[i];
	}
	stingy_bits_set(task->live, unit);
}

static uint32_t stage_of(const struct stingy_run *run)
{
	return run->stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : run->stage;
}

void stingy_census_serve(struct stingy_census *census, const struct stingy_run *run)
{
	census->serving++;
	census->attributed += run->task && stage_of(run) != STINGY_STAGE_OTHER;
	census->stage[stage_of(run)].allocations++;
}

static void count_serving(struct stingy_unit *unit, uint64_t size)
{
	if (!unit->served)
		unit->served = stingy_memory_new(1, sizeof(*unit->served));
	unit->serving++;
	stingy_sizes_add(&unit->served->sizes, size);
}

static void count_in_thread(struct stingy_census *census, const struct stingy_object *object)
{
	struct stingy_unit *unit = &census->unit[object->unit];
	struct stingy_census_thread *thread;
	uint32_t live;

	if (!census->thread)
		return;
	thread = &census->thread[object->thread];
	if (!thread->live)
		thread->live = stingy_memory_new(census->n_units, sizeof(*thread->live));
	live = ++thread->live[object->unit];
	if (live > unit->max_live_in_thread)
		unit->max_live_in_thread = live;
}

void stingy_census_begin(struct stingy_census *census, struct stingy_object *object, uint64_t size, uint32_t align,
			 struct stingy_run *run)
{
	struct stingy_unit *unit = &census->unit[object->unit];

	if (census->trial) {
		stingy_trial_begin(census->trial, object, size);
		return;
	}
	if (++unit->live > unit->max_live)
		unit->max_live = unit->live;
	if (align > unit->max_align)
		unit->max_align = align;
	count_in_thread(census, object);
	if (!run) {
		unit->setup++;
		return;
	}
	count_serving(unit, size);
	run->n_begun++;
	stingy_tally_add(&run->added, object->unit, 1);
	if (!object->task) {
		unit->taskless++;
		return;
	}
	if (census->n_words)
		relate(census, object->unit, object->task);
	stingy_tally_add(&object->task->tally, object->unit, 1);
}

/* Runs that began after the object did, as far back as its task remembers. */
static void count_stages(struct stingy_served *served, const struct stingy_object *object)
{
	const struct stingy_task *task = object->task;
	uint32_t first = object->run;

	if (task->n_runs - first > STINGY_TASK_HISTORY)
		first = task->n_runs - STINGY_TASK_HISTORY;
	for (uint64_t seen = 0; first != task->n_runs; first++) {
		uint32_t stage = task->history[first % STINGY_TASK_HISTORY];

		if (stage >= STINGY_CENSUS_STAGES)
			stage = STINGY_CENSUS_STAGES - 1;
		served->live_at[stage] += !(seen >> stage & 1);
		seen |= UINT64_C(1) << stage;
	}
}

void stingy_census_end(struct stingy_census *census, const struct stingy_object *object, enum stingy_fate fate,
		       struct stingy_run *run)
{
	struct stingy_unit *unit = &census->unit[object->unit];
	struct stingy_task *task = object->task;

	if (census->trial) {
		stingy_trial_end(census->trial, object);
		return;
	}
	unit->live--;
	if (census->thread)
		census->thread[object->thread].live[object->unit]--;
	if (run) {
		run->n_ended++;
		stingy_tally_add(&run->added, object->unit, -1);
	}
	if (!object->serving)
		return;
	unit->fate[fate]++;
	if (!task)
		return;
	count_stages(unit->served, object);
	if (task->ended)
		return;
	stingy_tally_add(&task->tally, object->unit, -1);
	if (task->live && stingy_tally_now(&task->tally, object->unit) <= 0)
		stingy_bits_clear(task->live, object->unit);
}

void stingy_census_left(struct stingy_census *census, const struct stingy_object *object, enum stingy_fate fate)
{
	struct stingy_unit *unit = &census->unit[object->unit];

	if (object->serving)
		unit->fate[fate]++;
	else
		unit->setup_left++;
}

/* Counts above the last that is told apart as that one. */
static void count_peak(uint32_t *histogram, uint32_t peak)
{
	histogram[peak < STINGY_CENSUS_PER_TASK ? peak : STINGY_CENSUS_PER_TASK - 1]++;
}

static void count_need(struct stingy_census_stage *stage, const struct stingy_tally_entry *added)
{
	uint32_t **need = &stage->need[added->unit];

	if (added->peak <= 0)
		return;
	if (!*need)
		*need = stingy_memory_new(STINGY_CENSUS_PER_TASK, sizeof(**need));
	count_peak(*need, (uint32_t)added->peak);
}

/* What is known of no function is no stage, and no edge leads there or from there. */
static void count_edge(struct stingy_census *census, const struct stingy_run *run)
{
	uint32_t before, stage = stage_of(run);

	if (!run->task || !run->number || run->task->n_runs - run->number >= STINGY_TASK_HISTORY)
		return;
	before = run->task->history[(run->number - 1) % STINGY_TASK_HISTORY];
	if (before != STINGY_STAGE_OTHER && stage != STINGY_STAGE_OTHER)
		stingy_bits_set(census->follows + before * census->n_stage_words, stage);
}

void stingy_census_run(struct stingy_census *census, const struct stingy_run *run)
{
	/* cppcheck-suppress ctuuninitvar; as in replay.c, end_threads */
	struct stingy_census_stage *stage = &census->stage[stage_of(run)];

	stage->runs++;
	stage->task_runs += run->task != NULL;
	if (census->graph)
		stingy_graph_run(census->graph, run);
	if (!census->n_words)
		return;
	count_edge(census, run);
	for (size_t i = 0; i < run->added.n_entries; i++)
		count_need(stage, &run->added.entry[i]);
	for (size_t word = 0; word < census->n_words; word++)
		for (uint64_t rest = run->live[word]; rest; rest &= rest - 1)
			stage->live[word * 64 + (size_t)__builtin_ctzll(rest)]++;
}

/* A turn that goes on for other tasks, as one that accepts many connections does, is timed as a whole: shared alike. */
void stingy_census_time(struct stingy_census *census, uint32_t stage, uint32_t n_runs, uint64_t ns)
{
	struct stingy_census_stage *timed = &census->stage[stage];
	bool is_first = census->last_timed != stage;
	uint64_t first_ns = is_first ? ns / n_runs : 0;

	timed->firsts += is_first;
	timed->first_ns += first_ns;
	timed->rests += n_runs - is_first;
	timed->rest_ns += ns - first_ns;
	census->last_timed = stage;
}

/* Counts a task as one of the thread's own, and no longer as that of the thread before. */
static void move_task(struct stingy_census *census, struct stingy_task *task, uint16_t thread)
{
	uint64_t announced = task->key.announced;
	uint32_t open;

	if (task->is_counted)
		census->thread[task->thread].open_tasks[announced]--;
	task->thread = thread;
	open = ++census->thread[thread].open_tasks[announced];
	if (open > census->max_tasks_in_thread)
		census->max_tasks_in_thread = open;
}

void stingy_census_enter(struct stingy_census *census, struct stingy_task *task, uint16_t thread)
{
	uint32_t open;

	if (census->thread && (!task->is_counted || task->thread != thread))
		move_task(census, task, thread);
	if (task->is_counted)
		return;
	task->is_counted = true;
	open = ++census->open_tasks[task->key.announced];
	if (open > census->max_tasks)
		census->max_tasks = open;
}

static void count_task(struct stingy_census *census, const struct stingy_task *task)
{
	census->tasks++;
	for (size_t i = 0; i < task->tally.n_entries; i++) {
		const struct stingy_tally_entry *entry = &task->tally.entry[i];

		count_peak(census->unit[entry->unit].served->per_task, (uint32_t)entry->peak);
	}
}

void stingy_census_leave(struct stingy_census *census, struct stingy_task *task)
{
	census->open_tasks[task->key.announced]--;
	if (census->thread)
		census->thread[task->thread].open_tasks[task->key.announced]--;
	census->connections += task->n_requests > 0;
	census->requests += task->n_requests;
	count_task(census, task);
}

/* What lives on is of the next as well. */
void stingy_census_request(struct stingy_census *census, struct stingy_task *task)
{
	count_task(census, task);
	for (size_t i = 0; i < task->tally.n_entries; i++)
		task->tally.entry[i].peak = task->tally.entry[i].now;
}

void stingy_census_next(struct stingy_census *census)
{
	for (uint32_t i = 0; i < census->n_units; i++)
		census->unit[i].live = 0;
	for (uint32_t i = 0; census->thread && i < STINGY_CENSUS_THREADS; i++)
		if (census->thread[i].live)
			memset(census->thread[i].live, 0, census->n_units * sizeof(uint32_t));
	if (census->trial)
		stingy_trial_next(census->trial);
	census->last_timed = NO_STAGE;
}

uint32_t stingy_unit_per_task(const struct stingy_unit *unit, unsigned percent)
{
	uint64_t total = 0, covered = 0;

	for (uint32_t i = 1; unit->served && i < STINGY_CENSUS_PER_TASK; i++)
		total += unit->served->per_task[i];
	for (uint32_t i = 1; total && i < STINGY_CENSUS_PER_TASK; i++) {
		covered += unit->served->per_task[i];
		if (covered * 100 >= total * percent)
			return i;
	}
	return 1;
}

uint32_t stingy_census_need(const struct stingy_census_stage *stage, uint32_t unit, unsigned percent)
{
	const uint32_t *need = stage->need[unit];
	uint64_t beyond = 0;

	/* From above, since those that add none are in no histogram: until too many are beyond the number. */
	for (uint32_t i = STINGY_CENSUS_PER_TASK - 1; need && i > 0; i--) {
		beyond += need[i];
		if (beyond * 100 > stage->runs * (100 - percent))
			return i;
	}
	return 0;
}

bool stingy_unit_is_taskless(const struct stingy_unit *unit)
{
	return unit->taskless * 100 > unit->serving * FEW;
}

uint64_t stingy_unit_stages(const struct stingy_unit *unit, unsigned percent)
{
	uint64_t stages = 0, ended = 0;

	for (unsigned i = STINGY_FATE_TASK; i < STINGY_FATES; i++)
		ended += unit->fate[i];
	for (unsigned i = 0; unit->served && i < STINGY_CENSUS_STAGES; i++)
		if (unit->served->live_at[i] && (uint64_t)unit->served->live_at[i] * 100 >= ended * percent)
			stages |= UINT64_C(1) << i;
	return stages;
}
