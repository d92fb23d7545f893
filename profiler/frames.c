#define _GNU_SOURCE
#include "frames.h"

#include "../shim/map.h"
#include "names.h"
#include "unwind.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#define HASH_SIZE  (2 * STINGY_FRAMES_MAX) /* places, a power of two */
#define HASH_SHIFT (64 - 18)
#define NAMES_SIZE (8u << 20) /* bytes for all names together */
#define FUNCTION_BIT                                                                                                   \
	(UINT64_C(1) << 63) /* the key of a function is its address with this; of a return address, bare               \
			     */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below; readers of known entries do without */
static struct stingy_known_frame *frames;
static uint32_t n_frames;
static uint32_t *hash; /* index + 1; 0: empty */
static char *names;
static size_t names_used;
static struct stingy_known_module *modules;
static uint32_t n_modules;
static struct stingy_modules_version seen; /* of the loader's list */

uint32_t stingy_frames_n_gone; /* modules; atomic */
static __thread unsigned n_learnt __attribute__((tls_model("initial-exec")));
static int n_refreshing; /* threads that may hold the loader's lock; atomic, as is the next */
static bool is_forking;
static bool is_shared; /* at fork: there were other threads */
static bool is_frozen; /* the loader must not be asked any more */

_Static_assert((UINT64_C(1) << (64 - HASH_SHIFT)) == HASH_SIZE, "the shift makes an index");

int stingy_frames_init(void)
{
	frames = stingy_map(STINGY_FRAMES_MAX * sizeof(*frames));
	hash = stingy_map(HASH_SIZE * sizeof(*hash));
	names = stingy_map(NAMES_SIZE);
	modules = stingy_map(STINGY_MODULES_MAX * sizeof(*modules));
	names_used = 1; /* at 0 there is "" */
	return frames && hash && names && modules ? 0 : -1;
}

struct stingy_known_frame *stingy_frames_at(uint32_t index)
{
	return &frames[index];
}

struct stingy_known_module *stingy_frames_module(uint32_t index)
{
	return &modules[index];
}

static uint32_t first_place(uint64_t key)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> HASH_SHIFT);
}

static uint32_t find(uint64_t key)
{
	for (uint32_t i = first_place(key);; i = (i + 1) % HASH_SIZE) {
		uint32_t index = __atomic_load_n(&hash[i], __ATOMIC_ACQUIRE);
		if (index == 0)
			return STINGY_FRAME_NONE;
		if (__atomic_load_n(&frames[index - 1].ra, __ATOMIC_RELAXED) == key)
			return index - 1;
	}
}

/* The module that contains the address, of those known; STINGY_MODULE_NONE. */
static uint32_t find_module(uintptr_t address)
{
	for (uint32_t i = n_modules; i-- > 0;)
		if (!modules[i].is_gone && stingy_module_contains(&modules[i].module, address))
			return i;
	return STINGY_MODULE_NONE;
}

/* A list of what is loaded, made with no lock held. */
struct listing {
	struct stingy_known_module *at;
	uint32_t n;
};

static int list_module(const struct stingy_module *module, void *data)
{
	struct listing *listing = data;
	if (listing->n == STINGY_MODULES_MAX)
		return 1;
	struct stingy_known_module *known = &listing->at[listing->n++];
	known->module = *module;
	strncpy(known->path, module->path, sizeof(known->path) - 1);
	if (module->id)
		memcpy(known->id, module->id, module->id_len);
	else
		known->size = stingy_module_file_size(module);
	return 0;
}

static bool is_same_module(const struct stingy_known_module *a, const struct stingy_known_module *b)
{
	return a->module.bias == b->module.bias && a->module.id_len == b->module.id_len &&
	       memcmp(a->id, b->id, sizeof(a->id)) == 0 && strcmp(a->path, b->path) == 0;
}

static void blank_frames(uint32_t module)
{
	__atomic_fetch_add(&stingy_frames_n_gone, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < n_frames; i++)
		if (frames[i].module == module)
			__atomic_store_n(&frames[i].ra, 0, __ATOMIC_RELAXED);
}

/* Takes the list over: the new ones are added, the missing ones have gone. */
static void merge(const struct listing *listing)
{
	for (uint32_t i = 0; i < n_modules; i++) {
		bool is_here = modules[i].is_gone;
		for (uint32_t j = 0; j < listing->n && !is_here; j++)
			is_here = is_same_module(&modules[i], &listing->at[j]);
		if (!is_here) {
			modules[i].is_gone = true;
			blank_frames(i);
		}
	}
	for (uint32_t j = 0; j < listing->n; j++) {
		bool is_known = false;
		for (uint32_t i = 0; i < n_modules && !is_known; i++)
			is_known = !modules[i].is_gone && is_same_module(&modules[i], &listing->at[j]);
		if (is_known || n_modules == STINGY_MODULES_MAX)
			continue;
		struct stingy_known_module *known = &modules[n_modules++];
		*known = listing->at[j];
		known->module.path = known->path;
		known->module.id = known->module.id_len ? known->id : NULL;
	}
}

/* Brings the modules up to date, if their list has changed since it was looked at. The loader's lock is taken. */
static void refresh(void)
{
	size_t size = STINGY_MODULES_MAX * sizeof(struct stingy_known_module);
	if (is_frozen)
		return;
	struct stingy_modules_version version = stingy_modules_version();
	if (version.adds == seen.adds && version.subs == seen.subs)
		return;
	struct listing listing = {stingy_map(size), 0};
	if (!listing.at)
		return;
	stingy_modules_each(list_module, &listing);
	pthread_mutex_lock(&lock);
	merge(&listing);
	seen = version;
	pthread_mutex_unlock(&lock);
	munmap(listing.at, size);
}

