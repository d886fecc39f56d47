/* SPDX-License-Identifier: MIT */
/*
 * Whole images: make every section pageable, return them to their classes, discard INIT.
 *
 * Calls for one image exclude each other by the image's gate; lockers and unlockers go on meanwhile
 * and are answered by each section's own word.
 */
#include "section/internal.h"

static bool exchange(struct pg_space *space, uint32_t index, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_weak_explicit(&space->slots[index].word, from, to,
                                                 memory_order_acq_rel, memory_order_acquire);
}

/* KEPT -> OUT, or IN while locks are held.  Other states are pageable already, or gone. */
static void paging_release(struct pg_image *image, uint32_t section)
{
    struct pg_space *space = image->space;
    uint32_t index = image->first_slot + section;
    uint64_t word = atomic_load_explicit(&space->slots[index].word, memory_order_acquire);

    while (word_state(word) == SLOT_KEPT) {
        bool locked = word_count(word) != 0;

        if (exchange(space, index, &word, word_with_state(word, locked ? SLOT_IN : SLOT_BUSY))) {
            if (!locked) {
                space->services.allow_out(space->services.context, image, section);
                slot_end_busy(space, index, 0, SLOT_OUT);
            }
            return;
        }
    }
}

/* OUT or IN -> KEPT.  On failure the section is as before. */
static pg_status paging_keep(struct pg_image *image, uint32_t section)
{
    struct pg_space *space = image->space;
    uint32_t index = image->first_slot + section;
    uint64_t word = atomic_load_explicit(&space->slots[index].word, memory_order_acquire);

    for (;;) {
        switch (word_state(word)) {
        case SLOT_BUSY:
            space_relax(space);
            word = atomic_load_explicit(&space->slots[index].word, memory_order_acquire);
            break;
        case SLOT_IN:
            if (exchange(space, index, &word, word_with_state(word, SLOT_KEPT))) {
                return PG_OK;
            }
            break;
        case SLOT_OUT:
            if (exchange(space, index, &word, word_with_state(word, SLOT_BUSY))) {
                pg_status status = space->services.page_in(space->services.context, image, section);

                slot_end_busy(space, index, 0, status == PG_OK ? SLOT_KEPT : SLOT_OUT);
                return status;
            }
            break;
        default:
            return PG_OK;
        }
    }
}

pg_status pg_page_entire(struct pg_space *space, uint64_t address, uint64_t *image_base)
{
    struct pg_image *image = pg_image_find(space, address);

    if (image == NULL) {
        return PG_E_NO_IMAGE;
    }
    gate_enter(space, &image->gate);
    for (uint32_t i = 0; i < image->count; i++) {
        paging_release(image, i);
    }
    image->paged = true;
    gate_leave(&image->gate);
    *image_base = image->base;
    return PG_OK;
}

pg_status pg_reset_paging(struct pg_space *space, uint64_t address)
{
    struct pg_image *image = pg_image_find(space, address);
    pg_status status = PG_OK;

    if (image == NULL) {
        return PG_E_NO_IMAGE;
    }
    gate_enter(space, &image->gate);
    if (image->paged) {
        uint32_t done = 0;

        while (status == PG_OK && done < image->count) {
            if (image->sections[done].class != PG_PAGEABLE) {
                status = paging_keep(image, done);
            }
            done += status == PG_OK;
        }
        if (status == PG_OK) {
            image->paged = false;
        } else {
            while (done-- > 0) {
                paging_release(image, done);
            }
        }
    }
    gate_leave(&image->gate);
    return status;
}

static void discard(struct pg_image *image, uint32_t section)
{
    struct pg_space *space = image->space;
    uint32_t index = image->first_slot + section;
    uint64_t word = atomic_load_explicit(&space->slots[index].word, memory_order_acquire);

    while (word_state(word) != SLOT_DISCARDED) {
        if (word_state(word) == SLOT_BUSY) {
            space_relax(space);
            word = atomic_load_explicit(&space->slots[index].word, memory_order_acquire);
        } else if (exchange(space, index, &word, word_with_state(word, SLOT_DISCARDED))) {
            space->services.discard(space->services.context, image, section);
            return;
        }
    }
}

void pg_discard_init(struct pg_image *image)
{
    gate_enter(image->space, &image->gate);
    for (uint32_t i = 0; i < image->count; i++) {
        if (image->sections[i].class == PG_DISCARDABLE) {
            discard(image, i);
        }
    }
    gate_leave(&image->gate);
}
