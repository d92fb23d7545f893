#define _GNU_SOURCE
#include "calls.h"

struct stingy_calls stingy_calls;

#define FIND(name) stingy_next_find(&stingy_calls.name, #name);
void stingy_calls_init(void)
{
	STINGY_FOR_EACH_CALL(FIND)
}
