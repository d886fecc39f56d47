/* SPDX-License-Identifier: MIT */
/*
 * The pager itself: memory, regions, lookup, queries.
 *
 * All state is carved once from the caller's memory.  Only what is in use is ever written there, so
 * generous limits cost address space and nothing else.
 */
#include "pager/internal.h"

#include <errno.h>
#include <string.h>

struct layout {
    size_t regions, by_address, by_slot, pages, evictable, policy, pool, bounce, neighbour, bytes;
};

static size_t take(size_t *at, size_t bytes)
{
    size_t start = (*at + 15) & ~(size_t)15;

    *at = start + bytes;
    return start;
}

static size_t policy_bytes(uint32_t pages)
{
    static const struct policy_ops *const all[] = {&policy_clock, &policy_fifo, &policy_trim_all};
    size_t most = 0;

    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        most = all[i]->bytes(pages) > most ? all[i]->bytes(pages) : most;
    }
    return most;
}

static struct layout layout_of(const struct pager_limits *limits)
{
    struct layout l;
    size_t at = sizeof(struct pager);

    l.regions = take(&at, limits->regions * sizeof(struct pager_region));
    l.by_address = take(&at, limits->regions * sizeof(uint32_t));
    l.by_slot = take(&at, limits->regions * sizeof(uint32_t));
    l.pages = take(&at, limits->pages * sizeof(struct page));
    l.evictable = take(&at, bitmap_bytes(limits->pages));
    l.policy = take(&at, policy_bytes(limits->pages));
    /* A record of n bytes takes at most 16 n: 12 of header, n rounded up to 4; see patch.c. */
    l.pool = take(&at, ((size_t)limits->patch_bytes + 1) * 16);
    l.bounce = take(&at, BOUNCE_PAGES * PG_PAGE_SIZE);
    l.neighbour = take(&at, PG_PAGE_SIZE);
    l.bytes = at;
    return l;
}

static bool limits_are_sane(const struct pager_limits *limits)
{
    return limits->regions != 0 && limits->regions < NO_REGION && limits->pages != 0 &&
           limits->pages < POLICY_NONE - 64 && limits->patch_bytes < (1u << 28);
}

size_t pager_bytes(const struct pager_limits *limits)
{
    return layout_of(limits).bytes;
}

pg_status pager_init(void *memory, size_t bytes, const struct pager_limits *limits,
                     const struct pager_hooks *hooks, struct pager **out)
{
    struct pager *pager = memory;
    char *at = memory;
    struct layout l;

    if (memory == NULL || ((uintptr_t)memory & 15) != 0 || !limits_are_sane(limits)) {
        return PG_E_ARG;
    }
    l = layout_of(limits);
    if (bytes < l.bytes) {
        return PG_E_ARG;
    }
    *pager = (struct pager){.limits = *limits, .swap_fd = -1, .missing_fd = -1, .last = NO_REGION};
    pager->memory = &memory_protection;
    if (hooks != NULL) {
        pager->hooks = *hooks;
    }
    pager->regions = (struct pager_region *)(at + l.regions);
    pager->by_address = (uint32_t *)(at + l.by_address);
    pager->by_slot = (uint32_t *)(at + l.by_slot);
    pager->pages = (struct page *)(at + l.pages);
    pager->policy_state = at + l.policy;
    pager->patch_pool = (uint32_t *)(at + l.pool);
    pager->patch_words = 1; /* index 0 means "no record" */
    pager->bounce = (uint8_t *)(at + l.bounce);
    pager->neighbour = (uint8_t *)(at + l.neighbour);
    memset(pager->regions, 0, limits->regions * sizeof(struct pager_region));
    bitmap_init(&pager->evictable, at + l.evictable, limits->pages);
    pager_set_policy(pager, PAGER_CLOCK);
    *out = pager;
    return PG_OK;
}

void pager_fini(struct pager *pager)
{
    while (pager->region_count != 0) {
        pager_remove(pager, &pager->regions[pager->by_address[pager->region_count - 1]]);
    }
    if (pager->swap_fd >= 0) {
        host.close(pager->swap_fd);
        pager->swap_fd = -1;
    }
    (void)pager_set_backend(pager, PAGER_PROTECTION);
}

