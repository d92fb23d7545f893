/*
 * The one thing about writing JSON that can go wrong: strings. Everything else is printed as it stands.
 */
#ifndef STINGY_JSON_H
#define STINGY_JSON_H

#include <stdio.h>

/*
 * Prints text as a JSON string, quotes included. Paths are bytes and JSON is UTF-8: bytes that are no valid UTF-8
 * become U+FFFD, one each. Errors are the stream's.
 */
void stingy_json_string(FILE *out, const char *text);

#endif
