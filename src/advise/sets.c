/* SPDX-License-Identifier: MIT */
/*
 * Which routines win whole pages together.
 *
 * A section gives memory back in pages, so one small routine mostly saves nothing and many save
 * much.  Routines that leave one section for the same other one are a set; sets of a section are
 * counted one after the other, the largest first, each with what it wins after those before it, so
 * that the sum is what all of them win.
 */
#include "advise/savings.h"

#include <stdlib.h>
#include <string.h>

#include "base/host.h"

struct group {
    uint32_t from;
    const char *target;
    uint32_t bytes, pages, routines;
    uint32_t first; /* candidate that began it */
};

static int compare_groups(const void *left, const void *right)
{
    const struct group *a = left, *b = right;

    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes ? -1 : 1;
    }
    return (a->first > b->first) - (a->first < b->first);
}

/* Targets are few: sections of the image, PAGE and INIT. */
static struct group *group_of(struct group *groups, uint32_t count, const struct candidate *one)
{
    for (uint32_t i = 0; i < count; i++) {
        if (groups[i].from == one->from && strcmp(groups[i].target, one->target) == 0) {
            return &groups[i];
        }
    }
    return NULL;
}

static uint32_t collect(const struct candidates *candidates, struct group *groups, uint32_t room)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct candidate *one = &candidates->items[i];
        struct group *group = group_of(groups, count, one);

        if (group == NULL) {
            if (count == room) {
                break;
            }
            group = &groups[count++];
            *group = (struct group){.from = one->from, .target = one->target, .first = i};
        }
        group->bytes += one->bytes;
        group->routines++;
    }
    return count;
}

static uint32_t pages_won(const struct image_section *section, uint32_t before, uint32_t bytes)
{
    uint32_t size = section->virtual_size;

    before = before < size ? before : size;
    bytes = bytes < size - before ? bytes : size - before;
    return pages_of(size - before) - pages_of(size - before - bytes);
}

static void count_pages(const struct audit *audit, struct group *groups, uint32_t count)
{
    uint32_t gone = 0;

    qsort(groups, count, sizeof *groups, compare_groups);
    for (uint32_t i = 0; i < count; i++) {
        gone = i > 0 && groups[i].from == groups[i - 1].from ? gone : 0;
        groups[i].pages = pages_won(&audit->image->sections[groups[i].from], gone, groups[i].bytes);
        gone += groups[i].bytes;
    }
}

/* At most so many sets: pairs of sections of an image, of which hostile ones have many. */
#define GROUPS_MAX (4u * IMAGE_MAX_SECTIONS)

pg_status savings_sets(const struct audit *audit, struct candidates *candidates)
{
    struct group *groups = host.allocate(sizeof *groups * GROUPS_MAX);
    uint32_t *sets = host.allocate(sizeof *sets * GROUPS_MAX);
    uint32_t count;

    if (groups == NULL || sets == NULL) {
        host.release(groups);
        host.release(sets);
        return PG_E_NO_MEMORY;
    }
    count = collect(candidates, groups, GROUPS_MAX);
    count_pages(audit, groups, count);
    for (uint32_t i = 0; i < count; i++) {
        struct advice_set set = {
            .from = advice_text(audit->builder, "%s", audit->image->sections[groups[i].from].name),
            .target = groups[i].target,
            .bytes = groups[i].bytes,
            .pages = groups[i].pages,
            .routines = groups[i].routines,
        };

        sets[i] = ADVICE_NO_SET;
        if (groups[i].routines > 1 && (groups[i].pages != 0 || audit->options->small)) {
            sets[i] = advice_add_set(audit->builder, &set);
        }
    }
    for (uint32_t i = 0; i < candidates->count; i++) {
        struct candidate *one = &candidates->items[i];
        const struct group *group = group_of(groups, count, one);

        if (group != NULL) {
            one->pages = pages_won(&audit->image->sections[one->from], 0, one->bytes);
            one->set = sets[group - groups];
            one->kept = group->pages != 0 || audit->options->small;
        }
    }
    host.release(groups);
    host.release(sets);
    return PG_OK;
}
