#include "manifest-file.h"

#include "../manifests/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int stingy_manifest_file_init(struct stingy_mapped_file *file, const char *path)
{
	struct stingy_manifest_record record;
	struct stingy_manifest_reader reader;
	int more;

	if (stingy_mapped_file_init(file, path) < 0) {
		fprintf(stderr, "stingy: cannot read manifest '%s': %s\n", path, strerror(errno));
		return -1;
	}
	stingy_manifest_reader_init(&reader, file->data, file->size);
	do
		more = stingy_manifest_next(&reader, &record);
	while (more > 0);
	if (more == 0)
		return 0;
	fprintf(stderr, "stingy: %s:%u: %s\n", path, reader.line, reader.error);
	stingy_mapped_file_fini(file);
	return -1;
}
