/* SPDX-License-Identifier: MIT */
/*
 * Which pages have memory, by the kernel's own account.  The pager's memory is anonymous and
 * private, so mincore's answer is about this process's pages and not about the page cache.
 */
#include "pager/internal.h"

#include <sys/mman.h>

bool residency_read(uint64_t address, uint32_t pages, unsigned char *resident)
{
    if (mincore((void *)address, (size_t)pages * PG_PAGE_SIZE, resident) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < pages; i++) {
        resident[i] &= 1; /* the other bits are reserved */
    }
    return true;
}
