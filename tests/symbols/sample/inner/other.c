/* SPDX-License-Identifier: MIT */
/* The second file of the sample image; it has a static routine whose name exists in the first. */
#include "inline.h"

int sample_other(int value);

static __attribute__((noinline)) int same_name(int value)
{
    sample_state = value - 1;
    return inner_inline(value);
}

int sample_other(int value)
{
    if (value == 0) {
        return 1;
    }
    return same_name(value) + sample_state;
}
