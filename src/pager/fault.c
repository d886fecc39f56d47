/* SPDX-License-Identifier: MIT */
/*
 * Faults, pins, and the limit on frames.
 *
 * The fault path is: find the region, look at the page's flags, and then either one call of the
 * back end's (a page that is in) or what brings a page in.
 */
#include "pager/internal.h"

#include "base/assert.h"

static bool access_allowed(unsigned protection, enum pager_access access)
{
    switch (access) {
    case PAGER_READ:
        return (protection & HOST_READ) != 0;
    case PAGER_WRITE:
        return (protection & HOST_WRITE) != 0;
    case PAGER_EXECUTE:
        return (protection & HOST_EXECUTE) != 0;
    }
    return false;
}

/* ---- frames ---- */

static void watch(void *context, uint32_t slot)
{
    struct pager *pager = context;
    struct page *page = &pager->pages[slot];
    struct pager_region *region = &pager->regions[page->region];

    /* When the kernel refuses, the next use is not seen and the page may leave too early: no harm.
     */
    if ((page->flags & PAGE_OPEN) != 0 &&
        pager->memory->allow(pager, region, slot - region->slot, 1, HOST_NONE) == 0) {
        page->flags &= (uint8_t)~PAGE_OPEN;
    }
}

/* Evicts one page; `refused` counts those that could not leave.  False: each one was tried. */
static bool evict_one(struct pager *pager, uint32_t *refused, struct pager_failure *reason)
{
    const struct policy_host policy_host = {pager, watch};
    uint32_t slot = pager->policy->victim(pager->policy_state, &policy_host);
    struct pager_region *region;
    uint32_t i;

    PG_ASSERT(slot < pager->limits.pages && bitmap_has(&pager->evictable, slot));
    region = &pager->regions[pager->pages[slot].region];
    i = slot - region->slot;
    if (trim_range(pager, region, i, i + 1, reason) == 1) {
        pager->counters.evictions++;
        return true;
    }
    /* Behind all others, whatever the policy. */
    evictable_leave(pager, region, i);
    evictable_enter(pager, region, i);
    return ++*refused <= pager->evictable_count;
}

pg_status frames_make_room(struct pager *pager, uint32_t need, struct pager_failure *failure)
{
    struct pager_failure reason = {0};
    uint32_t refused = 0;

    if (pager->frames == 0 || pager->evictable_count + (uint64_t)need <= pager->frames) {
        return PG_OK;
    }
    if (pager->policy->all) {
        pager->counters.evictions += trim_all(pager, &reason);
    } else {
        while (pager->evictable_count + (uint64_t)need > pager->frames &&
               evict_one(pager, &refused, &reason)) {
        }
    }
    if (pager->evictable_count + (uint64_t)need <= pager->frames) {
        return PG_OK;
    }
    if (failure != NULL) {
        *failure = reason;
    }
    return reason.status;
}

static void policy_restart(struct pager *pager)
{
    pager->policy->start(pager->policy_state, pager->limits.pages);
    if (pager->frames == 0) {
        return; /* without a limit nobody is asked: the policy is not told either */
    }
    for (uint32_t s = bitmap_next(&pager->evictable, 0); s != BITMAP_END;
         s = bitmap_next(&pager->evictable, s + 1)) {
        pager->policy->came_in(pager->policy_state, s);
    }
}

void pager_set_frames(struct pager *pager, uint32_t frames)
{
    pager->frames = frames;
    policy_restart(pager);
    (void)frames_make_room(pager, 0, NULL); /* what cannot leave now is tried at each page in */
}

void pager_set_policy(struct pager *pager, enum pager_policy policy)
{
    switch (policy) {
    case PAGER_CLOCK:
        pager->policy = &policy_clock;
        break;
    case PAGER_FIFO:
        pager->policy = &policy_fifo;
        break;
    case PAGER_TRIM_ALL:
        pager->policy = &policy_trim_all;
        break;
    }
    policy_restart(pager);
}

/* ---- faults ---- */

static pg_status page_in(struct pager *pager, struct pager_region *region, uint32_t i,
                         bool writable, struct pager_failure *failure)
{
    pg_status status = frames_make_room(pager, 1, failure);

    return status == PG_OK ? fill_run(pager, region, i, 1, writable, failure) : status;
}

/* The page is in: give back what was taken to see this access. */
static pg_status reopen(struct pager *pager, struct pager_region *region, uint32_t i,
                        enum pager_access access, struct pager_failure *failure)
{
    struct page *page = page_of(pager, region, i);
    struct page opened = *page;

