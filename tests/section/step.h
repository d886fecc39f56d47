/* SPDX-License-Identifier: MIT */
/*
 * Included before every file of the section core when it is built for test_interleave: each atomic
 * operation becomes a plain one behind a point at which another thread may go on.  The threads are
 * coroutines of one host thread, so nothing else can come between.
 *
 * What is explored so is every order of the atomic operations, not what weaker memory orders would
 * let a thread see besides: that is for the race detector, and for the comments in the source.
 */
#ifndef PAGABLE_TESTS_SECTION_STEP_H
#define PAGABLE_TESTS_SECTION_STEP_H

#include <stdatomic.h>
#include <stdbool.h>

void step(void);

#define _Atomic
#undef atomic_init
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit

#define atomic_init(at, value)                  (*(at) = (value))
#define atomic_load_explicit(at, order)         (step(), *(at))
#define atomic_store_explicit(at, value, order) (step(), (void)(*(at) = (value)))
#define atomic_exchange_explicit(at, value, order)                                                 \
    __extension__({                                                                                \
        step();                                                                                    \
        __typeof__(*(at)) old_ = *(at);                                                            \
        *(at) = (value);                                                                           \
        old_;                                                                                      \
    })
#define atomic_fetch_add_explicit(at, value, order)                                                \
    __extension__({                                                                                \
        step();                                                                                    \
        __typeof__(*(at)) old_ = *(at);                                                            \
        *(at) = old_ + (value);                                                                    \
        old_;                                                                                      \
    })
#define atomic_compare_exchange_strong_explicit(at, expected, value, order, failed)                \
    __extension__({                                                                                \
        step();                                                                                    \
        bool same_ = *(at) == *(expected);                                                         \
        if (same_) {                                                                               \
            *(at) = (value);                                                                       \
        } else {                                                                                   \
            *(expected) = *(at);                                                                   \
        }                                                                                          \
        same_;                                                                                     \
    })
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit

#endif
