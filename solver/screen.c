#include "screen.h"

#include "clean.h"

#include <stdarg.h>
#include <stdbool.h>

#define TEXT_SIZE 1024 /* bytes of one text; longer ones are cut, as no screen is as wide */

static const char *const sequences[] = {
	[STINGY_SCREEN_PLAIN] = "",          [STINGY_SCREEN_BOLD] = "\033[1m",   [STINGY_SCREEN_FAINT] = "\033[2m",
	[STINGY_SCREEN_REVERSE] = "\033[7m", [STINGY_SCREEN_GREEN] = "\033[32m", [STINGY_SCREEN_YELLOW] = "\033[33m",
	[STINGY_SCREEN_RED] = "\033[31m",
};

void stingy_screen_init(struct stingy_screen *screen, FILE *out, int rows, int columns)
{
	*screen = (struct stingy_screen){.out = out, .rows = rows, .columns = columns};
}

int stingy_screen_left(const struct stingy_screen *screen)
{
	return screen->rows - screen->row;
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static void put(struct stingy_screen *screen, const char *text)
{
	for (; *text; text++) {
		if (!is_continuation(*text) && screen->column++ >= screen->columns)
			return;
		putc(*text, screen->out);
	}
}

void stingy_screen_text(struct stingy_screen *screen, enum stingy_screen_style style, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	if (stingy_screen_left(screen) <= 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fputs(sequences[style], screen->out);
	put(screen, stingy_clean(text));
	fputs(style == STINGY_SCREEN_PLAIN ? "" : "\033[0m", screen->out);
}

void stingy_screen_column(struct stingy_screen *screen, int column)
{
	while (screen->column < column && screen->column < screen->columns && stingy_screen_left(screen) > 0) {
		putc(' ', screen->out);
		screen->column++;
	}
}

/* Behind the last column a terminal would clear the last character, and behind the last row it would scroll. */
void stingy_screen_line(struct stingy_screen *screen)
{
	if (stingy_screen_left(screen) <= 0)
		return;
	if (screen->column < screen->columns)
		fputs("\033[K", screen->out);
	if (stingy_screen_left(screen) > 1)
		fputs("\r\n", screen->out);
	screen->row++;
	screen->column = 0;
}

void stingy_screen_end(struct stingy_screen *screen)
{
	if (stingy_screen_left(screen) > 0)
		fputs("\033[J", screen->out);
}
