#define _GNU_SOURCE
#include "declared.h"

#include "../shim/env.h"
#include "../shim/map.h"
#include "../shim/modules.h"
#include "../shim/say.h"
#include "events.h"
#include "gate.h"
#include "handles.h"
#include "interface-file.h"
#include "names.h"
#include "patch.h"
#include "record.h"
#include "slots.h"
#include "unwind.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/uio.h>
#include <unistd.h>

#define GATES_MAX 1024u

struct watched {
	const struct stingy_declaration *declaration; /* NULL: the gate is dlsym's */
	uintptr_t go_on;
	uintptr_t target; /* of a slot */
	uint8_t *gate;
};

static struct stingy_interface_files files;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of making gates */
static struct watched watched[GATES_MAX];
static unsigned n_watched;
static unsigned long long seen; /* modules loaded, ever, when their slots were looked at */
static bool by_slots;           /* some declaration is of a function called across modules */

/* The word that has the role in a call: a structure is read by the kernel, which only says no if it is not there. */
static bool read_role(const struct stingy_gate *gate, const struct stingy_role *role, uint64_t *value)
{
	const uint64_t arguments[STINGY_ARGUMENTS_MAX] = {gate->rdi, gate->rsi, gate->rdx,
							  gate->rcx, gate->r8,  gate->r9};
	uint64_t argument = role->argument < STINGY_ARGUMENTS_MAX ? arguments[role->argument] : gate->rax;
	*value = argument;
	if (!role->is_inside)
		return true;
	struct iovec here = {value, sizeof(*value)}, there = {(char *)argument + role->offset, sizeof(*value)};
	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)sizeof(*value);
}

static const struct stingy_role *find_role(const struct stingy_declaration *declaration, char what)
{
	for (unsigned i = 0; i < declaration->n_roles; i++)
		if (declaration->role[i].what == what)
			return &declaration->role[i];
	return NULL;
}

/* The handle of a call, with what is known of it. Returns whether there is one. */
static bool find_handle(const struct stingy_gate *gate, const struct stingy_declaration *declaration,
			struct stingy_handle *handle)
{
	const struct stingy_role *role = find_role(declaration, 'H');
	uint64_t address = 0;
	*handle = (struct stingy_handle){.address = 0};
	if (!role || !read_role(gate, role, &address) || address == 0)
		return false;
	*handle = (struct stingy_handle){.address = address, .task = address};
	if (stingy_record_enter()) {
		stingy_handles_get(handle);
		stingy_record_leave();
	}
	return true;
}

/* Every stage that the call names, or else the handle's, is queued; one that is no function is none. */
static void queue(const struct stingy_gate *gate, const struct stingy_declaration *declaration)
{
	struct stingy_handle handle;
	bool has_handle = find_handle(gate, declaration, &handle);
	const struct stingy_role *task = find_role(declaration, 'T');
	const struct stingy_frame at = stingy_gate_frame(gate);
	uint64_t stage;
	bool names_stage = false;
	if (task && !read_role(gate, task, &handle.task))
		handle.task = 0;
	for (unsigned i = 0; i < declaration->n_roles; i++) {
		if (declaration->role[i].what != 'S')
			continue;
		names_stage = true;
		if (read_role(gate, &declaration->role[i], &stage) && stage)
			stingy_events_queue(stage, handle.task, &at);
	}
	if (has_handle && !names_stage)
		stingy_events_queue(handle.stage, handle.task, &at);
}

static void remember(const struct stingy_handle *handle)
{
	static bool has_said;
	if (!stingy_record_enter())
		return;
	if (!stingy_handles_put(handle) && !__atomic_exchange_n(&has_said, true, __ATOMIC_RELAXED))
		stingy_say("more handles than can be remembered: stages queued by others are not known");
	stingy_record_leave();
}

/* The handle's address may be known only when the function has returned: then the rest is kept until there. */
static bool assign(struct stingy_gate *gate, const struct stingy_declaration *declaration)
{
	const struct stingy_role *role = find_role(declaration, 'H'), *task = find_role(declaration, 'T');
	struct stingy_handle handle = {.address = 0};
	uint64_t stage = 0;
	read_role(gate, find_role(declaration, 'S'), &stage);
	handle.stage = stage;
	bool has_task = task && read_role(gate, task, &handle.task);
	if (role->argument == STINGY_ARGUMENTS_MAX) {
		gate->note[0] = stage;
		gate->note[1] = handle.task;
		return true;
	}
	uint64_t address;
	if (read_role(gate, role, &address) && address) {
		handle.address = address;
		handle.task = has_task ? handle.task : address;
		remember(&handle);
	}
	return false;
}

