/* SPDX-License-Identifier: MIT */
/*
 * The table that every source of symbols adds to, and its merged form.
 *
 * Invariants: a function begins in an executable section and ends in the same one; a line row lies
 * in the image; every string is printable UTF-8 and no longer than TABLE_MAX_STRING; the sizes stay
 * below the TABLE_MAX_* limits whatever a file claims.  What does not fit is left out, not refused.
 * Running out of memory is remembered (`no_memory`) and reported once, at the end.
 */
#ifndef PAGABLE_SYMBOLS_TABLE_H
#define PAGABLE_SYMBOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/bytes.h"

struct image;

#define TABLE_MAX_FUNCTIONS (1u << 20)
#define TABLE_MAX_LINES     (1u << 23)
#define TABLE_MAX_POOL      (128u << 20)
#define TABLE_MAX_STRING    4095u

/* Best first: the order decides who names a range of code. */
enum table_source {
    SOURCE_DWARF,
    SOURCE_PDB,
    SOURCE_PDB_PUBLIC,
    SOURCE_COFF,
    SOURCE_EXPORT,
    SOURCE_PDATA,
    SOURCE_COUNT,
};

struct table_function {
    uint32_t rva;
    uint32_t size;     /* 0: not known */
    uint32_t name;     /* offset into the pool */
    uint32_t sequence; /* order of arrival: settles ties */
    uint8_t source;    /* enum table_source */
};

/* The code from `rva` on, up to the next row, has this line; line 0 ends what came before. */
struct table_line {
    uint32_t rva;
    uint32_t line;
    uint32_t file; /* offset into the pool */
    uint32_t sequence;
};

/* [rva, end) was inlined by a call at this line. */
struct table_inline {
    uint32_t rva, end;
    uint32_t line;
    uint32_t file;
    uint32_t sequence;
};

struct table_array {
    void *items;
    uint32_t count, capacity;
};

struct table {
    const struct image *image;
    struct table_array functions; /* struct table_function */
    struct table_array aliases;   /* struct table_function: second names, after table_merge */
    struct table_array lines;     /* struct table_line */
    struct table_array inlines;   /* struct table_inline */
    struct table_array pool;      /* char; offset 0 is the empty string */
    struct table_array hash;      /* uint32_t pool offsets + 1, open addressing; 0 is free */
    uint32_t strings;
    bool no_memory;
};

void table_init(struct table *table, const struct image *image);
void table_release(struct table *table);

const char *table_text(const struct table *table, uint32_t offset);

/* Offset of an equal string in the pool, added when it is new; 0 for the empty one, or when it did
 * not fit.  Bytes that are not printable UTF-8 become '?'. */
uint32_t table_string(struct table *table, const void *text, size_t length);

/* An empty name makes "sub_1a40". */
void table_add_function(struct table *table, enum table_source source, struct bytes name,
                        uint32_t rva, uint32_t size);
void table_add_line(struct table *table, uint32_t rva, uint32_t file, uint32_t line);
void table_add_inline(struct table *table, uint32_t rva, uint32_t end, uint32_t file,
                      uint32_t line);

/* Count functions of one source. */
uint32_t table_count(const struct table *table, enum table_source source);

/* Room for one more item of `size` bytes, zeroed; NULL when out of memory or at `limit`. */
void *table_grow(struct table *table, struct table_array *array, size_t size, uint32_t limit);

/*
 * merge.c
 *   table_order_lines  sorts the rows, lays the inlined ranges over them and forgets those, so that
 *                      every row belongs to the routine whose code it is; one row per rva is left
 *   table_merge        makes the functions ascending and disjoint: see enum table_source; names
 * that lost their range become aliases
 */
void table_order_lines(struct table *table);
void table_merge(struct table *table);

#endif
