#include "operators.h"

#include "lookup.h"
#include "modules.h"
#include "next.h"

#include <stdlib.h>
#include <string.h>

/* The first definitions in the global scope: the loader puts the program's here, if it has one, rather than ours. */
#define DECLARE(number, symbol) extern void symbol(void);
#define FIRST(number, symbol)   [STINGY_##number] = (symbol),
#define NAME(number, symbol)    [STINGY_##number] = {.name = #symbol},
STINGY_FOR_EACH_OPERATOR(DECLARE)
static void (*const first[STINGY_OPERATORS])(void) = {STINGY_FOR_EACH_OPERATOR(FIRST)};
static struct stingy_lookup next[STINGY_OPERATORS] = {STINGY_FOR_EACH_OPERATOR(NAME)};

struct stingy_operators stingy_operators;

stingy_operator_call *stingy_operators_next(enum stingy_operator which)
{
	return (stingy_operator_call *)stingy_lookup_get(&next[which]);
}

/* What is found out of each module in turn. */
struct survey {
	void *second[STINGY_OPERATORS];  /* the next definition in the global scope; NULL: none */
	bool is_known[STINGY_OPERATORS]; /* the second is libstdc++'s, or the next allocator's */
	stingy_operator_call *by[STINGY_OPERATORS];
};

/* An entry point may be a module's very first byte; what is behind it is sure to be inside. */
static bool contains(const struct stingy_module *module, uintptr_t function)
{
	return stingy_module_contains(module, function + 1);
}

static bool is_libstdcxx(const struct stingy_module *module)
{
	static const char start[] = "libstdc++.so";
	const char *slash = strrchr(module->path, '/');
	return strncmp(slash ? slash + 1 : module->path, start, sizeof(start) - 1) == 0;
}

static int visit(const struct stingy_module *module, void *data)
{
	struct survey *survey = data;
	bool is_allocator = contains(module, (uintptr_t)stingy_next.malloc);
	if (!is_allocator && !is_libstdcxx(module))
		return 0;
	for (unsigned i = 0; i < STINGY_OPERATORS; i++) {
		if (!contains(module, (uintptr_t)survey->second[i]))
			continue;
		survey->is_known[i] = true;
		if (is_allocator)
			memcpy(&survey->by[i], &survey->second[i], sizeof(survey->by[i]));
	}
	return 0;
}

void stingy_operators_init(void)
{
	struct survey survey = {.second = {NULL}};
	if (__atomic_load_n(&stingy_operators.are_settled, __ATOMIC_ACQUIRE))
		return;
	stingy_next_init();
	/* Most programs have none: the loader is asked once, and not twenty times. */
	bool is_cxx = stingy_next_find(&survey.second[STINGY_NEW], next[STINGY_NEW].name) == 0;
	for (unsigned i = 0; i < STINGY_OPERATORS && is_cxx; i++)
		stingy_next_find(&survey.second[i], next[i].name);
	stingy_modules_each(visit, &survey);
	/* Where malloc is not ours libstdc++ makes new of that one. */
	bool are_served = stingy_next_is_here((uintptr_t)malloc) && stingy_next_is_here((uintptr_t)free);
	for (unsigned i = 0; i < STINGY_OPERATORS; i++) {
		are_served &= stingy_next_is_here((uintptr_t)first[i]) && (survey.is_known[i] || !survey.second[i]);
		stingy_operators.by[i] = survey.by[i];
	}
	__atomic_store_n(&stingy_operators.are_served, are_served, __ATOMIC_RELEASE);
	__atomic_store_n(&stingy_operators.are_settled, true, __ATOMIC_RELEASE);
}
