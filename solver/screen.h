/*
 * A screen of text as it is being written: lines that end at its right edge, and no more of them than it has rows.
 *
 * Text is made clean (clean.h) and cut by characters of UTF-8, each taken to be one column wide. Errors are the
 * stream's.
 */
#ifndef STINGY_SCREEN_H
#define STINGY_SCREEN_H

#include <stdio.h>

enum stingy_screen_style {
	STINGY_SCREEN_PLAIN = 0,
	STINGY_SCREEN_BOLD,
	STINGY_SCREEN_FAINT,
	STINGY_SCREEN_REVERSE,
	STINGY_SCREEN_GREEN,
	STINGY_SCREEN_YELLOW,
	STINGY_SCREEN_RED,
};

struct stingy_screen {
	FILE *out;
	int rows, columns;
	int row, column; /* where the next character goes */
};

void stingy_screen_init(struct stingy_screen *screen, FILE *out, int rows, int columns);

/* Rows that are free, the one that is being written included. */
int stingy_screen_left(const struct stingy_screen *screen);

/* Goes on with the line. */
__attribute__((format(printf, 3, 4))) void stingy_screen_text(struct stingy_screen *screen,
							      enum stingy_screen_style style, const char *format, ...);

/* Blanks up to the column, if it is not reached yet. */
void stingy_screen_column(struct stingy_screen *screen, int column);

/* Ends the line; what was on the screen to its right is cleared. */
void stingy_screen_line(struct stingy_screen *screen);

/* Clears the rows that were not written. */
void stingy_screen_end(struct stingy_screen *screen);

#endif
