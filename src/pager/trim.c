/* SPDX-License-Identifier: MIT */
/*
 * Page out: modified pages are written to the paging file, then memory is given back.
 *
 * Within a region one system call takes everything from the first page that is in to the last:
 * pages between that are out lose nothing by it, and the kernel is left with one mapping where page
 * by page it would have as many as pages.  Only a page that is held or could not be written splits
 * the range.
 */
#include "pager/internal.h"

#include <string.h>

#include "pager/checksum.h"

static pg_status file_write(int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = host.write_at(fd, (const char *)buffer + done, bytes - done, offset + done);

        if (n <= 0) {
            return PG_E_IO;
        }
        done += (size_t)n;
    }
    return PG_OK;
}

static pg_status swap_open(struct pager *pager)
{
    if (pager->swap_fd < 0) {
        pager->swap_fd = host.open_scratch();
    }
    return pager->swap_fd < 0 ? PG_E_IO : PG_OK;
}

static bool must_write(const struct page *page)
{
    return page->holds == 0 && (page->flags & (PAGE_IN | PAGE_DIRTY)) == (PAGE_IN | PAGE_DIRTY);
}

/* Writes pages [i, i + count), count <= BOUNCE_PAGES, to their slots.  They stay dirty: until their
 * memory is gone they can be written to. */
static pg_status write_back(struct pager *pager, struct pager_region *region, uint32_t i,
                            uint32_t count)
{
    pg_status status = swap_open(pager);

    for (uint32_t k = 0; status == PG_OK && k < count; k++) {
        struct page *page = page_of(pager, region, i + k);
        uint8_t *copy = pager->bounce + (size_t)k * PG_PAGE_SIZE;

        if (((page->flags & PAGE_OPEN) == 0 || (region->protection & HOST_READ) == 0) &&
            pager->memory->allow(pager, region, i + k, 1, HOST_READ) < 0) {
            return PG_E_NO_MEMORY;
        }
        memcpy(copy, (const void *)address_of(region, i + k), PG_PAGE_SIZE);
        page->swap_sum = checksum_page(copy);
    }
    if (status == PG_OK) {
        status = file_write(pager->swap_fd, pager->bounce, (size_t)count * PG_PAGE_SIZE,
                            ((uint64_t)region->slot + i) * PG_PAGE_SIZE);
    }
    for (uint32_t k = 0; status == PG_OK && k < count; k++) {
        page_of(pager, region, i + k)->flags |= PAGE_SWAPPED;
        pager->counters.write_backs++;
    }
    return status;
}

/* Writes what must be written; false when some page is stuck. */
static bool write_back_range(struct pager *pager, struct pager_region *region, uint32_t first,
                             uint32_t end, struct pager_failure *failure)
{
    bool all = true;
    uint32_t i = first;

    while (i < end) {
        uint32_t run = 0;
        pg_status status;

        while (run < BOUNCE_PAGES && i + run < end && must_write(page_of(pager, region, i + run))) {
            run++;
        }
        if (run == 0) {
            i++;
            continue;
        }
        status = write_back(pager, region, i, run);
        if (status != PG_OK) {
            all = false;
            failure_set(failure, status, address_of(region, i));
            if (failure != NULL) {
                failure->paging_file = true;
                failure->file_offset = ((uint64_t)region->slot + i) * PG_PAGE_SIZE;
            }
            for (uint32_t k = 0; k < run; k++) {
                page_of(pager, region, i + k)->flags |= PAGE_STUCK;
            }
        }
        i += run;
    }
    return all;
}

/* Gives back the memory of [first, end), in which nothing is stuck and both ends are in. */
static uint32_t give_back(struct pager *pager, struct pager_region *region, uint32_t first,
                          uint32_t end, struct pager_failure *failure)
{
    uint32_t left = 0;

    if (pager->memory->drop(pager, region, first, end - first) < 0) {
        failure_set(failure, PG_E_NO_MEMORY, address_of(region, first));
        return 0;
    }
    for (uint32_t i = first; i < end; i++) {
        struct page *page = page_of(pager, region, i);

        page->flags &= (uint8_t)~PAGE_SOILED;
        if ((page->flags & PAGE_IN) != 0) {
            page_left(pager, region, i);
            left++;
        }
    }
    return left;
}

