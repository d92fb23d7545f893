/*
 * The one thing about writing JSON that can go wrong: strings. Paths are bytes and JSON is UTF-8: bytes that are no
 * valid UTF-8 become U+FFFD, one each.
 */
#ifndef STINGY_JSON_H
#define STINGY_JSON_H

#include <jansson.h>
#include <stdio.h>

/* Prints text as a JSON string, quotes included. Errors are the stream's. */
void stingy_json_string(FILE *out, const char *text);

/* The same as a value of jansson's, which takes valid UTF-8 only. */
json_t *stingy_json_text(const char *text);

#endif
