#include "processes.h"

#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pid_t stingy_processes_parse(const char *text)
{
	char *end;
	long pid;

	if (*text < '1' || *text > '9')
		return -1;
	errno = 0;
	pid = strtol(text, &end, 10);
	return errno || *end || pid > INT32_MAX ? -1 : (pid_t)pid;
}

/* 0: it has none, or is gone. The name before it is the program's choice, and may have parentheses and blanks in it. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[256];
	const char *end;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file) && (end = strrchr(line, ')')) && sscanf(end + 1, " %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

static int compare(const void *a, const void *b)
{
	const struct stingy_processes_one *one = a, *other = b;

	return (one->pid > other->pid) - (one->pid < other->pid);
}

static void read_all(struct stingy_processes *processes, DIR *proc)
{
	const struct dirent *entry;

	while ((entry = readdir(proc))) {
		pid_t pid = stingy_processes_parse(entry->d_name);

		if (pid < 0)
			continue;
		STINGY_GROW(processes->one, &processes->room, processes->n + 1);
		processes->one[processes->n++] = (struct stingy_processes_one){pid, parent_of(pid)};
	}
	qsort(processes->one, processes->n, sizeof(*processes->one), compare);
}

static bool is_in(const struct stingy_processes *processes, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (processes->one[i].pid == pid)
			return true;
	return false;
}

/*
 * Those that belong to the family are gathered at the front, from generation to generation, until there is a round
 * without a new one. Numbers wrap around, so a child's may be below its parent's.
 */
static void keep_family(struct stingy_processes *processes, pid_t pid)
{
	size_t n = 0, before;

	do {
		before = n;
		for (size_t i = n; i < processes->n; i++) {
			struct stingy_processes_one one = processes->one[i];

			if (one.pid != pid && !is_in(processes, n, one.parent))
				continue;
			processes->one[i] = processes->one[n];
			processes->one[n++] = one;
		}
	} while (n > before);
	processes->n = n;
	qsort(processes->one, n, sizeof(*processes->one), compare);
}

int stingy_processes_init(struct stingy_processes *processes, pid_t pid)
{
	DIR *proc = opendir("/proc");

	memset(processes, 0, sizeof(*processes));
	if (!proc)
		return -1;
	STINGY_GROW(processes->one, &processes->room, 1);
	read_all(processes, proc);
	closedir(proc);
	if (pid)
		keep_family(processes, pid);
	return 0;
}

void stingy_processes_fini(struct stingy_processes *processes)
{
	free(processes->one);
}
