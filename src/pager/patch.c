/* SPDX-License-Identifier: MIT */
/*
 * Patches: what the loader wrote, kept so that it can be written again at every page in.
 *
 * Records lie in one pool, in the order in which they were made; each is of one page: a header of
 * three words, then the bytes, rounded up to words.  The records of a page form a ring: the page
 * names its last record, which leads to the first.  A later record is laid over an earlier one.
 * A page that is in the paging file was patched before it went there and is not patched again.
 */
#include "pager/internal.h"

#include <string.h>

struct record {
    uint32_t slot;
    uint32_t next; /* index in the pool of the page's next record, in a ring */
    uint16_t offset, bytes;
};

enum { HEADER_WORDS = sizeof(struct record) / 4 };

_Static_assert(sizeof(struct record) == 12, "the pool is sized by it, see layout_of");

static struct record *record_at(const struct pager *pager, uint32_t index)
{
    return (struct record *)&pager->patch_pool[index];
}

static uint8_t *record_data(const struct pager *pager, uint32_t index)
{
    return (uint8_t *)&pager->patch_pool[index + HEADER_WORDS];
}

static uint32_t record_words(const struct record *record)
{
    return HEADER_WORDS + (record->bytes + 3u) / 4;
}

void patches_apply(const struct pager *pager, const struct page *page, uint8_t *content)
{
    uint32_t at = page->patches;

    if (at == 0) {
        return;
    }
    do {
        const struct record *record;

        at = record_at(pager, at)->next;
        record = record_at(pager, at);
        memcpy(content + record->offset, record_data(pager, at), record->bytes);
    } while (at != page->patches);
}

/* The record in which [offset, offset + bytes) can be replaced: it holds all of it and no later one
 * touches it.  0: none. */
static uint32_t record_find(const struct pager *pager, const struct page *page, uint32_t offset,
                            uint32_t bytes)
{
    uint32_t at = page->patches, found = 0;

    if (at == 0) {
        return 0;
    }
    do {
        const struct record *record;

        at = record_at(pager, at)->next;
        record = record_at(pager, at);
        if (record->offset <= offset &&
            offset + bytes <= record->offset + (uint32_t)record->bytes) {
            found = at;
        } else if (record->offset < offset + bytes &&
                   offset < record->offset + (uint32_t)record->bytes) {
            found = 0;
        }
    } while (at != page->patches);
    return found;
}

static void ring_append(struct pager *pager, struct page *page, uint32_t index)
{
    struct record *record = record_at(pager, index);

    record->next = index;
    if (page->patches != 0) {
        struct record *last = record_at(pager, page->patches);

        record->next = last->next;
        last->next = index;
    }
    page->patches = index;
}

static void record_make(struct pager *pager, struct pager_region *region, uint32_t i,
                        uint32_t offset, const uint8_t *data, uint32_t bytes)
{
    struct page *page = page_of(pager, region, i);
    uint32_t found = record_find(pager, page, offset, bytes);
    uint32_t last = page->patches;

    if (found != 0) {
        memcpy(record_data(pager, found) + (offset - record_at(pager, found)->offset), data, bytes);
        return;
    }
    pager->patch_bytes += bytes;
    if (last != 0 && last + record_words(record_at(pager, last)) == pager->patch_words &&
        record_at(pager, last)->offset + (uint32_t)record_at(pager, last)->bytes == offset) {
        /* Goes on where the newest record ends, as slots of an import table do: no new header. */
        memcpy(record_data(pager, last) + record_at(pager, last)->bytes, data, bytes);
        record_at(pager, last)->bytes = (uint16_t)(record_at(pager, last)->bytes + bytes);
        pager->patch_words = last + record_words(record_at(pager, last));
        return;
    }
    last = pager->patch_words;
    *record_at(pager, last) = (struct record){
        .slot = region->slot + i, .offset = (uint16_t)offset, .bytes = (uint16_t)bytes};
    memcpy(record_data(pager, last), data, bytes);
    pager->patch_words += record_words(record_at(pager, last));
    ring_append(pager, page, last);
}

void patches_drop(struct pager *pager, const struct pager_region *region)
{
    uint32_t to = 1, next;

    for (uint32_t at = 1; at < pager->patch_words; at++) { /* rings are made anew */
        pager->pages[record_at(pager, at)->slot].patches = 0;
        at += record_words(record_at(pager, at)) - 1;
    }
    for (uint32_t at = 1; at < pager->patch_words; at = next) {
        struct record *record = record_at(pager, at);
        uint32_t words = record_words(record);

        next = at + words;
        if (record->slot >= region->slot && record->slot - region->slot < region->pages) {
            pager->patch_bytes -= record->bytes;
            continue;
        }
        memmove(&pager->patch_pool[to], record, words * sizeof(uint32_t));
        ring_append(pager, &pager->pages[record_at(pager, to)->slot], to);
        to += words;
    }
    pager->patch_words = to;
}

/* One page's part of a patch. */
struct piece {
    uint32_t i, offset, bytes;
};

static struct piece piece_at(const struct pager_region *region, uint64_t address, uint64_t end)
{
    struct piece p = {.i = (uint32_t)((address - region->base) / PG_PAGE_SIZE),
                      .offset = (uint32_t)(address % PG_PAGE_SIZE)};

