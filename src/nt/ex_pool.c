/* SPDX-License-Identifier: MIT */
/*
 * Pool: nonpaged in memory that is always there, paged in one region of the pager.
 *
 * Everything known of a block is kept in the arena; a block itself is never read or written here,
 * but to zero it when that was asked for, so that no overrun of a driver can corrupt the allocator
 * and paged pool may be allocated and freed while it is out.
 *
 *   page  FREE --run_take--> RUN (first page of a block of whole pages) + MORE (its other pages)
 *         FREE --slab_new--> SLAB (equal blocks of at most half a page)
 *         RUN, MORE, SLAB --page_release--> FREE
 *
 * Invariants: a SLAB page has a slab with at least one live block; every live block is found from
 * its page and is in the list of live blocks; blocks of a page or more begin at a page.  Freed
 * memory is used again as late as possible (the search goes round), which tells a double free from
 * a free of somebody else's block.  Addresses depend on nothing but the order of the calls.
 */
#include "nt/ex.h"

#include "base/host.h"

#include <stdio.h>
#include <string.h>

#define SLAB_BLOCKS_MAX 256u
#define CLASSES         24u
#define FREED_KEPT      4096u

enum page_kind { PAGE_FREE, PAGE_RUN, PAGE_MORE, PAGE_SLAB };

struct slab {
    uint32_t page;
    uint32_t class;
    uint32_t live;                /* blocks */
    uint32_t cursor;              /* where the search for a free slot goes on */
    struct slab *next, *previous; /* slabs of the class with a free slot; then of free records */
    struct ex_pool_block **slots;
};

struct pool_page {
    uint8_t kind;
    uint32_t pages; /* RUN */
    union {
        struct slab *slab;           /* SLAB */
        struct ex_pool_block *block; /* RUN */
    };
};

struct pool {
    uint64_t base;
    uint32_t page_count;
    uint32_t cursor; /* page at which the next search begins */
    struct pool_page *pages;
    struct slab *first[CLASSES], *last[CLASSES];
};

/* A block that was freed: material for the report of a second free. */
struct freed {
    uint64_t address, caller;
    uint32_t tag;
};

struct pool_state {
    struct pool pools[2];
    struct ex_pool_block *live_first, *live_last, *spare_blocks;
    struct slab *spare_slabs[CLASSES];
    uint64_t sequence;
    struct freed freed[FREED_KEPT];
    uint64_t freed_count;
};

static struct pool_state *state;

static const uint16_t class_bytes[CLASSES] = {16,  32,  48,  64,  80,  96,   112,  128,
                                              144, 160, 176, 192, 208, 224,  240,  256,
                                              320, 384, 512, 640, 768, 1024, 1360, 2048};

static uint32_t slots_of(uint32_t class)
{
    return PG_PAGE_SIZE / class_bytes[class];
}

/* Class for a size, CLASSES when it takes whole pages. */
static uint32_t class_of(size_t bytes, unsigned how)
{
    uint32_t class = 0;

    if (how & EX_POOL_WHOLE_PAGES) {
        return CLASSES;
    }
    while (class < CLASSES && (class_bytes[class] < bytes ||
                               ((how & EX_POOL_CACHE_ALIGNED) && class_bytes[class] % 64 != 0))) {
        class ++;
    }
    return class;
}

static uint64_t page_address(const struct pool *pool, uint32_t page)
{
    return pool->base + (uint64_t)page * PG_PAGE_SIZE;
}

static struct pool *pool_of(uint64_t address)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct pool *pool = &state->pools[i];

        if (address >= pool->base &&
            address < pool->base + (uint64_t)pool->page_count * PG_PAGE_SIZE) {
            return pool;
        }
    }
    return NULL;
}

static uint32_t page_of(const struct pool *pool, uint64_t address)
{
    return (uint32_t)((address - pool->base) / PG_PAGE_SIZE);
}

/* ---- records ---- */

