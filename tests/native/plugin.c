/* SPDX-License-Identifier: MIT */
/* A shared object with a section of its own, for subject.c. */
#include <pagable/pagable.h>

#ifdef BY_HAND
PAGABLE_SECTION_CODE(PAGEplug);
#endif

PAGABLE_CODE("PAGEplug") int plugin_work(int x);

int plugin_work(int x)
{
    __asm__ volatile(".fill 8192, 1, 0x90");
    return 2 * x;
}
