/* SPDX-License-Identifier: MIT */
/* Inlined into routines of sample.c and other.c. */
extern volatile int sample_state;

static inline __attribute__((always_inline)) int inner_inline(int value)
{
    sample_state = value;
    value += sample_state;
    sample_state -= 1;
    return value * 7;
}
