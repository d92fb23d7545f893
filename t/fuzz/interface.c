/*
 * The interface file's reader: every declaration is within its bounds, and says the same when it is read by itself, as
 * from a trace; what is refused has a line and a reason.
 */
#include "../../profiler/interface.h"
#include "fuzz.h"

#include <string.h>

static void check_text(const char *text, size_t size, struct stingy_text part)
{
	if (part.len)
		must(part.at >= text && part.len <= size && part.at + part.len <= text + size);
}

static void check_role(const struct stingy_role *role)
{
	must(role->what == 'T' || role->what == 'S' || role->what == 'H');
	must(role->argument <= STINGY_ARGUMENTS_MAX);
	must(role->is_inside || role->offset == 0);
}

static bool same_text(struct stingy_text a, struct stingy_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* In a copy that ends with the byte behind the line. */
static void check_alone(const struct stingy_declaration *declaration)
{
	struct stingy_declaration alone;
	size_t len = declaration->text.len;
	char *line = malloc(len + 1);

	must(line);
	memcpy(line, declaration->text.at, len);
	line[len] = '\0';
	must(!stingy_declaration_read(&alone, (struct stingy_text){line, len}));
	must(alone.type == declaration->type && alone.n_roles == declaration->n_roles);
	must(alone.offset == declaration->offset && same_text(alone.name, declaration->name));
	must(same_text(alone.module, declaration->module) && same_text(alone.text, declaration->text));
	must(alone.bytes == declaration->bytes && alone.instances == declaration->instances);
	free(line);
}

static void check_declaration(const char *text, size_t size, const struct stingy_declaration *declaration)
{
	must(declaration->type < STINGY_DECLARATIONS);
	check_text(text, size, declaration->text);
	check_text(text, size, declaration->module);
	check_text(text, size, declaration->name);
	must(declaration->text.len && !memchr(declaration->text.at, '\n', declaration->text.len));
	must(declaration->n_roles <= STINGY_ROLES_MAX);
	for (unsigned i = 0; i < declaration->n_roles; i++)
		check_role(&declaration->role[i]);
	must(declaration->object <= STINGY_ARGUMENTS_MAX && declaration->size <= STINGY_ARGUMENTS_MAX &&
	     declaration->count <= STINGY_ARGUMENTS_MAX);
	stingy_declaration_is_in(declaration, "/usr/lib/libmade.so", false);
	check_alone(declaration);
}

void fuzz_interface(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct stingy_interface_reader reader;
	struct stingy_declaration declaration;
	const char *error;
	unsigned lines = size && text[size - 1] != '\n', n = 0;
	int more;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	stingy_interface_reader_init(&reader, text, size);
	while ((more = stingy_interface_next(&reader, &declaration)) == 1) {
		check_declaration(text, size, &declaration);
		n++;
	}
	error = reader.error;
	must(n <= lines && reader.line <= lines + 1);
	must(more == (error ? -1 : 0) && stingy_interface_next(&reader, &declaration) == more && reader.error == error);
}
