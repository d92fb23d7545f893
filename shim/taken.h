/*
 * What a backend answers to malloc where it can be said quickly (stingy_take_deep of backend.h).
 */
#ifndef STINGY_TAKEN_H
#define STINGY_TAKEN_H

enum stingy_taken {
	STINGY_UNSURE = 0, /* it takes more: stingy_take must be asked */
	STINGY_TAKEN,      /* an object of the backend's own */
	STINGY_LEFT,       /* it is for the next allocator, and stingy_took need not know */
};

#endif
