#include "input.h"

#include "cache.h"
#include "hash.h"
#include "memory.h"
#include "passage.h"
#include "round.h"
#include "stages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

struct thread {
	uint64_t id;
	uint32_t wait; /* chain it last waited at; STINGY_NO_CHAIN: it never did */
	bool in_stage; /* an announced stage is open */
	UT_hash_handle hh;
};

struct pair_index {
	uint64_t key;
	size_t pair;
	UT_hash_handle hh;
};

/* What is only needed while a trace is surveyed. */
struct survey {
	struct stingy_input *input;
	struct stingy_places *places;
	struct stingy_chains *chains;
	uint32_t *module; /* the trace's module numbers to ours */
	size_t module_room, frame_room, chain_room, pair_room, announced_room;
	struct thread *threads, *thread;
	uint64_t main_thread;
	struct pair_index *pairs;
	struct last_pair {
		uint32_t wait; /* STINGY_NO_CHAIN: none yet */
		size_t pair;
	} * last; /* of each of the trace's chains: spares most look-ups of pairs */
	size_t last_room;
	uint64_t serving; /* allocations while serving, so far */
	uint32_t *waits;  /* by chain: waits there */
	size_t waits_room;
};

static void switch_thread(struct survey *survey, uint64_t id)
{
	HASH_FIND(hh, survey->threads, &id, sizeof(id), survey->thread);
	if (survey->thread)
		return;
	survey->thread = stingy_memory_new(1, sizeof(*survey->thread));
	survey->thread->id = id;
	survey->thread->wait = STINGY_NO_CHAIN;
	HASH_ADD(hh, survey->threads, id, sizeof(id), survey->thread);
}

/*
 * A number may be declared again, when a module is unloaded and another takes its place. One beyond what a manifest
 * can hold stays unknown.
 */
static void take_module(struct survey *survey, const struct stingy_trace_module *declared)
{
	size_t room = survey->module_room;

	if (declared->number >= STINGY_MODULES_MAX)
		return;
	STINGY_GROW(survey->module, &survey->module_room, (size_t)declared->number + 1);
	for (; room < survey->module_room; room++)
		survey->module[room] = STINGY_NO_MODULE;
	survey->module[declared->number] = stingy_places_module(survey->places, declared);
	if (declared->number == 0)
		survey->input->program = survey->module[0];
}

static void take_frame(struct survey *survey, const struct stingy_trace_frame *declared)
{
	struct stingy_input *input = survey->input;
	uint32_t module = declared->module < survey->module_room ? survey->module[declared->module] : STINGY_NO_MODULE;

	STINGY_GROW(input->frame, &survey->frame_room, (size_t)input->n_frames + 1);
	input->frame[input->n_frames++] = stingy_places_add(survey->places, module, declared);
}

static void take_chain(struct survey *survey, const struct stingy_trace_chain *declared)
{
	struct stingy_input *input = survey->input;
	uint32_t place[STINGY_CHAIN_MAX];

	for (uint32_t i = 0; i < declared->depth; i++)
		place[i] = input->frame[declared->frame[i]];
	STINGY_GROW(input->chain, &survey->chain_room, (size_t)input->n_chains + 1);
	STINGY_GROW(survey->last, &survey->last_room, (size_t)input->n_chains + 1);
	survey->last[input->n_chains] = (struct last_pair){.wait = STINGY_NO_CHAIN};
	input->chain[input->n_chains++] = stingy_chains_add(survey->chains, place, declared->depth, declared->complete);
}

static size_t find_pair(struct survey *survey, uint32_t wait, uint32_t chain, uint32_t call)
{
	struct stingy_input *input = survey->input;
	uint64_t key = (uint64_t)wait << 32 | chain;
	struct pair_index *entry;

	HASH_FIND(hh, survey->pairs, &key, sizeof(key), entry);
	if (entry)
		return entry->pair;
	entry = stingy_memory_new(1, sizeof(*entry));
	entry->key = key;
	entry->pair = input->n_pairs++;
	HASH_ADD(hh, survey->pairs, key, sizeof(entry->key), entry);
	STINGY_GROW(input->pair, &survey->pair_room, input->n_pairs);
	input->pair[entry->pair] = (struct stingy_input_pair){.wait = wait, .chain = chain, .call = call};
	return entry->pair;
}

