/* SPDX-License-Identifier: MIT */
/* The section core, one thread: names, counts, handles, paging of whole images, limits, streams. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "section/internal.h"
#include "stream.h"
#include "support/run.h"

#define BASE UINT64_C(0x140000000)

static struct host_log {
    unsigned in, out, discards;
    uint32_t last;
    pg_status answer;
} calls;

static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    calls.in++;
    calls.last = section;
    return calls.answer;
}

static void allow_out(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    calls.out++;
    calls.last = section;
}

static void discard(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    calls.discards++;
    calls.last = section;
}

static const struct pg_services services = {
    .page_in = page_in, .allow_out = allow_out, .discard = discard};

/* .text, PAGEaaaa, a gap of a page, PAGE, INIT */
static const struct pg_section_desc sections[] = {
    {".text", PG_RESIDENT, BASE + 0x1000, 2},
    {"PAGEaaaa", PG_PAGEABLE, BASE + 0x3000, 3},
    {"PAGE", PG_PAGEABLE, BASE + 0x7000, 1},
    {"INIT", PG_DISCARDABLE, BASE + 0x8000, 1},
};
enum { TEXT, AAAA, PAGE, INIT, SECTION_COUNT };

static _Alignas(64) char memory[1 << 16];
static struct pg_space *space;
static struct pg_image *image;

static void setup(void)
{
    ck_assert_int_eq(pg_space_init(memory, sizeof memory, 4, 16, &services, &space), PG_OK);
    ck_assert_int_eq(pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, &calls, &image),
                     PG_OK);
}

static void teardown(void)
{
    ck_assert(pg_space_is_valid(space));
}

static struct pg_section_info query(uint32_t section)
{
    struct pg_section_info info;

    ck_assert(pg_space_is_valid(space));
    ck_assert_int_eq(pg_section_query(image, section, &info), PG_OK);
    return info;
}

static pg_handle lock(uint64_t address)
{
    pg_handle handle = 0;

    ck_assert_int_eq(pg_lock_address(space, address, &handle), PG_OK);
    ck_assert(handle != 0);
    return handle;
}