/* Counts the threads that may be with the loader, so that fork can wait until there is none. */
void stingy_frames_refresh(void)
{
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	__atomic_fetch_add(&n_refreshing, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&is_forking, __ATOMIC_SEQ_CST))
		refresh();
	__atomic_fetch_sub(&n_refreshing, 1, __ATOMIC_SEQ_CST);
	pthread_setcancelstate(cancel, NULL);
}

/* Asked once for each address, or as often in the debug mode: modules that libc itself has unloaded must be noticed. */
static uint32_t get_module(uintptr_t address)
{
	stingy_frames_refresh();
	pthread_mutex_lock(&lock);
	uint32_t module = find_module(address);
	pthread_mutex_unlock(&lock);
	return module;
}

static struct stingy_unwind_tables tables_of(const struct stingy_module *module, uintptr_t address)
{
	struct stingy_unwind_tables tables = {.eh_frame_hdr = module->eh_frame_hdr};
	for (unsigned i = 0; i < module->n_segments; i++) {
		if (address >= module->segment[i].low && address <= module->segment[i].high) {
			tables.low = module->segment[i].low;
			tables.high = module->segment[i].high;
		}
	}
	return tables;
}

bool stingy_frames_tables(uintptr_t address, struct stingy_unwind_tables *tables, void *unused)
{
	(void)unused;
	uint32_t module = get_module(address + 1);
	if (module == STINGY_MODULE_NONE)
		return false;
	*tables = tables_of(&modules[module].module, address);
	return true;
}

/*
 * Whether the call before the return address is direct: that instruction is five bytes long, and leads to somewhere in
 * the same module (the linkage table included). All others take their target from a pointer; but one that lies at a
 * fixed place (a call through the global offset table) tells no more than a direct call.
 */
static bool is_direct(uintptr_t ra, const struct stingy_module *module, uintptr_t low)
{
	const uint8_t *end = (const uint8_t *)ra;
	int32_t distance;
	if (ra < low + 6)
		return true;
	memcpy(&distance, end - 4, sizeof(distance));
	if (end[-5] == 0xe8 && stingy_module_contains(module, ra + (uintptr_t)(intptr_t)distance))
		return true;
	return end[-6] == 0xff && end[-5] == 0x15;
}

unsigned stingy_frames_learnt(void)
{
	return n_learnt;
}

/* What is to be known of the address; name is room for the function's. */
static struct stingy_known_frame learn(uintptr_t ra, char *name)
{
	struct stingy_known_frame frame = {.module = get_module(ra), .offset = ra};
	n_learnt++;
	name[0] = '\0';
	if (frame.module == STINGY_MODULE_NONE)
		return frame;
	const struct stingy_module *module = &modules[frame.module].module;
	struct stingy_unwind_tables tables = tables_of(module, ra);
	struct stingy_unwind_answer answer = stingy_unwind_learn(ra, &tables);
	frame.rule = answer.rule;
	frame.is_indirect = tables.low && !is_direct(ra, module, tables.low);
	frame.offset = stingy_module_offset(module, ra);
	if (answer.function != 0)
		frame.function = frame.offset - (ra - answer.function);
	stingy_name_of(module->path, ra - 1 - module->bias, name, STINGY_NAME_MAX);
	return frame;
}

static const char *keep_name(const char *name)
{
	size_t len = strlen(name) + 1;
	if (len == 1 || names_used + len > NAMES_SIZE)
		return names;
	memcpy(names + names_used, name, len);
	names_used += len;
	return names + names_used - len;
}

static uint32_t get(uint64_t key, uintptr_t ra)
{
	char name[STINGY_NAME_MAX];
	uint32_t index = find(key);
	if (__builtin_expect(index != STINGY_FRAME_NONE, 1))
		return index;
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* the unwinder and the loader read files */
	struct stingy_known_frame frame = learn(ra, name);
	pthread_setcancelstate(cancel, NULL);
	pthread_mutex_lock(&lock);
	index = find(key); /* another thread may have learnt it meanwhile */
	if (index == STINGY_FRAME_NONE && n_frames < STINGY_FRAMES_MAX) {
		index = n_frames++;
		frame.ra = key;
		frame.name = keep_name(name);
		frames[index] = frame;
		uint32_t i = first_place(key);
		while (hash[i] != 0)
			i = (i + 1) % HASH_SIZE;
		__atomic_store_n(&hash[i], index + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	return index;
}

uint32_t stingy_frames_get(uintptr_t ra)
{
	return get(ra, ra);
}

/* The byte behind its first one is a place in the function, as a return address is. */
uint32_t stingy_frames_get_function(uintptr_t function)
{
	uint32_t index = get(function | FUNCTION_BIT, function + 1);
	if (index != STINGY_FRAME_NONE && frames[index].module != STINGY_MODULE_NONE) {
		frames[index].function = frames[index].offset - 1;
		frames[index].is_indirect = false;
	}
	return index;
}

void stingy_frames_before_fork(void)
{
	__atomic_store_n(&is_forking, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&n_refreshing, __ATOMIC_SEQ_CST) > 0)
		sched_yield();
	pthread_mutex_lock(&lock);
	is_shared = !__libc_single_threaded;
}

void stingy_frames_after_fork_in_parent(void)
{
	pthread_mutex_unlock(&lock);
	__atomic_store_n(&is_forking, false, __ATOMIC_SEQ_CST);
}

void stingy_frames_after_fork_in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	n_refreshing = 0;
	is_forking = false;
	is_frozen = is_frozen || is_shared || !__libc_single_threaded;
}