static uint64_t argument(const struct stingy_gate *gate, unsigned number)
{
	uint64_t value = 0;
	read_role(gate, &(struct stingy_role){.argument = (uint8_t)(number - 1)}, &value);
	return value;
}

bool stingy_declared_enter(struct stingy_gate *gate)
{
	const struct watched *through = &watched[gate->index];
	const struct stingy_declaration *declaration = through->declaration;
	gate->go_on = through->go_on;
	if (!declaration) {
		stingy_declared_refresh();
		return false;
	}
	switch (declaration->type) {
	case STINGY_DECLARE_QUEUE:
		queue(gate, declaration);
		return false;
	case STINGY_DECLARE_ASSIGN:
		return assign(gate, declaration);
	case STINGY_DECLARE_MALLOC:
		gate->note[0] = argument(gate, declaration->size);
		if (declaration->count)
			gate->note[0] *= argument(gate, declaration->count);
		return true;
	default:
		if (argument(gate, declaration->object))
			stingy_record_free((void *)(argument(gate, declaration->object) | STINGY_TRACE_POOL));
		return false;
	}
}

void stingy_declared_leave(struct stingy_gate *gate)
{
	const struct stingy_declaration *declaration = watched[gate->index].declaration;
	const struct stingy_frame at = stingy_gate_frame(gate);
	if (gate->rax == 0)
		return;
	if (declaration->type == STINGY_DECLARE_MALLOC) {
		stingy_record_alloc((void *)(gate->rax | STINGY_TRACE_POOL), gate->note[0], 1, &at);
		return;
	}
	struct stingy_handle handle = {gate->rax, gate->note[0], gate->note[1]};
	if (!find_role(declaration, 'T'))
		handle.task = gate->rax;
	remember(&handle);
}

static void say_refused(const struct stingy_declared_line *line, const char *why)
{
	stingy_say("%s:%u: '%s' is not watched: %s", line->file->path, line->number, line->function, why);
}

/* --- functions whose entry is patched */

struct finding {
	struct stingy_declared_line *line;
	struct stingy_module module; /* in which it was found */
	int n_found;
	uintptr_t function;
};

static int look_in(const struct stingy_module *module, void *data)
{
	struct finding *finding = data;
	const struct stingy_declaration *declaration = &finding->line->declaration;
	uint64_t address = 0;
	if (declaration->module.len == 0 ? !module->is_program
					 : !stingy_declaration_is_in(declaration, module->path, module->is_program))
		return 0;
	if (declaration->name.len) {
		finding->n_found = stingy_name_find(module->path, finding->line->name, &address);
		finding->function = module->bias + address;
	} else {
		finding->function = stingy_module_address(module, declaration->offset);
		finding->n_found = finding->function != 0;
	}
	finding->module = *module;
	return finding->n_found != 0;
}

/* The function's extent, by the unwind tables. */
static const char *measure(const struct finding *finding, struct stingy_patch_target *target)
{
	const struct stingy_module *module = &finding->module;
	for (unsigned i = 0; i < module->n_segments; i++) {
		const struct stingy_segment *segment = &module->segment[i];
		if (finding->function < segment->low || finding->function >= segment->high)
			continue;
		struct stingy_unwind_tables tables = {module->eh_frame_hdr, segment->low, segment->high};
		struct stingy_unwind_answer answer = stingy_unwind_learn(finding->function + 1, &tables);
		if (answer.function == 0)
			return "no unwind tables tell where it ends";
		if (answer.function != finding->function)
			return "no function begins there";
		*target = (struct stingy_patch_target){(const uint8_t *)answer.function, (const uint8_t *)answer.end,
						       (const uint8_t *)segment->low, (const uint8_t *)segment->high};
		return NULL;
	}
	return "it is not in the module's code";
}

static const char *patch(struct stingy_declared_line *line, const struct stingy_patch_target *target)
{
	const char *error = NULL;
	uint8_t *gate = n_watched < GATES_MAX ? stingy_gate_make(n_watched, (uintptr_t)target->function) : NULL;
	if (!gate)
		return "there is no room for a gate";
	error = stingy_patch_move(target, gate + STINGY_GATE_ROOM, STINGY_GATE_ROOM);
	if (stingy_gate_shut(gate) < 0)
		return error ? error : "the system does not let code be made";
	if (error)
		return error;
	watched[n_watched] = (struct watched){&line->declaration, (uintptr_t)gate + STINGY_GATE_ROOM, 0, gate};
	error = stingy_patch_write(target, gate);
	n_watched += !error;
	return error;
}

