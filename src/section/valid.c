/* SPDX-License-Identifier: MIT */
/* The validator: every promise of internal.h that holds while no thread is inside a call. */
#include "section/internal.h"

static bool slot_is_valid(const struct pg_space *space, uint32_t index)
{
    const struct slot *slot = &space->slots[index];
    const struct pg_image *image = slot->image;
    uint64_t word = atomic_load_explicit(&space->slots[index].word, memory_order_relaxed);
    uint64_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
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

static bool image_is_valid(const struct pg_space *space, const struct pg_image *image)
{
    uint64_t floor = image->base;

    if (image->space != space || !image->loaded || image->base >= image->end ||
        atomic_load_explicit(&image->gate, memory_order_relaxed) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < image->count; i++) {
        const struct pg_section_desc *s = &image->sections[i];

        if (s->base < floor || space->slots[image->first_slot + i].image != image) {
            return false;
        }
        floor = s->base + (uint64_t)s->pages * PG_PAGE_SIZE;
    }
    return true;
}

static bool index_is_valid(const struct pg_space *space)
{
    uint64_t version = atomic_load_explicit(&space->version, memory_order_relaxed);
    const struct index_table *table = &space->tables[version & 1];
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    uint64_t floor = 0;

    if (count + space->free_image_count != space->image_limit) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct pg_image *image =
            atomic_load_explicit(&table->images[i], memory_order_relaxed);

        if (!image_is_valid(space, image) || image->base < floor ||
            atomic_load_explicit(&table->bases[i], memory_order_relaxed) != image->base ||
            atomic_load_explicit(&table->ends[i], memory_order_relaxed) != image->end) {
            return false;
        }
        floor = image->end;
    }
    return true;
}

bool pg_space_is_valid(const struct pg_space *space)
{
    for (uint32_t i = 0; i < space->section_limit; i++) {
        if (!slot_is_valid(space, i)) {
            return false;
        }
    }
    return index_is_valid(space) && atomic_load_explicit(&space->gate, memory_order_relaxed) == 0;
}
