/* SPDX-License-Identifier: MIT */
/*
 * Replacement policies: which page leaves when one must.
 *
 * A policy is a pure object: it knows pages as numbers, keeps its state in the caller's memory, and
 * touches neither memory nor files, so the pager and a recorded trace can drive the same code.  It
 * is told of each page that comes in, is seen to be used, or leaves; a page that it names as victim
 * is still in until `left` is called for it.
 */
#ifndef PAGABLE_PAGER_POLICY_H
#define PAGABLE_PAGER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NONE UINT32_MAX

/* What a policy may ask for while it chooses: that the next use of a page be told through `used`.
 */
struct policy_host {
    void *context;
    void (*watch)(void *context, uint32_t page);
};

struct policy_ops {
    const char *name;
    bool all; /* once one page must leave, all do */
    size_t (*bytes)(uint32_t pages);
    void (*start)(void *state, uint32_t pages); /* no page is in */
    void (*came_in)(void *state, uint32_t page);
    void (*used)(void *state, uint32_t page);
    void (*left)(void *state, uint32_t page);
    /* A page that is in, or POLICY_NONE when none is. */
    uint32_t (*victim)(void *state, const struct policy_host *host);
};

extern const struct policy_ops policy_clock;    /* second chance, in a circle */
extern const struct policy_ops policy_fifo;     /* the page that came in first */
extern const struct policy_ops policy_trim_all; /* everything at once */

#endif