START_TEST(names_decide)
{
    static const struct {
        const char *name;
        enum pg_class class;
    } cases[] = {
        {"PAGE", PG_PAGEABLE},     {"PAGESER", PG_PAGEABLE}, {"PAGEDATA", PG_PAGEABLE},
        {"PAGE.x", PG_PAGEABLE},   {"INIT", PG_DISCARDABLE}, {"NONPAGED", PG_RESIDENT},
        {"NONPAGE", PG_RESIDENT},  {".PAGE", PG_RESIDENT},   {"Page", PG_RESIDENT},
        {"page", PG_RESIDENT},     {"PAG", PG_RESIDENT},     {"", PG_RESIDENT},
        {"INITDATA", PG_RESIDENT}, {"init", PG_RESIDENT},    {"INI", PG_RESIDENT},
        {".INIT", PG_RESIDENT},    {".text", PG_RESIDENT},   {"INITKDBG", PG_RESIDENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char exact[8]; /* as in a file: no terminator when it is 8 long */

        memset(exact, 0, sizeof exact);
        memcpy(exact, cases[i].name, strlen(cases[i].name));
        ck_assert_msg(pg_class_of_name(exact) == cases[i].class, "%s", cases[i].name);
    }
}
END_TEST

START_TEST(counts_are_per_section)
{
    pg_handle a = lock(BASE + 0x3000);

    ck_assert_uint_eq(calls.in, 1);
    ck_assert_uint_eq(calls.last, AAAA);
    ck_assert(lock(BASE + 0x5fff) == a); /* another address of it: same handle, same count */
    ck_assert_uint_eq(query(AAAA).lock_count, 2);
    ck_assert_uint_eq(query(PAGE).lock_count, 0);
    ck_assert(!query(AAAA).pageable_now && query(PAGE).pageable_now);
    ck_assert_int_eq(pg_lock_handle(space, a), PG_OK);
    ck_assert_uint_eq(calls.in, 1);
    ck_assert_int_eq(pg_unlock(space, a), PG_OK);
    ck_assert_int_eq(pg_unlock(space, a), PG_OK);
    ck_assert_uint_eq(calls.out, 0);
    ck_assert_int_eq(pg_unlock(space, a), PG_OK);
    ck_assert_uint_eq(calls.out, 1);
    ck_assert(query(AAAA).pageable_now);
    ck_assert_int_eq(pg_unlock(space, a), PG_E_UNDERFLOW);
    ck_assert_uint_eq(query(AAAA).lock_count, 0);
    ck_assert_int_eq(pg_lock_handle(space, a), PG_OK); /* the handle outlives count zero */
    ck_assert_uint_eq(calls.in, 2);
    ck_assert(lock(BASE + 0x4000) == a);
}
END_TEST

START_TEST(addresses_are_checked)
{
    pg_handle handle = 77;

    ck_assert_int_eq(pg_lock_address(space, 0, &handle), PG_E_NO_IMAGE);
    ck_assert_int_eq(pg_lock_address(space, BASE - 1, &handle), PG_E_NO_IMAGE);
    ck_assert_int_eq(pg_lock_address(space, BASE + 0x9000, &handle), PG_E_NO_IMAGE);
    ck_assert_int_eq(pg_lock_address(space, UINT64_MAX, &handle), PG_E_NO_IMAGE);
    ck_assert_int_eq(pg_lock_address(space, BASE, &handle), PG_E_NO_SECTION);          /* headers */
    ck_assert_int_eq(pg_lock_address(space, BASE + 0x6000, &handle), PG_E_NO_SECTION); /* gap */
    ck_assert_uint_eq(handle, 77);
    ck_assert_int_eq(pg_section_find(image, BASE + 0x8fff), INIT);
    ck_assert_int_eq(pg_section_find(image, BASE + 0x9000), -1);
    ck_assert_ptr_eq(pg_image_owner(image), &calls);
    ck_assert_uint_eq(pg_image_section_count(image), SECTION_COUNT);
    ck_assert_uint_eq(calls.in, 0);
}
END_TEST

START_TEST(failed_page_in_changes_nothing)
{
    pg_handle handle = 0, known = query(AAAA).handle;

    calls.answer = PG_E_CHANGED;
    ck_assert_int_eq(pg_lock_address(space, BASE + 0x3000, &handle), PG_E_CHANGED);
    ck_assert_uint_eq(handle, 0);
    ck_assert_int_eq(pg_lock_handle(space, known), PG_E_CHANGED);
    ck_assert_uint_eq(query(AAAA).lock_count, 0);
    ck_assert(query(AAAA).pageable_now);
    ck_assert_int_eq(pg_unlock(space, known), PG_E_UNDERFLOW);
    calls.answer = PG_OK;
    ck_assert(lock(BASE + 0x3000) == known);
    ck_assert_uint_eq(query(AAAA).lock_count, 1);
}
END_TEST

START_TEST(resident_sections_are_only_counted)
{
    pg_handle text = lock(BASE + 0x1000), init = lock(BASE + 0x8000);

    ck_assert_uint_eq(query(TEXT).lock_count, 1);
    ck_assert_int_eq(pg_unlock(space, text), PG_OK);
    ck_assert_int_eq(pg_unlock(space, init), PG_OK);
    ck_assert_int_eq(pg_unlock(space, text), PG_E_UNDERFLOW);
    ck_assert(!query(TEXT).pageable_now && !query(INIT).pageable_now);
    ck_assert_uint_eq(calls.in + calls.out, 0);
}
END_TEST

START_TEST(whole_image_is_paged_and_reset)
{
    uint64_t base = 0;
    pg_handle text, aaaa = lock(BASE + 0x3000);

    ck_assert_int_eq(pg_reset_paging(space, BASE + 0x1234), PG_OK); /* nothing to reset */
    ck_assert_uint_eq(calls.in, 1);
    ck_assert_int_eq(pg_page_entire(space, BASE + 0x8010, &base), PG_OK);
    ck_assert_uint_eq(base, BASE);
    ck_assert_uint_eq(calls.out, 2); /* .text and INIT; the PAGE ones could leave before */
    ck_assert(query(TEXT).pageable_now && query(INIT).pageable_now);
    ck_assert(!query(AAAA).pageable_now);
    ck_assert_int_eq(pg_page_entire(space, BASE, &base), PG_OK); /* again: nothing */
    ck_assert_uint_eq(calls.out, 2);
    text = lock(BASE + 0x1000);
    ck_assert_uint_eq(calls.in, 2);
    ck_assert_int_eq(pg_reset_paging(space, BASE), PG_OK);
    ck_assert_uint_eq(calls.in, 3); /* INIT; .text is in and keeps its lock */
    ck_assert_uint_eq(query(TEXT).lock_count, 1);
    ck_assert_int_eq(pg_unlock(space, text), PG_OK);
    ck_assert(!query(TEXT).pageable_now);
    ck_assert_int_eq(pg_unlock(space, aaaa), PG_OK);
    ck_assert(query(AAAA).pageable_now);
    ck_assert_int_eq(pg_page_entire(space, 0x1000, &base), PG_E_NO_IMAGE);
    ck_assert_int_eq(pg_reset_paging(space, 0x1000), PG_E_NO_IMAGE);
}
END_TEST

START_TEST(locked_sections_stay_when_all_is_paged)
{
    uint64_t base;
    pg_handle text = lock(BASE + 0x1000);

    ck_assert_int_eq(pg_page_entire(space, BASE, &base), PG_OK);
    ck_assert(!query(TEXT).pageable_now);
    ck_assert_uint_eq(calls.out, 1);
    ck_assert_int_eq(pg_unlock(space, text), PG_OK); /* the last unlock lets it out now */
    ck_assert_uint_eq(calls.out, 2);
    ck_assert_uint_eq(calls.last, TEXT);
    ck_assert(query(TEXT).pageable_now);
}
END_TEST

START_TEST(failed_reset_leaves_the_image_paged)
{
    uint64_t base;
    pg_handle text;

    ck_assert_int_eq(pg_page_entire(space, BASE, &base), PG_OK);
    text = lock(BASE + 0x1000);
    calls.answer = PG_E_IO; /* for INIT; .text is in */
    ck_assert_int_eq(pg_reset_paging(space, BASE), PG_E_IO);
    ck_assert(query(INIT).pageable_now);
    ck_assert_uint_eq(query(TEXT).lock_count, 1);
    ck_assert_int_eq(pg_unlock(space, text), PG_OK);
    ck_assert(query(TEXT).pageable_now);
    calls.answer = PG_OK;
    ck_assert_int_eq(pg_reset_paging(space, BASE), PG_OK);
    ck_assert(!query(TEXT).pageable_now && !query(INIT).pageable_now);
}
END_TEST

START_TEST(init_is_given_back_for_ever)
{
    uint64_t base;
    pg_handle init = lock(BASE + 0x8000), other = 0;

    pg_discard_init(image);
    ck_assert_uint_eq(calls.discards, 1);
    ck_assert_uint_eq(calls.last, INIT);
    pg_discard_init(image);
    ck_assert_uint_eq(calls.discards, 1);
    ck_assert(query(INIT).discarded && !query(INIT).pageable_now);
    ck_assert_int_eq(pg_lock_address(space, BASE + 0x8000, &other), PG_E_DISCARDED);
    ck_assert_int_eq(pg_lock_handle(space, init), PG_E_DISCARDED);
    ck_assert_uint_eq(query(INIT).lock_count, 1);
    ck_assert_int_eq(pg_unlock(space, init), PG_OK);
    ck_assert_int_eq(pg_unlock(space, init), PG_E_UNDERFLOW);
    ck_assert_int_eq(pg_page_entire(space, BASE, &base), PG_OK);
    ck_assert_int_eq(pg_reset_paging(space, BASE), PG_OK);
    ck_assert(query(INIT).discarded);
    ck_assert_uint_eq(calls.in, 1); /* .text only */
}
END_TEST

START_TEST(handles_go_stale)
{
    pg_handle a = lock(BASE + 0x3000), text = lock(BASE + 0x1000);
    struct pg_image *found;
    uint32_t section;

    ck_assert_int_eq(pg_handle_query(space, a, &found, &section), PG_OK);
    ck_assert(found == image && section == AAAA);
    ck_assert_int_eq(pg_lock_handle(space, a), PG_OK);
    ck_assert_uint_eq(pg_image_remove(image), 3);
    ck_assert_ptr_null(pg_image_find(space, BASE));
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(pg_lock_handle(space, a), PG_E_STALE);
        ck_assert_int_eq(pg_unlock(space, a), PG_E_STALE);
        ck_assert_int_eq(pg_unlock(space, text), PG_E_STALE);
        ck_assert_int_eq(pg_handle_query(space, a, &found, &section), PG_E_STALE);
        ck_assert(pg_space_is_valid(space));
        if (again == 0) { /* the same image, perhaps the same slots: new handles all the same */
            ck_assert_int_eq(
                pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, NULL, &image), PG_OK);
            ck_assert(query(AAAA).handle != a);
        }
    }
    ck_assert_uint_eq(query(AAAA).lock_count, 0);
    ck_assert_int_eq(pg_lock_handle(space, 0), PG_E_STALE);
    ck_assert_int_eq(pg_lock_handle(space, UINT64_MAX), PG_E_STALE);
    ck_assert_int_eq(pg_unlock(space, UINT64_MAX), PG_E_STALE);
}
END_TEST

