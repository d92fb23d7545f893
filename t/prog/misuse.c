/*
 * Allocates ten objects of 48 bytes at one place, and then does what must not be done.
 *
 *	misuse HOW
 *
 * Prints the address that is misused first; is not to be seen again if it is stopped. Flags: -pthread.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 10
#define SIZE    48
#define HIGH    32768 /* bytes: the test's high slab has such slots */

static char *objects[OBJECTS];

/* gcc must not see what is done. */
static void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

/* As the manifest of the test has it, the objects are slots that follow each other. */
static void make(size_t size)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		objects[i] = hide(malloc(size));
}

static void announce(const void *address)
{
	printf("%p\n", address);
	fflush(stdout);
}

static void free_it(void *object)
{
	announce(object);
	free(hide(object));
}

static void *free_in_thread(void *object)
{
	free(hide(object));
	return NULL;
}

static void free_elsewhere(void *object)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, free_in_thread, object) != 0)
		exit(2);
	pthread_join(thread, NULL);
}

static void realloc_it(void *object, size_t size)
{
	announce(object);
	object = hide(realloc(hide(object), size));
	printf("realloc gave %s\n", object ? "an object" : "NULL");
}

static int misuse(const char *how)
{
	if (strcmp(how, "double") == 0) {
		free(hide(objects[3]));
		free_it(objects[3]);
	} else if (strcmp(how, "double-remote") == 0) {
		free_elsewhere(objects[3]);
		free_it(objects[3]);
	} else if (strcmp(how, "remote-double") == 0) {
		free(hide(objects[3]));
		announce(objects[3]);
		free_elsewhere(objects[3]);
	} else if (strcmp(how, "inside") == 0) {
		free_it(objects[3] + 16);
	} else if (strcmp(how, "unaligned") == 0) {
		free_it(objects[3] + 1);
	} else if (strcmp(how, "behind") == 0) {
		free_it(objects[OBJECTS - 1] + SIZE);
	} else if (strcmp(how, "arena") == 0) {
		free_it(objects[0] + (1 << 20));
	} else if (strcmp(how, "realloc-freed") == 0) {
		free(hide(objects[3]));
		realloc_it(objects[3], 40);
	} else if (strcmp(how, "realloc-freed-larger") == 0) {
		free(hide(objects[3]));
		realloc_it(objects[3], 400);
	} else if (strcmp(how, "realloc-inside") == 0) {
		realloc_it(objects[3] + 16, 8);
	} else if (strcmp(how, "realloc-inside-larger") == 0) {
		realloc_it(objects[3] + 16, 400);
	} else if (strcmp(how, "realloc-arena") == 0) {
		realloc_it(objects[0] + (1 << 20), 8);
	} else if (strcmp(how, "overrun") == 0) {
		char *end = hide(objects[3] + malloc_usable_size(objects[3]));
		*end = 1;
		free_it(objects[3]);
	} else if (strcmp(how, "overrun-remote") == 0) {
		char *end = hide(objects[3] + malloc_usable_size(objects[3]));
		end[15] = 0;
		announce(objects[3]);
		free_elsewhere(objects[3]);
	} else if (strcmp(how, "fill") == 0) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			memset(objects[i], 0xff, malloc_usable_size(objects[i]));
			free_it(objects[i]);
		}
	} else if (strcmp(how, "beyond-high") == 0) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			memset(objects[i], 0xff, HIGH + 8);
			free_it(objects[i]);
		}
	} else if (strcmp(how, "none") == 0) {
		for (unsigned i = 0; i < OBJECTS; i++)
			free_it(objects[i]);
	} else {
		return 2;
	}
	printf("not stopped\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	make(strcmp(argv[1], "beyond-high") == 0 ? HIGH + 8 : SIZE);
	return misuse(argv[1]);
}
