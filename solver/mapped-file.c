#include "mapped-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char nothing[1]; /* of an empty file */

static int map(struct stingy_mapped_file *file, int fd, int protection)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	file->data = nothing;
	file->size = (size_t)st.st_size;
	file->mode = st.st_mode;
	file->owner = st.st_uid;
	if (file->size == 0)
		return 0;
	data = mmap(NULL, file->size, protection, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (data == MAP_FAILED)
		return -1;
	file->data = data;
	return 0;
}

static int open_and_map(struct stingy_mapped_file *file, const char *path, int protection)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer, only to be refused after. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result, error;

	if (fd < 0)
		return -1;
	result = map(file, fd, protection);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

int stingy_mapped_file_init(struct stingy_mapped_file *file, const char *path)
{
	return open_and_map(file, path, PROT_READ);
}

int stingy_mapped_file_init_copy(struct stingy_mapped_file *file, const char *path)
{
	return open_and_map(file, path, PROT_READ | PROT_WRITE);
}

void stingy_mapped_file_fini(struct stingy_mapped_file *file)
{
	if (file->size)
		munmap(file->data, file->size);
	file->data = nothing;
	file->size = 0;
}
