#include "follow.h"

#include "memory.h"
#include "processes.h"

#include <stdlib.h>
#include <string.h>

/* Counters of a process that runs on may be read in any order: one that seems to fall has not moved. */
static void subtract(uint64_t *now, uint64_t before)
{
	*now = *now > before ? *now - before : 0;
}

static void subtract_counters(struct stingy_live_counters *now, const struct stingy_live_counters *before)
{
	subtract(&now->served, before->served);
	subtract(&now->unmanaged, before->unmanaged);
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		subtract(&now->fell_back[i], before->fell_back[i]);
}

static void subtract_order(struct stingy_live_order *now, const struct stingy_live_order *before)
{
	for (int kind = 0; kind < 2; kind++) {
		subtract(&now->turns[kind], before->turns[kind]);
		subtract(&now->events[kind], before->events[kind]);
	}
}

void stingy_follow_subtract(struct stingy_live_reader *change, const struct stingy_live_reader *now,
			    const struct stingy_live_reader *before)
{
	*change = *now;
	for (uint32_t i = 0; i < STINGY_LIVE_THREADS; i++)
		subtract_counters(&change->live.thread[i], &before->live.thread[i]);
	for (uint32_t i = 0; i < STINGY_LIVE_ORDERS; i++)
		subtract_order(&change->live.order[i], &before->live.order[i]);
	for (uint32_t i = 0; i < now->live.n_regions; i++) {
		subtract(&change->region[i].served, before->region[i].served);
		subtract(&change->region[i].full, before->region[i].full);
	}
}

double stingy_follow_rate(const struct stingy_follow_process *process, uint64_t change)
{
	return process->seconds > 0 ? (double)change / process->seconds : 0;
}

/* Whether it is not another one with the same number, or the same with another manifest after exec. */
static bool is_same(const struct stingy_live_reader *a, const struct stingy_live_reader *b)
{
	return a->live.pid == b->live.pid && a->live.arena == b->live.arena && a->live.n_regions == b->live.n_regions &&
	       strcmp(a->program, b->program) == 0 && strcmp(a->live.manifest, b->live.manifest) == 0;
}

static struct stingy_follow_process *find(const struct stingy_follow *follow, pid_t pid)
{
	for (size_t i = 0; i < follow->n; i++)
		if (follow->process[i]->now.pid == pid)
			return follow->process[i];
	return NULL;
}

static struct stingy_follow_process *add(struct stingy_follow *follow)
{
	struct stingy_follow_process *process = stingy_memory_new(1, sizeof(*process));

	STINGY_GROW(follow->process, &follow->room, follow->n + 1);
	follow->process[follow->n++] = process;
	return process;
}

/* The reader's figures are the process's now. */
static void take(struct stingy_follow_process *process, const struct stingy_live_reader *reader, double at)
{
	bool is_known = process->at > 0 && is_same(&process->now, reader);

	if (is_known) {
		stingy_follow_subtract(&process->change, reader, &process->now);
	} else {
		stingy_labels_fini(&process->labels);
		stingy_labels_init(&process->labels, reader);
		stingy_follow_subtract(&process->change, reader, reader);
	}
	process->seconds = is_known ? at - process->at : 0;
	process->at = at;
	process->now = *reader;
	process->is_there = true;
}

static enum stingy_live_found look_at(struct stingy_follow *follow, pid_t pid, double at)
{
	struct stingy_live_reader reader;
	enum stingy_live_found found = stingy_live_reader_read(&reader, pid);
	struct stingy_follow_process *process = find(follow, pid);

	if (found != STINGY_LIVE_FOUND)
		return found;
	stingy_live_reader_fini(&reader);
	take(process ? process : add(follow), &reader, at);
	return found;
}

static void free_process(struct stingy_follow_process *process)
{
	stingy_labels_fini(&process->labels);
	free(process);
}

static void drop_those_gone(struct stingy_follow *follow)
{
	size_t n = 0;

	for (size_t i = 0; i < follow->n; i++) {
		if (follow->process[i]->is_there)
			follow->process[n++] = follow->process[i];
		else
			free_process(follow->process[i]);
	}
	follow->n = n;
}

static int compare(const void *a, const void *b)
{
	const struct stingy_follow_process *const *one = a, *const *other = b;

	return ((*one)->now.pid > (*other)->now.pid) - ((*one)->now.pid < (*other)->now.pid);
}

size_t stingy_follow_look(struct stingy_follow *follow, double at)
{
	struct stingy_processes processes = {.n = 0};

	for (size_t i = 0; i < follow->n; i++)
		follow->process[i]->is_there = false;
	follow->found = follow->pid ? STINGY_LIVE_NO_PROCESS : STINGY_LIVE_ABSENT;
	if (stingy_processes_init(&processes, follow->pid) == 0) {
		for (size_t i = 0; i < processes.n; i++) {
			enum stingy_live_found found = look_at(follow, processes.one[i].pid, at);

			if (processes.one[i].pid == follow->pid || (!follow->pid && found == STINGY_LIVE_FOUND))
				follow->found = found;
		}
		stingy_processes_fini(&processes);
	}
	drop_those_gone(follow);
	if (follow->n)
		qsort(follow->process, follow->n, sizeof(struct stingy_follow_process *), compare);
	return follow->n;
}

void stingy_follow_init(struct stingy_follow *follow, pid_t pid)
{
	memset(follow, 0, sizeof(*follow));
	follow->pid = pid;
}

void stingy_follow_fini(struct stingy_follow *follow)
{
	for (size_t i = 0; i < follow->n; i++)
		free_process(follow->process[i]);
	free(follow->process);
}