/* The current thread is at the chain. */
static void take_pair(struct survey *survey, uint32_t number, uint32_t call)
{
	struct last_pair *last = &survey->last[number];
	uint32_t wait = survey->thread->wait;

	if (wait == STINGY_NO_CHAIN)
		return;
	if (last->wait != wait)
		*last = (struct last_pair){wait, find_pair(survey, wait, survey->input->chain[number], call)};
	survey->input->pair[last->pair].n++;
}

static void take_allocation(struct survey *survey, const struct stingy_trace_alloc *alloc)
{
	if (alloc->address & STINGY_TRACE_POOL)
		survey->chains->chain[survey->input->chain[alloc->chain]].is_pool = true;
	survey->serving += survey->thread->wait != STINGY_NO_CHAIN || survey->thread->in_stage;
	take_pair(survey, alloc->chain, 0);
}

static void take_wait(struct survey *survey, uint32_t chain)
{
	size_t room = survey->waits_room;

	STINGY_GROW(survey->waits, &survey->waits_room, (size_t)chain + 1);
	if (survey->waits_room > room)
		memset(survey->waits + room, 0, (survey->waits_room - room) * sizeof(*survey->waits));
	survey->waits[chain]++;
	survey->input->waited = true;
	survey->thread->wait = chain;
}

/* Who waits but once has no loop: that a program tries what its system can do is no evidence of its stages. */
static void drop_pairs(struct survey *survey)
{
	struct stingy_input *input = survey->input;
	size_t n = 0;

	for (size_t i = 0; i < input->n_pairs; i++)
		if (survey->waits[input->pair[i].wait] > 1)
			input->pair[n++] = input->pair[i];
	input->n_pairs = n;
}

static void take_stage(struct survey *survey, uint32_t place)
{
	struct stingy_input *input = survey->input;

	survey->thread->in_stage = true;
	for (size_t i = 0; i < input->n_announced; i++)
		if (input->announced[i] == place)
			return;
	STINGY_GROW(input->announced, &survey->announced_room, input->n_announced + 1);
	input->announced[input->n_announced++] = place;
}

/* How far below its beginning the stack was used. Other threads' stacks are never placed. */
static void take_stack(struct survey *survey, uint64_t used, uint64_t depth)
{
	uint64_t deepest = used < STINGY_SLAB_MAX && depth < STINGY_SLAB_MAX ? used + depth : STINGY_SLAB_MAX;

	if (survey->thread->id == survey->main_thread)
		stingy_spread_add(&survey->input->stack, stingy_round_up(deepest, STINGY_REGION_ALIGN));
}

static void take(struct survey *survey, const struct stingy_trace_record *record)
{
	switch (record->type) {
	case STINGY_TRACE_MODULE:
		take_module(survey, &record->module);
		break;
	case STINGY_TRACE_FRAME:
		take_frame(survey, &record->frame);
		break;
	case STINGY_TRACE_CHAIN:
		take_chain(survey, &record->chain);
		break;
	case STINGY_TRACE_ALLOC:
	case STINGY_TRACE_REALLOC:
		take_allocation(survey, &record->alloc);
		break;
	case STINGY_TRACE_INTERFACE:
		stingy_declarations_add(&survey->input->declarations, record->text);
		break;
	case STINGY_TRACE_THREAD:
		switch_thread(survey, record->thread);
		break;
	case STINGY_TRACE_WAIT:
		take_wait(survey, survey->input->chain[record->wait.chain]);
		break;
	case STINGY_TRACE_ACCEPT:
		survey->input->accepted = true;
		break;
	case STINGY_TRACE_STAGE:
		take_stage(survey, survey->input->frame[record->stage.frame]);
		break;
	case STINGY_TRACE_STAGE_END:
		survey->thread->in_stage = false;
		break;
	case STINGY_TRACE_CALL:
		if (record->call.number != SYS_epoll_ctl)
			take_pair(survey, record->call.chain, record->call.number + 1);
		break;
	case STINGY_TRACE_QUEUE:
		take_pair(survey, record->queue.chain, STINGY_STAGES_QUEUED);
		break;
	case STINGY_TRACE_STACK:
		take_stack(survey, record->stack.used, record->stack.depth);
		break;
	case STINGY_TRACE_INDIRECT:
		survey->places->place[survey->input->frame[record->indirect]].indirect = true;
		break;
	default:
		break;
	}
}

