/* SPDX-License-Identifier: MIT */
/* Holds: single pages that are kept in, counted, whatever happens to the region's other pages. */
#include "pager/internal.h"

static uint64_t first_page(uint64_t address)
{
    return address & ~(uint64_t)(PG_PAGE_SIZE - 1);
}

static uint64_t last_page(uint64_t address, uint64_t bytes)
{
    return first_page(address + (bytes == 0 ? 0 : bytes - 1));
}

/* The page at an address; NULL when no region has it. */
static struct page *find(struct pager *pager, uint64_t address, struct pager_region **region,
                         uint32_t *i)
{
    *region = pager_region_at(pager, address);
    if (*region == NULL) {
        return NULL;
    }
    *i = (uint32_t)((address - (*region)->base) / PG_PAGE_SIZE);
    return page_of(pager, *region, *i);
}

static pg_status hold_page(struct pager *pager, uint64_t address, struct pager_failure *failure)
{
    struct pager_region *region;
    uint32_t i;
    struct page *page = find(pager, address, &region, &i);
    pg_status status = page == NULL                ? PG_E_ARG
                       : region->discarded         ? PG_E_DISCARDED
                       : page->holds == UINT16_MAX ? PG_E_LIMIT
                                                   : PG_OK;

    if (status != PG_OK) {
        failure_set(failure, status, address);
        return status;
    }
    if ((page->flags & PAGE_IN) == 0) {
        status = frames_make_room(pager, 1, failure);
        if (status == PG_OK) {
            status = fill_run(pager, region, i, 1, false, failure);
        }
    }
    if (status == PG_OK && page->holds++ == 0) {
        region->held++;
        evictable_leave(pager, region, i);
    }
    return status;
}

static void release_page(struct pager *pager, uint64_t address)
{
    struct pager_region *region;
    uint32_t i;
    struct page *page = find(pager, address, &region, &i);

    if (page == NULL || page->holds == 0 || --page->holds != 0) {
        return;
    }
    region->held--;
    if ((page->flags & PAGE_IN) != 0 && !region->pinned) {
        evictable_enter(pager, region, i);
    }
}

pg_status pager_hold(struct pager *pager, uint64_t address, uint64_t bytes,
                     struct pager_failure *failure)
{
    uint64_t last = last_page(address, bytes);

    for (uint64_t page = first_page(address); page <= last; page += PG_PAGE_SIZE) {
        pg_status status = hold_page(pager, page, failure);

        if (status != PG_OK) {
            for (uint64_t held = first_page(address); held < page; held += PG_PAGE_SIZE) {
                release_page(pager, held);
            }
            return status;
        }
    }
    return PG_OK;
}

void pager_release(struct pager *pager, uint64_t address, uint64_t bytes)
{
    uint64_t last = last_page(address, bytes);

    for (uint64_t page = first_page(address); page <= last; page += PG_PAGE_SIZE) {
        release_page(pager, page);
    }
    (void)frames_make_room(pager, 0, NULL);
}