pg_status pager_set_backend(struct pager *pager, enum pager_backend backend)
{
    if (pager->region_count != 0) {
        return PG_E_ARG;
    }
    if (backend == PAGER_USERFAULT && pager->missing_fd < 0) {
        int fd = host.missing_open();

        if (fd < 0) {
            return PG_E_UNSUPPORTED;
        }
        pager->missing_fd = fd;
        pager->memory = &memory_userfault;
    } else if (backend == PAGER_PROTECTION && pager->missing_fd >= 0) {
        host.close(pager->missing_fd);
        pager->missing_fd = -1;
        pager->memory = &memory_protection;
    }
    return PG_OK;
}

void failure_set(struct pager_failure *failure, pg_status status, uint64_t address)
{
    if (failure != NULL) {
        *failure = (struct pager_failure){.status = status, .address = address};
    }
}

/* ---- sets of pages ---- */

void evictable_enter(struct pager *pager, struct pager_region *region, uint32_t i)
{
    if (page_of(pager, region, i)->holds != 0) {
        return;
    }
    bitmap_set(&pager->evictable, region->slot + i);
    pager->evictable_count++;
    if (pager->frames != 0) {
        pager->policy->came_in(pager->policy_state, region->slot + i);
    }
}

void evictable_leave(struct pager *pager, struct pager_region *region, uint32_t i)
{
    if (!bitmap_has(&pager->evictable, region->slot + i)) {
        return;
    }
    bitmap_clear(&pager->evictable, region->slot + i);
    pager->evictable_count--;
    if (pager->frames != 0) {
        pager->policy->left(pager->policy_state, region->slot + i);
    }
}

void page_came_in(struct pager *pager, struct pager_region *region, uint32_t i, unsigned flags)
{
    struct page *page = page_of(pager, region, i);

    page->flags &= (uint8_t)~PAGE_SOILED;
    page->flags |= (uint8_t)(PAGE_IN | PAGE_OPEN | flags);
    pager->counters.page_ins++;
    evictable_enter(pager, region, i);
    if (pager->hooks.moved != NULL) {
        pager->hooks.moved(pager->hooks.context, region, i, true);
    }
}

void page_left(struct pager *pager, struct pager_region *region, uint32_t i)
{
    struct page *page = page_of(pager, region, i);

    page->flags &= (uint8_t) ~(PAGE_IN | PAGE_OPEN | PAGE_DIRTY);
    pager->counters.page_outs++;
    evictable_leave(pager, region, i);
    if (pager->hooks.moved != NULL) {
        pager->hooks.moved(pager->hooks.context, region, i, false);
    }
}

void page_used(struct pager *pager, struct pager_region *region, uint32_t i)
{
    if (pager->frames != 0 && !region->pinned) {
        pager->policy->used(pager->policy_state, region->slot + i);
    }
}

/* ---- regions ---- */

