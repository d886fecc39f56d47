/* SPDX-License-Identifier: MIT */
/*
 * The model: arrays of plain counts and flags, one operation at a time.  After each operation the
 * core's validator runs and every section of every image is queried and compared.
 */
#include "stream.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "section/internal.h"

enum { PLACES = 8, SECTIONS = 4, IMAGES = 5, SLOTS = 14, HANDLES = 64 };

#define REQUIRE(e) ((e) ? (void)0 : disagree(#e, __LINE__))

struct model_section {
    enum pg_class class;
    uint32_t count;
    bool discarded;
    bool out; /* what the services were told */
    pg_handle handle;
};

struct model_image {
    struct pg_image *image; /* NULL: not loaded */
    bool paged;
    uint64_t base, bytes;
    uint32_t count;
    struct pg_section_desc desc[SECTIONS];
    struct model_section section[SECTIONS];
};

/* A handle that was given out, and whose section it is; `image` is NULL once it is stale. */
struct given {
    pg_handle handle;
    struct model_image *image;
    uint32_t section;
};

struct stream {
    const uint8_t *at, *end;
    struct pg_space *space;
    struct model_image place[PLACES];
    struct given given[HANDLES];
    uint32_t given_count;
    uint32_t fail_in; /* the n-th page_in from now fails; 0: none */
    bool failed;
};

static _Noreturn void disagree(const char *what, int line)
{
    fprintf(stderr, "section stream: %s is false at line %d\n", what, line);
    abort();
}

static uint32_t next(struct stream *s, uint32_t n)
{
    return s->at < s->end ? *s->at++ % n : 0;
}

static pg_status service_page_in(void *context, struct pg_image *image, uint32_t section)
{
    struct stream *s = context;
    struct model_image *m = pg_image_owner(image);

    REQUIRE(m->section[section].out);
    if (s->fail_in != 0 && --s->fail_in == 0) {
        s->failed = true;
        return PG_E_IO;
    }
    m->section[section].out = false;
    return PG_OK;
}

static void service_allow_out(void *context, struct pg_image *image, uint32_t section)
{
    struct model_image *m = pg_image_owner(image);

    (void)context;
    REQUIRE(!m->section[section].out && !m->section[section].discarded);
    m->section[section].out = true;
}

static void service_discard(void *context, struct pg_image *image, uint32_t section)
{
    struct model_image *m = pg_image_owner(image);

    (void)context;
    REQUIRE(!m->section[section].discarded && m->desc[section].class == PG_DISCARDABLE);
    m->section[section].discarded = true;
}

static bool section_pageable(const struct model_image *m, uint32_t i)
{
    return m->section[i].class == PG_PAGEABLE || m->paged;
}

/* Whether the space could take an image of `count` sections, from the slots that handles show. */
static bool has_room(const struct stream *s, uint32_t count)
{
    bool used[SLOTS] = {false};
    uint32_t images = 0, run = 0;

    for (uint32_t p = 0; p < PLACES; p++) {
        const struct model_image *m = &s->place[p];

        images += m->image != NULL;
        for (uint32_t i = 0; m->image != NULL && i < m->count; i++) {
            used[handle_index(m->section[i].handle)] = true;
        }
    }
    if (images == IMAGES) {
        return false;
    }
    for (uint32_t i = 0; i < SLOTS && run < count; i++) {
        run = used[i] ? 0 : run + 1;
    }
    return run == count;
}

static void op_add(struct stream *s)
{
    uint32_t place = next(s, PLACES);
    struct model_image fresh = {.count = next(s, SECTIONS + 1)};
    struct model_image *m = &s->place[place];
    struct pg_image *image = NULL;
    uint64_t at;
    pg_status status, expected = PG_OK;

    fresh.base = UINT64_C(0x200000000000) + place * 0x20000u;
    at = fresh.base + next(s, 2) * PG_PAGE_SIZE;
    for (uint32_t i = 0; i < fresh.count; i++) {
        struct pg_section_desc *d = &fresh.desc[i];

        *d = (struct pg_section_desc){.base = at, .pages = 1 + next(s, 3)};
        d->class = (enum pg_class)next(s, 3);
        fresh.section[i] = (struct model_section){.class = d->class};
        fresh.section[i].out = d->class == PG_PAGEABLE;
        at += (d->pages + next(s, 2)) * PG_PAGE_SIZE;
    }
    fresh.bytes = at - fresh.base + PG_PAGE_SIZE;
    if (m->image != NULL) {
        expected = PG_E_OVERLAP;
        status =
            pg_image_add(s->space, fresh.base, fresh.bytes, fresh.desc, fresh.count, m, &image);
    } else {
        expected = has_room(s, fresh.count) ? PG_OK : PG_E_LIMIT;
        *m = fresh;
        status = pg_image_add(s->space, m->base, m->bytes, m->desc, m->count, m, &image);
        m->image = status == PG_OK ? image : NULL;
    }
    REQUIRE(status == expected);
    for (uint32_t i = 0; status == PG_OK && i < m->count; i++) {
        struct pg_section_info info;

        REQUIRE(pg_section_query(image, i, &info) == PG_OK);
        m->section[i].handle = info.handle;
        for (uint32_t g = 0; g < s->given_count; g++) {
            REQUIRE(s->given[g].handle != info.handle);
        }
        s->given[s->given_count++ % HANDLES] =
            (struct given){.handle = info.handle, .image = m, .section = i};
        s->given_count = s->given_count < HANDLES ? s->given_count : HANDLES - 1;
    }
}

