/*
 * C++'s operators new and delete as the program would have them without us: whose they are, and so what may be done
 * with them.
 *
 * served: every one of them that a program calls comes to us, and behind us is libstdc++, which makes them of malloc
 * and free, or the next allocator, whose operators are its malloc and free as well. Then new is an allocation like any
 * other. Also in a program of C, which may load modules of C++ later.
 *
 * not served: the program, or a library, has operators of its own for one form or more. They may do anything (count,
 * clear, keep a head before the object), and libstdc++'s other forms are defined by them: each call goes on to the
 * definition it would have met without us. What they get from malloc is seen there. Nor where the program, or a library
 * before us, has a malloc of its own.
 *
 * Settled when the library is loaded, or by the first call if that comes before. Two limits: a plug-in of a C program
 * with operators that only its own scope has, gets malloc and free for them, as under any allocator that is preloaded;
 * and libc++ is not known here, so its operators count as a library's own.
 */
#ifndef STINGY_OPERATORS_H
#define STINGY_OPERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each one's number, and its symbol. */
#define STINGY_FOR_EACH_NEW(DO)                                                                                        \
	DO(NEW, _Znwm)                                                                                                 \
	DO(NEW_NOTHROW, _ZnwmRKSt9nothrow_t)                                                                           \
	DO(NEW_ARRAY, _Znam)                                                                                           \
	DO(NEW_ARRAY_NOTHROW, _ZnamRKSt9nothrow_t)
#define STINGY_FOR_EACH_NEW_ALIGNED(DO)                                                                                \
	DO(NEW_ALIGNED, _ZnwmSt11align_val_t)                                                                          \
	DO(NEW_ALIGNED_NOTHROW, _ZnwmSt11align_val_tRKSt9nothrow_t)                                                    \
	DO(NEW_ARRAY_ALIGNED, _ZnamSt11align_val_t)                                                                    \
	DO(NEW_ARRAY_ALIGNED_NOTHROW, _ZnamSt11align_val_tRKSt9nothrow_t)
#define STINGY_FOR_EACH_DELETE(DO)                                                                                     \
	DO(DELETE, _ZdlPv)                                                                                             \
	DO(DELETE_SIZED, _ZdlPvm)                                                                                      \
	DO(DELETE_NOTHROW, _ZdlPvRKSt9nothrow_t)                                                                       \
	DO(DELETE_ALIGNED, _ZdlPvSt11align_val_t)                                                                      \
	DO(DELETE_SIZED_ALIGNED, _ZdlPvmSt11align_val_t)                                                               \
	DO(DELETE_ALIGNED_NOTHROW, _ZdlPvSt11align_val_tRKSt9nothrow_t)                                                \
	DO(DELETE_ARRAY, _ZdaPv)                                                                                       \
	DO(DELETE_ARRAY_SIZED, _ZdaPvm)                                                                                \
	DO(DELETE_ARRAY_NOTHROW, _ZdaPvRKSt9nothrow_t)                                                                 \
	DO(DELETE_ARRAY_ALIGNED, _ZdaPvSt11align_val_t)                                                                \
	DO(DELETE_ARRAY_SIZED_ALIGNED, _ZdaPvmSt11align_val_t)                                                         \
	DO(DELETE_ARRAY_ALIGNED_NOTHROW, _ZdaPvSt11align_val_tRKSt9nothrow_t)
#define STINGY_FOR_EACH_OPERATOR(DO)                                                                                   \
	STINGY_FOR_EACH_NEW(DO)                                                                                        \
	STINGY_FOR_EACH_NEW_ALIGNED(DO)                                                                                \
	STINGY_FOR_EACH_DELETE(DO)

#define STINGY_NUMBER(number, symbol) STINGY_##number,
enum stingy_operator {
	STINGY_FOR_EACH_OPERATOR(STINGY_NUMBER) /* DELETE is the first of its kind */
	STINGY_OPERATORS
};
#undef STINGY_NUMBER

/*
 * A call of any of them: a size or an object first, then what the form has, at most two more. x86-64 passes them in
 * registers, so that a form with fewer parameters can be called with three.
 */
typedef void *stingy_operator_call(uintptr_t first, uintptr_t second, uintptr_t third);

struct stingy_operators {
	bool are_settled;
	bool are_served;
	/* Served, and not by us: the next allocator's operator, or NULL: its malloc and free. */
	stingy_operator_call *by[STINGY_OPERATORS];
};

extern struct stingy_operators stingy_operators __attribute__((visibility("hidden")));

/* Settles it, if that has not been done. */
void stingy_operators_init(void);

/* The definition that a call would have met without us; NULL: there is none. */
stingy_operator_call *stingy_operators_next(enum stingy_operator which);

#endif
