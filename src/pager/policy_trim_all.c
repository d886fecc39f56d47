/* SPDX-License-Identifier: MIT */
/* Everything leaves as soon as one page must: the harshest memory pressure there is. */
#include "pager/bitmap.h"
#include "pager/policy.h"

static size_t trim_all_bytes(uint32_t pages)
{
    return sizeof(struct bitmap) + bitmap_bytes(pages);
}

static void trim_all_start(void *state, uint32_t pages)
{
    bitmap_init(state, (struct bitmap *)state + 1, pages);
}

static void trim_all_came_in(void *state, uint32_t page)
{
    bitmap_set(state, page);
}

static void trim_all_used(void *state, uint32_t page)
{
    (void)state;
    (void)page;
}

static void trim_all_left(void *state, uint32_t page)
{
    bitmap_clear(state, page);
}

static uint32_t trim_all_victim(void *state, const struct policy_host *host)
{
    (void)host;
    return bitmap_next(state, 0); /* BITMAP_END is POLICY_NONE */
}

_Static_assert(BITMAP_END == POLICY_NONE, "the end of a walk is no victim");

const struct policy_ops policy_trim_all = {
    .name = "trim-all",
    .all = true,
    .bytes = trim_all_bytes,
    .start = trim_all_start,
    .came_in = trim_all_came_in,
    .used = trim_all_used,
    .left = trim_all_left,
    .victim = trim_all_victim,
};
