#include "env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

bool stingy_env_is_trusted(void)
{
	return getauxval(AT_SECURE) == 0;
}

const char *stingy_env(const char *name)
{
	const char *value = stingy_env_is_trusted() ? getenv(name) : NULL;
	return value && *value ? value : NULL;
}

bool stingy_env_is_set(const char *name)
{
	const char *value = stingy_env(name);
	return value && strcmp(value, "0") != 0;
}

uint64_t stingy_env_number(const char *name, uint64_t fallback)
{
	const char *value = stingy_env(name);
	if (!value || *value < '0' || *value > '9')
		return fallback;
	char *end;
	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	return errno == 0 && *end == '\0' ? number : fallback;
}

bool stingy_env_is_main(void)
{
	uint64_t pid = stingy_env_number("STINGY_MAIN", 0);
	char text[24];
	if (pid != 0)
		return pid == (uint64_t)getpid();
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("STINGY_MAIN", text, 1);
	return true;
}
