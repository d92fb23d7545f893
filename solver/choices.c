#include "choices.h"

#include "amount.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_ROOM_MAX 10000u /* percent */
#define SECONDS_MAX   1e6

static int complain(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "stingy: --%s '%s': %s\n", option, value, wanted);
	return -1;
}

/* Reads a whole number from least to most. Returns 0 or -1. */
static int parse_number(const char *value, uint32_t least, uint32_t most, uint32_t *number)
{
	unsigned long read;
	char *end;

	errno = 0;
	read = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || *end || read < least || read > most)
		return -1;
	*number = (uint32_t)read;
	return 0;
}

/* Reads a number above 0, fractions included, or 0 if that is allowed. Returns 0 or -1. */
static int parse_fraction(const char *value, double least, double most, double *number)
{
	char *end;

	errno = 0;
	*number = strtod(value, &end);
	return errno || end == value || *end || !(*number >= least && *number <= most) ? -1 : 0;
}

/* NAME=N; a name may hold a '=' of its own, as C++ operators do. */
static int take_count(struct stingy_choices *choices, const char *value)
{
	const char *equals = strrchr(value, '=');
	struct stingy_choices_count count;

	if (!equals || equals == value || parse_number(equals + 1, 1, STINGY_CHOICES_COUNT_MAX, &count.count) < 0)
		return complain("count", value, "is not NAME=N, the name of a kind and how many one task holds");
	count.site = stingy_memory_text(value, (size_t)(equals - value));
	STINGY_GROW(choices->count, &choices->count_room, (size_t)choices->n_counts + 1);
	choices->count[choices->n_counts++] = count;
	return 0;
}

static int take_objective(struct stingy_choices *choices, const char *value)
{
	static const char concurrency[] = "concurrency=";

	choices->stage = NULL;
	choices->objective = STINGY_OBJECTIVE_STAGES;
	if (strcmp(value, "served") == 0)
		choices->objective = STINGY_OBJECTIVE_SERVED;
	else if (strncmp(value, concurrency, strlen(concurrency)) == 0 && value[strlen(concurrency)])
		choices->stage = value + strlen(concurrency);
	else if (strcmp(value, "stages") != 0)
		return complain("objective", value, "is not stages, served or concurrency=STAGE");
	return 0;
}

int stingy_choices_take(struct stingy_choices *choices, const char *option, const char *value)
{
	if (strcmp(option, "count") == 0)
		return take_count(choices, value);
	if (strcmp(option, "objective") == 0)
		return take_objective(choices, value);
	if (strcmp(option, "cover") == 0 && parse_number(value, 1, 100, &choices->cover) < 0)
		return complain(option, value, "is not a whole percentage from 1 to 100");
	if (strcmp(option, "confidence") == 0 && parse_number(value, 50, 99, &choices->confidence) < 0)
		return complain(option, value, "is not a whole percentage from 50 to 99");
	if (strcmp(option, "gap") == 0 && parse_fraction(value, 0, 100, &choices->limits.gap) < 0)
		return complain(option, value, "is not a percentage from 0 to 100");
	if (strcmp(option, "time-limit") == 0 && parse_fraction(value, 1e-3, SECONDS_MAX, &choices->limits.seconds) < 0)
		return complain(option, value, "is not a number of seconds");
	if (strcmp(option, "head-room") == 0) {
		if (parse_number(value, 0, HEAD_ROOM_MAX, &choices->head_room) < 0)
			return complain(option, value, "is not a whole percentage from 0 to 10000");
		choices->head_room += 100;
	}
	if (strcmp(option, "gap") == 0)
		choices->limits.gap /= 100;
	return 0;
}

void stingy_choices_fini(struct stingy_choices *choices)
{
	for (uint32_t i = 0; i < choices->n_counts; i++)
		free(choices->count[i].site);
	free(choices->count);
	memset(choices, 0, sizeof(*choices));
}
