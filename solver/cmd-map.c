/*
 * stingy map: a picture of the arena that a manifest lays out, as text or as SVG.
 */
#include "commands.h"
#include "manifest-file.h"
#include "map.h"
#include "output.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_COLUMNS 80u

static const char help[] = "usage: stingy map [OPTION]... MANIFEST\n\n"
			   "Draws the arena that MANIFEST lays out over the ways of the cache: stack, regions and what "
			   "they hold, what is\n"
			   "free, the high slab.\n\n"
			   "  -f, --format text|svg  default: text\n"
			   "  -o, --output FILE      where the picture goes; '-', the default, is stdout\n"
			   "  -h, --help             print this and exit\n";

struct command {
	bool svg;
	const char *output; /* NULL: stdout */
};

/* Of the terminal, if a terminal it is. */
static unsigned columns_of(const struct command *command)
{
	struct winsize size;

	if (!command->output && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return USUAL_COLUMNS;
}

/* Draws into memory, so that a file is written whole or not at all. Returns the text, or NULL with errno. */
static char *draw(const struct command *command, const struct stingy_map *map, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool failed;

	if (!out)
		return NULL;
	if (command->svg) {
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
		stingy_map_svg(map, out);
	} else {
		stingy_map_text(map, columns_of(command), out);
	}
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return text;
	free(text);
	return NULL;
}

static int run(const struct command *command, const char *path)
{
	struct stingy_mapped_file file;
	struct stingy_map map;
	size_t size = 0;
	int result = -1;
	char *text;

	if (stingy_manifest_file_init(&file, path) < 0)
		return STINGY_EXIT_BAD_INPUT;
	stingy_map_init(&map, file.data, file.size);
	text = draw(command, &map, &size);
	if (text)
		result = stingy_output_put(command->output, text, size);
	else
		fprintf(stderr, "stingy: cannot draw: %s\n", strerror(errno));
	free(text);
	stingy_map_fini(&map);
	stingy_mapped_file_fini(&file);
	return result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
}

static int take_format(struct command *command, const char *format)
{
	command->svg = strcmp(format, "svg") == 0;
	if (command->svg || strcmp(format, "text") == 0)
		return 0;
	fprintf(stderr, "stingy: --format '%s': is neither text nor svg\n", format);
	return -1;
}

int stingy_cmd_map(int argc, char **argv)
{
	static const struct option options[] = {
		{"format", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct command command = {.svg = false};
	int option;

	while ((option = getopt_long(argc, argv, "f:o:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (option == '?' || (option == 'f' && take_format(&command, optarg) < 0))
			return STINGY_EXIT_BAD_INPUT;
		if (option == 'o')
			command.output = strcmp(optarg, "-") == 0 ? NULL : optarg;
	}
	if (optind + 1 == argc)
		return run(&command, argv[optind]);
	fputs(optind == argc ? "stingy: map of which manifest? (see 'stingy map --help')\n"
			     : "stingy: map takes one manifest (see 'stingy map --help')\n",
	      stderr);
	return STINGY_EXIT_BAD_INPUT;
}
