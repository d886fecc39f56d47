/* SPDX-License-Identifier: MIT */
/* The address index, one thread, over several levels: against a plain array of places. */
#include <check.h>
#include <stdlib.h>

#include "section/internal.h"
#include "support/always.h"
#include "support/run.h"

enum { PLACES = 1500, EACH = 6, STEPS = 6000 };

#define STEP UINT64_C(0x10000)

/* Place i may hold up to EACH ranges from i * STEP on; place 0 begins at address 0. */
static struct place {
    uint64_t base;
    uint32_t count;
} places[PLACES];

static struct index_range range_of(const struct place *place, uint32_t n)
{
    /* the third range of a place begins where the second ends */
    uint64_t base = place->base + n * 0x1800 - (n == 2 ? 0x800 : 0);

    return (struct index_range){base, 0x1000, (uint32_t)(place - places) * EACH + n};
}

static struct index_range nth(const void *context, uint32_t n)
{
    return range_of(context, n);
}

static int64_t expected(uint64_t address)
{
    const struct place *place = &places[address / STEP];

    for (uint32_t n = 0; address / STEP < PLACES && n < place->count; n++) {
        struct index_range range = range_of(place, n);

        if (address >= range.base && address - range.base < range.bytes) {
            return range.id;
        }
    }
    return -1;
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* Both copies hold every range, in order, and a search for its first and last byte finds it. */
static void check_all(const struct index *index)
{
    for (unsigned c = 0; c < 2; c++) {
        uint32_t at = 0;

        for (uint32_t i = 0; i < PLACES; i++) {
            for (uint32_t n = 0; n < places[i].count; n++) {
                struct index_range there = index_get(&index->copies[c], ++at);
                struct index_range range = range_of(&places[i], n);

                ALWAYS(there.base == range.base);
                ALWAYS(there.bytes == range.bytes);
                ALWAYS(there.id == range.id);
                ALWAYS(index_rank(index, &index->copies[c], range.base) == at);
                ALWAYS(index_rank(index, &index->copies[c], range.base + 0xfff) == at);
            }
        }
        ALWAYS(index->copies[c].count == at);
    }
}

START_TEST(ranges_are_found_while_they_come_and_go)
{
    static struct index index;
    uint32_t capacity = _i == 0 ? PLACES * EACH : PLACES * EACH / 4, used = 0;
    uint64_t state = 88172645463325252u + (uint64_t)_i;
    void *memory = aligned_alloc(128, index_bytes(capacity));

    ck_assert_ptr_nonnull(memory);
    index_init(&index, capacity, memory);
    for (uint32_t i = 0; i < PLACES; i++) {
        places[i] = (struct place){.base = i * STEP};
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        struct place *place = &places[draw(&state) % PLACES];
        uint32_t count = (uint32_t)(draw(&state) % (EACH + 1));

        if (place->count != 0) {
            index_change(&index, place->base, -(int64_t)place->count, NULL, NULL);
            used -= place->count;
            place->count = 0;
        } else if (used + count <= capacity) {
            ALWAYS(index_is_free(&index, place->base, place->base + STEP));
            index_change(&index, place->base, count, nth, place);
            used += count;
            place->count = count;
            ALWAYS(count == 0 || !index_is_free(&index, place->base, place->base + 1));
        }
        for (uint32_t k = 0; k < 8; k++) {
            uint64_t address = draw(&state) % (PLACES * STEP + STEP);

            address = k == 0 ? place->base + (draw(&state) & 0x7fff) : address;
            ALWAYS(index_find(&index, address) ==
                   (address < PLACES * STEP ? expected(address) : -1));
        }
        if (step % 500 == 0) {
            check_all(&index);
        }
    }
    ck_assert_uint_gt(index.depth, 2);
    ck_assert_int_eq(index_find(&index, UINT64_MAX), -1);
    ck_assert_int_eq(index_find(&index, UINT64_MAX - 1), -1);
    free(memory);
}
END_TEST

START_TEST(the_last_bytes_of_memory_can_be_found)
{
    static const struct place top = {.base = UINT64_MAX - 0xfff, .count = 1};
    _Alignas(128) static char memory[4096];
    struct index index;

    ck_assert_uint_le(index_bytes(1), sizeof memory);
    index_init(&index, 1, memory);
    ck_assert_int_eq(index_find(&index, 0), -1);
    index_change(&index, top.base, 1, nth, &top);
    ck_assert_int_ge(index_find(&index, UINT64_MAX - 1), 0);
    ck_assert_int_eq(index_find(&index, UINT64_MAX - 0x1000), -1);
}
END_TEST

/* Every section has a word of its own, inside the space; near ones are on different lines. */
START_TEST(words_do_not_meet)
{
    static const uint32_t limits[] = {1, 100, WORD_LINES, WORD_LINES + 1, 300000};
    uint32_t limit = limits[_i];
    size_t bytes = pg_space_bytes(1, limit);
    struct pg_space *space = aligned_alloc(128, (bytes + 127) & ~(size_t)127);
    uint8_t *seen = calloc(bytes, 1);

    ck_assert_ptr_nonnull(space);
    ck_assert_ptr_nonnull(seen);
    for (uint32_t i = 0; i < limit; i++) {
        size_t at = (size_t)((char *)word_of(space, i) - (char *)space);

        ALWAYS(at < bytes - limit * sizeof(struct slot));
        ALWAYS(seen[at] == 0);
        seen[at] = 1;
        for (uint32_t k = 1; k < 20 && k <= i; k++) {
            ALWAYS((uintptr_t)word_of(space, i) / 64 != (uintptr_t)word_of(space, i - k) / 64);
        }
    }
    free(seen);
    free(space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("section index");
    TCase *tests = tcase_create("index");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, ranges_are_found_while_they_come_and_go, 0, 2);
    tcase_add_test(tests, the_last_bytes_of_memory_can_be_found);
    tcase_add_loop_test(tests, words_do_not_meet, 0, 5);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