static struct ex_pool_block *block_new(struct pool *pool, uint64_t address, size_t bytes,
                                       uint32_t tag)
{
    struct ex_pool_block *block = state->spare_blocks;

    if (block != NULL) {
        state->spare_blocks = block->next;
    } else {
        block = machine_allocate(sizeof *block);
    }
    *block = (struct ex_pool_block){.address = address,
                                    .bytes = bytes,
                                    .tag = tag,
                                    .pool = pool == &state->pools[POOL_PAGED] ? POOL_PAGED
                                                                              : POOL_NONPAGED,
                                    .caller = machine_caller(),
                                    .sequence = ++state->sequence,
                                    .previous = state->live_last};
    if (state->live_last != NULL) {
        state->live_last->next = block;
    } else {
        state->live_first = block;
    }
    state->live_last = block;
    return block;
}

static void block_gone(struct ex_pool_block *block)
{
    struct freed *freed = &state->freed[state->freed_count++ % FREED_KEPT];

    *freed = (struct freed){block->address, machine_caller(), block->tag};
    *(block->previous != NULL ? &block->previous->next : &state->live_first) = block->next;
    *(block->next != NULL ? &block->next->previous : &state->live_last) = block->previous;
    block->next = state->spare_blocks;
    state->spare_blocks = block;
}

static const struct freed *find_freed(uint64_t address)
{
    uint64_t kept = state->freed_count < FREED_KEPT ? state->freed_count : FREED_KEPT;

    for (uint64_t i = 1; i <= kept; i++) {
        const struct freed *freed = &state->freed[(state->freed_count - i) % FREED_KEPT];

        if (freed->address == address) {
            return freed;
        }
    }
    return NULL;
}

/* ---- pages ---- */

static bool range_allows(const struct pool *pool, uint32_t page, uint32_t pages,
                         const struct ex_pool_range *range)
{
    uint64_t first = mm_physical(page_address(pool, page));
    uint64_t last = first + (uint64_t)pages * PG_PAGE_SIZE - 1;

    return first >= range->lowest && last <= range->highest &&
           (range->boundary == 0 || first / range->boundary == last / range->boundary);
}

/* First page of a run of free pages at or after `from`, or page_count. */
static uint32_t find_run(const struct pool *pool, uint32_t from, uint32_t pages,
                         const struct ex_pool_range *range)
{
    uint32_t run = 0;

    for (uint32_t i = from; i < pool->page_count; i++) {
        run = pool->pages[i].kind == PAGE_FREE ? run + 1 : 0;
        if (run >= pages && (range == NULL || range_allows(pool, i + 1 - pages, pages, range))) {
            return i + 1 - pages;
        }
    }
    return pool->page_count;
}

static uint32_t take_pages(struct pool *pool, uint32_t pages, const struct ex_pool_range *range)
{
    uint32_t page = find_run(pool, pool->cursor, pages, range);

    if (page == pool->page_count) {
        page = find_run(pool, 0, pages, range);
    }
    if (page < pool->page_count) {
        pool->cursor = page + pages == pool->page_count ? 0 : page + pages;
    }
    return page;
}

static uint64_t run_take(struct pool *pool, size_t bytes, uint32_t tag,
                         const struct ex_pool_range *range)
{
    uint64_t pages = (bytes + PG_PAGE_SIZE - 1) / PG_PAGE_SIZE;
    uint32_t page;

    if (pages > pool->page_count) {
        return 0;
    }
    page = take_pages(pool, (uint32_t)pages, range);
    if (page == pool->page_count) {
        return 0;
    }
    pool->pages[page].kind = PAGE_RUN;
    pool->pages[page].pages = (uint32_t)pages;
    for (uint32_t i = 1; i < pages; i++) {
        pool->pages[page + i].kind = PAGE_MORE;
    }
    pool->pages[page].block = block_new(pool, page_address(pool, page), bytes, tag);
    return page_address(pool, page);
}

static void run_free(struct pool *pool, uint32_t page)
{
    struct ex_pool_block *block = pool->pages[page].block;
    uint32_t pages = pool->pages[page].pages;

    memset(&pool->pages[page], 0, pages * sizeof pool->pages[page]);
    block_gone(block);
}

/* ---- slabs ---- */

