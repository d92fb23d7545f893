#define _GNU_SOURCE
#include "unwind.h"

#include "../shim/next.h"
#include "../shim/say.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <libunwind-x86_64.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY    "libunwind-x86_64.so.8"
#define PIPE_LEAST 200 /* descriptors below it are the program's habit */

/* libunwind's search of an index, exported for debuggers and profilers but in none of its headers. */
typedef int search_table_fn(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table, unw_proc_info_t *info,
			    int need_info, void *data);

static struct {
	__typeof__(&unw_create_addr_space) create_addr_space;
	__typeof__(&unw_set_caching_policy) set_caching_policy;
	__typeof__(&unw_init_remote) init_remote;
	__typeof__(&unw_step) step;
	__typeof__(&unw_get_reg) get_reg;
	search_table_fn *search_table;
} lib;

static unw_addr_space_t space; /* NULL: libunwind is not there */

/*
 * The made-up machine: registers point into ranges that no real address is in, far from each other, and a word of
 * memory in them holds its own address, marked. So a computed value tells what it was computed from.
 */
#define FAKE        (UINT64_C(1) << 52) /* at and above: made up */
#define FAKE_SP     (UINT64_C(1) << 53)
#define FAKE_BP     (UINT64_C(1) << 54)
#define FAKE_OTHER  (UINT64_C(1) << 55)
#define FAKE_WORD   (UINT64_C(1) << 60) /* the mark of a word read from made-up memory */
#define FRAME_LIMIT (INT64_C(1) << 30)  /* bytes: no frame is larger */

/* What libunwind is told about the machine, real or made up. */
struct machine {
	uint64_t reg[UNW_TDEP_LAST_REG + 1];
	stingy_unwind_find *find;
	void *data;
	uint64_t function; /* found by the last look-up; 0: it found nothing */
	uint64_t end;      /* of that function */
	bool is_lost;      /* it found nothing, and libunwind would go on by guesses: it shall read nothing for them */
};

/* eh_frame_hdr, as the linkers write it: a version, three encodings, then two words and the sorted table. */
struct eh_frame_hdr {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	int32_t table[];
};

#define EH_VERSION        1
#define EH_UDATA4         0x03
#define EH_PCREL_SDATA4   0x1b
#define EH_DATAREL_SDATA4 0x3b

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *info, int need_info, void *data)
{
	struct machine *machine = data;
	struct stingy_unwind_tables tables;
	machine->function = 0;
	machine->is_lost = true;
	if (!machine->find(ip, &tables, machine->data) || tables.eh_frame_hdr == 0)
		return -UNW_ENOINFO;
	const struct eh_frame_hdr *hdr = (const struct eh_frame_hdr *)tables.eh_frame_hdr;
	if (hdr->version != EH_VERSION || hdr->frame_encoding != EH_PCREL_SDATA4 || hdr->count_encoding != EH_UDATA4 ||
	    hdr->table_encoding != EH_DATAREL_SDATA4)
		return -UNW_ENOINFO;
	unw_dyn_info_t table = {.start_ip = tables.low, .end_ip = tables.high, .format = UNW_INFO_FORMAT_REMOTE_TABLE};
	machine->is_lost = false;
	table.u.rti.segbase = tables.eh_frame_hdr;
	table.u.rti.table_data = (unw_word_t)hdr->table;
	table.u.rti.table_len = (unw_word_t)hdr->count * 2 * sizeof(int32_t) / sizeof(unw_word_t);
	int result = lib.search_table(as, ip, &table, info, need_info, data);
	if (result >= 0) {
		machine->function = info->start_ip;
		machine->end = info->end_ip;
	} else {
		machine->is_lost = true;
	}
	return result;
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info, void *data)
{
	(void)as;
	(void)info;
	(void)data;
}

static int get_dyn_info_list_addr(unw_addr_space_t as, unw_word_t *list, void *data)
{
	(void)as;
	(void)list;
	(void)data;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write, void *data)
{
	(void)as;
	const struct machine *machine = data;
	if (write || machine->is_lost)
		return -UNW_EINVAL;
	if (address >= FAKE)
		*value = address | FAKE_WORD;
	else
		memcpy(value, (const void *)address, sizeof(*value));
	return 0;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value, int write, void *data)
{
	(void)as;
	const struct machine *machine = data;
	if (write || reg < 0 || reg > UNW_TDEP_LAST_REG)
		return -UNW_EBADREG;
	*value = machine->reg[reg];
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write, void *data)
{
	(void)as;
	(void)reg;
	(void)value;
	(void)write;
	(void)data;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t as, unw_cursor_t *cursor, void *data)
{
	(void)as;
	(void)cursor;
	(void)data;
	return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t as, unw_word_t ip, char *buf, size_t size, unw_word_t *offset, void *data)
{
	(void)as;
	(void)ip;
	(void)buf;
	(void)size;
	(void)offset;
	(void)data;
	return -UNW_ENOINFO;
}

static bool open_one(void *library, const char *name, void *slot)
{
	void *found = dlsym(library, name);
	memcpy(slot, &found, sizeof(found));
	return found != NULL;
}

#define QUOTE(name)  #name
#define SYMBOL(name) QUOTE(name)
#define OPEN(name)   open_one(library, SYMBOL(unw_##name), &lib.name)

/*
 * libunwind opens a pipe when it starts, for checks of memory that we do not use. It must not take the numbers that the
 * program's own descriptors would have, the standard ones least of all: it is given two far up.
 */
static bool is_starting;

__attribute__((visibility("default"))) int pipe2(int fds[2], int flags);

