/* SPDX-License-Identifier: MIT */
/* The validator: every promise of internal.h, and the kernel's own account of the memory. */
#include "pager/internal.h"

static bool page_is_valid(const struct pager *pager, const struct pager_region *region, uint32_t i,
                          bool resident)
{
    const struct page *page = page_of(pager, region, i);
    unsigned flags = page->flags;
    bool in = (flags & PAGE_IN) != 0;

    if (page->region != (uint32_t)(region - pager->regions) || (flags & PAGE_STUCK) != 0 ||
        bitmap_has(&pager->evictable, region->slot + i) !=
            (in && !region->pinned && page->holds == 0)) {
        return false;
    }
    if (page->holds != 0 && !in && !region->discarded) {
        return false;
    }
    if (!in && (flags & (PAGE_OPEN | PAGE_DIRTY)) != 0) {
        return false;
    }
    if (resident != in && (flags & PAGE_SOILED) == 0) {
        return false;
    }
    if (region->discarded && in) {
        return false;
    }
    if (region->pinned) {
        bool writable = (region->protection & HOST_WRITE) != 0;

        return in && (flags & PAGE_OPEN) != 0 && (!writable || (flags & PAGE_DIRTY) != 0);
    }
    return true;
}

static bool region_is_valid(const struct pager *pager, const struct pager_region *region)
{
    unsigned char resident[256];

    if (!region->used || (region->pinned && region->discarded) || region->pages == 0 ||
        region->end - region->base != (uint64_t)region->pages * PG_PAGE_SIZE ||
        region->slot + (uint64_t)region->pages > pager->limits.pages) {
        return false;
    }
    for (uint32_t i = 0; i < region->pages; i++) {
        if (i % sizeof resident == 0) {
            uint32_t left = region->pages - i;

            if (!residency_read(address_of(region, i),
                                left < sizeof resident ? left : (uint32_t)sizeof resident,
                                resident)) {
                return false;
            }
        }
        if (!page_is_valid(pager, region, i, resident[i % sizeof resident] != 0)) {
            return false;
        }
    }
    return true;
}

bool pager_is_valid(const struct pager *pager)
{
    uint64_t address = 0, slot = 0;
    uint32_t count = 0;

    for (uint32_t r = 0; r < pager->region_count; r++) {
        const struct pager_region *a = &pager->regions[pager->by_address[r]];
        const struct pager_region *s = &pager->regions[pager->by_slot[r]];

        if (!region_is_valid(pager, a) || a->base < address || s->slot < slot) {
            return false;
        }
        address = a->end;
        slot = (uint64_t)s->slot + s->pages;
    }
    for (uint32_t s = bitmap_next(&pager->evictable, 0); s != BITMAP_END;
         s = bitmap_next(&pager->evictable, s + 1)) {
        count++;
    }
    for (uint32_t r = 0, used = 0; r <= pager->limits.regions; r++) {
        if (r == pager->limits.regions) {
            if (used != pager->region_count) {
                return false;
            }
        } else {
            used += pager->regions[r].used;
        }
    }
    return count == pager->evictable_count && patches_are_valid(pager);
}
