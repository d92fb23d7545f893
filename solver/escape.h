/*
 * Text that others wrote (paths, names of functions, what a process says of itself), for formats with characters of
 * their own. Names are bytes and the formats are UTF-8: bytes that are no valid UTF-8 become U+FFFD, one each. Errors
 * are the stream's.
 */
#ifndef STINGY_ESCAPE_H
#define STINGY_ESCAPE_H

#include <stdio.h>

/*
 * The bytes of the UTF-8 sequence at text, 0 if it is none: cut short, longer than needed, a surrogate, or beyond
 * U+10FFFF. A terminating NUL is no continuation byte, so reading never goes past it.
 */
int stingy_escape_sequence(const char *text);

/* For HTML, XML and SVG, as content or within quotes of either kind; control characters are U+FFFD, too. */
void stingy_escape_html(FILE *out, const char *text);

/* For the value of a label in Prometheus's text format, without the quotes. */
void stingy_escape_label(FILE *out, const char *text);

#endif
