#define _GNU_SOURCE
#include "interface-file.h"

#include "../shim/file.h"
#include "../shim/map.h"
#include "../shim/say.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The function as it is written: what the first two words of its line end with. */
static void copy_function(struct stingy_declared_line *line)
{
	const struct stingy_declaration *declaration = &line->declaration;
	const char *at = declaration->module.len ? declaration->module.at : declaration->name.at;
	const char *end = declaration->text.at + declaration->text.len;
	size_t len = 0;
	while (at + len < end && at[len] != ' ' && at[len] != '\t')
		len++;
	snprintf(line->function, sizeof(line->function), "%.*s", (int)len, at);
	stingy_text_decode(declaration->name, line->name, sizeof(line->name));
}

static void read_lines(struct stingy_interface_files *files, struct stingy_declared_file *file,
		       const struct stingy_file *content)
{
	struct stingy_interface_reader reader;
	unsigned before = files->n_lines;
	int result = 0;
	stingy_interface_reader_init(&reader, content->text, content->size);
	while (files->n_lines < STINGY_INTERFACE_MAX) {
		struct stingy_declared_line *line = &files->line[files->n_lines];
		result = stingy_interface_next(&reader, &line->declaration);
		if (result <= 0)
			break;
		line->file = file;
		line->number = reader.line;
		copy_function(line);
		files->n_lines++;
	}
	if (result == 0)
		return;
	stingy_say("%s:%u: %s", file->path, reader.line, result < 0 ? reader.error : "more declarations than 512");
	files->n_lines = before;
}

static void read_file(struct stingy_interface_files *files, const char *path)
{
	struct stingy_declared_file *file = &files->file[files->n_files];
	struct stingy_file content;
	char why[128];
	snprintf(file->path, sizeof(file->path), "%.*s", (int)sizeof(file->path) - 1, path);
	if (stingy_file_read(&content, path, why, sizeof(why)) < 0) {
		stingy_say("interface file '%s' is not used: %s", path, why);
		return;
	}
	files->n_files++;
	read_lines(files, file, &content);
}

void stingy_interface_files_read(struct stingy_interface_files *files, const char *paths)
{
	char path[PATH_MAX];
	files->line = stingy_map(STINGY_INTERFACE_MAX * sizeof(*files->line));
	while (files->line && *paths && files->n_files < STINGY_INTERFACE_FILES_MAX) {
		size_t len = strcspn(paths, ":");
		if (len > 0 && len < sizeof(path)) {
			memcpy(path, paths, len);
			path[len] = '\0';
			read_file(files, path);
		}
		paths += len + (paths[len] == ':');
	}
}