static void slab_link(struct pool *pool, struct slab *slab)
{
    slab->next = NULL;
    slab->previous = pool->last[slab->class];
    *(slab->previous != NULL ? &slab->previous->next : &pool->first[slab->class]) = slab;
    pool->last[slab->class] = slab;
}

static void slab_unlink(struct pool *pool, struct slab *slab)
{
    *(slab->previous != NULL ? &slab->previous->next : &pool->first[slab->class]) = slab->next;
    *(slab->next != NULL ? &slab->next->previous : &pool->last[slab->class]) = slab->previous;
}

static struct slab *slab_new(struct pool *pool, uint32_t class)
{
    uint32_t page = take_pages(pool, 1, NULL);
    struct slab *slab;

    if (page == pool->page_count) {
        return NULL;
    }
    slab = state->spare_slabs[class];
    if (slab != NULL) {
        state->spare_slabs[class] = slab->next;
    } else {
        slab = machine_allocate(sizeof *slab);
        slab->class = class;
        slab->slots = machine_allocate(slots_of(class) * sizeof(struct ex_pool_block *));
    }
    slab->page = page;
    slab->live = 0;
    slab->cursor = 0;
    pool->pages[page].kind = PAGE_SLAB;
    pool->pages[page].slab = slab;
    slab_link(pool, slab);
    return slab;
}

static uint64_t slab_take(struct pool *pool, uint32_t class, size_t bytes, uint32_t tag)
{
    struct slab *slab = pool->first[class];
    uint32_t slots = slots_of(class);
    uint64_t address;

    if (slab == NULL) {
        slab = slab_new(pool, class);
    }
    if (slab == NULL) {
        return 0;
    }
    while (slab->slots[slab->cursor] != NULL) {
        slab->cursor = (slab->cursor + 1) % slots;
    }
    address = page_address(pool, slab->page) + (uint64_t)slab->cursor * class_bytes[class];
    slab->slots[slab->cursor] = block_new(pool, address, bytes, tag);
    slab->cursor = (slab->cursor + 1) % slots;
    if (++slab->live == slots) {
        slab_unlink(pool, slab);
    }
    return address;
}

static void slab_free(struct pool *pool, struct slab *slab, uint32_t slot)
{
    struct ex_pool_block *block = slab->slots[slot];

    slab->slots[slot] = NULL;
    if (slab->live-- == slots_of(slab->class)) {
        slab_link(pool, slab);
    }
    if (slab->live == 0) {
        slab_unlink(pool, slab);
        memset(&pool->pages[slab->page], 0, sizeof pool->pages[slab->page]);
        slab->next = state->spare_slabs[slab->class];
        state->spare_slabs[slab->class] = slab;
    }
    block_gone(block);
}

/* ---- what others use ---- */

pg_status ex_pool_start(void)
{
    struct pager_region_desc desc = {.base = ARENA_PAGED,
                                     .pages = ARENA_PAGED_BYTES / PG_PAGE_SIZE,
                                     .protection = HOST_READ | HOST_WRITE,
                                     .backing = {.fd = -1}};
    struct pager_region *region;

    state = machine_allocate(sizeof *state);
    state->pools[POOL_NONPAGED] =
        (struct pool){.base = ARENA_NONPAGED, .page_count = ARENA_NONPAGED_BYTES / PG_PAGE_SIZE};
    state->pools[POOL_PAGED] = (struct pool){.base = ARENA_PAGED, .page_count = desc.pages};
    for (uint32_t i = 0; i < 2; i++) {
        state->pools[i].pages =
            machine_allocate(state->pools[i].page_count * sizeof(struct pool_page));
    }
    return pager_add(machine_pager(), &desc, &region);
}

static void zero(enum nt_pool pool, uint64_t address, size_t bytes)
{
    if (pool == POOL_PAGED) {
        machine_touch(address, bytes, PAGER_WRITE);
    }
    memset(machine_pointer(address), 0, bytes);
}

uint64_t ex_pool_take(enum nt_pool which, size_t bytes, uint32_t tag, unsigned how)
{
    struct pool *pool = &state->pools[which];
    size_t wanted = bytes == 0 ? 1 : bytes;
    uint32_t class = class_of(wanted, how);
    uint64_t address =
        class < CLASSES ? slab_take(pool, class, wanted, tag) : run_take(pool, wanted, tag, NULL);

    if (address != 0 && (how & EX_POOL_ZERO)) {
        zero(which, address, bytes);
    }
    return address;
}

