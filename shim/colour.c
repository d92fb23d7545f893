#define _GNU_SOURCE
#include "colour.h"

#include "map.h"
#include "pages.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define ENTRY_PRESENT (1ul << 63)
#define ENTRY_FRAME   ((1ul << 55) - 1)

struct chooser {
	char *at;      /* the pages to be chosen */
	uint32_t n;    /* how many */
	uint32_t most; /* pages of one colour that there may be */
	uint32_t n_colours;
	uint32_t excess;   /* pages that are too many of their colour */
	uint32_t *n_of;    /* [colour]: pages of it */
	uint64_t *entries; /* [n], of pagemap */
	uint32_t *colours; /* [n], of the pages at `at` */
	int pagemap;
};

/* The colour of a page by its entry; UINT32_MAX if the kernel does not show its frame. */
static uint32_t colour_of(const struct chooser *c, uint64_t entry)
{
	uint64_t frame = entry & ENTRY_FRAME;
	return entry & ENTRY_PRESENT && frame ? (uint32_t)(frame % c->n_colours) : UINT32_MAX;
}

/* The entries of as many pages as are to be chosen, from address on. */
static bool read_entries(const struct chooser *c, const char *address)
{
	ssize_t size = (ssize_t)(c->n * sizeof(*c->entries));
	return pread(c->pagemap, c->entries, (size_t)size,
		     (off_t)((uintptr_t)address / STINGY_PAGE * sizeof(*c->entries))) == size;
}

static bool count_colours(struct chooser *c)
{
	if (!read_entries(c, c->at))
		return false;
	for (uint32_t i = 0; i < c->n; i++) {
		c->colours[i] = colour_of(c, c->entries[i]);
		if (c->colours[i] == UINT32_MAX)
			return false;
		c->excess += ++c->n_of[c->colours[i]] > c->most;
	}
	return true;
}

/* Replaces pages that are too many of their colour by spare ones of other colours, as far as there are such. */
static void replace(struct chooser *c, char *spare)
{
	uint32_t from = 0;
	for (uint32_t i = 0; i < c->n && c->excess; i++) {
		if (c->n_of[c->colours[i]] <= c->most)
			continue;
		uint32_t colour = UINT32_MAX;
		while (from < c->n &&
		       ((colour = colour_of(c, c->entries[from])) == UINT32_MAX || c->n_of[colour] >= c->most))
			from++;
		if (from == c->n ||
		    mremap(spare + (size_t)from * STINGY_PAGE, STINGY_PAGE, STINGY_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   c->at + (size_t)i * STINGY_PAGE) == MAP_FAILED)
			return;
		from++;
		c->n_of[c->colours[i]]--;
		c->n_of[colour]++;
		c->colours[i] = colour;
		c->excess--;
	}
}

/* Looks for better pages: as long as the ones seen are kept, the kernel has to give others. */
static void search(struct chooser *c)
{
	size_t size = (size_t)c->n * STINGY_PAGE;
	char *spare = stingy_map(size * STINGY_COLOUR_SPARE);
	if (!spare)
		return;
	for (unsigned i = 0; i < STINGY_COLOUR_SPARE && c->excess; i++) {
		char *next = spare + i * size;
		if (stingy_pages_populate(next, size) < 0 || !read_entries(c, next))
			break;
		replace(c, next);
	}
	munmap(spare, size * STINGY_COLOUR_SPARE);
}

static bool choose(struct chooser *c)
{
	size_t entries = c->n * sizeof(*c->entries), colours = c->n * sizeof(*c->colours);
	size_t size = stingy_lines(entries) + stingy_lines(colours) + stingy_lines(c->n_colours * sizeof(*c->n_of));
	char *memory = stingy_map(size), *rest = memory;
	if (!memory)
		return false;
	c->entries = stingy_carve(&rest, entries);
	c->colours = stingy_carve(&rest, colours);
	c->n_of = stingy_carve(&rest, c->n_colours * sizeof(*c->n_of));
	bool is_known = count_colours(c);
	if (is_known && c->excess)
		search(c);
	munmap(memory, size);
	return is_known && c->excess == 0;
}

bool stingy_colour_choose(char *at, size_t size, const struct stingy_cache *cache)
{
	uint32_t way = cache->size / cache->ways;
	struct chooser c = {.at = at, .n = (uint32_t)(size / STINGY_PAGE), .n_colours = way / STINGY_PAGE};
	if (way <= STINGY_PAGE) /* any page has a line for each set, or the like */
		return true;
	if (way % STINGY_PAGE != 0 || size / STINGY_PAGE > STINGY_COLOUR_PAGES)
		return false;
	c.most = (c.n + c.n_colours - 1) / c.n_colours;
	if (c.most < cache->ways)
		c.most = cache->ways;
	c.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (c.pagemap < 0)
		return false;
	bool is_done = choose(&c);
	close(c.pagemap);
	return is_done;
}
