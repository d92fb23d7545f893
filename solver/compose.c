#include "compose.h"

#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *write_text(const struct stingy_solve *solve, size_t *size)
{
	struct stingy_writer_source source = {.from = &solve->source, .model = &solve->model};
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool failed;

	if (!out)
		return NULL;
	source.plan = &solve->plan;
	source.cache = &solve->cache;
	source.schedule = &solve->schedule;
	source.program = solve->program;
	source.n_traces = solve->n_used;
	source.served = solve->served;
	source.nothing = solve->nothing;
	stingy_writer_write(&source, out);
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return text;
	free(text);
	return NULL;
}

int stingy_compose_check(const char *text, size_t size)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	int more;

	stingy_manifest_reader_init(&reader, text, size);
	while ((more = stingy_manifest_next(&reader, &record)) == 1)
		;
	if (more < 0)
		fprintf(stderr, "stingy: the manifest came out wrong, line %u: %s\n", reader.line, reader.error);
	return more;
}

char *stingy_compose(const struct stingy_solve *solve, size_t *size)
{
	char *text = write_text(solve, size);

	if (!text)
		fprintf(stderr, "stingy: cannot make the manifest: %s\n", strerror(errno));
	else if (stingy_compose_check(text, *size) == 0)
		return text;
	free(text);
	return NULL;
}
