/*
 * Batches: how many runs of a stage follow each other in a thread, of the stages that the program announces by
 * StingyStageBegin (stingy.h). The longer they are, the more often the stage finds its code and its data in the cache.
 *
 * Counted in the live statistics, each thread in rows of its own: a comparison and an addition while a batch goes on,
 * a look-up when the next begins. A program that announces nothing, or has a manifest without stages, costs nothing.
 */
#ifndef STINGY_BATCHES_H
#define STINGY_BATCHES_H

/* After fork, in the child, while the live statistics still tell how many threads there were: begins at zero. */
void stingy_batches_reset(void);

#endif
