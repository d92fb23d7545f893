#include "match.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE (UINT64_MAX - 1)

/* A function of either build, to be sorted by what is in it. */
struct entry {
	const char *name; /* NULL where code is what counts */
	uint64_t hash, size;
	uint32_t function;
	bool is_new;
};

static void pair(struct stingy_match *match, uint32_t old, uint32_t new)
{
	match->to[old] = new;
	match->from[new] = old;
}

static bool is_paired(const struct stingy_match *match, const struct entry *entry)
{
	return (entry->is_new ? match->from : match->to)[entry->function] != STINGY_NO_FUNCTION;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_code(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int result = order(x->size, y->size);

	return result ? result : order(x->hash, y->hash);
}

static int compare_names(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Those that are like each other lie together, the old ones first, in the order of their addresses. */
static int compare_entries(const void *a, const void *b, int (*compare)(const void *, const void *))
{
	const struct entry *x = a, *y = b;
	int result = compare(x, y);

	if (result == 0)
		result = x->is_new - y->is_new;
	return result ? result : order(x->function, y->function);
}

static int sort_by_code(const void *a, const void *b)
{
	return compare_entries(a, b, compare_code);
}

static int sort_by_names(const void *a, const void *b)
{
	return compare_entries(a, b, compare_names);
}

/* The functions of both builds that have no counterpart yet. by_name: those only that have a name. */
static size_t list_left(const struct stingy_match *match, bool by_name, struct entry *entry)
{
	size_t n = 0;

	for (unsigned is_new = 0; is_new < 2; is_new++) {
		const struct stingy_binary *binary = is_new ? match->new : match->old;
		const struct stingy_code *code = is_new ? match->new_code : match->old_code;

		for (uint32_t i = 0; i < binary->n_functions; i++) {
			entry[n] = (struct entry){.name = binary->function[i].name, .hash = code[i].hash};
			entry[n].size = binary->function[i].size;
			entry[n].function = i;
			entry[n].is_new = is_new;
			if (!is_paired(match, &entry[n]) && (!by_name || entry[n].name))
				n++;
		}
	}
	return n;
}

/* Pairs what is alike, in its order, if there is as much of it in both builds. */
static void pair_alike(struct stingy_match *match, const struct entry *entry, size_t n)
{
	size_t n_old = 0;

	while (n_old < n && !entry[n_old].is_new)
		n_old++;
	for (size_t i = 0; n_old * 2 == n && i < n_old; i++)
		pair(match, entry[i].function, entry[n_old + i].function);
}

static void pair_by(struct stingy_match *match, struct entry *entry, bool by_name)
{
	int (*compare)(const void *, const void *) = by_name ? compare_names : compare_code;
	size_t n = list_left(match, by_name, entry), end;

	qsort(entry, n, sizeof(*entry), by_name ? sort_by_names : sort_by_code);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && compare(&entry[i], &entry[end]) == 0;)
			end++;
		pair_alike(match, &entry[i], end - i);
	}
}

bool stingy_match_is_same(const struct stingy_match *match, uint32_t old)
{
	uint32_t new = match->to[old];

	return new != STINGY_NO_FUNCTION && match->old_code[old].hash == match->new_code[new].hash &&
	       match->old->function[old].size == match->new->function[new].size;
}

/* The function that begins at the address. */
static uint32_t function_at(const struct stingy_binary *binary, uint64_t address)
{
	uint32_t function = stingy_binary_find(binary, address);

	if (function == STINGY_NO_FUNCTION || binary->function[function].address != address)
		return STINGY_NO_FUNCTION;
	return function;
}

/* What a pair of the same code refers to are pairs, too. Returns whether any was new. */
static bool pair_neighbours(struct stingy_match *match, uint32_t old)
{
	const struct stingy_code *a = &match->old_code[old], *b = &match->new_code[match->to[old]];
	bool any = false;

	for (uint32_t i = 0; i < a->n_references && i < b->n_references; i++) {
		uint32_t x = function_at(match->old, a->reference[i].target);
		uint32_t y = function_at(match->new, b->reference[i].target);

		if (x == STINGY_NO_FUNCTION || y == STINGY_NO_FUNCTION || match->to[x] != STINGY_NO_FUNCTION ||
		    match->from[y] != STINGY_NO_FUNCTION)
			continue;
		pair(match, x, y);
		any = true;
	}
	return any;
}

