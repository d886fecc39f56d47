/* SPDX-License-Identifier: MIT */
/*
 * How pages get memory and lose it, and how their uses are seen: two back ends with one face.
 *
 *   protection   a page that is out has no access; clean pages lack write access
 *   userfault    a page that is out is missing under the region's protection; clean pages of a
 *                writable region are guarded.  No protection changes when pages come and go
 *
 * With both a page that is in but not open has no access.  Whoever calls keeps the flags of pages;
 * an operation finds them as they were before it.
 */
#ifndef PAGABLE_PAGER_MEMORY_H
#define PAGABLE_PAGER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <pagable/status.h>

struct pager;
struct pager_failure;
struct pager_region;

struct memory_ops {
    const char *name;
    /* Claims the addresses of a region; all its pages are out.  0 or a negative errno. */
    int (*claim)(struct pager *pager, const struct pager_region *region);
    /* Pages [i, i + count), all out, get memory, their content, and the region's protection, but
     * for writing unless `writable`.  After a failure some may have memory. */
    pg_status (*fill)(struct pager *pager, const struct pager_region *region, uint32_t i,
                      uint32_t count, bool writable, struct pager_failure *failure);
    /* Sets what pages that are in allow (HOST_*).  0 or a negative errno, and perhaps part of it
     * done. */
    int (*allow)(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count,
                 unsigned protection);
    /* Gives the memory of pages back: they are out.  0 or a negative errno; their content is then
     * as before. */
    int (*drop)(struct pager *pager, const struct pager_region *region, uint32_t i, uint32_t count);
};

extern const struct memory_ops memory_protection;
extern const struct memory_ops memory_userfault;

#endif