/* Position in by_address of the last region whose base is <= address, plus one. */
static uint32_t rank_of(const struct pager *pager, uint64_t address)
{
    uint32_t low = 0, left = pager->region_count;

    while (left > 0) {
        uint32_t half = left / 2;

        if (pager->regions[pager->by_address[low + half]].base <= address) {
            low += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return low;
}

struct pager_region *pager_region_at(struct pager *pager, uint64_t address)
{
    uint32_t rank;
    struct pager_region *region;

    if (pager->last != NO_REGION) {
        region = &pager->regions[pager->last];
        if (address >= region->base && address < region->end) {
            return region;
        }
    }
    rank = rank_of(pager, address);
    if (rank == 0) {
        return NULL;
    }
    region = &pager->regions[pager->by_address[rank - 1]];
    if (address >= region->end) {
        return NULL;
    }
    pager->last = pager->by_address[rank - 1];
    return region;
}

/* Position in by_slot in front of which a gap of `pages` slots lies, or region_count + 1; *slot is
 * where the gap begins. */
static uint32_t slots_find(const struct pager *pager, uint32_t pages, uint32_t *slot)
{
    uint32_t i;

    *slot = 0;
    for (i = 0; i < pager->region_count; i++) {
        const struct pager_region *region = &pager->regions[pager->by_slot[i]];

        if (region->slot - *slot >= pages) {
            return i;
        }
        *slot = region->slot + region->pages;
    }
    return pager->limits.pages - *slot >= pages ? i : i + 1;
}

static pg_status desc_check(const struct pager_region_desc *desc)
{
    const struct pager_backing *b = &desc->backing;
    uint64_t bytes = (uint64_t)desc->pages * PG_PAGE_SIZE;

    if (desc->pages == 0 || desc->base % PG_PAGE_SIZE != 0 || desc->base + bytes < desc->base ||
        desc->protection > (HOST_READ | HOST_WRITE | HOST_EXECUTE) ||
        (desc->protection != HOST_NONE && (desc->protection & HOST_READ) == 0)) {
        return PG_E_ARG;
    }
    if (b->fd >= 0 && (b->file_bytes > bytes || b->rva % PG_PAGE_SIZE != 0 ||
                       b->rva + bytes > UINT64_C(1) << 32 ||
                       b->file_offset > (uint64_t)INT64_MAX - b->file_bytes ||
                       (b->relocation_count != 0 && b->relocations == NULL))) {
        return PG_E_ARG;
    }
    return PG_OK;
}

/* The first relocation at or after an rva. */
static uint32_t relocation_rank(const struct pager_backing *b, uint64_t rva)
{
    uint32_t low = 0, left = b->relocation_count;

    while (left > 0) {
        uint32_t half = left / 2;

        if (b->relocations[low + half] < rva) {
            low += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return low;
}

static uint32_t free_region(const struct pager *pager)
{
    uint32_t i = 0;

    while (pager->regions[i].used) {
        i++;
    }
    return i;
}

static void order_insert(uint32_t *order, uint32_t count, uint32_t at, uint32_t value)
{
    memmove(&order[at + 1], &order[at], (count - at) * sizeof *order);
    order[at] = value;
}

static void order_remove(uint32_t *order, uint32_t count, uint32_t value)
{
    uint32_t at = 0;

    while (order[at] != value) {
        at++;
    }
    memmove(&order[at], &order[at + 1], (count - at - 1) * sizeof *order);
}

static void region_fill(struct pager *pager, struct pager_region *region,
                        const struct pager_region_desc *desc, uint32_t slot)
{
    uint32_t index = (uint32_t)(region - pager->regions);

    *region = (struct pager_region){
        .base = desc->base,
        .end = desc->base + (uint64_t)desc->pages * PG_PAGE_SIZE,
        .pages = desc->pages,
        .slot = slot,
        .protection = desc->protection,
        .used = true,
        .backing = desc->backing,
        .owner = desc->owner,
    };
    if (desc->backing.fd >= 0 && desc->backing.delta != 0) {
        uint64_t rva = desc->backing.rva;

        region->relocation_first = relocation_rank(&desc->backing, rva < 7 ? 0 : rva - 7);
        region->relocation_end =
            relocation_rank(&desc->backing, rva + (uint64_t)desc->pages * PG_PAGE_SIZE);
    }
    for (uint32_t i = 0; i < desc->pages; i++) {
        pager->pages[slot + i] = (struct page){.region = index};
    }
}

static pg_status region_plan(const struct pager *pager, const struct pager_region_desc *desc,
                             uint32_t *at, uint32_t *slot_at, uint32_t *slot)
{
    pg_status status = desc_check(desc);
    uint64_t end = desc->base + (uint64_t)desc->pages * PG_PAGE_SIZE;

    if (status != PG_OK) {
        return status;
    }
    *at = rank_of(pager, end - 1);
    if (*at > 0 && pager->regions[pager->by_address[*at - 1]].end > desc->base) {
        return PG_E_OVERLAP;
    }
    if (pager->region_count == pager->limits.regions) {
        return PG_E_LIMIT;
    }
    *slot_at = slots_find(pager, desc->pages, slot);
    return *slot_at > pager->region_count ? PG_E_LIMIT : PG_OK;
}

pg_status pager_add(struct pager *pager, const struct pager_region_desc *desc,
                    struct pager_region **out)
{
    uint32_t at, slot_at, slot;
    struct pager_region *region;
    pg_status status = region_plan(pager, desc, &at, &slot_at, &slot);
    int error;

    if (status != PG_OK) {
        return status;
    }
    region = &pager->regions[free_region(pager)];
    region_fill(pager, region, desc, slot);
    error = pager->memory->claim(pager, region);
    if (error < 0) {
        *region = (struct pager_region){.used = false};
        return error == -EEXIST ? PG_E_OVERLAP : PG_E_NO_MEMORY;
    }
    order_insert(pager->by_address, pager->region_count, at, (uint32_t)(region - pager->regions));
    order_insert(pager->by_slot, pager->region_count, slot_at, (uint32_t)(region - pager->regions));
    pager->region_count++;
    /* Filling a page takes its checksum when it has none yet: a pinned region is read once. */
    status = desc->pinned ? pager_pin(pager, region, NULL) : fill_take_sums(pager, region, NULL);
    if (status != PG_OK) {
        pager_remove(pager, region);
        return status;
    }
    *out = region;
    return PG_OK;
}

void pager_remove(struct pager *pager, struct pager_region *region)
{
    uint32_t index = (uint32_t)(region - pager->regions);

    if (!region->pinned) {
        uint32_t end = region->slot + region->pages;

        for (uint32_t s = bitmap_next(&pager->evictable, region->slot); s < end;
             s = bitmap_next(&pager->evictable, s + 1)) {
            evictable_leave(pager, region, s - region->slot);
        }
    }
    patches_drop(pager, region);
    (void)host.unreserve(region->base, region->end - region->base); /* cannot fail on our own map */
    order_remove(pager->by_address, pager->region_count, index);
    order_remove(pager->by_slot, pager->region_count, index);
    pager->region_count--;
    pager->last = NO_REGION;
    *region = (struct pager_region){.used = false};
}

/* ---- queries ---- */

void *pager_region_owner(const struct pager_region *region)
{
    return region->owner;
}

bool pager_region_pinned(const struct pager_region *region)
{
    return region->pinned;
}

bool pager_region_discarded(const struct pager_region *region)
{
    return region->discarded;
}

unsigned pager_region_protection(const struct pager_region *region)
{
    return region->protection;
}

bool pager_is_resident(const struct pager *pager, uint64_t address)
{
    uint32_t rank = rank_of(pager, address);
    const struct pager_region *region;

    if (rank == 0) {
        return false;
    }
    region = &pager->regions[pager->by_address[rank - 1]];
    return address < region->end &&
           (page_of(pager, region, (uint32_t)((address - region->base) / PG_PAGE_SIZE))->flags &
            PAGE_IN) != 0;
}

bool pager_may_leave(const struct pager *pager, uint64_t address)
{
    uint32_t rank = rank_of(pager, address);
    const struct pager_region *region;

    if (rank == 0) {
        return false;
    }
    region = &pager->regions[pager->by_address[rank - 1]];
    return address < region->end &&
           bitmap_has(&pager->evictable,
                      region->slot + (uint32_t)((address - region->base) / PG_PAGE_SIZE));
}

int64_t pager_region_resident_pages(const struct pager *pager, const struct pager_region *region)
{
    unsigned char resident[256];
    int64_t count = 0;

    (void)pager;
    for (uint32_t i = 0; i < region->pages; i += sizeof resident) {
        uint32_t left = region->pages - i;
        uint32_t n = left < sizeof resident ? left : (uint32_t)sizeof resident;

        if (!residency_read(address_of(region, i), n, resident)) {
            return -1;
        }
        for (uint32_t j = 0; j < n; j++) {
            count += resident[j];
        }
    }
    return count;
}

struct pager_counters pager_counters(const struct pager *pager)
{
    return pager->counters;
}
