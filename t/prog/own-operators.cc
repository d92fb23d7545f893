/*
 * Operators new and delete of a program's own: only the simplest two, as most programs have it, by which the C++
 * library defines its other forms. They keep a head before the object, clear it, and count.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace
{

struct alignas(16) head {
	size_t size, magic;
};

constexpr size_t magic = 0x5eed;
size_t n_made, n_ended, n_strange, n_bytes;

} // namespace

void *operator new(size_t size)
{
	head *made = static_cast<head *>(calloc(1, sizeof(head) + size));
	if (!made)
		throw std::bad_alloc();
	*made = {size, magic};
	n_made++;
	n_bytes += size;
	return made + 1;
}

void operator delete(void *object) noexcept
{
	if (!object)
		return;
	head *made = static_cast<head *>(object) - 1;
	n_ended++;
	n_strange += made->magic != magic;
	made->magic = 0;
	free(made);
}

extern "C" void own_report();

extern "C" void own_report()
{
	printf("own operators: %zu made, %zu ended, %zu strange, %zu bytes\n", n_made, n_ended, n_strange, n_bytes);
}