/* Whether what the old build refers to is what the new one does. */
static bool is_same_target(const struct stingy_match *match, uint64_t old, uint64_t new)
{
	const char *old_import = stingy_binary_imported(match->old, old),
		   *new_import = stingy_binary_imported(match->new, new);
	uint32_t function;

	if (old_import || new_import)
		return old_import && new_import && strcmp(old_import, new_import) == 0;
	if (old == STINGY_INDIRECT || new == STINGY_INDIRECT)
		return old == new;
	function = function_at(match->old, old);
	return function != STINGY_NO_FUNCTION && match->to[function] != STINGY_NO_FUNCTION &&
	       match->new->function[match->to[function]].address == new;
}

/* What a function refers to that tells one place in it from another: functions, here and in other modules. */
static bool is_landmark(const struct stingy_binary *binary, uint64_t target)
{
	return function_at(binary, target) != STINGY_NO_FUNCTION || stingy_binary_imported(binary, target);
}

/* The next landmark from a place on, in steps of 1 or -1; NOWHERE: there is none. */
static uint64_t next_landmark(const struct stingy_binary *binary, const struct stingy_code *code, uint32_t at, int step)
{
	for (int64_t i = (int64_t)at + step; i >= 0 && i < code->n_references; i += step)
		if (is_landmark(binary, code->reference[i].target))
			return code->reference[i].target;
	return NOWHERE;
}

static bool is_same_landmark(const struct stingy_match *match, uint64_t old, uint64_t new)
{
	return old == NOWHERE || new == NOWHERE ? old == new : is_same_target(match, old, new);
}

/* Whether both are between the same: then they are likely to be one. */
static bool is_between_same(const struct stingy_match *match, uint32_t old, uint32_t i, uint32_t new, uint32_t j)
{
	const struct stingy_code *a = &match->old_code[old], *b = &match->new_code[new];

	return is_same_landmark(match, next_landmark(match->old, a, i, -1), next_landmark(match->new, b, j, -1)) &&
	       is_same_landmark(match, next_landmark(match->old, a, i, 1), next_landmark(match->new, b, j, 1));
}

/* The only function without a counterpart that the new one refers to in such a place; STINGY_NO_FUNCTION. */
static uint32_t find_between(const struct stingy_match *match, uint32_t old, uint32_t i)
{
	uint32_t new = match->to[old], found = STINGY_NO_FUNCTION;
	const struct stingy_code *code = &match->new_code[new];

	for (uint32_t j = 0; j < code->n_references; j++) {
		uint32_t y = function_at(match->new, code->reference[j].target);

		if (y == STINGY_NO_FUNCTION || y == found || match->from[y] != STINGY_NO_FUNCTION ||
		    !is_between_same(match, old, i, new, j))
			continue;
		if (found != STINGY_NO_FUNCTION)
			return STINGY_NO_FUNCTION;
		found = y;
	}
	return found;
}

/* In a pair that has changed, what it refers to between two of which the counterparts are known. */
static bool pair_between(struct stingy_match *match, uint32_t old)
{
	const struct stingy_code *code = &match->old_code[old];
	bool any = false;

	for (uint32_t i = 0; i < code->n_references; i++) {
		uint32_t x = function_at(match->old, code->reference[i].target), y;

		if (x == STINGY_NO_FUNCTION || match->to[x] != STINGY_NO_FUNCTION)
			continue;
		y = find_between(match, old, i);
		if (y == STINGY_NO_FUNCTION)
			continue;
		pair(match, x, y);
		any = true;
	}
	return any;
}

/* What follows from the code of the same comes first: it is surer. */
static void pair_all_neighbours(struct stingy_match *match)
{
	bool any;

	do {
		any = false;
		for (uint32_t i = 0; i < match->old->n_functions; i++)
			if (stingy_match_is_same(match, i))
				any |= pair_neighbours(match, i);
		for (uint32_t i = 0; i < match->old->n_functions && !any; i++)
			if (match->to[i] != STINGY_NO_FUNCTION && !stingy_match_is_same(match, i))
				any = pair_between(match, i);
	} while (any);
}