/* Finds and patches it, if it is the program's, or of a module named. Returns whether that was its place. */
static bool try_entry(struct stingy_declared_line *line)
{
	struct finding finding = {.line = line};
	struct stingy_patch_target target = {NULL, NULL, NULL, NULL};
	const char *error;
	stingy_modules_each(look_in, &finding);
	if (finding.n_found == 0)
		return false;
	line->is_met = true;
	if (finding.n_found < 0)
		error = "which code it is, is chosen when the program starts (IFUNC)";
	else if (finding.n_found > 1)
		error = "there are several of that name: give the offset";
	else if (!__libc_single_threaded)
		error = "there are threads already";
	else
		error = measure(&finding, &target);
	if (!error)
		error = patch(line, &target);
	if (error)
		say_refused(line, error);
	return true;
}

/* --- functions that are called across modules */

/* Also dlsym, under a number that no declaration has: whoever loads a module looks something up in it. */
static int want(const char *name)
{
	if (strcmp(name, "dlsym") == 0)
		return (int)files.n_lines;
	for (unsigned i = 0; i < files.n_lines; i++)
		if (files.line[i].by_slots && strcmp(files.line[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The gate for calls of target, made if there is none; 0: leave the slot. */
static uintptr_t replace(int number, uintptr_t target)
{
	struct stingy_declared_line *line = (unsigned)number < files.n_lines ? &files.line[number] : NULL;
	const struct stingy_declaration *declaration = line ? &line->declaration : NULL;
	for (unsigned i = 0; i < n_watched; i++) {
		if ((uintptr_t)watched[i].gate == target) /* it is replaced already */
			return 0;
		if (watched[i].target == target && watched[i].declaration == declaration)
			return (uintptr_t)watched[i].gate;
	}
	uint8_t *gate = n_watched < GATES_MAX ? stingy_gate_make(n_watched, 0) : NULL;
	if (!gate || stingy_gate_shut(gate) < 0)
		return 0;
	watched[n_watched++] = (struct watched){declaration, target, target, gate};
	if (line)
		line->is_met = true;
	return (uintptr_t)gate;
}

static void replace_slots(void)
{
	static const struct stingy_slots_client client = {want, replace};
	unsigned long long loaded = stingy_modules_version().adds;
	/* Not to be waited for: this may be in a module's constructor, with the loader's lock, which the other wants.
	 */
	if (pthread_mutex_trylock(&lock) != 0)
		return;
	if (loaded != seen) {
		stingy_slots_replace(&client);
		seen = loaded;
	}
	pthread_mutex_unlock(&lock);
}

void stingy_declared_refresh(void)
{
	if (!by_slots || stingy_modules_version().adds == seen || !stingy_record_enter())
		return;
	replace_slots();
	stingy_record_leave();
}

/* One line for each file: a library's has functions that this program does not use. */
static void say_unmet(const struct stingy_declared_file *file)
{
	char names[400] = "";
	size_t used = 0;
	for (unsigned i = 0; i < files.n_lines; i++) {
		const struct stingy_declared_line *line = &files.line[i];
		if (line->file != file || line->is_met || !stingy_declaration_is_watched(&line->declaration))
			continue;
		int len = snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", line->function);
		if (len < 0 || used + (size_t)len >= sizeof(names))
			break;
		used += (size_t)len;
	}
	if (used)
		stingy_say("%s: nothing in this program matches: %s", file->path, names);
}

void stingy_declared_init(void)
{
	const char *paths = stingy_env("STINGY_INTERFACE");
	if (paths)
		stingy_interface_files_read(&files, paths);
}

void stingy_declared_begin(void)
{
	if (files.n_lines == 0)
		return;
	if (stingy_handles_init() < 0) {
		stingy_say("cannot watch declared functions: there is no memory");
		files.n_lines = 0;
		return;
	}
	stingy_gate_init();
	for (unsigned i = 0; i < files.n_lines; i++) {
		struct stingy_declared_line *line = &files.line[i];
		if (!stingy_declaration_is_watched(&line->declaration) || try_entry(line) ||
		    line->declaration.module.len)
			continue;
		line->by_slots = true;
		by_slots = true;
	}
	if (by_slots)
		replace_slots();
	for (unsigned i = 0; i < files.n_files; i++)
		say_unmet(&files.file[i]);
}

void stingy_declared_write(struct stingy_writer *writer)
{
	for (unsigned i = 0; i < files.n_lines; i++) {
		struct stingy_trace_record record = {.type = STINGY_TRACE_INTERFACE};
		record.text = files.line[i].declaration.text;
		stingy_writer_put(writer, &record);
	}
}

void stingy_declared_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
	stingy_handles_after_fork();
	by_slots = by_slots && __libc_single_threaded; /* another thread may have had the loader's lock */
}