static void op_remove(struct stream *s)
{
    struct model_image *m = &s->place[next(s, PLACES)];
    uint32_t left = 0;

    if (m->image == NULL) {
        return;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        left += m->section[i].count;
    }
    REQUIRE(pg_image_remove(m->image) == left);
    m->image = NULL;
    for (uint32_t g = 0; g < s->given_count; g++) {
        s->given[g].image = s->given[g].image == m ? NULL : s->given[g].image;
    }
}

/* What a lock must answer; the model changes with it. */
static void expect_lock(struct stream *s, struct model_image *m, uint32_t i, pg_status status)
{
    struct model_section *x = &m->section[i];

    if (x->discarded) {
        REQUIRE(status == PG_E_DISCARDED);
    } else if (s->failed) {
        REQUIRE(status == PG_E_IO && x->count == 0 && section_pageable(m, i));
    } else {
        REQUIRE(status == PG_OK && !x->out);
        x->count++;
    }
    s->failed = false;
}

static void op_lock_address(struct stream *s)
{
    struct model_image *m = &s->place[next(s, PLACES)];
    uint64_t address = UINT64_C(0x200000000000) + (uint64_t)(m - s->place) * 0x20000 +
                       next(s, 20) * PG_PAGE_SIZE + next(s, 2) * (PG_PAGE_SIZE - 1);
    pg_handle handle = 0;
    struct pg_image *found = pg_image_find(s->space, address);
    bool inside = m->image != NULL && address < m->base + m->bytes;
    pg_status status = pg_lock_address(s->space, address, &handle);

    REQUIRE(found == (inside ? m->image : NULL));
    if (!inside) {
        REQUIRE(status == PG_E_NO_IMAGE && handle == 0);
        return;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        uint64_t base = m->desc[i].base;

        if (address >= base && address < base + (uint64_t)m->desc[i].pages * PG_PAGE_SIZE) {
            REQUIRE(pg_section_find(m->image, address) == i);
            expect_lock(s, m, i, status);
            REQUIRE(handle == (status == PG_OK ? m->section[i].handle : 0));
            return;
        }
    }
    REQUIRE(status == PG_E_NO_SECTION && handle == 0);
    REQUIRE(pg_section_find(m->image, address) == -1);
}

static void op_lock_handle(struct stream *s)
{
    struct given *g = &s->given[next(s, HANDLES)];
    struct pg_image *image;
    uint32_t section;
    pg_status status = pg_lock_handle(s->space, g->handle);

    if (g->image == NULL) {
        REQUIRE(status == PG_E_STALE);
        REQUIRE(pg_handle_query(s->space, g->handle, &image, &section) == PG_E_STALE);
        return;
    }
    expect_lock(s, g->image, g->section, status);
    REQUIRE(pg_handle_query(s->space, g->handle, &image, &section) == PG_OK);
    REQUIRE(image == g->image->image && section == g->section);
}

static void op_unlock(struct stream *s)
{
    struct given *g = &s->given[next(s, HANDLES)];
    pg_status status = pg_unlock(s->space, g->handle);
    struct model_section *x;

    if (g->image == NULL) {
        REQUIRE(status == PG_E_STALE);
        return;
    }
    x = &g->image->section[g->section];
    if (x->count == 0) {
        REQUIRE(status == PG_E_UNDERFLOW);
        return;
    }
    REQUIRE(status == PG_OK);
    x->count--;
    REQUIRE(x->discarded || x->out == (x->count == 0 && section_pageable(g->image, g->section)));
}

