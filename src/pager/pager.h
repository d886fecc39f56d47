/* SPDX-License-Identifier: MIT */
/*
 * The pager: memory at fixed addresses whose pages really leave and really come back.
 *
 * A *region* is a run of pages with one protection and one backing: a section of an image (pages
 * come from the image file, relocated and patched as the loader left them; modified ones go to the
 * paging file) or nothing (zero pages; paged pool and plain memory).  Residency is the kernel's: a
 * page that is out has no memory and no access.
 *
 *   OUT --page in--> IN(clean) --write--> IN(dirty) --trim: write-back--> OUT
 *
 * A region that is *pinned* does not leave; a region that was *discarded* never comes back.
 * One thread.  No memory is allocated after pager_init; all state lies in the caller's memory.
 */
#ifndef PAGABLE_PAGER_PAGER_H
#define PAGABLE_PAGER_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>

struct pager;
struct pager_region;

enum pager_access { PAGER_READ, PAGER_WRITE, PAGER_EXECUTE };

enum pager_outcome {
    PAGER_SERVED,    /* the page is in and the access is allowed: try again */
    PAGER_NOT_MINE,  /* the address lies in no region */
    PAGER_DENIED,    /* the page is in (or was never out) but its protection forbids the access */
    PAGER_DISCARDED, /* the region was given back for ever */
    PAGER_FAILED,    /* the page could not be brought in; see struct pager_failure */
};

/* Why a page could not come in (or go out): the material of an in-page bug check. */
struct pager_failure {
    pg_status
        status; /* PG_E_IO, PG_E_TRUNCATED, PG_E_CHANGED (image file), PG_E_CORRUPT (paging file) */
    uint64_t address;
    uint64_t file_offset;
    bool paging_file;
    uint64_t expected, actual; /* checksums, for PG_E_CHANGED and PG_E_CORRUPT */
};

/* Where a region's first bytes come from.  fd < 0: zero pages. */
struct pager_backing {
    int fd; /* the image file; stays open and the caller's until the region is removed */
    uint64_t file_offset;
    uint32_t file_bytes;         /* the rest of the region is zero */
    uint64_t delta;              /* added to each relocated 8-byte word */
    const uint32_t *relocations; /* rvas of the whole image's words, ascending; kept by reference */
    uint32_t relocation_count;
    uint32_t rva; /* of the region's first byte; a multiple of PG_PAGE_SIZE */
};

struct pager_region_desc {
    uint64_t base;
    uint32_t pages;
    unsigned protection; /* HOST_* of base/host.h when resident */
    bool pinned;         /* resident from the start and until pager_unpin */
    struct pager_backing backing;
    void *owner; /* the caller's own; see pager_region_owner */
};

struct pager_counters {
    uint64_t faults_served, page_ins, page_outs, write_backs, trims, pages_trimmed, evictions;
};

struct pager_hooks {
    void *context;
    /* Picks one of n (n >= 2) for a random policy; the machine's choice stream.  May be NULL. */
    uint32_t (*choose)(void *context, uint32_t n);
    /* Page i of a region got memory or lost it.  Not told when the region is removed.  May be NULL.
     */
    void (*moved)(void *context, const struct pager_region *region, uint32_t i, bool in);
};

/* Limits fixed at pager_init. */
struct pager_limits {
    uint32_t regions;
    uint32_t pages;       /* of all regions together */
    uint32_t patch_bytes; /* total bytes of patches */
};

size_t pager_bytes(const struct pager_limits *limits);
pg_status pager_init(void *memory, size_t bytes, const struct pager_limits *limits,
                     const struct pager_hooks *hooks, struct pager **out);
/* How pages come and go; what is observed is the same with both. */
enum pager_backend {
    PAGER_PROTECTION, /* access is taken from what is out; a use is SIGSEGV */
    PAGER_USERFAULT,  /* what is out is missing; a use is SIGBUS, a forbidden one SIGSEGV */
};
/*
 * Choose the back end, before the first region is added; PAGER_PROTECTION when never called.
 * PG_E_ARG when there are regions; PG_E_UNSUPPORTED when the system does not have or allow
 * userfaultfd with SIGBUS and write protection (for user mode only): all stays as it was.
 */
pg_status pager_set_backend(struct pager *pager, enum pager_backend backend);
/* Closes the paging file and unmaps every region. */
void pager_fini(struct pager *pager);

/*
 * Add a region: claims its addresses.  Pages of a pinned region are in on return; others are out
 * and come in on their first access.  The checksum of every backing page is taken now, so that a
 * file that changes later is noticed.  The regions of one image are added in ascending order: a
 * relocated word that ends in one begins in the one before. PG_E_ARG (protection without HOST_READ,
 * but for HOST_NONE, too), PG_E_LIMIT (no run of pages is free), PG_E_OVERLAP, PG_E_IO,
 * PG_E_TRUNCATED, PG_E_NO_MEMORY.
 */
