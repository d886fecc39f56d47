/* SPDX-License-Identifier: MIT */
/*
 * Private to native/: which pages this process has, from pagemap, or smaps where that is closed.
 *
 * mincore(2) would not do: for a file's pages it tells of the page cache, which keeps its copy.
 */
#ifndef PAGABLE_NATIVE_RESIDENCY_H
#define PAGABLE_NATIVE_RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

#include <pagable/status.h>

enum residency_state {
    RESIDENCY_OUT,     /* not in the page tables */
    RESIDENCY_FILE,    /* what the file has: can be read again */
    RESIDENCY_PRIVATE, /* this process's own: modified, or memory without a file */
};

/* Takes a run of pages in one state; a failure ends the walk. */
typedef pg_status residency_run(void *context, uint64_t address, uint64_t pages,
                                enum residency_state state);

/*
 * Walk `pages` pages from `address` up, holding the list's gate.  *estimated is set when only smaps
 * could be read: then the runs are whole mappings, RESIDENCY_PRIVATE if anything in one is or it is
 * hugetlbfs's, and RESIDENCY_FILE if any page is in.  PG_E_UNSUPPORTED when neither can be read,
 * and what `run` gives.
 */
pg_status residency_walk(uint64_t address, uint64_t pages, residency_run *run, void *context,
                         bool *estimated);

/* In a forked child: what was opened shows the parent. */
void residency_forked(void);

#endif