START_TEST(a_slot_is_retired_when_its_generations_are_used_up)
{
    pg_handle first = query(TEXT).handle;
    uint32_t index = handle_index(first);
    uint64_t last = WORD_GENERATION_MAX - 1;

    atomic_store(&space->slots[index].generation, last);
    atomic_store(word_of(space, index), word_make(0, last, SLOT_KEPT));
    ck_assert_uint_eq(pg_image_remove(image), 0);
    for (int i = 0; i < 40; i++) { /* around the 16 slots more than once */
        ck_assert_int_eq(pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, NULL, &image),
                         PG_OK);
        for (uint32_t s = 0; s < SECTION_COUNT; s++) {
            ck_assert_uint_ne(handle_index(query(s).handle), index);
        }
        pg_image_remove(image);
    }
}
END_TEST

START_TEST(count_has_a_limit)
{
    for (int which = 0; which < 2; which++) {
        pg_handle handle = lock(BASE + (which ? 0x3000u : 0x1000u));

        for (uint32_t i = 1; i < PG_LOCK_COUNT_MAX; i++) {
            if (pg_lock_handle(space, handle) != PG_OK) {
                ck_abort_msg("lock %u failed", i);
            }
        }
        ck_assert_int_eq(pg_lock_handle(space, handle), PG_E_OVERFLOW);
        ck_assert_uint_eq(query(which ? AAAA : TEXT).lock_count, PG_LOCK_COUNT_MAX);
        ck_assert_int_eq(pg_unlock(space, handle), PG_OK);
        ck_assert_int_eq(pg_lock_handle(space, handle), PG_OK);
        ck_assert_int_eq(pg_lock_handle(space, handle), PG_E_OVERFLOW);
        for (uint32_t i = 0; i < PG_LOCK_COUNT_MAX; i++) {
            if (pg_unlock(space, handle) != PG_OK) {
                ck_abort_msg("unlock %u failed", i);
            }
        }
        ck_assert_int_eq(pg_unlock(space, handle), PG_E_UNDERFLOW);
    }
    ck_assert_uint_eq(calls.out, 1);
}
END_TEST