int pipe2(int fds[2], int flags)
{
	static int (*next)(int *, int);
	if (!next && stingy_next_find(&next, "pipe2") < 0)
		return -1;
	int result = next(fds, flags);
	for (int i = 0; is_starting && result == 0 && i < 2; i++) {
		int high = fcntl(fds[i], F_DUPFD_CLOEXEC, PIPE_LEAST);
		if (high < 0)
			continue;
		close(fds[i]);
		fds[i] = high;
	}
	return result;
}

static int start(void)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
		.get_proc_name = get_proc_name,
	};
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library || !OPEN(create_addr_space) || !OPEN(set_caching_policy) || !OPEN(init_remote) || !OPEN(step) ||
	    !OPEN(get_reg) || !open_one(library, SYMBOL(UNW_OBJ(dwarf_search_unwind_table)), &lib.search_table)) {
		stingy_say("cannot use " LIBRARY ": call chains are one address deep");
		return -1;
	}
	space = lib.create_addr_space(&accessors, 0);
	if (!space) {
		stingy_say(LIBRARY " does not start: call chains are one address deep");
		return -1;
	}
	lib.set_caching_policy(space, UNW_CACHE_NONE); /* it would keep what dlclose removes; we keep the rules */
	return 0;
}

int stingy_unwind_init(void)
{
	is_starting = true;
	int result = start();
	is_starting = false;
	return result;
}

static bool find_given(uintptr_t address, struct stingy_unwind_tables *tables, void *data)
{
	*tables = *(const struct stingy_unwind_tables *)data;
	return address >= tables->low && address < tables->high;
}

static struct stingy_rule read_rule(unw_cursor_t *cursor)
{
	const struct stingy_rule none = {.base = STINGY_RULE_NONE};
	unw_word_t cfa, ra, bp;
	if (lib.get_reg(cursor, UNW_TDEP_SP, &cfa) < 0 || lib.get_reg(cursor, UNW_TDEP_IP, &ra) < 0 ||
	    lib.get_reg(cursor, UNW_TDEP_BP, &bp) < 0 || ra != ((cfa - sizeof(ra)) | FAKE_WORD))
		return none;
	struct stingy_rule rule = {.base = cfa >= FAKE_BP ? STINGY_RULE_BP : STINGY_RULE_SP};
	int64_t offset = (int64_t)(cfa - (rule.base == STINGY_RULE_BP ? FAKE_BP : FAKE_SP));
	if (offset <= 0 || offset >= FRAME_LIMIT)
		return none;
	rule.cfa = (int32_t)offset;
	if (bp != FAKE_BP) { /* it was loaded: from where? */
		int64_t at = (int64_t)((bp & ~FAKE_WORD) - cfa);
		if (!(bp & FAKE_WORD) || at >= 0 || at < INT16_MIN)
			return none;
		rule.bp = (int16_t)at;
	}
	return stingy_rule_is_valid(&rule) ? rule : none;
}

struct stingy_unwind_answer stingy_unwind_learn(uintptr_t ra, const struct stingy_unwind_tables *tables)
{
	struct stingy_unwind_answer answer = {.rule = {.base = STINGY_RULE_NONE}};
	struct stingy_unwind_tables given = *tables;
	struct machine machine = {.find = find_given, .data = &given};
	unw_cursor_t cursor;
	if (!space)
		return answer;
	for (int i = 0; i <= UNW_TDEP_LAST_REG; i++)
		machine.reg[i] = FAKE_OTHER * 2 + ((uint64_t)i << 40);
	machine.reg[UNW_TDEP_SP] = FAKE_SP;
	machine.reg[UNW_TDEP_BP] = FAKE_BP;
	machine.reg[UNW_TDEP_IP] = ra - 1; /* the call: what follows it may be another function */
	if (lib.init_remote(&cursor, space, &machine) < 0)
		return answer;
	int more = lib.step(&cursor);
	answer.function = machine.function;
	answer.end = machine.end;
	if (machine.function == 0) /* libunwind guesses then; we do not */
		return answer;
	if (more == 0)
		answer.rule.base = STINGY_RULE_END;
	else if (more > 0)
		answer.rule = read_rule(&cursor);
	return answer;
}

size_t stingy_unwind_walk(uintptr_t first, uintptr_t *chain, size_t max, bool *ended, stingy_unwind_find *find,
			  void *data)
{
	struct machine machine = {.find = find, .data = data};
	uint64_t *reg = machine.reg;
	unw_cursor_t cursor;
	size_t n = 0;
	int more;
	*ended = false;
	/* The registers that a callee saves are all that unwinding needs. */
	__asm__ volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%rsp, %2\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, %3"
			 : "=m"(reg[UNW_X86_64_RBX]), "=m"(reg[UNW_X86_64_RBP]), "=m"(reg[UNW_X86_64_RSP]),
			   "=m"(reg[UNW_X86_64_RIP])
			 :
			 : "rax");
	__asm__ volatile("movq %%r12, %0\n\tmovq %%r13, %1\n\tmovq %%r14, %2\n\tmovq %%r15, %3"
			 : "=m"(reg[UNW_X86_64_R12]), "=m"(reg[UNW_X86_64_R13]), "=m"(reg[UNW_X86_64_R14]),
			   "=m"(reg[UNW_X86_64_R15]));
	if (!space || lib.init_remote(&cursor, space, &machine) < 0)
		return 0;
	while (n < max && (more = lib.step(&cursor)) >= 0) {
		unw_word_t ip = 0;
		if (more == 0 || lib.get_reg(&cursor, UNW_TDEP_IP, &ip) < 0 || ip == 0) {
			*ended = more == 0;
			break;
		}
		if (n > 0 || ip == first)
			chain[n++] = ip;
	}
	return n;
}
