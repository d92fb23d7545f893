#include "descriptors.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define FDS_MAX   (1 << 16)
#define HASH_SIZE (1 << 18) /* places, a power of two, many times FDS_MAX */

struct descriptor {
	uint64_t data;
	int epoll;
	bool is_registered, is_noted;
};

/* What a descriptor's reads and writes mean, in bits; changed atomically, without the lock. */
#define FOLLOWED 1u /* events may come for it */
#define ACCEPTED 2u
#define ASKED    4u /* of an accepted one: something was read since something was written */

static uint8_t roles[FDS_MAX];
static uint32_t linked_at[FDS_MAX]; /* turn in which its link was last told of */
static uint32_t turn = 1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct descriptor descriptors[FDS_MAX];
static int32_t hash[HASH_SIZE]; /* fd + 1; 0: empty; what no longer agrees with descriptors[] is stale */
static pid_t process;           /* whose descriptors these are */
static int n_used;              /* places that are not empty */

/* This thread holds the lock: a signal handler that calls close meanwhile gets no answer, and must not wait. */
static __thread bool is_inside __attribute__((tls_model("initial-exec")));

static bool is_off; /* nobody wants to know */

static bool enter(void)
{
	if (is_inside || is_off)
		return false;
	is_inside = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pthread_mutex_lock(&lock);
	return true;
}

static void leave(void)
{
	pthread_mutex_unlock(&lock);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	is_inside = false;
}

static uint32_t first_place(int epoll, uint64_t data)
{
	return (uint32_t)(((data + (uint64_t)epoll) * UINT64_C(0x9e3779b97f4a7c15)) >> 46) % HASH_SIZE;
}

static bool is_in_range(int fd)
{
	return fd >= 0 && fd < FDS_MAX;
}

static bool carries(const struct descriptor *descriptor, int epoll, uint64_t data)
{
	return descriptor->is_registered && descriptor->epoll == epoll && descriptor->data == data;
}

static void insert(int fd)
{
	uint32_t i = first_place(descriptors[fd].epoll, descriptors[fd].data);
	for (; hash[i] != 0; i = (i + 1) % HASH_SIZE)
		if (hash[i] == fd + 1)
			return;
	hash[i] = fd + 1;
	n_used++;
}

/* Stale places fill the table in time: then it is made anew. */
static void sweep(void)
{
	memset(hash, 0, sizeof(hash));
	n_used = 0;
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (descriptors[fd].is_registered)
			insert(fd);
}

void stingy_descriptors_register(int epoll, int fd, uint64_t data)
{
	if (!is_in_range(fd) || !enter())
		return;
	struct descriptor *descriptor = &descriptors[fd];
	if (!carries(descriptor, epoll, data)) {
		*descriptor = (struct descriptor){data, epoll, true, descriptor->is_noted};
		if (n_used > HASH_SIZE / 2)
			sweep();
		insert(fd);
	}
	__atomic_fetch_or(&roles[fd], FOLLOWED, __ATOMIC_RELAXED);
	leave();
}

int stingy_descriptors_find(int epoll, uint64_t data)
{
	int found = -1;
	if (!enter())
		return -1;
	for (uint32_t i = first_place(epoll, data); hash[i] != 0 && found < 0; i = (i + 1) % HASH_SIZE)
		if (carries(&descriptors[hash[i] - 1], epoll, data))
			found = hash[i] - 1;
	leave();
	return found;
}

void stingy_descriptors_note(int fd)
{
	if (!is_in_range(fd) || !enter())
		return;
	descriptors[fd].is_noted = true;
	__atomic_fetch_or(&roles[fd], FOLLOWED, __ATOMIC_RELAXED);
	leave();
}

void stingy_descriptors_accept(int fd)
{
	stingy_descriptors_note(fd);
	if (is_in_range(fd) && !is_off)
		__atomic_store_n(&roles[fd], FOLLOWED | ACCEPTED, __ATOMIC_RELAXED);
}

bool stingy_descriptors_read(int fd)
{
	if (!is_in_range(fd) || (__atomic_load_n(&roles[fd], __ATOMIC_RELAXED) & (ACCEPTED | ASKED)) != ACCEPTED)
		return false;
	return !(__atomic_fetch_or(&roles[fd], ASKED, __ATOMIC_RELAXED) & ASKED);
}

bool stingy_descriptors_answered(int fd)
{
	return is_in_range(fd) && (__atomic_load_n(&roles[fd], __ATOMIC_RELAXED) & (ACCEPTED | ASKED)) == ACCEPTED;
}

bool stingy_descriptors_written(int fd)
{
	if (!is_in_range(fd))
		return false;
	uint8_t role = __atomic_load_n(&roles[fd], __ATOMIC_RELAXED);
	if (role & ASKED)
		__atomic_fetch_and(&roles[fd], (uint8_t)~ASKED, __ATOMIC_RELAXED);
	if ((role & (FOLLOWED | ACCEPTED)) != FOLLOWED)
		return false;
	uint32_t now = __atomic_load_n(&turn, __ATOMIC_RELAXED);
	return __atomic_exchange_n(&linked_at[fd], now, __ATOMIC_RELAXED) != now;
}

void stingy_descriptors_turn(void)
{
	__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED);
}

bool stingy_descriptors_forget(int fd)
{
	if (!is_in_range(fd) || !enter())
		return false;
	bool was = descriptors[fd].is_registered || descriptors[fd].is_noted;
	was = was && getpid() == process; /* a child by vfork closes its own, in our memory */
	if (was) {
		descriptors[fd].is_registered = descriptors[fd].is_noted = false;
		__atomic_store_n(&roles[fd], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&linked_at[fd], 0, __ATOMIC_RELAXED);
	}
	leave();
	return was;
}

void stingy_descriptors_init(bool off)
{
	is_off = off;
	process = getpid();
}

void stingy_descriptors_after_fork(void)
{
	process = getpid();
	pthread_mutex_init(&lock, NULL);
	is_inside = false;
}