/* A locker that was stopped between its addition and taking it back: one is made while the section
 * comes in, and goes on only when the core waits. */
static unsigned relaxed;

static pg_status page_in_under_a_locker(void *context, struct pg_image *in, uint32_t section)
{
    struct pg_section_info info;

    (void)context;
    ck_assert_int_eq(pg_section_query(in, section, &info), PG_OK);
    atomic_fetch_add(word_of(space, handle_index(info.handle)), WORD_ONE);
    return PG_OK;
}

static void relax_lets_the_locker_go(void *context)
{
    struct pg_section_info info;

    (void)context;
    ck_assert_int_eq(pg_section_query(image, AAAA, &info), PG_OK);
    ck_assert_uint_eq(info.lock_count, 0); /* what was added is no lock yet */
    relaxed++;
    if (relaxed == 3) {
        atomic_fetch_sub(word_of(space, handle_index(info.handle)), WORD_ONE);
    }
}

START_TEST(an_addition_in_flight_never_becomes_a_lock)
{
    struct pg_services with_locker = services;

    with_locker.page_in = page_in_under_a_locker;
    with_locker.relax = relax_lets_the_locker_go;
    ck_assert_int_eq(pg_space_init(memory, sizeof memory, 4, 16, &with_locker, &space), PG_OK);
    ck_assert_int_eq(pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, &calls, &image),
                     PG_OK);
    lock(BASE + 0x3000);
    ck_assert_uint_eq(relaxed, 3);
    ck_assert_uint_eq(query(AAAA).lock_count, 1);
}
END_TEST

