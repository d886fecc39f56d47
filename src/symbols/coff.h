/* SPDX-License-Identifier: MIT */
/* What the headers of an image say about symbols: COFF symbols, long section names, exports; and
 * functions that only .pdata knows. */
#ifndef PAGABLE_SYMBOLS_COFF_H
#define PAGABLE_SYMBOLS_COFF_H

#include "symbols/table.h"

struct image;

/* The full name of a section ("/4" is an offset into the string table), in the image's bytes. */
struct bytes coff_section_name(const struct image *image, uint32_t index);

void coff_read_symbols(const struct image *image, struct table *table);
void coff_read_exports(const struct image *image, struct table *table);

/* pdata.c: give sizes from .pdata to the merged functions that have none, add those that only
 * .pdata knows, and merge again. */
void pdata_complete(const struct image *image, struct table *table);

#endif