/* [first, end) between pages that are held or stuck; the latter are unmarked on the way. */
static uint32_t give_back_between(struct pager *pager, struct pager_region *region, uint32_t first,
                                  uint32_t end, struct pager_failure *failure)
{
    uint32_t left = 0, from = end, to = end; /* [from, to]: in and not stuck at both ends */

    for (uint32_t i = first; i < end; i++) {
        struct page *page = page_of(pager, region, i);

        if ((page->flags & PAGE_STUCK) != 0 || page->holds != 0) {
            page->flags &= (uint8_t)~PAGE_STUCK;
            left += from == end ? 0 : give_back(pager, region, from, to + 1, failure);
            from = end;
        } else if ((page->flags & PAGE_IN) != 0) {
            from = from == end ? i : from;
            to = i;
        }
    }
    return left + (from == end ? 0 : give_back(pager, region, from, to + 1, failure));
}

uint32_t trim_range(struct pager *pager, struct pager_region *region, uint32_t first, uint32_t end,
                    struct pager_failure *failure)
{
    uint32_t from = bitmap_next(&pager->evictable, region->slot + first);
    uint32_t to = from;

    if (from >= region->slot + end) {
        return 0;
    }
    for (uint32_t s = from; s < region->slot + end; s = bitmap_next(&pager->evictable, s + 1)) {
        to = s;
    }
    first = from - region->slot;
    end = to - region->slot + 1;
    if (write_back_range(pager, region, first, end, failure) && region->held == 0) {
        return give_back(pager, region, first, end, failure);
    }
    return give_back_between(pager, region, first, end, failure);
}

uint32_t trim_all(struct pager *pager, struct pager_failure *failure)
{
    uint32_t left = 0;
    uint32_t slot = pager->evictable_count == 0 ? BITMAP_END : bitmap_next(&pager->evictable, 0);

    while (slot != BITMAP_END) {
        struct pager_region *region = &pager->regions[pager->pages[slot].region];

        left += trim_range(pager, region, 0, region->pages, failure);
        slot = bitmap_next(&pager->evictable, region->slot + region->pages);
    }
    return left;
}

uint32_t pager_trim(struct pager *pager, struct pager_failure *failure)
{
    uint32_t left = trim_all(pager, failure);

    pager->counters.trims++;
    pager->counters.pages_trimmed += left;
    return left;
}

uint32_t pager_trim_region(struct pager *pager, struct pager_region *region,
                           struct pager_failure *failure)
{
    uint32_t left = trim_range(pager, region, 0, region->pages, failure);

    pager->counters.trims++;
    pager->counters.pages_trimmed += left;
    return left;
}

uint32_t pager_trim_random(struct pager *pager, struct pager_failure *failure)
{
    uint32_t left = 0, slot;

    if (pager->hooks.choose == NULL) {
        return pager_trim(pager, failure);
    }
    pager->counters.trims++;
    slot = pager->evictable_count == 0 ? BITMAP_END : bitmap_next(&pager->evictable, 0);
    while (slot != BITMAP_END) {
        struct pager_region *region = &pager->regions[pager->pages[slot].region];
        uint32_t first = slot - region->slot, i = first;

        /* A run of neighbours that were all drawn leaves at once. */
        while (i < region->pages && bitmap_has(&pager->evictable, region->slot + i) &&
               pager->hooks.choose(pager->hooks.context, 2) == 1) {
            i++;
        }
        if (i > first) {
            left += trim_range(pager, region, first, i, failure);
        }
        /* Page i was drawn and stays, or is out, or is in the next region. */
        slot = i < region->pages && bitmap_has(&pager->evictable, region->slot + i)
                   ? bitmap_next(&pager->evictable, region->slot + i + 1)
                   : bitmap_next(&pager->evictable, region->slot + i);
    }
    pager->counters.pages_trimmed += left;
    return left;
}

/* Pages [first, first + count) of a region, all in and open. */
static void close_run(struct pager *pager, struct pager_region *region, uint32_t first,
                      uint32_t count)
{
    if (pager->memory->allow(pager, region, first, count, HOST_NONE) < 0) {
        return; /* their next use is not seen, as if they were held */
    }
    for (uint32_t i = first; i < first + count; i++) {
        page_of(pager, region, i)->flags &= (uint8_t)~PAGE_OPEN;
    }
}

static bool is_open(const struct pager *pager, uint32_t slot)
{
    return bitmap_has(&pager->evictable, slot) && (pager->pages[slot].flags & PAGE_OPEN) != 0;
}

void pager_close(struct pager *pager)
{
    uint32_t slot = pager->evictable_count == 0 ? BITMAP_END : bitmap_next(&pager->evictable, 0);

    while (slot != BITMAP_END) {
        struct pager_region *region = &pager->regions[pager->pages[slot].region];
        uint32_t first = slot, end = region->slot + region->pages;

        while (slot < end && is_open(pager, slot)) {
            slot++;
        }
        if (slot > first) {
            close_run(pager, region, first - region->slot, slot - first);
        }
        slot = bitmap_next(&pager->evictable, slot > first ? slot : slot + 1);
    }
}
