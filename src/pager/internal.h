/* SPDX-License-Identifier: MIT */
/*
 * What the files of the pager share.
 *
 * A page of a region is a *slot*: a number below limits.pages, the same for as long as the region
 * exists, consecutive within it.  The slot is also the page's place in the paging file.
 *
 *   OUT --page_run--> IN, clean --fault (write), patch--> IN, dirty --trim_range--> OUT
 *                                                         (written to the paging file first)
 *
 *   OUT     no memory, any use is a fault; the content is in the backing: the paging file when
 * PAGE_SWAPPED, else the image file relocated, or zeros; then the patches.  PAGE_SOILED: the kernel
 *           refused to take memory back, what lies there is meaningless.
 *   IN      has memory.  PAGE_OPEN: it allows what protection_now() says.  Not open: something
 *           else; nothing, so that the next use is seen (the clock's reference bit), or what the
 *           kernel left when it refused a change.
 *   clean   equal to the backing, hence not writable while the region is unpinned
 *   dirty   perhaps different from the backing: has to be written before it leaves
 *
 *   pinned region      every page is IN and open, and dirty if the region is writable: an access
 *                      that the protection allows cannot fault
 *   discarded region   every page is OUT, for ever
 *
 * `evictable` holds exactly the slots that are IN, held by nobody and in no pinned region.
 */
#ifndef PAGABLE_PAGER_INTERNAL_H
#define PAGABLE_PAGER_INTERNAL_H

#include "pager/pager.h"

#include <pagable/section.h>

#include "base/host.h"
#include "pager/bitmap.h"
#include "pager/memory.h"
#include "pager/policy.h"

#define BOUNCE_PAGES 16u
#define NO_REGION    UINT32_MAX

enum page_flag {
    PAGE_IN = 1,
    PAGE_OPEN = 2,
    PAGE_DIRTY = 4,
    PAGE_SWAPPED =
        8, /* its content is in the paging file, at its slot; may be behind a dirty page */
    PAGE_SUMMED = 16, /* file_sum is known */
    PAGE_SOILED = 32,
    PAGE_STUCK = 64, /* inside trim_range: could not be written */
};

struct page {
    uint64_t file_sum; /* of the page as it lies in the image file, zeros after the file's part */
    uint64_t swap_sum; /* of the page in the paging file */
    uint32_t region;   /* index */
    uint32_t patches;  /* the last patch record of the page, see patch.c; 0: none */
    uint16_t holds;    /* pager_hold: while above 0 the page is IN and does not leave */
    uint8_t flags;
};

struct pager_region {
    uint64_t base, end;
    uint32_t pages;
    uint32_t slot; /* of its first page */
    unsigned protection;
    bool used, pinned, discarded;
    uint32_t held; /* pages with holds */
    struct pager_backing backing;
    uint32_t relocation_first, relocation_end; /* those that touch the region */
    void *owner;
};

struct pager {
    struct pager_limits limits;
    struct pager_hooks hooks;
    struct pager_counters counters;
    int swap_fd; /* < 0: not opened yet */
    const struct memory_ops *memory;
    int missing_fd; /* < 0: memory is memory_protection */
    uint32_t frames;
    uint32_t evictable_count;
    struct bitmap evictable;
    const struct policy_ops *policy;
    void *policy_state;
    uint32_t region_count;
    uint32_t last; /* region of the last lookup, or NO_REGION */
    struct pager_region *regions;
    uint32_t *by_address; /* region_count indices, ascending bases */
    uint32_t *by_slot;    /* region_count indices, ascending slots */
    struct page *pages;
    uint32_t *patch_pool; /* see patch.c */
    uint32_t patch_words, patch_bytes;
    uint8_t *bounce;    /* BOUNCE_PAGES pages: for what is written, and for first looks at files */
    uint8_t *neighbour; /* one page, for the other part of a word that straddles */
};

static inline struct page *page_of(const struct pager *pager, const struct pager_region *region,
                                   uint32_t i)
{
    return &pager->pages[region->slot + i];
}

static inline uint64_t address_of(const struct pager_region *region, uint32_t i)
{
    return region->base + (uint64_t)i * PG_PAGE_SIZE;
}

/* What an open page allows. */
static inline unsigned protection_now(const struct pager_region *region, const struct page *page)
{
    bool writable = (page->flags & PAGE_DIRTY) != 0;

    return writable ? region->protection : region->protection & ~(unsigned)HOST_WRITE;
}

/* pager.c */
void failure_set(struct pager_failure *failure, pg_status status, uint64_t address);
/* A page got memory, lost it, or was seen to be used: flags, set, policy. */
void page_came_in(struct pager *pager, struct pager_region *region, uint32_t i, unsigned flags);
void page_left(struct pager *pager, struct pager_region *region, uint32_t i);
void page_used(struct pager *pager, struct pager_region *region, uint32_t i);
/* The pages of a region enter or leave the evictable set; a page that is held stays out of it. */
void evictable_enter(struct pager *pager, struct pager_region *region, uint32_t i);
void evictable_leave(struct pager *pager, struct pager_region *region, uint32_t i);

/* fill.c */

/* The checksums of the image file's pages. */
pg_status fill_take_sums(struct pager *pager, struct pager_region *region,
                         struct pager_failure *failure);
/* Pages [i, i + count) of a region, all OUT, come in: with the region's whole protection and dirty
 * when `writable`, else clean.  On failure all are OUT. */
pg_status fill_run(struct pager *pager, struct pager_region *region, uint32_t i, uint32_t count,
                   bool writable, struct pager_failure *failure);
/* For back ends: whether the content of a page is in a file, not zeros; and the content of pages
 * [i, i + count), which are out, to `content`, where zeros are for those that are in no file. */
bool fill_reads(const struct pager *pager, const struct pager_region *region, uint32_t i);
pg_status fill_fetch(struct pager *pager, const struct pager_region *region, uint32_t i,
                     uint32_t count, uint8_t *content, struct pager_failure *failure);
/* The whole of `bytes` from a file: PG_OK, PG_E_IO, PG_E_TRUNCATED; *done says how far it came. */
pg_status file_read(int fd, void *buffer, size_t bytes, uint64_t offset, size_t *done);

/* fault.c */

/* Evicts until `need` more pages may come in. */
pg_status frames_make_room(struct pager *pager, uint32_t need, struct pager_failure *failure);

/* trim.c */

/* Pages of [first, end) that are in leave; returns how many did.  The region is not pinned. */
uint32_t trim_range(struct pager *pager, struct pager_region *region, uint32_t first, uint32_t end,
                    struct pager_failure *failure);

/* The same for every region that has such pages. */
uint32_t trim_all(struct pager *pager, struct pager_failure *failure);

/* patch.c */

/* Lays the patches of a page over its content. */
void patches_apply(const struct pager *pager, const struct page *page, uint8_t *content);
/* Forgets the patches of a region. */
void patches_drop(struct pager *pager, const struct pager_region *region);
bool patches_are_valid(const struct pager *pager);

/* residency_linux.c: 1 per page that has memory; false on a host error. */
bool residency_read(uint64_t address, uint32_t pages, unsigned char *resident);

#endif
