/*
 * Calls every form of C++'s operators new and delete with every sort of argument and prints what a program can observe;
 * never an address: the output must be the same whatever serves.
 *
 *	operators [portable | opaque | mismatch]
 *
 * portable: only what every allocator agrees on: nothing that fails. opaque: besides, objects are not shown to malloc's
 * functions: operators of the program's own may give what malloc does not know. mismatch: does nothing but delete what
 * new[] made, which only an allocator that looks for such errors minds. As a module (-DMODULE), the same is
 * operators_main.
 */
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Of operators that are the program's own: says what was done with them. */
extern "C" __attribute__((weak)) void own_report();

namespace
{

constexpr int errno_before = 77; // a number that no function here sets
constexpr size_t mebi = size_t(1) << 20;

bool is_portable, is_opaque;

/* gcc must not know where a pointer comes from, or it leaves out calls and checks. */
template <typename T> T *hide(T *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

const char *errno_name()
{
	return errno == errno_before ? "kept" : errno == ENOMEM ? "ENOMEM" : errno == EINVAL ? "EINVAL" : "other";
}

struct form {
	const char *name;
	bool has_align;
	void *(*make)(size_t size, std::align_val_t align);
	void (*end)(void *object, size_t size, std::align_val_t align);
	void (*end_sized)(void *object, size_t size, std::align_val_t align);
};

using align_t = std::align_val_t;

const form forms[] = {
	{"new", false, [](size_t n, align_t) { return operator new(n); },
	 [](void *p, size_t, align_t) { operator delete(p); },
	 [](void *p, size_t n, align_t) { operator delete(p, n); }},
	{"new nothrow", false, [](size_t n, align_t) { return operator new(n, std::nothrow); },
	 [](void *p, size_t, align_t) { operator delete(p, std::nothrow); },
	 [](void *p, size_t n, align_t) { operator delete(p, n); }},
	{"new[]", false, [](size_t n, align_t) { return operator new[](n); },
	 [](void *p, size_t, align_t) { operator delete[](p); },
	 [](void *p, size_t n, align_t) { operator delete[](p, n); }},
	{"new[] nothrow", false, [](size_t n, align_t) { return operator new[](n, std::nothrow); },
	 [](void *p, size_t, align_t) { operator delete[](p, std::nothrow); },
	 [](void *p, size_t n, align_t) { operator delete[](p, n); }},
	{"new aligned", true, [](size_t n, align_t a) { return operator new(n, a); },
	 [](void *p, size_t, align_t a) { operator delete(p, a); },
	 [](void *p, size_t n, align_t a) { operator delete(p, n, a); }},
	{"new aligned nothrow", true, [](size_t n, align_t a) { return operator new(n, a, std::nothrow); },
	 [](void *p, size_t, align_t a) { operator delete(p, a, std::nothrow); },
	 [](void *p, size_t n, align_t a) { operator delete(p, n, a); }},
	{"new[] aligned", true, [](size_t n, align_t a) { return operator new[](n, a); },
	 [](void *p, size_t, align_t a) { operator delete[](p, a); },
	 [](void *p, size_t n, align_t a) { operator delete[](p, n, a); }},
	{"new[] aligned nothrow", true, [](size_t n, align_t a) { return operator new[](n, a, std::nothrow); },
	 [](void *p, size_t, align_t a) { operator delete[](p, a, std::nothrow); },
	 [](void *p, size_t n, align_t a) { operator delete[](p, n, a); }},
};

const size_t sizes[] = {0, 1, 16, 24, 100, 512, 1000, 4096, 5000, 20000, 70000, PTRDIFF_MAX, SIZE_MAX - 4096, SIZE_MAX};
const size_t aligns[] = {0, 1, 3, 8, 16, 24, 32, 64, 256, 4096, 16384, size_t(1) << 63, SIZE_MAX};

bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

void fill(void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		static_cast<unsigned char *>(object)[i] = static_cast<unsigned char>(i * 7 + seed + i / 251);
}

bool is_filled(const void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (static_cast<const unsigned char *>(object)[i] != static_cast<unsigned char>(i * 7 + seed + i / 251))
			return false;
	return true;
}

/* Sizes near the largest number come out small where libstdc++ rounds them up to the alignment: these hold nothing. */
size_t room_of(void *object, size_t size)
{
	return is_opaque ? size : malloc_usable_size(object);
}

void use(const form &form, void *object, void *other, size_t align, size_t size)
{
	size_t least = form.has_align && is_power_of_two(align) ? align : 16;
	size_t room = room_of(object, size);
	fill(object, room, 1);
	fill(other, room_of(other, size), 2);
	printf(" aligned=%d room=%d distinct=%d whole=%d", reinterpret_cast<uintptr_t>(object) % least == 0,
	       room >= size, object != other, is_filled(object, room, 1));
}

void try_one(const form &form, size_t align, size_t size)
{
	void *object = nullptr, *other = nullptr;
	printf("%s(%zu, %zu):", form.name, size, align);
	errno = errno_before;
	try {
		object = hide(form.make(size, align_t(align)));
		printf(" %s errno=%s", object ? "object" : "NULL", errno_name());
		other = hide(form.make(size, align_t(align)));
	} catch (const std::bad_alloc &error) {
		printf(" %s errno=%s", error.what(), errno_name());
	}
	if (object && other)
		use(form, object, other, align, size);
	errno = errno_before;
	form.end(object, size, align_t(align));
	form.end_sized(other, size, align_t(align));
	printf(" delete: errno=%s\n", errno_name());
}

bool is_tried(const form &form, size_t align, size_t size)
{
	if (!is_portable)
		return true;
	return size >= 16 && size <= 70000 &&
	       (!form.has_align || (is_power_of_two(align) && align >= 8 && align <= 64));
}

void try_all()
{
	for (const form &form : forms)
		for (size_t align : aligns)
			for (size_t size : sizes)
				if ((form.has_align || align == aligns[0]) && is_tried(form, align, size))
					try_one(form, align, size);
}

void try_nothing()
{
	errno = errno_before;
	for (const form &form : forms) {
		form.end(nullptr, 0, align_t(16));
		form.end_sized(nullptr, 0, align_t(16));
	}
	printf("delete of nothing: errno=%s\n", errno_name());
}

/* What the language and its library make of the operators. */
struct tracked {
	static int alive;
	char body[200];
	explicit tracked(bool throws)
	{
		if (throws)
			throw std::runtime_error("in a constructor");
		alive++;
	}
	~tracked()
	{
		alive--;
	}
};
int tracked::alive;

struct alignas(128) wide {
	char body[300];
};

void try_expressions()
{
	try {
		hide(new tracked(true));
		printf("no exception\n");
	} catch (const std::runtime_error &error) {
		printf("caught '%s', %d alive\n", error.what(), tracked::alive);
	}
	tracked *one = hide(new tracked(false));
	wide *many = hide(new wide[3]);
	printf("%d alive, wide ones aligned=%d\n", tracked::alive, reinterpret_cast<uintptr_t>(many) % 128 == 0);
	delete one;
	delete[] many;
	std::map<std::string, std::vector<int>> lists;
	for (int i = 0; i < 500; i++)
		lists["a key that is too long for the short form " + std::to_string(i % 50)].push_back(i);
	std::function<int()> closure = [lists, copy = std::make_shared<std::string>(1000, 'x')] {
		return static_cast<int>(lists.size() + copy->size());
	};
	printf("containers: %d\n", closure());
}

/* An object may be made by new and moved by malloc's functions, if it is malloc's. */
void try_mixture()
{
	void *object = hide(operator new(100));
	fill(object, 100, 5);
	object = hide(realloc(object, 5000));
	printf("new, then realloc: whole=%d\n", is_filled(object, 100, 5));
	operator delete(object);
	free(hide(operator new[](600)));
	operator delete(hide(malloc(24)));
}

int handler_calls;
void *reserve;

void give_up()
{
	if (++handler_calls == 3)
		std::set_new_handler(nullptr);
}

void release_reserve()
{
	handler_calls++;
	munmap(reserve, 512 * mebi);
}

void throw_own()
{
	handler_calls++;
	throw std::bad_array_new_length();
}

const char *outcome(const form &form, size_t size)
{
	try {
		void *object = hide(form.make(size, align_t(64)));
		form.end(object, size, align_t(64));
		return object ? "object" : "NULL";
	} catch (const std::bad_array_new_length &) {
		return "the handler's exception";
	} catch (const std::bad_alloc &) {
		return "bad_alloc";
	}
}

/* The address space now, in bytes. */
size_t space()
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%zu", &pages) != 1)
		abort();
	fclose(file);
	return pages * 4096;
}

/* With a reserve that the handler gives back, the allocation succeeds when it is tried again. */
const char *outcome_with_reserve(const form &form)
{
	struct rlimit before, limit;
	reserve = mmap(nullptr, 512 * mebi, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserve == MAP_FAILED || getrlimit(RLIMIT_AS, &before) != 0)
		abort();
	limit = before;
	limit.rlim_cur = space() + 64 * mebi;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		abort();
	const char *result = outcome(form, 300 * mebi);
	setrlimit(RLIMIT_AS, &before);
	return result;
}

void try_handlers()
{
	for (const form &form : forms) {
		handler_calls = 0;
		std::set_new_handler(give_up);
		printf("%s, handler gives up: %s", form.name, outcome(form, PTRDIFF_MAX - 4096));
		printf(" after %d calls; throws:", handler_calls);
		handler_calls = 0;
		std::set_new_handler(throw_own);
		printf(" %s", outcome(form, PTRDIFF_MAX - 4096));
		printf(" after %d calls; makes room:", handler_calls);
		handler_calls = 0;
		std::set_new_handler(release_reserve);
		printf(" %s", outcome_with_reserve(form));
		printf(" after %d calls\n", handler_calls);
		std::set_new_handler(nullptr);
	}
}

} // namespace

extern "C" int operators_main(int argc, char **argv);

extern "C" int operators_main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "mismatch") == 0) {
		operator delete(hide(operator new[](100)));
		return 0;
	}
	is_opaque = argc > 1 && strcmp(argv[1], "opaque") == 0;
	is_portable = is_opaque || (argc > 1 && strcmp(argv[1], "portable") == 0);
	try_all();
	try_nothing();
	try_expressions();
	if (!is_opaque)
		try_mixture();
	if (!is_portable)
		try_handlers();
	if (own_report)
		own_report();
	return 0;
}

#ifndef MODULE
int main(int argc, char **argv)
{
	return operators_main(argc, argv);
}
#endif
