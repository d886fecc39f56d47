/* SPDX-License-Identifier: MIT */
/* What the section core and its front ends have in common. */
#ifndef PAGABLE_TYPES_H
#define PAGABLE_TYPES_H

#include <stdint.h>

/* What a section's name says about paging (NT's rule: the name decides, not the flags). */
enum pg_class {
    PG_RESIDENT,    /* never leaves memory, unless its whole image is paged (pg_page_entire) */
    PG_PAGEABLE,    /* name begins with "PAGE": may leave while its lock count is zero */
    PG_DISCARDABLE, /* name is "INIT": resident, given back for ever after initialization */
};

/* Identity of a section: opaque, never 0, never reused for another section of the same space
 * (a generation is part of it). */
typedef uint64_t pg_handle;

#endif
