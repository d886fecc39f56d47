/* SPDX-License-Identifier: MIT */
/*
 * Memory by userfault: a page that is out is missing, and comes in filled, in one step.
 *
 * The mapping of pages that are out, or in and open, is the region's protection all the time.  What
 * tells the first write to a clean page of a writable region is a guard on the page, not a mapping;
 * so the kernel keeps one mapping per region, whatever is in.  Only pages that are in and not open,
 * and those that are soiled, lie in a mapping without access.
 */
#include "pager/internal.h"

#include <errno.h>
#include <string.h>

static uint64_t bytes_of(uint32_t pages)
{
    return (uint64_t)pages * PG_PAGE_SIZE;
}

static int claim(struct pager *pager, const struct pager_region *region)
{
    uint64_t bytes = region->end - region->base;
    int error = host.reserve(region->base, bytes);

    if (error < 0) {
        return error;
    }
    error = host.missing_watch(pager->missing_fd, region->base, bytes);
    if (error == 0 && region->protection != HOST_NONE) {
        error = host.protect(region->base, bytes, region->protection);
    }
    if (error < 0) {
        (void)host.unreserve(region->base, bytes);
        return error == -EEXIST ? -ENOMEM : error; /* EEXIST is for addresses that are taken */
    }
    return 0;
}

/* Whether clean pages are guarded; else no page of the region ever becomes dirty by a write. */
static bool is_guarded(const struct pager_region *region)
{
    return (region->protection & HOST_WRITE) != 0;
}

static bool any_flag(const struct pager *pager, const struct pager_region *region, uint32_t i,
                     uint32_t count, unsigned among, unsigned wanted)
{
    for (uint32_t k = i; k < i + count; k++) {
        if ((page_of(pager, region, k)->flags & among) == wanted) {
            return true;
        }
    }
    return false;
}

static int drop(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count)
{
    int error = 0;

    /* What is soiled loses its memory before it may be seen again, whatever fails after that. */
    for (uint32_t k = i; error == 0 && k < i + count; k++) {
        if ((page_of(pager, region, k)->flags & PAGE_SOILED) != 0) {
            error = host.forget(address_of(region, k), PG_PAGE_SIZE);
        }
    }
    /* Then the mapping: a page that is missing where no access is would be opened, not filled. */
    if (error == 0 && (region->protection == HOST_NONE ||
                       any_flag(pager, region, i, count, PAGE_SOILED, PAGE_SOILED) ||
                       any_flag(pager, region, i, count, PAGE_IN | PAGE_OPEN, PAGE_IN))) {
        error = host.protect(address_of(region, i), bytes_of(count), region->protection);
    }
    return error < 0 ? error : host.forget(address_of(region, i), bytes_of(count));
}

static pg_status fill(struct pager *pager, const struct pager_region *region, uint32_t i,
                      uint32_t count, bool writable, struct pager_failure *failure)
{
    bool guarded = is_guarded(region) && !writable;

    if (any_flag(pager, region, i, count, PAGE_SOILED, PAGE_SOILED) &&
        drop(pager, region, i, count) < 0) {
        failure_set(failure, PG_E_NO_MEMORY, address_of(region, i));
        return PG_E_NO_MEMORY;
    }
    for (uint32_t done = 0; done < count; done += BOUNCE_PAGES) {
        uint32_t n = count - done < BOUNCE_PAGES ? count - done : BOUNCE_PAGES;
        uint64_t address = address_of(region, i + done);
        pg_status status;

        for (uint32_t k = 0; k < n; k++) {
            if (!fill_reads(pager, region, i + done + k)) {
                memset(pager->bounce + bytes_of(k), 0, PG_PAGE_SIZE);
            }
        }
        status = fill_fetch(pager, region, i + done, n, pager->bounce, failure);
        if (status != PG_OK) {
            return status;
        }
        if (host.missing_fill(pager->missing_fd, address, pager->bounce, bytes_of(n), guarded) <
            0) {
            failure_set(failure, PG_E_NO_MEMORY, address);
            return PG_E_NO_MEMORY;
        }
    }
    return PG_OK;
}

static int allow(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count,
                 unsigned protection)
{
    uint64_t address = address_of(region, i);
    int error = 0;

    if (protection == HOST_NONE || !is_guarded(region)) {
        return host.protect(address, bytes_of(count), protection);
    }
    if (any_flag(pager, region, i, count, PAGE_OPEN, 0)) {
        error = host.protect(address, bytes_of(count), region->protection);
    }
    return error < 0 ? error
                     : host.missing_guard(pager->missing_fd, address, bytes_of(count),
                                          (protection & HOST_WRITE) == 0);
}

const struct memory_ops memory_userfault = {
    .name = "userfaultfd",
    .claim = claim,
    .fill = fill,
    .allow = allow,
    .drop = drop,
};
