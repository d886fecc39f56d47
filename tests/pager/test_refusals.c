/* SPDX-License-Identifier: MIT */
/* Wrong arguments, limits, refused host calls: nothing is half done. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

/* ---- arguments and limits ---- */

START_TEST(pager_arguments)
{
    static _Alignas(16) char memory[1 << 18];
    struct pager_limits limits = {2, 4, 8};
    struct pager *out = NULL;
    size_t bytes = pager_bytes(&limits);

    ck_assert_uint_le(bytes, sizeof memory);
    ck_assert_int_eq(pager_init(memory, bytes, &limits, NULL, &out), PG_OK);
    ck_assert(pager_is_valid(out));
    pager_fini(out);
    ck_assert_int_eq(pager_init(memory, bytes - 1, &limits, NULL, &out), PG_E_ARG);
    ck_assert_int_eq(pager_init(memory + 8, bytes, &limits, NULL, &out), PG_E_ARG);
    ck_assert_int_eq(pager_init(NULL, bytes, &limits, NULL, &out), PG_E_ARG);
    for (int i = 0; i < 3; i++) {
        struct pager_limits bad = limits;

        bad.regions = i == 0 ? 0 : 2;
        bad.pages = i == 1 ? 0 : 4;
        bad.patch_bytes = i == 2 ? UINT32_MAX : 8;
        ck_assert_int_eq(pager_init(memory, SIZE_MAX, &bad, NULL, &out), PG_E_ARG);
    }
}
END_TEST

START_TEST(region_arguments)
{
    const struct pager_region_desc good = file_desc(BASE, 0, 2, HOST_READ);
    struct pager_region_desc d;
    struct pager_region *out = NULL;

#define BAD(change)                                                                                \
    (d = good, change, ck_assert_msg(pager_add(pager, &d, &out) == PG_E_ARG, #change))
    BAD(d.pages = 0);
    BAD(d.base = BASE + 1);
    BAD(d.base = UINT64_MAX - PAGE + 1);
    BAD(d.protection = 8);
    BAD(d.protection = HOST_WRITE);
    BAD(d.protection = HOST_EXECUTE);
    BAD(d.backing.file_bytes = 2 * PAGE + 1);
    BAD(d.backing.rva = 1);
    BAD(d.backing.rva = UINT32_MAX - PAGE + 1);
    BAD(d.backing.file_offset = INT64_MAX);
    BAD(d.backing.relocation_count = 1);
#undef BAD
    ck_assert_ptr_null(out);
    d = good;
    d.backing.file_offset = 7 * PAGE;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_TRUNCATED);
    d.pinned = true;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_TRUNCATED);
    d.backing.fd = 999999;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_IO);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(saved.reserve(BASE, 2 * PAGE), 0);            /* nothing was left behind */
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_E_OVERLAP); /* somebody else's memory */
    saved.unreserve(BASE, 2 * PAGE);
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_OK);
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_E_OVERLAP);
    d = zero_desc(BASE - PAGE, 2);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_OVERLAP);
    d = zero_desc(BASE + PAGE, 2);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_OVERLAP);
}
END_TEST

START_TEST(a_region_without_access)
{
    struct pager_region_desc desc = zero_desc(BASE, 2);
    struct pager_region *region;
    uint8_t value;

    desc.protection = HOST_NONE;
    desc.pinned = _i == 1;
    region = add(&desc);
    ck_assert(!support_read(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert_int_eq(pager_patch(pager, BASE, "abc", 3), PG_OK);
    ck_assert_int_eq(resident(region), _i == 1 ? 2 : 0);
    ck_assert(!support_read(BASE, &value));
}
END_TEST

START_TEST(limits_are_kept)
{
    struct pager_region_desc d;
    struct pager_region *regions[8], *out = NULL;

    for (uint32_t i = 0; i < 8; i++) { /* 8 regions, 64 pages: both limits at once */
        d = zero_desc(BASE + (uint64_t)(7 - i) * 8 * PAGE, 8);
        regions[i] = add(&d);
    }
    d = zero_desc(BASE + 0x1000000, 1);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_LIMIT);
    pager_remove(pager, regions[2]);
    pager_remove(pager, regions[5]);
    d.pages = 9; /* 16 pages are free, but not in a row */
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_LIMIT);
    d.pages = 8;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_OK);
    write_at(0x1000000 + 8 * PAGE - 1, 5);
    pager_trim(pager, NULL);
    ck_assert_uint_eq(read_at(0x1000000 + 8 * PAGE - 1), 5);
    pager_remove(pager, regions[4]);
    pager_remove(pager, out);
    d.pages = 16; /* two neighbours */
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_OK);
    ck_assert_uint_eq(read_at(0x1000000 + 8 * PAGE - 1), 0);
}
END_TEST

