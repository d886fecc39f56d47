/* SPDX-License-Identifier: MIT */
/*
 * The model: one flat array that was read, relocated and patched as a whole and is then written
 * like ordinary memory.  Whatever the pager does meanwhile (trims, evictions, write-backs, pins,
 * refused host calls), every access must find what the array says, and the validator must hold,
 * which asks the kernel about each page.
 */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { REGIONS = 6, IMAGE_REGIONS = 4, PAGES = 18, RELOCATIONS = 24, PATCH_BYTES = 512 };

#define REQUIRE(e) ((e) ? (void)0 : disagree(#e, __LINE__))
#define DELTA      UINT64_C(0xfffffe0123456789)

/* Neighbours without a gap, so that words straddle regions too; the last two have no file. */
static const struct shape {
    uint32_t first, pages, file_bytes;
    unsigned protection;
} shapes[REGIONS] = {
    {0, 3, 3 * PG_PAGE_SIZE, HOST_READ | HOST_EXECUTE},
    {3, 4, 2 * PG_PAGE_SIZE + 100, HOST_READ | HOST_WRITE},
    {7, 1, 17, HOST_READ},
    {8, 4, 4 * PG_PAGE_SIZE, HOST_READ | HOST_WRITE},
    {12, 4, 0, HOST_READ | HOST_WRITE},
    {16, 2, 0, HOST_READ},
};

/* Words that lie in a page, end in the next, end in the next region, and touch the zeros. */
static const uint32_t relocations[RELOCATIONS] = {
    0x0,    0x8,    0x10,   0xff9,  0x1001, 0x1010, 0x1fff, 0x2008, 0x2ffd, 0x3008, 0x3ffc, 0x4ffd,
    0x5060, 0x5ffe, 0x6ffb, 0x7003, 0x700d, 0x7ffc, 0x8004, 0x8ffb, 0x9ffa, 0xaff9, 0xb000, 0xbff8,
};

struct stream {
    const uint8_t *at, *end;
    struct pager *pager;
    struct pager_region *region[REGIONS]; /* NULL: removed */
    uint8_t fresh[PAGES * PG_PAGE_SIZE];  /* relocated, never patched or written */
    uint8_t now[PAGES * PG_PAGE_SIZE];
    uint8_t file[PAGES * PG_PAGE_SIZE];
    uint32_t patched; /* at most this many bytes are in records */
    int fd;
};

static _Noreturn void disagree(const char *what, int line)
{
    fprintf(stderr, "pager stream: %s is false at line %d\n", what, line);
    abort();
}

static uint32_t next(struct stream *s, uint32_t n)
{
    return s->at < s->end ? *s->at++ % n : 0;
}

static uint32_t stream_choose(void *context, uint32_t n)
{
    return next(context, n);
}

static pg_status add(struct stream *s, uint32_t r, bool pinned)
{
    const struct shape *shape = &shapes[r];
    struct pager_region_desc desc = {
        .base = BASE + (uint64_t)shape->first * PAGE,
        .pages = shape->pages,
        .protection = shape->protection,
        .pinned = pinned,
        .owner = s,
        .backing = {.fd = -1},
    };
    pg_status status;

    if (r < IMAGE_REGIONS) {
        desc.backing = (struct pager_backing){
            .fd = s->fd,
            .file_offset = (uint64_t)shape->first * PAGE,
            .file_bytes = shape->file_bytes,
            .delta = DELTA,
            .relocations = relocations,
            .relocation_count = RELOCATIONS,
            .rva = shape->first * PAGE,
        };
    }
    s->region[r] = NULL;
    status = pager_add(s->pager, &desc, &s->region[r]);
    if (status == PG_OK) {
        size_t at = (size_t)shape->first * PAGE;

        memcpy(s->now + at, s->fresh + at, (size_t)shape->pages * PAGE);
    }
    return status;
}

static uint32_t region_of_page(uint32_t page)
{
    uint32_t r = 0;

    while (page >= shapes[r].first + shapes[r].pages) {
        r++;
    }
    return r;
}

/* What an access must answer when no host call fails. */
static enum pager_outcome outcome(const struct stream *s, uint32_t page, bool writing)
{
    uint32_t r = region_of_page(page);

    if (s->region[r] == NULL) {
        return PAGER_NOT_MINE;
    }
    if (pager_region_discarded(s->region[r])) {
        return PAGER_DISCARDED;
    }
    return writing && (shapes[r].protection & HOST_WRITE) == 0 ? PAGER_DENIED : PAGER_SERVED;
}