START_TEST(space_arguments)
{
    struct pg_services broken = services;
    size_t bytes = pg_space_bytes(4, 16);
    struct pg_space *out = NULL;

    ck_assert_int_eq(pg_space_init(memory, bytes, 4, 16, &services, &out), PG_OK);
    ck_assert_int_eq(pg_space_init(memory + 16, bytes, 4, 16, &services, &out), PG_OK);
    ck_assert(pg_space_is_valid(out));
    ck_assert_int_eq(pg_space_init(memory, bytes - 1, 4, 16, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(memory + 8, bytes, 4, 16, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(NULL, bytes, 4, 16, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(memory, bytes, 0, 16, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(memory, bytes, 4, 0, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(memory, SIZE_MAX, 1, (1u << 28) + 1, &services, &out), PG_E_ARG);
    ck_assert_int_eq(pg_space_init(memory, SIZE_MAX, (1u << 28) + 1, 1, &services, &out), PG_E_ARG);
    broken.page_in = NULL;
    ck_assert_int_eq(pg_space_init(memory, bytes, 4, 16, &broken, &out), PG_E_ARG);
    setup();
}
END_TEST

static pg_status add(uint64_t base, uint64_t bytes, const struct pg_section_desc *desc,
                     uint32_t count)
{
    struct pg_image *out;

    return pg_image_add(space, base, bytes, desc, count, NULL, &out);
}

START_TEST(images_are_checked)
{
    static struct pg_section_desc two[2] = {{"A", PG_RESIDENT, 0x1000, 1},
                                            {"B", PG_RESIDENT, 0x2000, 1}};

    ck_assert_int_eq(add(0, 0, NULL, 0), PG_E_ARG);
    ck_assert_int_eq(add(0x1000, UINT64_MAX, NULL, 0), PG_E_ARG);
    ck_assert_int_eq(add(0, 0x3000, NULL, 2), PG_E_ARG);
    ck_assert_int_eq(add(BASE - 0x1000, 0x1001, NULL, 0), PG_E_OVERLAP);
    ck_assert_int_eq(add(BASE + 0x8fff, 0x1000, NULL, 0), PG_E_OVERLAP);
    ck_assert_int_eq(add(BASE + 0x2000, 0x10, NULL, 0), PG_E_OVERLAP);
    ck_assert_int_eq(add(0, BASE * 2, NULL, 0), PG_E_OVERLAP);
    ck_assert_int_eq(add(0, UINT64_C(1) << 36, NULL, 0), PG_E_ARG); /* 64 GiB */
    ck_assert_int_eq(add(0, (UINT64_C(1) << 36) - 1, NULL, 0), PG_E_OVERLAP);
    two[1].base = 0x1000;
    ck_assert_int_eq(add(0, 0x3000, two, 2), PG_E_OVERLAP);
    two[1].base = 0x2001;
    ck_assert_int_eq(add(0, 0x4000, two, 2), PG_E_ARG);
    two[1].base = 0x2000;
    two[1].pages = 0;
    ck_assert_int_eq(add(0, 0x3000, two, 2), PG_E_ARG);
    two[1].pages = UINT32_MAX;
    ck_assert_int_eq(add(0, 0x3000, two, 2), PG_E_ARG);
    two[1].pages = 1;
    ck_assert_int_eq(add(0, 0x2000, two, 2), PG_E_ARG); /* B begins where the image ends */
    ck_assert_int_eq(add(0x1000, 0x2000, two, 2), PG_OK);
    ck_assert_int_eq(add(0, 0x1000, NULL, 0), PG_OK);
    ck_assert_int_eq(add(BASE + 0x9000, 0x1000, NULL, 0), PG_OK);
    ck_assert_int_eq(add(BASE * 2, 0x1000, NULL, 0), PG_E_LIMIT); /* a fifth image */
    ck_assert_ptr_null(pg_image_find(space, BASE * 2));
}
END_TEST

START_TEST(slots_are_found_again)
{
    static struct pg_section_desc many[16];
    struct pg_image *a = image, *b, *c;

    for (uint32_t i = 0; i < 16; i++) {
        many[i] = (struct pg_section_desc){"PAGE", PG_PAGEABLE, 0x1000 * (i + 1), 1};
    }
    ck_assert_int_eq(pg_image_add(space, 0x1000, 0x10000, many, 8, NULL, &b), PG_OK);
    ck_assert_int_eq(pg_image_add(space, 0x100000, 0x1000, NULL, 0, NULL, &c), PG_OK);
    ck_assert_int_eq(add(0x200000, 0x1000, many, 0), PG_OK);
    pg_image_remove(c);
    for (uint32_t i = 0; i < 16; i++) {
        many[i].base += 0x300000;
    }
    ck_assert_int_eq(add(0x300000, 0x20000, many, 5), PG_E_LIMIT); /* 4 slots are free */
    ck_assert_int_eq(pg_image_add(space, 0x300000, 0x20000, many, 4, NULL, &c), PG_OK);
    pg_image_remove(a);
    pg_image_remove(c);
    ck_assert_int_eq(add(0x300000, 0x20000, many, 5), PG_E_LIMIT); /* 8 free, 4 + 4 */
    pg_image_remove(b);
    ck_assert_int_eq(pg_image_add(space, 0x300000, 0x20000, many, 16, NULL, &c), PG_OK);
    pg_image_remove(c);
    ck_assert_int_eq(pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, NULL, &image),
                     PG_OK);
}
END_TEST

START_TEST(queries_are_checked)
{
    struct pg_section_info info;

    ck_assert_int_eq(pg_section_query(image, SECTION_COUNT, &info), PG_E_ARG);
    pg_image_remove(image);
    ck_assert_int_eq(pg_section_query(image, 0, &info), PG_E_STALE);
}
END_TEST

START_TEST(the_validator_sees_damage)
{
    uint32_t text = handle_index(query(TEXT).handle), aaaa = handle_index(query(AAAA).handle);
    uint64_t generation = query(AAAA).handle >> HANDLE_INDEX_BITS;
    const uint64_t bad[] = {
        word_make(1, generation, SLOT_OUT),       word_make(0, generation, SLOT_IN),
        word_make(0, generation, SLOT_KEPT),      word_make(0, generation, SLOT_BUSY),
        word_make(0, generation, SLOT_FREE),      word_make(0, generation + 1, SLOT_OUT),
        word_make(0, generation, SLOT_DISCARDED), word_make(0xffffff, generation, SLOT_IN),
    };
    uint64_t good = atomic_load(word_of(space, aaaa));

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        atomic_store(word_of(space, aaaa), bad[i]);
        ck_assert_msg(!pg_space_is_valid(space), "damage %zu", i);
    }
    atomic_store(word_of(space, aaaa), good);
    good = atomic_load(word_of(space, text));
    atomic_store(word_of(space, text), word_with_state(good, SLOT_OUT));
    ck_assert(!pg_space_is_valid(space));
    atomic_store(word_of(space, text), good);
    ck_assert(pg_space_is_valid(space));
    image->end++;
    ck_assert(!pg_space_is_valid(space));
    image->end--;
}
END_TEST

/* xorshift64*: the seed is the test's index, so that a failure names its stream. */
static void random_bytes(uint8_t *bytes, size_t count, uint64_t seed)
{
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < count; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        bytes[i] = (uint8_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
    }
}

START_TEST(random_streams_agree_with_the_model)
{
    uint8_t bytes[2048];

    for (uint64_t seed = 0; seed < 60; seed++) {
        random_bytes(bytes, sizeof bytes, (uint64_t)_i * 1000 + seed);
        section_stream_run(bytes, sizeof bytes);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("section");
    TCase *plain = tcase_create("core"), *streams = tcase_create("streams");

    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_set_timeout(plain, 120);
    tcase_set_timeout(streams, 120);
    tcase_add_test(plain, names_decide);
    tcase_add_test(plain, counts_are_per_section);
    tcase_add_test(plain, addresses_are_checked);
    tcase_add_test(plain, failed_page_in_changes_nothing);
    tcase_add_test(plain, resident_sections_are_only_counted);
    tcase_add_test(plain, whole_image_is_paged_and_reset);
    tcase_add_test(plain, locked_sections_stay_when_all_is_paged);
    tcase_add_test(plain, failed_reset_leaves_the_image_paged);
    tcase_add_test(plain, init_is_given_back_for_ever);
    tcase_add_test(plain, handles_go_stale);
    tcase_add_test(plain, a_slot_is_retired_when_its_generations_are_used_up);
    tcase_add_test(plain, count_has_a_limit);
    tcase_add_test(plain, an_addition_in_flight_never_becomes_a_lock);
    tcase_add_test(plain, space_arguments);
    tcase_add_test(plain, images_are_checked);
    tcase_add_test(plain, slots_are_found_again);
    tcase_add_test(plain, queries_are_checked);
    tcase_add_test(plain, the_validator_sees_damage);
    tcase_add_loop_test(streams, random_streams_agree_with_the_model, 0, 16);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, streams);
    return run_suite(suite);
}