/* ---- refused host calls ---- */

/* Runs `body` with the first, the second, ... host call refused, until none is. */
typedef pg_status body_function(struct pager_region *region);

static pg_status body_fault(struct pager_region *region)
{
    struct pager_failure failure;
    enum pager_outcome outcome = pager_fault(pager, region->base + 2 * PAGE, PAGER_WRITE, &failure);

    return outcome == PAGER_SERVED ? PG_OK : failure.status;
}

static pg_status body_reopen(struct pager_region *region)
{
    struct pager_failure failure;
    enum pager_outcome outcome = pager_fault(pager, region->base, PAGER_WRITE, &failure);

    return outcome == PAGER_SERVED ? PG_OK : failure.status;
}

static pg_status body_pin(struct pager_region *region)
{
    struct pager_failure failure = {0};
    pg_status status = pager_pin(pager, region, &failure);

    ck_assert_int_eq(status, failure.status);
    ck_assert(pager_region_pinned(region) == (status == PG_OK));
    return status;
}

static pg_status body_trim(struct pager_region *region)
{
    struct pager_failure failure = {0};
    int64_t before = resident(region);
    uint32_t left = pager_trim(pager, &failure);

    ck_assert_int_eq(resident(region), before - left);
    ck_assert((failure.status == PG_OK) == (resident(region) == 0));
    return failure.status;
}

static pg_status body_patch(struct pager_region *region)
{
    return pager_patch(pager, region->base + 3 * PAGE - 2, "word", 4);
}

static pg_status body_add(struct pager_region *region)
{
    struct pager_region_desc desc = file_desc(region->end, 0, 2, HOST_READ | HOST_WRITE);
    struct pager_region *out = NULL;
    pg_status status = pager_add(pager, &desc, &out);

    ck_assert((status == PG_OK) == (out != NULL));
    return status;
}

static pg_status body_add_pinned(struct pager_region *region)
{
    struct pager_region_desc desc = file_desc(region->end, 0, 2, HOST_READ);
    struct pager_region *out = NULL;
    pg_status status;

    desc.pinned = true;
    status = pager_add(pager, &desc, &out);
    ck_assert((status == PG_OK) == (out != NULL));
    return status;
}

/* Discards are never refused in the end: the one call that fails is made again. */
static pg_status body_discard(struct pager_region *region)
{
    pager_discard(pager, region);
    ck_assert_int_eq(resident(region), 0);
    return PG_OK;
}

static const struct {
    const char *name;
    body_function *body;
    bool may_hide; /* success although a call was refused */
} bodies[] = {
    {"fault", body_fault, false},
    {"reopen", body_reopen, false},
    {"pin", body_pin, false},
    {"trim", body_trim, false},
    {"patch", body_patch, true},
    {"add", body_add, false},
    {"add pinned", body_add_pinned, false},
    {"discard", body_discard, true},
};

