/*
 * Operations whose instructions are counted: bench-instructions.sh runs this under callgrind, which makes a dump
 * whenever a function op_* returns.
 *
 *	count OPERATION...
 *
 * An operation is done OBJECTS times in its function, and what it needs before or leaves behind is done outside. Each
 * function is called twice: in the first call happens what happens only once.
 */
#include "../../samples/bench-through.h"

#include <err.h>
#include <string.h>

#define OBJECTS 64
#define SIZE    48 /* bytes */

static void *object[OBJECTS];

/* operator new and delete: the preloaded library has them, whatever the program's language. */
void *_Znwm(size_t size) __attribute__((weak));
void _ZdlPvm(void *object, size_t size) __attribute__((weak));

#define OPERATION(name, expression)                                                                                    \
	static __attribute__((noinline)) void op_##name(void)                                                          \
	{                                                                                                              \
		for (int i = 0; i < OBJECTS; i++)                                                                      \
			(void)(expression);                                                                            \
	}

OPERATION(malloc_1, object[i] = through_1(SIZE))
OPERATION(malloc_2, object[i] = through_2(SIZE))
OPERATION(malloc_4, object[i] = through_4(SIZE))
OPERATION(malloc_2_unmanaged, object[i] = through_1(SIZE)) /* begins as malloc_2, and goes on otherwise */
OPERATION(posix_memalign, posix_memalign(&object[i], 16, SIZE))
OPERATION(new, object[i] = _Znwm(SIZE))
OPERATION(delete, _ZdlPvm(object[OBJECTS - 1 - i], SIZE))
OPERATION(calloc, object[i] = calloc(1, SIZE))
OPERATION(malloc_unmanaged, object[i] = malloc(SIZE))
OPERATION(realloc, object[i] = realloc(object[i], SIZE - 16))
OPERATION(free, free(object[OBJECTS - 1 - i]))
OPERATION(free_unmanaged, free(object[OBJECTS - 1 - i]))

static void make_managed(void)
{
	for (int i = 0; i < OBJECTS; i++)
		object[i] = through_1(SIZE);
}

static __attribute__((noinline)) void make_unmanaged(void)
{
	for (int i = 0; i < OBJECTS; i++)
		object[i] = calloc(1, SIZE);
}

static void end(void)
{
	for (int i = 0; i < OBJECTS; i++)
		free(object[i]);
}

static const struct operation {
	const char *name;
	void (*before)(void), (*function)(void), (*after)(void);
} operations[] = {
	{"malloc_1", NULL, op_malloc_1, end},
	{"malloc_2", NULL, op_malloc_2, end},
	{"malloc_2_unmanaged", NULL, op_malloc_2_unmanaged, end},
	{"malloc_4", NULL, op_malloc_4, end},
	{"calloc", NULL, op_calloc, end},
	{"posix_memalign", NULL, op_posix_memalign, end},
	{"new", NULL, op_new, end},
	{"delete", make_managed, op_delete, NULL},
	{"realloc", make_managed, op_realloc, end},
	{"free", make_managed, op_free, NULL},
	{"malloc_unmanaged", NULL, op_malloc_unmanaged, end},
	{"free_unmanaged", make_unmanaged, op_free_unmanaged, NULL},
};

static const struct operation *operation_of(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	errx(2, "no operation '%s'", name);
}

/* Costs count from here. */
static __attribute__((noinline)) void begin(void)
{
	__asm__ volatile("");
}

static void perform(const struct operation *operation)
{
	if (operation->before)
		operation->before();
	begin();
	operation->function();
	if (operation->after)
		operation->after();
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct operation *operation = operation_of(argv[i]);
		perform(operation);
		perform(operation);
	}
	return 0;
}