uint64_t ex_pool_take_range(size_t bytes, uint32_t tag, const struct ex_pool_range *range)
{
    uint64_t address = run_take(&state->pools[POOL_NONPAGED], bytes, tag, range);

    if (address != 0) {
        ex_pool_find(address)->contiguous = true;
    }
    return address;
}

struct ex_pool_block *ex_pool_around(uint64_t address)
{
    struct pool *pool = pool_of(address);
    struct ex_pool_block *block = NULL;
    const struct slab *slab;
    uint32_t page, slot;

    if (pool == NULL) {
        return NULL;
    }
    page = page_of(pool, address);
    while (pool->pages[page].kind == PAGE_MORE) {
        page--;
    }
    switch (pool->pages[page].kind) {
    case PAGE_RUN:
        block = pool->pages[page].block;
        break;
    case PAGE_SLAB:
        slab = pool->pages[page].slab;
        slot = (uint32_t)((address - page_address(pool, page)) / class_bytes[slab->class]);
        block = slot < slots_of(slab->class) ? slab->slots[slot] : NULL;
        break;
    default: /* a free page */
        break;
    }
    return block != NULL && address - block->address < block->bytes ? block : NULL;
}

struct ex_pool_block *ex_pool_find(uint64_t address)
{
    struct ex_pool_block *block = ex_pool_around(address);

    return block != NULL && block->address == address ? block : NULL;
}

const struct ex_pool_block *ex_pool_next(const struct ex_pool_block *after)
{
    return after == NULL ? state->live_first : after->next;
}

uint64_t ex_pool_allocate(enum nt_pool pool, size_t bytes, uint32_t tag)
{
    return ex_pool_take(pool, bytes, tag, EX_POOL_ZERO);
}

void ex_pool_free(uint64_t address)
{
    struct pool *pool = pool_of(address);
    uint32_t page;

    PG_ASSERT(ex_pool_find(address) != NULL);
    page = page_of(pool, address);
    if (pool->pages[page].kind == PAGE_RUN) {
        run_free(pool, page);
    } else {
        struct slab *slab = pool->pages[page].slab;

        slab_free(pool, slab,
                  (uint32_t)((address - page_address(pool, page)) / class_bytes[slab->class]));
    }
}

size_t ex_pool_block(uint64_t address, enum nt_pool *pool, uint32_t *tag)
{
    const struct ex_pool_block *block = ex_pool_find(address);

    if (block == NULL) {
        return 0;
    }
    *pool = block->pool;
    *tag = block->tag;
    return block->bytes;
}

/* ---- a driver's mistakes ---- */

/* Documented in Microsoft's "Bug Check 0xC2: BAD_POOL_CALLER". */
enum {
    FREED_ALREADY = 0x07,
    WRONG_TAG = 0x0A,
    USER_ADDRESS = 0x40,
    NEVER_POOL = 0x42,
    INVALID_ADDRESS = 0x46,
    NOT_ALLOCATED_PAGED = 0x50,
    BAD_ADDRESS = 0x99
};

static _Noreturn void freed_twice(uint64_t address, const struct freed *freed)
{
    char words[200];
    struct code_place place = machine_place(freed->caller);

    snprintf(words, sizeof words, "pool at 0x%llx was freed that %s+0x%llx had freed before",
             (unsigned long long)address, place.module[0] != '\0' ? place.module : "the system",
             (unsigned long long)place.rva);
    machine_bugcheck(0xC2, FREED_ALREADY, freed->tag, 0, address, words);
}