START_TEST(every_host_call_may_be_refused)
{
    unsigned n;

    for (n = 1; n < 40; n++) {
        struct pager_region *region = add_file(4, HOST_READ | HOST_WRITE);
        pg_status status;
        bool hit;

        read_at(0); /* clean, dirty, and (page 2, page 3) in the paging file and out */
        write_at(PAGE, 1);
        write_at(2 * PAGE, 2);
        write_at(3 * PAGE, 3);
        pager_trim(pager, NULL);
        read_at(0);
        write_at(PAGE, 1);
        read_at(3 * PAGE);
        host_fail_nth(n);
        status = bodies[_i].body(region);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert_msg(pager_is_valid(pager), "%s, call %u", bodies[_i].name, n);
        if (!hit) {
            ck_assert_int_eq(status, PG_OK);
            break;
        }
        ck_assert_msg(status != PG_OK || bodies[_i].may_hide, "%s, call %u", bodies[_i].name, n);
        if (status != PG_OK) { /* nothing was lost, and the same works now */
            ck_assert_int_eq(bodies[_i].body(region), PG_OK);
            ck_assert(pager_is_valid(pager));
        }
        if (!pager_region_discarded(region)) {
            ck_assert_uint_eq(read_at(PAGE), 1);
            ck_assert_uint_eq(read_at(2 * PAGE), 2);
            ck_assert_uint_eq(read_at(3 * PAGE + 9), file[3 * PAGE + 9]);
            ck_assert_uint_eq(read_at(4), file[4]);
        }
        support_serve(NULL); /* a fresh one, with no paging file yet */
        support_fini(pager);
        pager = support_pager(8, 64, 256, NULL);
        support_serve(pager);
    }
    ck_assert_msg(n > 1 && n < 40, "%s made %u host calls", bodies[_i].name, n - 1);
}
END_TEST

/* The kernel refuses to take memory back, again and again: what lies there must never be seen. */
START_TEST(memory_that_cannot_be_given_back_is_not_trusted)
{
    struct pager_region *region = add_zero(4);
    struct pager_failure failure = {0};

    for (uint32_t i = 0; i < 4; i++) {
        write_at(i * PAGE, (uint8_t)(i + 1));
    }
    refuse_discards = 1;
    ck_assert_uint_eq(pager_trim(pager, &failure), 0);
    ck_assert_int_eq(failure.status, PG_E_NO_MEMORY);
    ck_assert_int_eq(resident(region), 4);
    write_at(0, 11); /* after it was written back, before it left */
    ck_assert_uint_eq(pager_trim(pager, NULL), 4);
    ck_assert_uint_eq(read_at(0), 11);
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);

    /* A pin has begun when the paging file turns out to be damaged. */
    ck_assert_int_eq(ftruncate(pager->swap_fd, 0), 0);
    refuse_discards = 2;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_TRUNCATED);
    ck_assert_uint_eq(refuse_discards, 0);
    ck_assert(pager_is_valid(pager));
    ck_assert_int_eq(resident(region), by_backend(4, 0));
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(!pager_is_resident(pager, BASE + i * PAGE));
    }
    pager_remove(pager, region);

    region = add_zero(20);
    for (uint32_t i = 0; i < 17; i++) {
        write_at(i * PAGE, 0xaa);
    }
    pager_trim(pager, NULL);
    ck_assert_int_eq(ftruncate(pager->swap_fd, 16 * PAGE), 0);
    refuse_discards = 2;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_TRUNCATED);
    ck_assert_uint_eq(failure.address, BASE + 16 * PAGE);
    refuse_discards = 0;
    ck_assert(pager_is_valid(pager));
    ck_assert_int_gt(resident(region), 0); /* soiled, and no page of it is believed */
    ck_assert(!pager_is_resident(pager, BASE));
    ck_assert_uint_eq(read_at(3 * PAGE), 0xaa);
    ck_assert_uint_eq(read_at(19 * PAGE), 0);
    for (uint32_t i = 4; i < 16; i++) { /* what lies there is not what it was */
        ck_assert_int_eq(saved.protect(BASE + i * PAGE, PAGE, HOST_READ | HOST_WRITE), 0);
        *(volatile uint8_t *)(BASE + i * PAGE) = 0x55;
        ck_assert_int_eq(saved.protect(BASE + i * PAGE, PAGE, HOST_NONE), 0);
    }
    for (unsigned n = 1, hit = 1; hit != 0; n++) { /* a trim takes them along, or fails */
        host_fail_nth(n);
        pager_trim(pager, NULL);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert(pager_is_valid(pager));
        ck_assert_uint_eq(read_at(3 * PAGE), 0xaa);
        ck_assert_uint_eq(read_at((4 + n % 12) * PAGE), 0xaa);
        ck_assert_uint_eq(read_at(19 * PAGE), 0);
    }
    pager_trim(pager, NULL);
    ck_assert(pager_is_valid(pager));
    refuse_discards = 2;
    pager_discard(pager, region);
    ck_assert(pager_is_valid(pager));
}
END_TEST

