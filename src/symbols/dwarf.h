/* SPDX-License-Identifier: MIT */
/* DWARF 2 to 5 of an image: subprograms, line tables, where code was inlined. */
#ifndef PAGABLE_SYMBOLS_DWARF_H
#define PAGABLE_SYMBOLS_DWARF_H

#include "symbols/table.h"

/* Read, in a child, what the image's DWARF says into an empty table; ordered, not merged.  `note`
 * becomes a line that says what was wrong, or empty. */
void read_dwarf(const struct image *image, struct table *table, char *note, size_t note_size);

#endif
