#define _GNU_SOURCE
#include "file.h"

#include "map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MOST (64u << 20) /* bytes of text */

static int read_whole(struct stingy_file *file, int fd)
{
	for (size_t got = 0; got < file->size;) {
		ssize_t n = read(fd, file->text + got, file->size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return 0;
}

/* Returns NULL, or why the open file is not taken. */
static const char *read_trusted(struct stingy_file *file, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "not a file";
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & S_IWOTH))
		return "anybody may write it, or it is neither root's nor yours";
	if (st.st_size == 0 || st.st_size > SIZE_MOST)
		return "it is empty or too large";
	file->size = (size_t)st.st_size;
	file->text = stingy_map(file->size);
	if (!file->text)
		return "no memory";
	if (read_whole(file, fd) == 0)
		return NULL;
	stingy_file_fini(file);
	return "cannot read it";
}

int stingy_file_read(struct stingy_file *file, const char *path, char *why, size_t size)
{
	*file = (struct stingy_file){.text = NULL};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe must not block us */
	if (fd < 0) {
		snprintf(why, size, "cannot open it: %s", strerrordesc_np(errno));
		return -1;
	}
	const char *refusal = read_trusted(file, fd);
	close(fd);
	if (refusal)
		snprintf(why, size, "%s", refusal);
	return refusal ? -1 : 0;
}

void stingy_file_fini(struct stingy_file *file)
{
	if (file->text)
		munmap(file->text, file->size);
	*file = (struct stingy_file){.text = NULL};
}