/* What the system refuses is not used, and the other back end works. */
START_TEST(a_back_end_that_is_refused_is_not_used)
{
    struct pager_region *region;

    ck_assert_int_eq(pager_set_backend(pager, PAGER_PROTECTION), PG_OK);
    host_fail_nth(1);
    ck_assert_int_eq(pager_set_backend(pager, PAGER_USERFAULT), PG_E_UNSUPPORTED);
    ck_assert_int_eq(host_fail_hit(), 1);
    ck_assert_ptr_eq(pager->memory, &memory_protection);
    region = add_file(2, HOST_READ | HOST_WRITE);
    ck_assert_uint_eq(read_at(PAGE), file[PAGE]);
    write_at(0, 7);
    ck_assert_uint_eq(pager_trim(pager, NULL), 2);
    ck_assert_uint_eq(read_at(0), 7);
    ck_assert_int_eq(pager_set_backend(pager, PAGER_USERFAULT), PG_E_ARG); /* too late */
    ck_assert_int_eq(pager_set_backend(pager, PAGER_PROTECTION), PG_E_ARG);
    pager_remove(pager, region);
    ck_assert_int_eq(pager_set_backend(pager, support_backend), PG_OK);
    ck_assert_int_eq(pager_set_backend(pager, support_backend), PG_OK);
    ck_assert_ptr_eq(pager->memory,
                     support_backend == PAGER_USERFAULT ? &memory_userfault : &memory_protection);
}
END_TEST

/* Uses of what is missing and uses that are forbidden are told apart. */
START_TEST(the_signal_says_what_is_wrong)
{
    struct pager_region *region = add_file(2, HOST_READ);
    uint8_t value;

    ck_assert(support_read(BASE, &value));
    ck_assert_int_eq(support_signal, support_backend == PAGER_USERFAULT ? SIGBUS : SIGSEGV);
    ck_assert(!support_write(BASE + PAGE, 1)); /* out, and forbidden */
    ck_assert_int_eq(support_signal, SIGSEGV);
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert_int_eq(resident(region), 1);
}
END_TEST

START_TEST(a_protection_that_cannot_be_set_is_undone)
{
    struct pager_region *region = add_file(4, HOST_READ);
    struct pager_failure failure = {0};

    refuse_protects = 1;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_NO_MEMORY);
    ck_assert_int_eq(resident(region), 0);
    read_at(PAGE);
    refuse_protects = 3; /* patch: open, then close twice */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE, "q", 1), PG_E_NO_MEMORY);
    ck_assert_uint_eq(read_at(PAGE), file[PAGE]);
    refuse_protects = 0;
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE, "q", 1), PG_OK);
    ck_assert_uint_eq(read_at(PAGE), 'q');
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, pager_arguments);
    tcase_add_test(t, region_arguments);
    tcase_add_loop_test(t, a_region_without_access, 0, 2);
    tcase_add_test(t, limits_are_kept);
    tcase_add_loop_test(t, every_host_call_may_be_refused, 0, 8);
    tcase_add_test(t, memory_that_cannot_be_given_back_is_not_trusted);
    tcase_add_test(t, a_back_end_that_is_refused_is_not_used);
    tcase_add_test(t, the_signal_says_what_is_wrong);
    tcase_add_test(t, a_protection_that_cannot_be_set_is_undone);
}

int main(int argc, char **argv)
{
    return pager_suite(argc, argv, "refusals", add_tests, NULL);
}
