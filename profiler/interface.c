#include "interface.h"

#include "../manifests/words.h"

#define OFFSET_MAX (1u << 16) /* bytes: how far into a structure a word may lie */

/* Reads the next word as the role, or roles, of an argument. */
static const char *read_roles(struct stingy_declaration *declaration, struct stingy_words *words, unsigned argument)
{
	if (stingy_words_skip_word(words, "X"))
		return NULL;
	do {
		struct stingy_role role = {.argument = (uint8_t)argument};

		if (words->at == words->end || !memchr("TSH", *words->at, 3))
			return "role that is not X, T, S or H";
		if (declaration->n_roles == STINGY_ROLES_MAX)
			return "too many roles";
		role.what = *words->at++;
		if (stingy_words_skip(words, "[")) {
			uint64_t offset = 0;
			const char *error = stingy_words_number(words, 10, OFFSET_MAX, &offset);

			if (error)
				return error;
			if (!stingy_words_skip(words, "]"))
				return "']' missing";
			role.is_inside = true;
			role.offset = (uint32_t)offset;
		}
		declaration->role[declaration->n_roles++] = role;
	} while (stingy_words_skip(words, ","));
	return stingy_words_is_apart(words) ? NULL : "malformed role";
}

static unsigned count_roles(const struct stingy_declaration *declaration, char what)
{
	unsigned n = 0;

	for (unsigned i = 0; i < declaration->n_roles; i++)
		n += declaration->role[i].what == what;
	return n;
}

/* The roles of a queue function; of one that assigns, too, whose handle may be what it returns. */
static const char *read_arguments(struct stingy_declaration *declaration, struct stingy_words *words)
{
	bool assigns = declaration->type == STINGY_DECLARE_ASSIGN;
	const char *error;

	for (unsigned argument = 0; stingy_words_more(words); argument++) {
		if (assigns && stingy_words_skip_word(words, "returns=H")) {
			if (stingy_words_more(words))
				return "something follows 'returns=H'";
			if (declaration->n_roles == STINGY_ROLES_MAX)
				return "too many roles";
			declaration->role[declaration->n_roles++] =
				(struct stingy_role){.what = 'H', .argument = STINGY_ARGUMENTS_MAX};
			break;
		}
		if (argument == STINGY_ARGUMENTS_MAX)
			return "more than 6 arguments";
		if ((error = read_roles(declaration, words, argument)))
			return error;
	}
	if (count_roles(declaration, 'T') > 1)
		return "more than one task";
	if (count_roles(declaration, 'H') > 1)
		return "more than one handle";
	if (assigns && !count_roles(declaration, 'H'))
		return "no handle";
	if (assigns && count_roles(declaration, 'S') > 1)
		return "more than one stage";
	if (!count_roles(declaration, 'S') && (assigns || !count_roles(declaration, 'H')))
		return "no stage";
	return NULL;
}

/* The number of an argument, from 1, where the field is there. */
static const char *argument_of(struct stingy_text field, uint8_t *argument)
{
	uint32_t number = 0;
	const char *error;

	if (!field.at)
		return NULL;
	if ((error = stingy_text_u32(field, &number)))
		return error;
	if (number < 1 || number > STINGY_ARGUMENTS_MAX)
		return "argument that is not 1 to 6";
	*argument = (uint8_t)number;
	return NULL;
}

static const char *read_malloc(struct stingy_declaration *declaration, struct stingy_words *words)
{
	static const char *const keys[] = {"size", "count"};
	struct stingy_text value[2];
	const char *error = stingy_words_fields(words, keys, 2, 1, value);

	if (!error)
		error = argument_of(value[0], &declaration->size);
	return error ? error : argument_of(value[1], &declaration->count);
}

static const char *read_free(struct stingy_declaration *declaration, struct stingy_words *words)
{
	static const char *const keys[] = {"object"};
	struct stingy_text value[1];
	const char *error = stingy_words_fields(words, keys, 1, 1, value);

	return error ? error : argument_of(value[0], &declaration->object);
}

static const char *read_estimate(struct stingy_declaration *declaration, struct stingy_words *words)
{
	static const char *const keys[] = {"size", "count"};
	struct stingy_text value[2];
	const char *error = stingy_words_fields(words, keys, 2, 0, value);

	if (!error && value[0].at)
		error = stingy_text_u64(value[0], &declaration->bytes);
	if (!error && value[1].at)
		error = stingy_text_u32(value[1], &declaration->instances);
	if (error)
		return error;
	if ((value[0].at && !declaration->bytes) || (value[1].at && !declaration->instances))
		return "estimate of 0";
	return value[0].at || value[1].at ? NULL : "field missing";
}

static const char *read_nothing(struct stingy_declaration *declaration, struct stingy_words *words)
{
	(void)declaration;
	return stingy_words_more(words) ? "something follows the function" : NULL;
}