static struct stingy_code *decode(const struct stingy_binary *binary)
{
	struct stingy_code *code = stingy_memory_new(binary->n_functions, sizeof(*code));

	for (uint32_t i = 0; i < binary->n_functions; i++)
		stingy_code_init(&code[i], binary, &binary->function[i]);
	return code;
}

static uint32_t *new_table(uint32_t n)
{
	uint32_t *table = stingy_memory_new(n, sizeof(*table));

	memset(table, 0xff, n * sizeof(*table)); /* STINGY_NO_FUNCTION */
	return table;
}

/* Names say more than code, which may be alike by chance, and code that was paired more than its neighbourhood. */
void stingy_match_init(struct stingy_match *match, const struct stingy_binary *old, const struct stingy_binary *new)
{
	struct entry *entry = stingy_memory_new((size_t)old->n_functions + new->n_functions, sizeof(*entry));

	*match = (struct stingy_match){.old = old, .new = new, .old_code = decode(old), .new_code = decode(new)};
	match->to = new_table(old->n_functions);
	match->from = new_table(new->n_functions);
	pair_by(match, entry, true);
	pair_by(match, entry, false);
	pair_all_neighbours(match);
	free(entry);
}

static void free_code(struct stingy_code *code, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		stingy_code_fini(&code[i]);
	free(code);
}

void stingy_match_fini(struct stingy_match *match)
{
	free_code(match->old_code, match->old->n_functions);
	free_code(match->new_code, match->new->n_functions);
	free(match->to);
	free(match->from);
}

/* Calls of the same as the target in the new function; *at: where the one of that rank returns to. */
static uint32_t count_new(const struct stingy_match *match, uint32_t new, uint64_t target, uint32_t rank, uint32_t *at)
{
	const struct stingy_code *code = &match->new_code[new];
	uint32_t n = 0;

	for (uint32_t i = 0; i < code->n_references; i++)
		if (code->reference[i].is_call && is_same_target(match, target, code->reference[i].target) &&
		    n++ == rank)
			*at = code->reference[i].after;
	return n;
}

/* A call in a function that has changed: the one of the same rank among as many of the same. */
static const char *find_call(const struct stingy_match *match, uint32_t old, uint64_t after, uint64_t *new)
{
	const struct stingy_code *code = &match->old_code[old];
	uint32_t rank = 0, n = 0, at = 0;
	const struct stingy_reference *call = NULL;

	for (uint32_t i = 0; i < code->n_references && !call; i++)
		if (code->reference[i].is_call && code->reference[i].after == after)
			call = &code->reference[i];
	if (!call)
		return "it is behind no call";
	for (uint32_t i = 0; i < code->n_references; i++) {
		if (!code->reference[i].is_call || code->reference[i].target != call->target)
			continue;
		rank += code->reference[i].after < after;
		n++;
	}
	if (count_new(match, match->to[old], call->target, rank, &at) != n)
		return "its function has changed, and with it the calls of what it calls";
	*new = match->new->function[match->to[old]].address + at;
	return NULL;
}

const char *stingy_match_return(const struct stingy_match *match, uint64_t old, uint64_t *new)
{
	uint32_t function = stingy_binary_find(match->old, old - 1);
	uint64_t after;

	if (function == STINGY_NO_FUNCTION)
		return "it is in no function that the unwind tables know";
	if (match->to[function] == STINGY_NO_FUNCTION)
		return "its function is not to be found in the new build";
	after = old - match->old->function[function].address;
	if (!stingy_match_is_same(match, function))
		return find_call(match, function, after, new);
	*new = match->new->function[match->to[function]].address + after;
	return NULL;
}

const char *stingy_match_function(const struct stingy_match *match, uint64_t old, uint64_t *new)
{
	uint32_t function = function_at(match->old, old);

	if (function == STINGY_NO_FUNCTION)
		return "it is no function that the unwind tables know";
	if (match->to[function] == STINGY_NO_FUNCTION)
		return "it is not to be found in the new build";
	*new = match->new->function[match->to[function]].address;
	return NULL;
}