static uint32_t draw_offset(struct stream *s)
{
    uint32_t where = next(s, 8);

    return where < 3 ? next(s, 16) : where < 6 ? PAGE - 1 - next(s, 16) : next(s, 256) * 16;
}

static void op_read(struct stream *s)
{
    uint32_t page = next(s, PAGES), offset = draw_offset(s);
    uint8_t value;

    if (support_read(BASE + (uint64_t)page * PAGE + offset, &value)) {
        REQUIRE(outcome(s, page, false) == PAGER_SERVED);
        REQUIRE(value == s->now[page * PAGE + offset]);
    } else if (support_outcome == PAGER_FAILED) {
        REQUIRE(host_fail_hit());
    } else {
        REQUIRE(support_outcome == outcome(s, page, false));
    }
}

static void op_write(struct stream *s)
{
    uint32_t page = next(s, PAGES), offset = draw_offset(s);
    uint8_t value = (uint8_t)next(s, 256);

    if (support_write(BASE + (uint64_t)page * PAGE + offset, value)) {
        REQUIRE(outcome(s, page, true) == PAGER_SERVED);
        s->now[page * PAGE + offset] = value;
    } else if (support_outcome == PAGER_FAILED) {
        REQUIRE(host_fail_hit());
    } else {
        REQUIRE(support_outcome == outcome(s, page, true));
    }
}

static uint32_t evictable_resident(const struct stream *s)
{
    uint32_t sum = 0;

    for (uint32_t r = 0; r < REGIONS; r++) {
        if (s->region[r] != NULL && !pager_region_pinned(s->region[r])) {
            int64_t n = pager_region_resident_pages(s->pager, s->region[r]);

            REQUIRE(n >= 0);
            sum += (uint32_t)n;
        }
    }
    return sum;
}

static void op_trim(struct stream *s)
{
    struct pager_failure failure = {0};
    uint32_t before = evictable_resident(s), left = pager_trim(s->pager, &failure);

    REQUIRE((failure.status != PG_OK) <= host_fail_hit());
    if (failure.status == PG_OK) {
        REQUIRE(left == before && evictable_resident(s) == 0);
    }
    REQUIRE(evictable_resident(s) == before - left);
}

static void op_trim_some(struct stream *s)
{
    uint32_t r = next(s, REGIONS * 2);
    uint32_t before = evictable_resident(s), left;
    struct pager_failure failure = {0};

    if (r >= REGIONS || s->region[r] == NULL) {
        left = pager_trim_random(s->pager, &failure);
    } else {
        left = pager_trim_region(s->pager, s->region[r], &failure);
        REQUIRE(failure.status != PG_OK || pager_region_pinned(s->region[r]) ||
                pager_region_resident_pages(s->pager, s->region[r]) == 0);
    }
    REQUIRE((failure.status != PG_OK) <= host_fail_hit());
    REQUIRE(evictable_resident(s) == before - left);
}

static void op_pin(struct stream *s)
{
    struct pager_region *region = s->region[next(s, REGIONS)];
    struct pager_failure failure = {0};
    pg_status status;

    if (region == NULL) {
        return;
    }
    if (next(s, 2) == 0) {
        pager_unpin(s->pager, region);
        REQUIRE(!pager_region_pinned(region));
        return;
    }
    status = pager_pin(s->pager, region, &failure);
    if (pager_region_discarded(region)) {
        REQUIRE(status == PG_E_DISCARDED && !pager_region_pinned(region));
    } else {
        REQUIRE((status == PG_OK) == pager_region_pinned(region));
        REQUIRE(status == PG_OK || (host_fail_hit() && failure.status == status));
        REQUIRE(status != PG_OK ||
                pager_region_resident_pages(s->pager, region) == (int64_t)region->pages);
    }
}

static void op_patch(struct stream *s)
{
    uint32_t page = next(s, PAGES), offset = draw_offset(s), bytes = 1 + next(s, 24);
    uint32_t r = region_of_page(page);
    uint8_t data[24];
    uint32_t at = page * PAGE + offset;
    uint32_t end = (shapes[r].first + shapes[r].pages) * PAGE;
    pg_status status;

    support_noise(data, sizeof data, next(s, 256));
    status = pager_patch(s->pager, BASE + at, data, bytes);
    if (s->region[r] == NULL || at + bytes > end) {
        REQUIRE(status == PG_E_ARG);
    } else if (pager_region_discarded(s->region[r])) {
        REQUIRE(status == PG_E_DISCARDED);
    } else if (status == PG_OK) {
        memcpy(s->now + at, data, bytes);
        s->patched += bytes;
    } else {
        REQUIRE(host_fail_hit() || (status == PG_E_LIMIT && s->patched + bytes > PATCH_BYTES));
    }
}

