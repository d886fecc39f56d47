/* SPDX-License-Identifier: MIT */
/* The replacement policies as pure objects against naive models, and the set under them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pager/bitmap.h"
#include "pager/policy.h"
#include "support/run.h"

enum { PAGES = 200, STEPS = 20000 };

static uint64_t state = 88172645463325252u;

static uint32_t draw(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % n;
}

/* What the models know of each page; `order` is when it came in. */
static bool in[PAGES], used[PAGES];
static uint32_t order[PAGES], clock_hand, watched;

static void on_watch(void *context, uint32_t page)
{
    (void)context;
    ck_assert(in[page] && used[page]);
    watched++;
}

static uint32_t model_clock(void)
{
    uint32_t count = 0;

    for (uint32_t p = 0; p < PAGES; p++) {
        count += in[p];
    }
    while (count != 0) {
        uint32_t page = clock_hand % PAGES;

        clock_hand = page + 1;
        if (in[page] && !used[page]) {
            return page;
        }
        used[page] = false;
    }
    return POLICY_NONE;
}

static uint32_t model_least(bool by_order)
{
    uint32_t least = POLICY_NONE;

    for (uint32_t p = 0; p < PAGES; p++) {
        if (in[p] && (least == POLICY_NONE || (by_order && order[p] < order[least]))) {
            least = p;
        }
    }
    return least;
}

static uint32_t model_victim(const struct policy_ops *ops)
{
    return ops == &policy_clock ? model_clock() : model_least(ops == &policy_fifo);
}

START_TEST(policies_agree_with_their_models)
{
    static const struct policy_ops *const all[] = {&policy_clock, &policy_fifo, &policy_trim_all};
    const struct policy_ops *ops = all[_i];
    const struct policy_host policy_host = {NULL, on_watch};
    void *policy = malloc(ops->bytes(PAGES));
    uint32_t victims = 0;

    ck_assert_ptr_nonnull(policy);
    memset(policy, 0xcc, ops->bytes(PAGES));
    ops->start(policy, PAGES);
    ck_assert_uint_eq(ops->victim(policy, &policy_host), POLICY_NONE);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t page = draw(PAGES);

        if (!in[page]) {
            ops->came_in(policy, page);
            in[page] = used[page] = true;
            order[page] = step;
        } else if (draw(2) == 0) {
            ops->used(policy, page);
            used[page] = true;
        } else if (draw(8) == 0) { /* leaves for another reason than the policy's */
            ops->left(policy, page);
            in[page] = used[page] = false;
        }
        if (draw(4) == 0) {
            /* The object goes first: on_watch looks at the model as it was. */
            uint32_t victim = ops->victim(policy, &policy_host);

            ck_assert_uint_eq(victim, model_victim(ops));
            if (victim != POLICY_NONE) {
                victims++;
                ops->left(policy, victim);
                in[victim] = used[victim] = false;
            }
        }
    }
    ck_assert_uint_gt(victims, STEPS / 8);
    ck_assert((watched > 0) == (ops == &policy_clock));
    ck_assert(ops->all == (ops == &policy_trim_all));
    free(policy);
}
END_TEST

START_TEST(bitmap_walks_in_order)
{
    static const uint32_t sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 20000};
    uint32_t numbers = sizes[_i];
    bool *model = calloc(numbers, sizeof *model);
    void *memory = malloc(bitmap_bytes(numbers));
    struct bitmap map;

    memset(memory, 0xff, bitmap_bytes(numbers));
    bitmap_init(&map, memory, numbers);
    ck_assert_uint_eq(bitmap_next(&map, 0), BITMAP_END);
    for (uint32_t round = 0; round < 20; round++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < 40; i++) {
            uint32_t x =
                draw(4) == 0 ? numbers - 1 - draw(numbers < 70 ? numbers : 70) : draw(numbers);

            model[x] = draw(2) == 0;
            if (model[x]) {
                bitmap_set(&map, x);
            } else {
                bitmap_clear(&map, x);
            }
            ck_assert(bitmap_has(&map, x) == model[x]);
        }
        for (uint32_t x = bitmap_next(&map, 0); x != BITMAP_END; x = bitmap_next(&map, x + 1)) {
            ck_assert_uint_lt(x, numbers);
            for (; n < x; n++) {
                ck_assert(!model[n]);
            }
            ck_assert(model[n]);
            n++;
        }
        for (; n < numbers; n++) {
            ck_assert(!model[n]);
        }
    }
    free(model);
    free(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tests = tcase_create("policy");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, policies_agree_with_their_models, 0, 3);
    tcase_add_loop_test(tests, bitmap_walks_in_order, 0, 8);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
