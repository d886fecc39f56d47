/* SPDX-License-Identifier: MIT */
/*
 * Clock: a hand goes around the pages; one that was used since the hand last passed is spared once
 * and watched from then on, the first that was not used is the victim.
 */
#include "pager/bitmap.h"
#include "pager/policy.h"

struct clock {
    struct bitmap in, used;
    uint32_t hand; /* the page at which the next search begins */
};

static size_t clock_bytes(uint32_t pages)
{
    return sizeof(struct clock) + 2 * bitmap_bytes(pages);
}

static void clock_start(void *state, uint32_t pages)
{
    struct clock *clock = state;

    bitmap_init(&clock->in, clock + 1, pages);
    bitmap_init(&clock->used, (char *)(clock + 1) + bitmap_bytes(pages), pages);
    clock->hand = 0;
}

static void clock_came_in(void *state, uint32_t page)
{
    struct clock *clock = state;

    bitmap_set(&clock->in, page);
    bitmap_set(&clock->used, page);
}

static void clock_used(void *state, uint32_t page)
{
    struct clock *clock = state;

    bitmap_set(&clock->used, page);
}

static void clock_left(void *state, uint32_t page)
{
    struct clock *clock = state;

    bitmap_clear(&clock->in, page);
    bitmap_clear(&clock->used, page);
}

static uint32_t clock_victim(void *state, const struct policy_host *host)
{
    struct clock *clock = state;

    for (;;) { /* ends within two rounds: the first one leaves no page marked as used */
        uint32_t page = bitmap_next(&clock->in, clock->hand);

        if (page == BITMAP_END) {
            page = bitmap_next(&clock->in, 0);
            if (page == BITMAP_END) {
                return POLICY_NONE;
            }
        }
        clock->hand = page + 1;
        if (!bitmap_has(&clock->used, page)) {
            return page;
        }
        bitmap_clear(&clock->used, page);
        host->watch(host->context, page);
    }
}

const struct policy_ops policy_clock = {
    .name = "clock",
    .bytes = clock_bytes,
    .start = clock_start,
    .came_in = clock_came_in,
    .used = clock_used,
    .left = clock_left,
    .victim = clock_victim,
};
