/* SPDX-License-Identifier: MIT */
/*
 * A small image for the tests of symbols/: statics, inlined routines (one level and two), a routine
 * inlined from a header of another folder, an exception filter, a routine in another section, and
 * calls of code that has no debug information.  It is never run.
 */
#include "inner/inline.h"

volatile int sample_state;
int sample_other(int value);
int sample_plain(int value);
int sample_pure(int value);

static __attribute__((noinline)) int twice(int value)
{
    sample_state = value;
    return value + sample_state;
}

static inline __attribute__((always_inline)) int outer_inline(int value)
{
    sample_state += 3;
    value = inner_inline(value) + 5;
    sample_state ^= value;
    return value;
}

static __attribute__((noinline, section("PAGESMPL"))) int paged_routine(int value)
{
    int sum = 0;

    for (int i = 0; i < value; i++) {
        sum += outer_inline(i);
        sample_state = sum;
    }
    return sum;
}

static __attribute__((noinline)) int guarded(int *where)
{
    int result = 0;

    __try {
        result = *where;
        sample_state = result;
    } __except (sample_state == 7) {
        result = twice(-1);
    }
    return result;
}

static __attribute__((noinline)) int same_name(int value)
{
    return sample_other(value) * 2 + sample_plain(value);
}

__declspec(dllexport) int sample_exported(int value)
{
    sample_state = value;
    if (value > 100) {
        return twice(value);
    }
    return inner_inline(value) + outer_inline(same_name(value)) + sample_pure(value);
}

int DriverEntry(void *driver, void *path)
{
    int value = 4;

    (void)path;
    value += guarded(driver);
    value += paged_routine(value);
    return sample_exported(value);
}
