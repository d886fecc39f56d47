/* SPDX-License-Identifier: MIT */
/*
 * Whole images: make every section pageable, return them to their classes, discard INIT.
 *
 * Calls for one image exclude each other by the image's gate; lockers and unlockers go on meanwhile
 * and are answered by each section's own word.
 */
#include "section/internal.h"

/* KEPT -> OUT, or IN while locks are held.  Other states are pageable already, or gone. */
static void paging_release(struct pg_image *image, uint32_t section)
{
    struct pg_space *space = image->space;
    uint32_t index = image->first_slot + section;
    uint64_t word = word_load(space, index);

    while (word_state(word) == SLOT_KEPT) {
        bool locked = word_count(word) != 0;

        if (word_exchange(space, index, &word,
                          word_with_state(word, locked ? SLOT_IN : SLOT_BUSY))) {
            if (!locked) {
                slot_let_out(space, index);
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
    uint64_t word = word_load(space, index);

    for (;;) {
        enum slot_state state = word_state(word), next = state == SLOT_IN ? SLOT_KEPT : SLOT_BUSY;

        if (state == SLOT_BUSY) {
            word = word_wait(space, index);
        } else if (state != SLOT_IN && state != SLOT_OUT) {
            return PG_OK;
        } else if (word_exchange(space, index, &word, word_with_state(word, next))) {
            return next == SLOT_KEPT ? PG_OK : slot_bring_in(space, index, 0, SLOT_KEPT);
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
    uint32_t done = 0;

    if (image == NULL) {
        return PG_E_NO_IMAGE;
    }
    gate_enter(space, &image->gate);
    while (image->paged && status == PG_OK && done < image->count) {
        if (image->sections[done].class != PG_PAGEABLE) {
            status = paging_keep(image, done);
        }
        done += status == PG_OK;
    }
    image->paged = status != PG_OK;
    while (status != PG_OK && done-- > 0) {
        paging_release(image, done);
    }
    gate_leave(&image->gate);
    return status;
}

static void discard(struct pg_image *image, uint32_t section)
{
    struct pg_space *space = image->space;
    uint32_t index = image->first_slot + section;
    uint64_t word = word_load(space, index);

    while (word_state(word) != SLOT_DISCARDED) {
        if (word_state(word) == SLOT_BUSY) {
            word = word_wait(space, index);
        } else if (word_exchange(space, index, &word, word_with_state(word, SLOT_DISCARDED))) {
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
