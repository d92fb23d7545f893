#include "ready.h"

#include "elf-id.h"
#include "manifest-file.h"
#include "preload.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* execvp's */
#define SUFFIX       ".manifest"

/* Whether a shell would run what is at path. */
static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int search(const char *command, char *path)
{
	const char *dir = getenv("PATH");

	if (strchr(command, '/'))
		return snprintf(path, PATH_MAX, "%s", command) < PATH_MAX && is_executable(path) ? 0 : -1;
	for (dir = dir ? dir : DEFAULT_PATH;; dir++) {
		int len = (int)strcspn(dir, ":");

		if (snprintf(path, PATH_MAX, "%.*s/%s", len ? len : 1, len ? dir : ".", command) < PATH_MAX &&
		    is_executable(path))
			return 0;
		dir += len;
		if (*dir == '\0')
			return -1;
	}
}

int stingy_command_find(const char *command, char *path)
{
	if (search(command, path) == 0)
		return 0;
	fprintf(stderr, "stingy: cannot find program '%s'\n", command);
	return -1;
}

/* Whether the manifest at path is for this build. One that is spoilt is reported, and passed over. */
static bool is_for(const char *path, const struct stingy_elf_id *elf)
{
	struct stingy_manifest_record record;
	struct stingy_manifest_reader reader;
	struct stingy_mapped_file file;
	bool is_same = false;

	if (stingy_manifest_file_init(&file, path) < 0)
		return false;
	stingy_manifest_reader_init(&reader, file.data, file.size);
	while (stingy_manifest_next(&reader, &record) > 0)
		if (record.type == STINGY_MANIFEST_MODULE && record.number == 0)
			is_same = record.module.id_len == elf->len && memcmp(record.module.id, elf->id, elf->len) == 0;
	stingy_mapped_file_fini(&file);
	return is_same;
}

static bool is_manifest(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Looks through the folder. Returns 1 if it has a manifest for the build, 0 if not, -1 if there is no such folder. */
static int look_through(const char *folder, const struct stingy_elf_id *elf, char *manifest)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int found = 0;

	if (!dir)
		return -1;
	while (!found && (entry = readdir(dir)))
		found = is_manifest(entry->d_name) &&
			snprintf(manifest, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX &&
			is_for(manifest, elf);
	closedir(dir);
	return found;
}

static int look(const struct stingy_elf_id *elf, char *manifest)
{
	const char *chosen = getenv("STINGY_READY");
	char beside[PATH_MAX];
	int found;

	if (chosen && *chosen)
		return look_through(chosen, elf, manifest);
	stingy_preload_beside("/manifests/debian-12", beside);
	found = *beside ? look_through(beside, elf, manifest) : -1;
	return found >= 0 ? found : look_through(STINGY_READY, elf, manifest);
}

int stingy_ready_find(const char *command, char *manifest)
{
	struct stingy_elf_id elf;
	char program[PATH_MAX];

	if (stingy_command_find(command, program) < 0)
		return -1;
	if (stingy_elf_id_read(&elf, program) < 0) {
		fprintf(stderr, "stingy: cannot read the build-id of '%s': %s\n", program, strerror(errno));
		return -1;
	}
	if (elf.len && look(&elf, manifest) > 0)
		return 0;
	fprintf(stderr, "stingy: no ready manifest for this build of '%s': 'stingy profile' makes one\n", program);
	return -1;
}