static void op_frames(struct stream *s)
{
    if (next(s, 3) == 0) {
        pager_set_policy(s->pager, (enum pager_policy)next(s, 3));
    } else {
        pager_set_frames(s->pager, next(s, 8));
    }
}

/* Regions that no other one's words begin in come and go. */
static void op_region(struct stream *s)
{
    static const uint32_t movable[] = {3, 4, 5};
    uint32_t r = movable[next(s, 3)];
    bool pinned = next(s, 4) == 0;

    if (next(s, 8) == 0 && s->region[r] != NULL) {
        pager_discard(s->pager, s->region[r]);
        REQUIRE(pager_region_discarded(s->region[r]));
    } else if (s->region[r] != NULL) {
        pager_remove(s->pager, s->region[r]);
        s->region[r] = NULL;
    } else {
        pg_status status = add(s, r, pinned);

        REQUIRE(status == PG_OK || host_fail_hit());
        REQUIRE((status == PG_OK) == (s->region[r] != NULL));
    }
}

/* The reference loader: the whole image at once. */
static void load(struct stream *s)
{
    memset(s->file, 0xee, sizeof s->file); /* between the parts that regions name */
    for (uint32_t r = 0; r < IMAGE_REGIONS; r++) {
        size_t at = (size_t)shapes[r].first * PAGE;

        support_noise(s->file + at, shapes[r].file_bytes, r);
        memset(s->file + at, 0xff, 17); /* words that carry, also from region to region */
        if (shapes[r].file_bytes == shapes[r].pages * PAGE) {
            memset(s->file + at + shapes[r].file_bytes - 8, 0xff, 8);
        }
        memcpy(s->fresh + at, s->file + at, shapes[r].file_bytes);
    }
    for (uint32_t i = 0; i < RELOCATIONS; i++) {
        uint64_t word;

        memcpy(&word, s->fresh + relocations[i], sizeof word);
        word += DELTA;
        memcpy(s->fresh + relocations[i], &word, sizeof word);
    }
    /* What the last word leaves in the region behind it is not the image's. */
    memset(s->fresh + (size_t)shapes[IMAGE_REGIONS].first * PAGE, 0,
           (size_t)(PAGES - shapes[IMAGE_REGIONS].first) * PAGE);
    s->fd = support_file(s->file, sizeof s->file);
}

static void compare_all(struct stream *s)
{
    for (uint32_t page = 0; page < PAGES; page++) {
        uint64_t address = BASE + (uint64_t)page * PAGE;
        uint8_t value = 0;

        if (outcome(s, page, false) == PAGER_SERVED) {
            REQUIRE(support_read(address, &value));
            /* in, until the next fault */
            REQUIRE(memcmp((const void *)address, s->now + (size_t)page * PAGE, PAGE) == 0);
        }
    }
    REQUIRE(pager_is_valid(s->pager));
}

void pager_stream_run(const uint8_t *bytes, size_t count)
{
    static void (*const ops[])(struct stream *) = {
        op_read, op_read, op_read,   op_write,     op_write, op_write,
        op_trim, op_pin,  op_region, op_trim_some, op_patch, op_frames,
    };
    struct stream *s = calloc(1, sizeof *s);
    struct pager_hooks hooks = {.context = s, .choose = stream_choose};

    REQUIRE(s != NULL);
    s->at = bytes;
    s->end = bytes + count;
    load(s);
    s->pager = support_pager(REGIONS, PAGES + 3, PATCH_BYTES, &hooks);
    for (uint32_t r = 0; r < REGIONS; r++) {
        REQUIRE(add(s, r, false) == PG_OK);
    }
    support_serve(s->pager);
    while (s->at < s->end) {
        uint32_t op = next(s, 16);

        if (op >= sizeof ops / sizeof ops[0]) {
            host_fail_nth(1 + next(s, 6)); /* some host call of the next operation is refused */
            op = next(s, sizeof ops / sizeof ops[0]);
        }
        ops[op](s);
        host_fail_nth(0);
        REQUIRE(pager_is_valid(s->pager));
    }
    compare_all(s);
    pager_trim(s->pager, NULL);
    compare_all(s);
    support_serve(NULL);
    support_fini(s->pager);
    host.close(s->fd);
    free(s);
}
