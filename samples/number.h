/* Reading the numbers given to options, for both samples. No state. */
#ifndef NUMBER_H
#define NUMBER_H

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Reads a decimal number from 'least' to 'most' that is all of the text. Returns whether it is one. */
static inline bool number_read(const char *text, unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !errno && !*end && *number >= least && *number <= most;
}

#endif
