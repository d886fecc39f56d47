/* SPDX-License-Identifier: MIT */
/*
 * The advisor: what of a driver may not be pageable and why, what could be, and what that saves.
 * Nothing of the driver is run.
 *
 *   program.c    image -> functions, blocks, instructions
 *   contracts.c  what the system's routines demand and do
 *   infer.c      IRQL of every place; roles.c: as what routines are called
 *   rules_*.c    violations;  savings.c, isolate.c, layout.c: advice
 */
#ifndef PAGABLE_ADVISE_ADVISE_H
#define PAGABLE_ADVISE_ADVISE_H

#include <pagable/status.h>

#include "finding/advice.h"

struct image;
struct symbols;

struct advise_options {
    rule_set rules;   /* of violations and advice: which to look for */
    bool small;       /* tell of savings below one page too */
    bool paging_path; /* the driver serves paging I/O: its transfer and power routines too */
};

/*
 * Look at an image.  `file` is the name that the advice carries (copied).  *out is released by
 * advice_close; NULL on failure: PG_E_NO_MEMORY.  Whatever the bytes of the image are, there is
 * advice or no memory.  Any thread; no global state.
 */
pg_status advise_image(const char *file, const struct image *image, const struct symbols *symbols,
                       const struct advise_options *options, struct advice **out);

#endif
