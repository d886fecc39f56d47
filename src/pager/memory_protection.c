/* SPDX-License-Identifier: MIT */
/* Memory by protection: the mapping of a page that is out is one without access. */
#include "pager/internal.h"

#include <string.h>

static uint64_t bytes_of(uint32_t pages)
{
    return (uint64_t)pages * PG_PAGE_SIZE;
}

static int claim(struct pager *pager, const struct pager_region *region)
{
    (void)pager;
    return host.reserve(region->base, region->end - region->base);
}

/* Nothing was ever written to the page, by whomever. */
static bool is_untouched(const struct pager *pager, const struct pager_region *region, uint32_t i)
{
    const struct page *page = page_of(pager, region, i);

    return region->backing.fd < 0 && page->patches == 0 &&
           (page->flags & (PAGE_SWAPPED | PAGE_SOILED)) == 0;
}

/* The kernel's zero page is the content.  It is touched here so that the page has memory when the
 * fault was served, not only at the next access. */
static pg_status fill_untouched(const struct pager_region *region, uint32_t i, unsigned protection)
{
    volatile uint8_t *at = (volatile uint8_t *)address_of(region, i);

    if (host.protect(address_of(region, i), PG_PAGE_SIZE, protection) < 0) {
        return PG_E_NO_MEMORY;
    }
    if ((protection & HOST_WRITE) != 0) {
        *at = 0;
    } else {
        (void)*at;
    }
    return PG_OK;
}

/* Makes the memory of a run writable and all zeros. */
static pg_status make_room(struct pager *pager, const struct pager_region *region, uint32_t i,
                           uint32_t count)
{
    /* Reading into a single page gives it memory for less than a call of its own costs. */
    bool alone = count == 1 && fill_reads(pager, region, i);

    if (host.protect(address_of(region, i), bytes_of(count), HOST_READ | HOST_WRITE) < 0 ||
        (!alone && host.populate(address_of(region, i), bytes_of(count)) < 0)) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t k = i; k < i + count; k++) {
        if ((page_of(pager, region, k)->flags & PAGE_SOILED) != 0) {
            memset((void *)address_of(region, k), 0, PG_PAGE_SIZE);
        }
    }
    return PG_OK;
}

/* Memory for the whole run at once, the backing read into it, each page made what it should be
 * where it lies, and only then the protection: nobody runs meanwhile. */
static pg_status fill(struct pager *pager, const struct pager_region *region, uint32_t i,
                      uint32_t count, bool writable, struct pager_failure *failure)
{
    uint64_t address = address_of(region, i);
    unsigned protection = region->protection & ~(writable ? 0u : HOST_WRITE);
    pg_status status;

    if (count == 1 && is_untouched(pager, region, i) && (protection & HOST_READ) != 0) {
        status = fill_untouched(region, i, protection);
    } else {
        status = make_room(pager, region, i, count);
        if (status == PG_OK) {
            status = fill_fetch(pager, region, i, count, (uint8_t *)address, failure);
            if (status != PG_OK) {
                return status;
            }
        }
        if (status == PG_OK && protection != (HOST_READ | HOST_WRITE) &&
            host.protect(address, bytes_of(count), protection) < 0) {
            status = PG_E_NO_MEMORY;
        }
    }
    if (status != PG_OK) {
        failure_set(failure, status, address);
    }
    return status;
}

static int allow(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count,
                 unsigned protection)
{
    (void)pager;
    return host.protect(address_of(region, i), bytes_of(count), protection);
}

static int drop(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count)
{
    (void)pager;
    return host.discard(address_of(region, i), bytes_of(count));
}

const struct memory_ops memory_protection = {
    .name = "protection",
    .claim = claim,
    .fill = fill,
    .allow = allow,
    .drop = drop,
};