/* The program has served up to here. */
static void mark(struct survey *survey, size_t at)
{
	survey->input->served_to = at;
	survey->input->serving = survey->serving;
}

static void survey_fini(struct survey *survey)
{
	struct thread *thread, *next_thread;
	struct pair_index *pair, *next_pair;

	HASH_ITER(hh, survey->threads, thread, next_thread)
	{
		HASH_DEL(survey->threads, thread);
		free(thread);
	}
	HASH_ITER(hh, survey->pairs, pair, next_pair)
	{
		HASH_DEL(survey->pairs, pair);
		free(pair);
	}
	free(survey->module);
	free(survey->last);
	free(survey->waits);
}

static void look_over(struct survey *survey)
{
	struct stingy_input *input = survey->input;
	struct stingy_passage passage = {.file = &input->file};
	struct stingy_trace_reader reader = {.at = 0};
	struct stingy_trace_record record;

	if (stingy_trace_reader_init(&reader, input->file.data, input->file.size) == 0) {
		passage.most = reader.whole;
		input->full = reader.header.flags & STINGY_TRACE_FULL;
		input->stuck = reader.header.flags & STINGY_TRACE_STUCK;
		if (stingy_cache_is_valid(&reader.header.cache))
			input->cache = reader.header.cache;
		survey->main_thread = reader.header.pid;
		switch_thread(survey, 0);
		while (stingy_trace_next(&reader, &record) == 1) {
			take(survey, &record);
			if (record.type == STINGY_TRACE_WAIT || record.type == STINGY_TRACE_STAGE_END)
				mark(survey, reader.at);
			stingy_passage_at(&passage, reader.at);
		}
		if (!input->served_to)
			mark(survey, reader.at);
	}
	stingy_passage_end(&passage, reader.at);
	input->damage = reader.error;
	input->damaged_at = reader.at;
}

int stingy_input_init(struct stingy_input *input, const char *path, struct stingy_places *places,
		      struct stingy_chains *chains)
{
	struct survey survey = {.input = input, .places = places, .chains = chains};

	memset(input, 0, sizeof(*input));
	input->path = path;
	input->program = STINGY_NO_MODULE;
	if (stingy_mapped_file_init_copy(&input->file, path) < 0)
		return -1;
	look_over(&survey);
	drop_pairs(&survey);
	survey_fini(&survey);
	return 0;
}

void stingy_input_fini(struct stingy_input *input)
{
	stingy_mapped_file_fini(&input->file);
	free(input->frame);
	free(input->chain);
	free(input->pair);
	free(input->announced);
	stingy_declarations_fini(&input->declarations);
	stingy_spread_fini(&input->stack);
	memset(input, 0, sizeof(*input));
}

void stingy_input_note_stages(const struct stingy_input *input, struct stingy_stages *stages,
			      const struct stingy_places *places, const struct stingy_chains *chains)
{
	for (size_t i = 0; i < input->n_pairs; i++)
		stingy_stages_note(stages, places, chains, input->pair[i].wait, input->pair[i].chain, input->pair[i].n,
				   input->pair[i].call);
	for (size_t i = 0; i < input->n_announced; i++)
		stingy_stages_add(stages, &places->place[input->announced[i]]);
}