pg_status pager_add(struct pager *pager, const struct pager_region_desc *desc,
                    struct pager_region **out);
void pager_remove(struct pager *pager, struct pager_region *region);

/*
 * The loader's own writes: sets `bytes` bytes at `address` (any part of a region, resident or not,
 * whatever its protection) and records them, so that they are there again after every page in.
 * A patch may span pages; one for many neighbouring bytes costs as much as one for a byte.
 * PG_E_LIMIT, PG_E_ARG (not in one region), PG_E_DISCARDED, PG_E_NO_MEMORY, or a page-in failure.
 */
pg_status pager_patch(struct pager *pager, uint64_t address, const void *data, uint32_t bytes);

/* Serve an access that faulted.  *failure is set for PAGER_FAILED. */
enum pager_outcome pager_fault(struct pager *pager, uint64_t address, enum pager_access access,
                               struct pager_failure *failure);

/* Bring in every page of a region and keep it in until pager_unpin (nests not: the section core
 * counts).  On failure nothing is pinned. */
pg_status pager_pin(struct pager *pager, struct pager_region *region,
                    struct pager_failure *failure);
void pager_unpin(struct pager *pager, struct pager_region *region);

/*
 * Bring in the pages that [address, address + bytes) touches and keep each in until it was released
 * as often as it was held.  They may lie in several regions; a page of a pinned region may be held
 * too.  On failure nothing is held: PG_E_ARG (an address in no region), PG_E_DISCARDED, PG_E_LIMIT
 * (65,535 holds of one page), or a page-in failure.
 */
pg_status pager_hold(struct pager *pager, uint64_t address, uint64_t bytes,
                     struct pager_failure *failure);
/* Exactly what pager_hold got.  Pages of regions that are gone meanwhile are passed over. */
void pager_release(struct pager *pager, uint64_t address, uint64_t bytes);

/* Give the region's memory back for ever. */
void pager_discard(struct pager *pager, struct pager_region *region);

/* Trim: every page of every region that is not pinned leaves (one system call per run of resident
 * pages, none when nothing came in since the last trim).  A page whose write-back fails stays in
 * and *failure (may be NULL) says why.  Returns the number of pages that left. */
uint32_t pager_trim(struct pager *pager, struct pager_failure *failure);
/* The same for one region. */
uint32_t pager_trim_region(struct pager *pager, struct pager_region *region,
                           struct pager_failure *failure);
/* Trim each resident unpinned page with probability 1/2, drawn from hooks->choose (none: all). */
uint32_t pager_trim_random(struct pager *pager, struct pager_failure *failure);

/* Take the access to what could leave, but not the memory: the next use of each page is a fault. */
void pager_close(struct pager *pager);
/* Whether the page of an address is in memory and nothing holds it there. */
bool pager_may_leave(const struct pager *pager, uint64_t address);

/* At most `frames` resident unpinned pages (0: no limit); beyond it a page-in evicts one that the
 * policy names: by clock replacement a page that was not used since the hand last passed.  Uses are
 * seen by taking the access away: such a fault brings nothing in, and the page is resident all the
 * while.  When nothing can be evicted, a page-in fails with the reason (PG_E_IO). */
void pager_set_frames(struct pager *pager, uint32_t frames);

enum pager_policy { PAGER_CLOCK, PAGER_FIFO, PAGER_TRIM_ALL };
/* PAGER_CLOCK when never called. */
void pager_set_policy(struct pager *pager, enum pager_policy policy);

struct pager_region *pager_region_at(struct pager *pager, uint64_t address);
void *pager_region_owner(const struct pager_region *region);
bool pager_region_pinned(const struct pager_region *region);
bool pager_region_discarded(const struct pager_region *region);
unsigned pager_region_protection(const struct pager_region *region);

/*
 * Whether the page has memory, so that an access that the region's protection allows needs nothing
 * from any file.  Such an access may fault nevertheless (the first write to a clean page, the first
 * use after the clock's hand passed): pager_fault then serves it without input, output or loss of
 * anything.  So at an IRQL at which paging is forbidden: ask this first, and serve when it is true.
 */
bool pager_is_resident(const struct pager *pager, uint64_t address);
/* Resident pages of a region as the kernel sees them (mincore), not as the pager believes; -1 on a
 * host error. */
int64_t pager_region_resident_pages(const struct pager *pager, const struct pager_region *region);

struct pager_counters pager_counters(const struct pager *pager);

/* Walks everything and tells whether every invariant holds (and agrees with the kernel). */
bool pager_is_valid(const struct pager *pager);

#endif
