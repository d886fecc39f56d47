/* SPDX-License-Identifier: MIT */
#include "infer_marks.h"

#define MARK(n)                                                                                    \
    void Mark##n(void)                                                                             \
    {                                                                                              \
        __asm__ volatile("nop" ::: "memory");                                                      \
    }

MARK(1)
MARK(2)
MARK(3)
MARK(4)
