#include "bench-usage.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_GROUP 5 /* fields of /proc/PID/stat, as proc(5) counts them */
#define STAT_UTIME 14

/* Reads a small file whole. Processes and threads come and go: what is gone reads as nothing. */
static void slurp(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;
	text[n] = '\0';
	if (file)
		fclose(file);
}

/* A field after the program's name, which may have blanks and parentheses in it. */
static uint64_t stat_field(const char *stat, int field)
{
	const char *at = strrchr(stat, ')');
	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static uint64_t run_time(const char *process)
{
	char path[300], text[100];
	snprintf(path, sizeof(path), "/proc/%s/task", process);
	DIR *threads = opendir(path);
	uint64_t sum = 0;
	for (struct dirent *thread; threads && (thread = readdir(threads));) {
		if (!isdigit((unsigned char)thread->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/schedstat", process, thread->d_name);
		slurp(path, text, sizeof(text));
		sum += strtoull(text, NULL, 10);
	}
	if (threads)
		closedir(threads);
	return sum;
}

struct usage usage_of_group(pid_t group)
{
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	struct usage usage = {0, 0};
	DIR *processes = opendir("/proc");
	for (struct dirent *process; processes && (process = readdir(processes));) {
		char path[300], stat[1000];
		if (!isdigit((unsigned char)process->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/stat", process->d_name);
		slurp(path, stat, sizeof(stat));
		if (stat_field(stat, STAT_GROUP) != (uint64_t)group)
			continue;
		usage.all += run_time(process->d_name);
		usage.user += stat_field(stat, STAT_UTIME) * tick;
	}
	if (processes)
		closedir(processes);
	return usage;
}
