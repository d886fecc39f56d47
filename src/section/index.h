/* SPDX-License-Identifier: MIT */
/*
 * Private to section/: an index of address ranges, read without a lock while it changes.  The space
 * has two, one of images and one of sections; see index.c.
 */
#ifndef PAGABLE_SECTION_INDEX_H
#define PAGABLE_SECTION_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_FAN       8u /* keys of a node: one cache line */
#define INDEX_LEVELS    10 /* above the leaves: 8^10 > 2^INDEX_ID_BITS */
#define INDEX_ID_BITS   28
#define INDEX_BYTES_MAX ((UINT64_C(1) << (64 - INDEX_ID_BITS)) - 1) /* of a range */

struct index_leaf {
    _Alignas(128) _Atomic uint64_t bases[INDEX_FAN];
    _Atomic uint64_t rest[INDEX_FAN]; /* bytes << INDEX_ID_BITS | id */
};

struct index_copy {
    struct index_leaf *leaves;
    _Atomic uint64_t *levels[INDEX_LEVELS]; /* [0]: the first base of each leaf, and so on */
    uint32_t count;                         /* of entries, for the writer */
};

struct index {
    _Atomic uint64_t version; /* its lowest bit says which copy is current */
    uint32_t depth;           /* levels in use */
    struct index_copy copies[2];
};

struct index_range {
    uint64_t base, bytes;
    uint32_t id; /* whatever the space wants to find */
};

/* Bytes for at most `entries`, and an empty index in such memory, 128-byte aligned. */
size_t index_bytes(uint32_t entries);
void index_init(struct index *index, uint32_t entries, void *memory);

/* The id of the range that holds an address, or -1.  Takes no lock. */
int64_t index_find(const struct index *index, uint64_t address);

/* The rest is for one writer at a time.  index_change puts `count` ranges in, all between two
 * neighbours and the first one at `base`; or takes -count away, from the one at `base` on.  Ranges
 * do not overlap, and there is room. */
typedef struct index_range index_nth(const void *context, uint32_t n);
void index_change(struct index *index, uint64_t base, int64_t count, index_nth *nth,
                  const void *context);

/* The `at`-th range, from 1 on, and how many bases are <= address. */
struct index_range index_get(const struct index_copy *copy, uint32_t at);
uint32_t index_rank(const struct index *index, const struct index_copy *copy, uint64_t address);

/* Whether no range overlaps [base, end). */
bool index_is_free(const struct index *index, uint64_t base, uint64_t end);

#endif
