/* What a function prints of a text. */
#ifndef STINGY_TEST_ASSERT_PRINTS_H
#define STINGY_TEST_ASSERT_PRINTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void assert_prints(void (*print)(FILE *out, const char *text), const char *text, const char *wanted)
{
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	print(out, text);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, wanted);
	free(got);
}

#endif