    opened.flags |= access == PAGER_WRITE ? PAGE_OPEN | PAGE_DIRTY : PAGE_OPEN;
    if (opened.flags != page->flags &&
        pager->memory->allow(pager, region, i, 1, protection_now(region, &opened)) < 0) {
        failure_set(failure, PG_E_NO_MEMORY, address_of(region, i));
        return PG_E_NO_MEMORY;
    }
    page->flags = opened.flags;
    page_used(pager, region, i);
    return PG_OK;
}

enum pager_outcome pager_fault(struct pager *pager, uint64_t address, enum pager_access access,
                               struct pager_failure *failure)
{
    struct pager_region *region = pager_region_at(pager, address);
    pg_status status;
    uint32_t i;

    if (region == NULL) {
        return PAGER_NOT_MINE;
    }
    if (region->discarded) {
        return PAGER_DISCARDED;
    }
    if (!access_allowed(region->protection, access)) {
        return PAGER_DENIED;
    }
    i = (uint32_t)((address - region->base) / PG_PAGE_SIZE);
    status = (page_of(pager, region, i)->flags & PAGE_IN) != 0
                 ? reopen(pager, region, i, access, failure)
                 : page_in(pager, region, i, access == PAGER_WRITE, failure);
    if (status != PG_OK) {
        return PAGER_FAILED;
    }
    pager->counters.faults_served++;
    return PAGER_SERVED;
}

/* ---- pins ---- */

/* Brings in every run that is out; *found is set when a page was in before. */
static pg_status fill_all(struct pager *pager, struct pager_region *region, bool *found,
                          struct pager_failure *failure)
{
    pg_status status = PG_OK;
    uint32_t i = 0;

    while (status == PG_OK && i < region->pages) {
        uint32_t run = 0;

        while (i + run < region->pages && (page_of(pager, region, i + run)->flags & PAGE_IN) == 0) {
            run++;
        }
        if (run != 0) {
            status = fill_run(pager, region, i, run, true, failure);
            i += run;
        } else {
            *found = true;
            i++;
        }
    }
    return status;
}

pg_status pager_pin(struct pager *pager, struct pager_region *region, struct pager_failure *failure)
{
    bool found = false;
    pg_status status;

    if (region->pinned) {
        return PG_OK;
    }
    if (region->discarded) {
        failure_set(failure, PG_E_DISCARDED, region->base);
        return PG_E_DISCARDED;
    }
    status = fill_all(pager, region, &found, failure);
    if (status == PG_OK && found &&
        pager->memory->allow(pager, region, 0, region->pages, region->protection) < 0) {
        status = PG_E_NO_MEMORY;
        failure_set(failure, status, region->base);
        /* The kernel may have done part of it: which pages can be written to is not known. */
        for (uint32_t i = 0; i < region->pages && (region->protection & HOST_WRITE) != 0; i++) {
            struct page *page = page_of(pager, region, i);

            page->flags = (uint8_t)((page->flags | PAGE_DIRTY) & ~PAGE_OPEN);
        }
    }
    if (status != PG_OK) {
        (void)frames_make_room(pager, 0, NULL); /* pages that came in are not pinned */
        return status;
    }
    for (uint32_t i = 0; i < region->pages; i++) {
        struct page *page = page_of(pager, region, i);

        page->flags |= PAGE_OPEN;
        if ((region->protection & HOST_WRITE) != 0) {
            page->flags |= PAGE_DIRTY;
        }
        evictable_leave(pager, region, i);
    }
    region->pinned = true;
    return PG_OK;
}

void pager_unpin(struct pager *pager, struct pager_region *region)
{
    if (!region->pinned || region->discarded) {
        return;
    }
    region->pinned = false;
    for (uint32_t i = 0; i < region->pages; i++) {
        evictable_enter(pager, region, i);
    }
    (void)frames_make_room(pager, 0, NULL);
}

void pager_discard(struct pager *pager, struct pager_region *region)
{
    uint64_t bytes = region->end - region->base;

    if (region->discarded) {
        return;
    }
    if (host.discard(region->base, bytes) != 0 && host.discard(region->base, bytes) != 0) {
        (void)host.protect(region->base, bytes, HOST_NONE);
        for (uint32_t i = 0; i < region->pages; i++) {
            page_of(pager, region, i)->flags |= PAGE_SOILED;
        }
    }
    for (uint32_t i = 0; i < region->pages; i++) {
        struct page *page = page_of(pager, region, i);

        if ((page->flags & PAGE_IN) == 0) {
            continue;
        }
        if (region->pinned) { /* page_left takes it out of the set again */
            evictable_enter(pager, region, i);
        }
        page_left(pager, region, i);
    }
    region->pinned = false;
    region->discarded = true;
}
