/* SPDX-License-Identifier: MIT */
/*
 * A set of small numbers that is walked in ascending order: one bit per number, and above it one
 * bit per 64 of them that says whether any is set.  So a walk costs what is in the set, not its
 * range.
 */
#ifndef PAGABLE_PAGER_BITMAP_H
#define PAGABLE_PAGER_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BITMAP_END UINT32_MAX

struct bitmap {
    uint32_t words;
    uint64_t *bits;    /* `words` of them */
    uint64_t *summary; /* bit w: bits[w] is not 0 */
};

static inline uint32_t bitmap_words(uint32_t numbers)
{
    return numbers / 64 + 1;
}

static inline size_t bitmap_bytes(uint32_t numbers)
{
    return (bitmap_words(numbers) + bitmap_words(bitmap_words(numbers))) * sizeof(uint64_t);
}

static inline void bitmap_init(struct bitmap *map, void *memory, uint32_t numbers)
{
    memset(memory, 0, bitmap_bytes(numbers));
    map->words = bitmap_words(numbers);
    map->bits = memory;
    map->summary = map->bits + map->words;
}

static inline bool bitmap_has(const struct bitmap *map, uint32_t n)
{
    return (map->bits[n / 64] >> (n % 64)) & 1;
}

static inline void bitmap_set(struct bitmap *map, uint32_t n)
{
    map->bits[n / 64] |= UINT64_C(1) << (n % 64);
    map->summary[n / 4096] |= UINT64_C(1) << (n / 64 % 64);
}

static inline void bitmap_clear(struct bitmap *map, uint32_t n)
{
    map->bits[n / 64] &= ~(UINT64_C(1) << (n % 64));
    if (map->bits[n / 64] == 0) {
        map->summary[n / 4096] &= ~(UINT64_C(1) << (n / 64 % 64));
    }
}

/* The least number in the set that is >= n, or BITMAP_END. */
static inline uint32_t bitmap_next(const struct bitmap *map, uint32_t n)
{
    uint32_t word = n / 64;
    uint64_t rest;

    if (word >= map->words) {
        return BITMAP_END;
    }
    rest = map->bits[word] & (UINT64_MAX << (n % 64));
    if (rest == 0) {
        uint32_t above = ++word / 64, last = (map->words - 1) / 64;

        if (word >= map->words) {
            return BITMAP_END;
        }
        rest = map->summary[above] & (UINT64_MAX << (word % 64));
        while (rest == 0 && above < last) {
            rest = map->summary[++above];
        }
        if (rest == 0) {
            return BITMAP_END;
        }
        word = above * 64 + (uint32_t)__builtin_ctzll(rest);
        rest = map->bits[word];
    }
    return word * 64 + (uint32_t)__builtin_ctzll(rest);
}

#endif