static _Noreturn void bad_free(uint64_t address)
{
    const struct ex_pool_block *around = ex_pool_around(address);
    const struct freed *freed = find_freed(address);
    const struct pool *pool = pool_of(address);
    char words[160];

    if (address == 0) {
        machine_bugcheck(0xC2, INVALID_ADDRESS, 0, 0, 0, "a NULL pointer was freed");
    }
    if (address <= USER_HIGHEST) {
        machine_bugcheck(0xC2, USER_ADDRESS, address, ARENA_BASE, 0, "a user address was freed");
    }
    if (pool == NULL) {
        machine_bugcheck(0xC2, NEVER_POOL, address, 0, 0,
                         "an address was freed that does not lie in pool");
    }
    if (around != NULL) {
        snprintf(words, sizeof words,
                 "an address was freed that lies 0x%llx bytes inside a block of 0x%llx bytes",
                 (unsigned long long)(address - around->address),
                 (unsigned long long)around->bytes);
        machine_bugcheck(0xC2, BAD_ADDRESS, address, 0, 0, words);
    }
    if (freed != NULL) {
        freed_twice(address, freed);
    }
    if (pool == &state->pools[POOL_PAGED]) {
        machine_bugcheck(0xC2, NOT_ALLOCATED_PAGED, address, page_of(pool, address),
                         ARENA_PAGED_BYTES, "an address in paged pool was freed where no block is");
    }
    machine_bugcheck(0xC2, INVALID_ADDRESS, address, 0, 0,
                     "an address in nonpaged pool was freed where no block is");
}

/* Set in a tag at allocation: the block can only be freed with the same tag. */
#define PROTECTED_POOL 0x80000000u

void ex_pool_free_checked(uint64_t address, uint32_t tag)
{
    const struct ex_pool_block *block = ex_pool_find(address);

    if (block == NULL) {
        bad_free(address);
    } else if (block->owner != NULL) {
        machine_bugcheck(0xC2, BAD_ADDRESS, address, 0, 0,
                         "an object of the system was freed as if it were pool");
    } else if ((block->tag & PROTECTED_POOL) && block->tag != tag) {
        machine_bugcheck(0xC2, WRONG_TAG, address, block->tag, tag,
                         "protected pool was freed with another tag than it was allocated with");
    }
    ex_pool_free(address);
}

/* ---- validator ---- */

static bool slab_is_valid(const struct pool *pool, uint32_t page)
{
    const struct slab *slab = pool->pages[page].slab;
    uint32_t live = 0;

    for (uint32_t i = 0; i < slots_of(slab->class); i++) {
        const struct ex_pool_block *block = slab->slots[i];

        if (block == NULL) {
            continue;
        }
        live++;
        if (block->address != page_address(pool, page) + (uint64_t)i * class_bytes[slab->class] ||
            block->bytes > class_bytes[slab->class]) {
            return false;
        }
    }
    return slab->page == page && live == slab->live && live > 0;
}

static bool run_is_valid(const struct pool *pool, uint32_t page)
{
    for (uint32_t i = 1; i < pool->pages[page].pages; i++) {
        if (pool->pages[page + i].kind != PAGE_MORE) {
            return false;
        }
    }
    return pool->pages[page].block->address == page_address(pool, page);
}

static bool pool_is_valid(const struct pool *pool, uint64_t *blocks)
{
    for (uint32_t page = 0; page < pool->page_count; page++) {
        switch (pool->pages[page].kind) {
        case PAGE_SLAB:
            if (!slab_is_valid(pool, page)) {
                return false;
            }
            *blocks += pool->pages[page].slab->live;
            break;
        case PAGE_RUN:
            if (!run_is_valid(pool, page)) {
                return false;
            }
            page += pool->pages[page].pages - 1;
            (*blocks)++;
            break;
        case PAGE_FREE:
            break;
        default: /* a page of a run without its first one */
            return false;
        }
    }
    return true;
}

bool ex_pool_is_valid(void)
{
    uint64_t in_pages = 0, in_list = 0;

    if (!pool_is_valid(&state->pools[0], &in_pages) ||
        !pool_is_valid(&state->pools[1], &in_pages)) {
        return false;
    }
    for (const struct ex_pool_block *b = state->live_first; b != NULL; b = b->next) {
        if (ex_pool_find(b->address) != b ||
            (b->next != NULL && b->next->sequence <= b->sequence)) {
            return false;
        }
        in_list++;
    }
    return in_list == in_pages;
}
