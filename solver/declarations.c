#include "declarations.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256u

void stingy_declarations_fini(struct stingy_declarations *declarations)
{
	for (uint32_t i = 0; i < declarations->n; i++)
		free((char *)declarations->at[i].text.at);
	free(declarations->at);
	memset(declarations, 0, sizeof(*declarations));
}

static bool has(const struct stingy_declarations *declarations, struct stingy_text line)
{
	for (uint32_t i = 0; i < declarations->n; i++)
		if (declarations->at[i].text.len == line.len &&
		    memcmp(declarations->at[i].text.at, line.at, line.len) == 0)
			return true;
	return false;
}

void stingy_declarations_add(struct stingy_declarations *declarations, struct stingy_text line)
{
	char *text = stingy_memory_text(line.at, line.len);
	struct stingy_declaration declaration;

	if (stingy_declaration_read(&declaration, (struct stingy_text){text, strlen(text)}) ||
	    stingy_declaration_is_watched(&declaration) || declaration.text.at != text ||
	    has(declarations, declaration.text)) {
		free(text);
		return;
	}
	STINGY_GROW(declarations->at, &declarations->room, (size_t)declarations->n + 1);
	declarations->at[declarations->n++] = declaration;
}

static bool is_of(const struct stingy_declaration *declaration, const struct stingy_places *places,
		  const struct stingy_place *place, uint32_t program)
{
	char name[NAME_SIZE];

	if (place->module == STINGY_NO_MODULE ||
	    !stingy_declaration_is_in(declaration, places->module[place->module].path, place->module == program))
		return false;
	if (!declaration->name.len)
		return place->function && place->function == declaration->offset;
	return place->name && strcmp(stingy_text_decode(declaration->name, name, sizeof(name)), place->name) == 0;
}

bool stingy_declarations_is_seen(const struct stingy_declaration *declaration, const struct stingy_places *places,
				 uint32_t program)
{
	for (uint32_t i = 0; i < places->n_places; i++)
		if (is_of(declaration, places, &places->place[i], program))
			return true;
	return false;
}

static unsigned mark_of(enum stingy_declaration_type type)
{
	switch (type) {
	case STINGY_DECLARE_SCHEDULER:
		return STINGY_PLACE_SCHEDULER;
	case STINGY_DECLARE_WRAPPER:
		return STINGY_PLACE_WRAPPER;
	case STINGY_DECLARE_STAGE:
		return STINGY_PLACE_STAGE;
	case STINGY_DECLARE_LEAVE_OUT:
		return STINGY_PLACE_LEFT_OUT;
	default:
		return 0;
	}
}

void stingy_declarations_mark(const struct stingy_declarations *declarations, struct stingy_places *places,
			      uint32_t program)
{
	for (uint32_t i = 0; i < places->n_places; i++)
		for (uint32_t j = 0; j < declarations->n; j++)
			if (is_of(&declarations->at[j], places, &places->place[i], program))
				places->place[i].declared |= mark_of(declarations->at[j].type);
}

void stingy_declarations_estimate(const struct stingy_declarations *declarations, const struct stingy_places *places,
				  uint32_t place, uint32_t program, uint64_t *bytes, uint32_t *instances)
{
	for (uint32_t i = 0; i < declarations->n; i++) {
		const struct stingy_declaration *declaration = &declarations->at[i];

		if (declaration->type != STINGY_DECLARE_ESTIMATE ||
		    !is_of(declaration, places, &places->place[place], program))
			continue;
		if (declaration->bytes > *bytes)
			*bytes = declaration->bytes;
		if (declaration->instances > *instances)
			*instances = declaration->instances;
	}
}

bool stingy_declarations_leave_out(const struct stingy_places *places, const struct stingy_chain *chain)
{
	for (uint32_t i = 0; i < chain->depth; i++)
		if (places->place[chain->place[i]].declared & STINGY_PLACE_LEFT_OUT)
			return true;
	return false;
}

void stingy_declarations_heed(const struct stingy_places *places, const struct stingy_chain *chain, uint32_t *frame,
			      uint32_t *stage)
{
	uint32_t scheduler = 1;

	while (scheduler < chain->depth && !(places->place[chain->place[scheduler]].declared & STINGY_PLACE_SCHEDULER))
		scheduler++;
	if (scheduler < chain->depth)
		*frame = scheduler - 1;
	if (*frame == STINGY_NO_FRAME)
		return;
	for (uint32_t i = *frame + 1; i-- > 0;) {
		if (!(places->place[chain->place[i]].declared & STINGY_PLACE_STAGE))
			continue;
		*stage = chain->place[i];
		*frame = STINGY_NO_FRAME;
		return;
	}
}

uint32_t stingy_declarations_unwrap(const struct stingy_places *places, const struct stingy_chain *chain,
				    uint32_t frame)
{
	while (frame > 0 && places->place[chain->place[frame]].declared & STINGY_PLACE_WRAPPER)
		frame--;
	return frame;
}
