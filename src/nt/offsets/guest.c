/* SPDX-License-Identifier: MIT */
/*
 * Compiled for Windows with the DDK's headers, to assembly that nobody assembles: each line that
 * begins with "@@" is an entry of the header that offsets.c includes.  The values are immediate
 * operands, so they are what that compiler lays out, not what a list says.
 */
#include <ntifs.h>

#include "../offsets.list.h"

#define SIZE(ddk, host) __asm__ volatile("\n@@NT_SIZE(" #host ", %c0)" : : "i"(sizeof(struct ddk)));
#define ALIGNED(ddk, host)                                                                         \
    __asm__ volatile("\n@@NT_SIZE(" #host ", %c0)"                                                 \
                     :                                                                             \
                     : "i"((sizeof(struct ddk) + MEMORY_ALLOCATION_ALIGNMENT - 1) &                \
                           ~(size_t)(MEMORY_ALLOCATION_ALIGNMENT - 1)));
#define FIELD(ddk, host, field)                                                                    \
    __asm__ volatile("\n@@NT_OFFSET(" #host ", " #field ", %c0, %c1)"                              \
                     :                                                                             \
                     : "i"(offsetof(struct ddk, field)), "i"(sizeof(((struct ddk *)0)->field)));

void layout(void);
void layout(void)
{
    NT_LAYOUT_ALIGNED(ALIGNED)
    NT_LAYOUT_KE(SIZE, FIELD)
    NT_LAYOUT_EX(SIZE, FIELD)
    NT_LAYOUT_OBJECTS(SIZE, FIELD)
    NT_LAYOUT_IRP(SIZE, FIELD)
    NT_LAYOUT_PNP(SIZE, FIELD)
    NT_LAYOUT_INTERRUPT(SIZE, FIELD)
}
