/* SPDX-License-Identifier: MIT */
/* Private to bench/section*: a space full of sections, and how two ways to do a thing are timed. */
#ifndef PAGABLE_BENCH_SECTION_H
#define PAGABLE_BENCH_SECTION_H

#include <pagable/section.h>

#include "bench.h"

enum { SECTIONS_EACH = 10, SECTION_PAGES = 4, LOCKS_AT_ONCE = 8192 };

/* `images` images with SECTIONS_EACH pageable sections each, all of them locked once. */
struct section_field {
    struct pg_space *space;
    uint32_t sections;
    pg_handle *handles;
    pg_handle taken[LOCKS_AT_ONCE];
    uint64_t random;
    void *extra; /* of who measures */
};

struct section_field *field_make(uint32_t images);
void field_free(struct section_field *field);

static inline uint64_t field_image_base(uint32_t image)
{
    return UINT64_C(0x200200000000) + image * UINT64_C(0x100000);
}

/* Not where the section begins: somewhere in it. */
static inline uint64_t field_address(uint32_t section, uint64_t random)
{
    return field_image_base(section / SECTIONS_EACH) + PG_PAGE_SIZE +
           section % SECTIONS_EACH * (SECTION_PAGES + 1) * PG_PAGE_SIZE +
           random % (SECTION_PAGES * PG_PAGE_SIZE);
}

/* The next random section; `last` is what the last operation gave, so that it cannot begin before
 * that one ended. */
static inline uint32_t field_next(struct section_field *field, uint64_t last)
{
    field->random ^= field->random << 13;
    field->random ^= field->random >> 7;
    field->random ^= field->random << 17;
    return (uint32_t)((((field->random + last) >> 32) * field->sections) >> 32);
}

/*
 * Nanoseconds that `count` operations take in all.  Both ways are measured in turn, `rounds` times;
 * the result gets medians, and as ratio the median of the ratios of neighbours.
 */
typedef double section_way(struct section_field *field, uint32_t count);
void section_compare(struct bench_result *result, struct section_field *field, section_way *ours,
                     section_way *versus, uint32_t count, uint32_t rounds);

/* section_address.c */
void bench_section_address(struct bench_result results[5], bool quick);

#endif