static const struct {
	const char *keyword;
	const char *(*read)(struct stingy_declaration *declaration, struct stingy_words *words);
} types[STINGY_DECLARATIONS] = {
	[STINGY_DECLARE_QUEUE] = {"queue", read_arguments},
	[STINGY_DECLARE_ASSIGN] = {"assign", read_arguments},
	[STINGY_DECLARE_MALLOC] = {"malloc", read_malloc},
	[STINGY_DECLARE_FREE] = {"free", read_free},
	[STINGY_DECLARE_SCHEDULER] = {"scheduler", read_nothing},
	[STINGY_DECLARE_WRAPPER] = {"wrapper", read_nothing},
	[STINGY_DECLARE_STAGE] = {"stage", read_nothing},
	[STINGY_DECLARE_LEAVE_OUT] = {"leave-out", read_nothing},
	[STINGY_DECLARE_ESTIMATE] = {"estimate", read_estimate},
};

/* NAME, MODULE:NAME or MODULE+0xOFFSET. */
static const char *read_function(struct stingy_declaration *declaration, struct stingy_words *words)
{
	struct stingy_text word = stingy_words_take(words);
	const char *error = stingy_text_check(word);
	const char *colon = memchr(word.at, ':', word.len), *mark = colon;

	if (word.len == 0)
		return "function missing";
	if (error)
		return error;
	for (size_t i = 0; !colon && i + 2 < word.len; i++)
		if (memcmp(word.at + i, "+0x", 3) == 0)
			mark = word.at + i;
	if (!mark) {
		declaration->name = word;
		return NULL;
	}
	declaration->module = (struct stingy_text){word.at, (size_t)(mark - word.at)};
	if (declaration->module.len == 0)
		return "module missing";
	if (!colon) {
		struct stingy_words digits = {.at = mark + 3, .end = word.at + word.len, .whole = true};

		error = stingy_words_number(&digits, 16, INT64_MAX, &declaration->offset);
		return error || digits.at == digits.end ? error : "malformed number";
	}
	declaration->name = (struct stingy_text){colon + 1, (size_t)(word.at + word.len - colon - 1)};
	return declaration->name.len ? NULL : "function missing";
}

static const char *read_line(struct stingy_declaration *declaration, struct stingy_words *words)
{
	const char *start = words->at;
	unsigned type = 0;
	const char *error;

	*declaration = (struct stingy_declaration){.type = STINGY_DECLARE_QUEUE};
	while (type < STINGY_DECLARATIONS && !stingy_words_skip_word(words, types[type].keyword))
		type++;
	if (type == STINGY_DECLARATIONS)
		return "unknown keyword";
	declaration->type = (enum stingy_declaration_type)type;
	stingy_words_more(words);
	if ((error = read_function(declaration, words)) || (error = types[type].read(declaration, words)))
		return error;
	declaration->text = (struct stingy_text){start, (size_t)(words->at - start)};
	while (declaration->text.len && stingy_words_is_blank(start[declaration->text.len - 1]))
		declaration->text.len--;
	return NULL;
}

static const char *read_start(struct stingy_words *words)
{
	uint32_t version;
	const char *error;

	if (!stingy_words_skip_word(words, "stingy-interface"))
		return "not an interface file";
	stingy_words_more(words);
	if ((error = stingy_words_last_u32(words, &version)))
		return error;
	if (version != STINGY_INTERFACE_VERSION)
		return "version of the format that this program does not know";
	return stingy_words_more(words) ? "something follows the version" : NULL;
}

void stingy_interface_reader_init(struct stingy_interface_reader *reader, const char *text, size_t len)
{
	*reader = (struct stingy_interface_reader){.next = text, .end = text + len};
}

int stingy_interface_next(struct stingy_interface_reader *reader, struct stingy_declaration *declaration)
{
	struct stingy_words words;

	while (!reader->error) {
		if (!stingy_words_next_line(&words, &reader->next, reader->end, &reader->line)) {
			if (!reader->has_begun) {
				reader->line++;
				reader->error = "not an interface file";
			}
			break;
		}
		if (!words.whole) {
			reader->error = "last line is not ended by a line feed";
			break;
		}
		if (!reader->has_begun) {
			reader->has_begun = true;
			reader->error = read_start(&words);
			continue;
		}
		reader->error = read_line(declaration, &words);
		return reader->error ? -1 : 1;
	}
	return reader->error ? -1 : 0;
}

const char *stingy_declaration_read(struct stingy_declaration *declaration, struct stingy_text line)
{
	struct stingy_words words = {.at = line.at, .end = line.at + line.len, .whole = true};

	return stingy_words_more(&words) ? read_line(declaration, &words) : "unknown keyword";
}

bool stingy_declaration_is_in(const struct stingy_declaration *declaration, const char *path, bool is_program)
{
	const char *slash = strrchr(path, '/');
	char module[256];

	if (declaration->module.len == 0)
		return true;
	stingy_text_decode(declaration->module, module, sizeof(module));
	return strcmp(module, slash ? slash + 1 : path) == 0 || (is_program && strcmp(module, "program") == 0);
}