/* A handle that nobody was given: any index, any generation. */
static void op_made_up(struct stream *s)
{
    uint64_t generation = next(s, 16) * (next(s, 2) ? UINT64_C(0x100000001) : 1);
    pg_handle handle = (generation << HANDLE_INDEX_BITS) | (next(s, 2) ? 0xfffffff : next(s, 32));
    struct pg_image *image;
    uint32_t section;

    for (uint32_t g = 0; g < s->given_count; g++) {
        if (s->given[g].handle == handle && s->given[g].image != NULL) {
            return;
        }
    }
    for (uint32_t p = 0; p < PLACES; p++) {
        for (uint32_t i = 0; s->place[p].image != NULL && i < s->place[p].count; i++) {
            if (s->place[p].section[i].handle == handle) {
                return;
            }
        }
    }
    REQUIRE(pg_lock_handle(s->space, handle) == PG_E_STALE);
    REQUIRE(pg_unlock(s->space, handle) == PG_E_STALE);
    REQUIRE(pg_handle_query(s->space, handle, &image, &section) == PG_E_STALE);
}

static void op_page_entire(struct stream *s)
{
    uint32_t place = next(s, PLACES);
    struct model_image *m = &s->place[place];
    uint64_t address = UINT64_C(0x200000000000) + place * 0x20000u, base = 0;
    pg_status status = pg_page_entire(s->space, address, &base);

    REQUIRE(status == (m->image != NULL ? PG_OK : PG_E_NO_IMAGE));
    if (status == PG_OK) {
        REQUIRE(base == m->base);
        m->paged = true;
    }
}

static void op_reset(struct stream *s)
{
    uint32_t place = next(s, PLACES);
    struct model_image *m = &s->place[place];
    pg_status status = pg_reset_paging(s->space, UINT64_C(0x200000000000) + place * 0x20000u + 1);

    REQUIRE(status == (m->image == NULL ? PG_E_NO_IMAGE : s->failed ? PG_E_IO : PG_OK));
    if (status == PG_OK) {
        m->paged = false;
    }
    s->failed = false;
}

static void op_discard(struct stream *s)
{
    struct model_image *m = &s->place[next(s, PLACES)];

    if (m->image != NULL) {
        pg_discard_init(m->image);
        for (uint32_t i = 0; i < m->count; i++) {
            REQUIRE(m->section[i].discarded == (m->section[i].class == PG_DISCARDABLE));
        }
    }
}

static void compare(const struct stream *s)
{
    REQUIRE(pg_space_is_valid(s->space));
    for (uint32_t p = 0; p < PLACES; p++) {
        const struct model_image *m = &s->place[p];

        for (uint32_t i = 0; m->image != NULL && i < m->count; i++) {
            const struct model_section *x = &m->section[i];
            struct pg_section_info info;

            REQUIRE(pg_section_query(m->image, i, &info) == PG_OK);
            REQUIRE(info.desc == &m->desc[i] && info.handle == x->handle);
            REQUIRE(info.lock_count == x->count && info.discarded == x->discarded);
            REQUIRE(info.pageable_now ==
                    (!x->discarded && x->count == 0 && section_pageable(m, i)));
            REQUIRE(x->discarded || x->out == info.pageable_now);
        }
    }
}

void section_stream_run(const uint8_t *bytes, size_t count)
{
    static void (*const ops[])(struct stream *) = {
        op_add,    op_remove, op_lock_address, op_lock_address, op_lock_handle, op_lock_handle,
        op_unlock, op_unlock, op_page_entire,  op_reset,        op_discard,     op_made_up,
    };
    struct stream s = {.at = bytes, .end = bytes + count};
    struct pg_services services = {.context = &s,
                                   .page_in = service_page_in,
                                   .allow_out = service_allow_out,
                                   .discard = service_discard};
    size_t size = pg_space_bytes(IMAGES, SLOTS);
    void *memory = aligned_alloc(16, (size + 15) & ~(size_t)15);

    REQUIRE(memory != NULL);
    memset(memory, 0xa5, size);
    REQUIRE(pg_space_init(memory, size, IMAGES, SLOTS, &services, &s.space) == PG_OK);
    while (s.at < s.end) {
        uint32_t op = next(&s, 13);

        if (op == 12) {
            s.fail_in = next(&s, 4);
        } else {
            ops[op](&s);
        }
        compare(&s);
    }
    free(memory);
}
