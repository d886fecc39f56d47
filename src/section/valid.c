/* SPDX-License-Identifier: MIT */
/* The validator: every promise of internal.h that holds while no thread is inside a call. */
#include "section/internal.h"

static bool slot_is_valid(const struct pg_space *space, uint32_t index)
{
    const struct slot *slot = &space->slots[index];
    const struct pg_image *image = slot->image;
    uint64_t word = word_load(space, index), generation = slot_generation(space, index);
    enum pg_class class;
    bool pageable;

    if (word_generation(word) != generation || word_count(word) > PG_LOCK_COUNT_MAX) {
        return false;
    }
    if (image == NULL) {
        return word == word_make(0, generation, SLOT_FREE);
    }
    if (!image->loaded || index < image->first_slot || index - image->first_slot >= image->count) {
        return false;
    }
    class = image->sections[index - image->first_slot].class;
    pageable = class == PG_PAGEABLE || image->paged;
    switch (word_state(word)) {
    case SLOT_OUT:
        return pageable && word_count(word) == 0;
    case SLOT_IN:
        return pageable && word_count(word) >= 1;
    case SLOT_KEPT:
        return !pageable;
    case SLOT_DISCARDED:
        return class == PG_DISCARDABLE;
    default:
        return false; /* FREE with an image, BUSY with nobody inside a call */
    }
}

/* Whether a place of an index holds this range in both copies, and searches end there. */
static bool place_is(const struct index *index, uint32_t at, struct index_range range)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct index_copy *copy = &index->copies[i];
        struct index_range there = index_get(copy, at);

        if (at > copy->count || there.base != range.base || there.bytes != range.bytes ||
            there.id != range.id || index_rank(index, copy, range.base) != at) {
            return false;
        }
    }
    return true;
}

/* The images in ascending order, and all of their sections, are what the indexes hold. */
static bool indexes_are_valid(const struct pg_space *space)
{
    uint32_t count = space->by_image.copies[0].count, seen = 0;
    uint64_t floor = 0;

    for (uint32_t i = 1; i <= count; i++) {
        uint32_t id = index_get(&space->by_image.copies[0], i).id;
        const struct pg_image *image = &space->images[id];

        if (id >= space->image_limit || image->space != space || !image->loaded ||
            image->base < floor || image->base >= image->end ||
            atomic_load_explicit(&image->gate, memory_order_relaxed) != 0 ||
            !place_is(&space->by_image, i, image_range(image, 0))) {
            return false;
        }
        floor = image->base;
        for (uint32_t k = 0; k < image->count; k++) {
            struct index_range range = section_range(image, k);

            if (range.base < floor || space->slots[range.id].image != image ||
                !place_is(&space->by_section, ++seen, range)) {
                return false;
            }
            floor = range.base + range.bytes;
        }
        floor = image->end;
    }
    return count + space->free_image_count == space->image_limit &&
           count == space->by_image.copies[1].count && seen == space->by_section.copies[0].count &&
           seen == space->by_section.copies[1].count;
}

bool pg_space_is_valid(const struct pg_space *space)
{
    for (uint32_t i = 0; i < space->section_limit; i++) {
        if (!slot_is_valid(space, i)) {
            return false;
        }
    }
    return indexes_are_valid(space) &&
           atomic_load_explicit(&space->gate, memory_order_relaxed) == 0;
}
