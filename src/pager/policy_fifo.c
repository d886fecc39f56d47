/* SPDX-License-Identifier: MIT */
/* First in, first out: a doubly linked list in order of arrival; uses do not count. */
#include "pager/policy.h"

struct link {
    uint32_t before, after;
};

struct fifo {
    uint32_t nobody; /* number of pages: the list's own link is the one behind the last page's */
    struct link links[];
};

static size_t fifo_bytes(uint32_t pages)
{
    return sizeof(struct fifo) + ((size_t)pages + 1) * sizeof(struct link);
}

static void fifo_start(void *state, uint32_t pages)
{
    struct fifo *fifo = state;

    fifo->nobody = pages;
    fifo->links[pages] = (struct link){pages, pages};
}

static void fifo_came_in(void *state, uint32_t page)
{
    struct fifo *fifo = state;
    struct link *ends = &fifo->links[fifo->nobody];

    fifo->links[page] = (struct link){ends->before, fifo->nobody};
    fifo->links[ends->before].after = page;
    ends->before = page;
}

static void fifo_used(void *state, uint32_t page)
{
    (void)state;
    (void)page;
}

static void fifo_left(void *state, uint32_t page)
{
    struct fifo *fifo = state;
    struct link link = fifo->links[page];

    fifo->links[link.before].after = link.after;
    fifo->links[link.after].before = link.before;
}

static uint32_t fifo_victim(void *state, const struct policy_host *host)
{
    struct fifo *fifo = state;
    uint32_t first = fifo->links[fifo->nobody].after;

    (void)host;
    return first == fifo->nobody ? POLICY_NONE : first;
}

const struct policy_ops policy_fifo = {
    .name = "fifo",
    .bytes = fifo_bytes,
    .start = fifo_start,
    .came_in = fifo_came_in,
    .used = fifo_used,
    .left = fifo_left,
    .victim = fifo_victim,
};