    p.bytes = end - address < PG_PAGE_SIZE - p.offset ? (uint32_t)(end - address)
                                                      : PG_PAGE_SIZE - p.offset;
    return p;
}

static bool is_writable(const struct pager_region *region, const struct page *page)
{
    return (page->flags & PAGE_OPEN) != 0 && (protection_now(region, page) & HOST_WRITE) != 0;
}

/* Returns the pages of [first, end) that were made writable to what they should be. */
static bool close_pages(struct pager *pager, struct pager_region *region, uint32_t first,
                        uint32_t end)
{
    bool all = true;

    for (uint32_t i = first; i < end; i++) {
        struct page *page = page_of(pager, region, i);
        unsigned protection =
            (page->flags & PAGE_OPEN) != 0 ? protection_now(region, page) : HOST_NONE;

        if ((page->flags & PAGE_IN) != 0 && !is_writable(region, page) &&
            pager->memory->allow(pager, region, i, 1, protection) < 0 &&
            pager->memory->allow(pager, region, i, 1, protection) < 0) {
            all = false;
        }
    }
    return all;
}

/* Makes every page of [first, end) that is in writable; on failure as before. */
static pg_status open_pages(struct pager *pager, struct pager_region *region, uint32_t first,
                            uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        struct page *page = page_of(pager, region, i);

        if ((page->flags & PAGE_IN) != 0 && !is_writable(region, page) &&
            pager->memory->allow(pager, region, i, 1, HOST_READ | HOST_WRITE) < 0) {
            (void)close_pages(pager, region, first, i + 1);
            return PG_E_NO_MEMORY;
        }
    }
    return PG_OK;
}

/* Everything that may fail: room in the pool, pages whose only copy is in the paging file. */
static pg_status patch_plan(struct pager *pager, struct pager_region *region, uint64_t address,
                            uint64_t end)
{
    uint64_t added = 0;

    for (uint64_t at = address; at < end;) {
        struct piece p = piece_at(region, at, end);
        const struct page *page = page_of(pager, region, p.i);

        added += record_find(pager, page, p.offset, p.bytes) == 0 ? p.bytes : 0;
        at += p.bytes;
    }
    if (pager->patch_bytes + added > pager->limits.patch_bytes) {
        return PG_E_LIMIT;
    }
    for (uint64_t at = address; at < end;) {
        struct piece p = piece_at(region, at, end);

        if ((page_of(pager, region, p.i)->flags & (PAGE_IN | PAGE_SWAPPED)) == PAGE_SWAPPED) {
            pg_status status = fill_run(pager, region, p.i, 1, false, NULL);

            if (status != PG_OK) {
                return status;
            }
        }
        at += p.bytes;
    }
    return PG_OK;
}

pg_status pager_patch(struct pager *pager, uint64_t address, const void *data, uint32_t bytes)
{
    struct pager_region *region = pager_region_at(pager, address);
    const uint8_t *from = data;
    uint64_t end = address + bytes;
    uint32_t first, last;
    pg_status status;

    if (region == NULL || end < address || end > region->end) {
        return PG_E_ARG;
    }
    if (region->discarded || bytes == 0) {
        return region->discarded ? PG_E_DISCARDED : PG_OK;
    }
    first = piece_at(region, address, end).i;
    last = piece_at(region, end - 1, end).i;
    status = patch_plan(pager, region, address, end);
    if (status == PG_OK) {
        status = open_pages(pager, region, first, last + 1);
    }
    if (status != PG_OK) {
        return status;
    }
    for (uint64_t at = address; at < end;) {
        struct piece p = piece_at(region, at, end);
        struct page *page = page_of(pager, region, p.i);

        record_make(pager, region, p.i, p.offset, from, p.bytes);
        if ((page->flags & PAGE_IN) != 0) {
            memcpy((void *)at, from, p.bytes);
            if ((page->flags & PAGE_SWAPPED) != 0) { /* the patch is not in its backing */
                page->flags |= PAGE_DIRTY;
            }
        }
        from += p.bytes;
        at += p.bytes;
    }
    status = close_pages(pager, region, first, last + 1) ? PG_OK : PG_E_NO_MEMORY;
    (void)frames_make_room(pager, 0, NULL); /* pages may have come in */
    return status;
}

bool patches_are_valid(const struct pager *pager)
{
    uint32_t bytes = 0, at = 1;

    while (at < pager->patch_words) {
        const struct record *record = record_at(pager, at);

        if (record->bytes == 0 || record->offset + (uint32_t)record->bytes > PG_PAGE_SIZE ||
            record->slot >= pager->limits.pages || record->next >= pager->patch_words ||
            record_at(pager, record->next)->slot != record->slot ||
            pager->pages[record->slot].patches == 0) {
            return false;
        }
        bytes += record->bytes;
        at += record_words(record);
    }
    return at == pager->patch_words && bytes == pager->patch_bytes &&
           bytes <= pager->limits.patch_bytes &&
           pager->patch_words <= (pager->limits.patch_bytes + 1) * 4;
}
