#include "passage.h"

#include "progress.h"

#include <sys/mman.h>

void stingy_passage_release(struct stingy_passage *passage, size_t at)
{
	size_t end = passage->most && passage->most < at ? passage->most : at;
	size_t behind = end - end % STINGY_PASSAGE_STEP;

	if (behind <= passage->behind)
		return;
	/* It fails at worst: then they stay. */
	madvise((void *)(passage->file->data + passage->behind), behind - passage->behind, MADV_DONTNEED);
	stingy_progress_advance(behind - passage->behind);
	passage->behind = behind;
}

void stingy_passage_end(struct stingy_passage *passage, size_t at)
{
	stingy_progress_advance(at - passage->behind);
	passage->behind = at;
}
