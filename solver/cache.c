#include "cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSFS_CACHE "/sys/devices/system/cpu/cpu0/cache"
#define INDEXES_MAX 16u
#define LINE_LEAST  16u   /* bytes */
#define LINE_LIMIT  1024u /* bytes */
#define USUAL_WAYS  8u
#define USUAL_LINE  64u /* bytes */

/* Reads the one word of a sysfs file. */
static int read_word(unsigned index, const char *name, char *word, size_t size)
{
	char path[128];
	FILE *file;
	int ok;

	snprintf(path, sizeof(path), SYSFS_CACHE "/index%u/%s", index, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	ok = fgets(word, (int)size, file) != NULL;
	fclose(file);
	if (!ok)
		return -1;
	word[strcspn(word, " \n")] = '\0';
	return 0;
}

/* Reads a number, with K or M behind it, that ends at one of the characters in ends; *text is left there. */
static int parse_number(const char **text, const char *ends, uint32_t *number)
{
	unsigned long value;
	unsigned shift = 0;
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	value = strtoul(*text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	if (shift)
		end++;
	if (errno || value > UINT32_MAX >> shift || !memchr(ends, *end, strlen(ends) + 1))
		return -1;
	*number = (uint32_t)value << shift;
	*text = end;
	return 0;
}

bool stingy_cache_is_valid(const struct stingy_cache *cache)
{
	uint64_t way = (uint64_t)cache->ways * cache->line;

	if (cache->line < LINE_LEAST || cache->line > LINE_LIMIT || (cache->line & (cache->line - 1)))
		return false;
	return way && cache->size && cache->size % way == 0;
}

static int read_number(unsigned index, const char *name, uint32_t *number)
{
	char word[32];
	const char *text = word;

	if (read_word(index, name, word, sizeof(word)) < 0)
		return -1;
	return parse_number(&text, "", number);
}

static int read_index(unsigned index, struct stingy_cache *cache)
{
	if (read_number(index, "size", &cache->size) < 0 ||
	    read_number(index, "coherency_line_size", &cache->line) < 0 ||
	    read_number(index, "ways_of_associativity", &cache->ways) < 0)
		return -1;
	/* The kernel tells 0 ways of a fully associative cache. */
	if (cache->ways == 0 && cache->line)
		cache->ways = cache->size / cache->line;
	return stingy_cache_is_valid(cache) ? 0 : -1;
}

/* The index of the data or unified cache of the level; INDEXES_MAX: there is none. */
static unsigned find_index(unsigned level)
{
	char type[32];
	uint32_t found;
	unsigned index;

	for (index = 0; index < INDEXES_MAX; index++) {
		if (read_number(index, "level", &found) < 0 || found != level)
			continue;
		if (read_word(index, "type", type, sizeof(type)) == 0 && strcmp(type, "Instruction") != 0)
			break;
	}
	return index;
}

int stingy_cache_detect(unsigned level, struct stingy_cache *cache)
{
	unsigned index = find_index(level);

	return index < INDEXES_MAX ? read_index(index, cache) : -1;
}

/* Counts what a list such as "0-3,8" names. */
static unsigned count_list(const char *text)
{
	unsigned n = 0;
	char *end;

	do {
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return n;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		n += last >= first ? (unsigned)(last - first + 1) : 0;
		text = end + 1;
	} while (*end == ',');
	return n;
}

unsigned stingy_cache_sharers(unsigned level)
{
	unsigned index = find_index(level), n = 0;
	char list[1024];

	if (index < INDEXES_MAX && read_word(index, "shared_cpu_list", list, sizeof(list)) == 0)
		n = count_list(list);
	return n ? n : 1;
}

uint64_t stingy_cache_slab(const struct stingy_cache *cache, uint32_t share)
{
	uint64_t slab = (uint64_t)cache->size * share / 1000000;

	if (slab > STINGY_SLAB_MAX)
		slab = STINGY_SLAB_MAX;
	return slab & ~(uint64_t)(STINGY_REGION_ALIGN - 1);
}

int stingy_cache_named(const char *text, unsigned *level, struct stingy_cache *cache)
{
	if ((text[0] != 'L' && text[0] != 'l') || text[1] < '1' || text[1] > '3' || text[2])
		return 0;
	*level = (unsigned)(text[1] - '0');
	return stingy_cache_detect(*level, cache) < 0 ? -1 : 1;
}

/* The geometry but for the size. */
static void take_usual(struct stingy_cache *cache)
{
	struct stingy_cache here = {.ways = USUAL_WAYS, .line = USUAL_LINE};

	if (stingy_cache_detect(2, &here) < 0)
		here = (struct stingy_cache){.ways = USUAL_WAYS, .line = USUAL_LINE};
	cache->ways = here.ways;
	cache->line = here.line;
}

int stingy_cache_parse(const char *text, struct stingy_cache *cache)
{
	if (parse_number(&text, ",", &cache->size) < 0)
		return -1;
	if (*text == '\0') {
		take_usual(cache);
		return stingy_cache_is_valid(cache) ? 0 : -1;
	}
	text++;
	if (parse_number(&text, ",", &cache->ways) < 0 || *text++ != ',')
		return -1;
	if (parse_number(&text, "", &cache->line) < 0)
		return -1;
	return stingy_cache_is_valid(cache) ? 0 : -1;
}
