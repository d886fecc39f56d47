/* SPDX-License-Identifier: MIT */
/*
 * Lock and unlock: the word's protocol (see internal.h for states, promises and memory orders).
 *
 * The fast paths touch the slot only: no lock, no search, no call.  Before a locker adds to a word
 * it compares the generation beside it, on another line that nobody writes while the image is
 * loaded: so a stale handle never disturbs the section that has the slot now.
 */
#include "section/internal.h"

static uint64_t word_load(const struct pg_space *space, uint32_t index, memory_order order)
{
    return atomic_load_explicit(&space->slots[index].word, order);
}

static bool word_exchange(struct pg_space *space, uint32_t index, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_weak_explicit(&space->slots[index].word, from, to,
                                                 memory_order_acq_rel, memory_order_acquire);
}

pg_status slot_of_handle(struct pg_space *space, pg_handle handle, uint32_t *index,
                         uint64_t *generation)
{
    *index = handle_index(handle);
    *generation = handle >> HANDLE_INDEX_BITS;
    if (*index >= space->section_limit ||
        atomic_load_explicit(&space->slots[*index].generation, memory_order_acquire) !=
            *generation) {
        return PG_E_STALE;
    }
    return PG_OK;
}

void slot_end_busy(struct pg_space *space, uint32_t index, uint32_t count, enum slot_state next)
{
    uint64_t word = word_load(space, index, memory_order_relaxed);

    for (;;) {
        uint64_t to = word_with_state(word, next) + count * WORD_ONE;

        if ((next & WORD_RESIDENT) != 0 && word_count(word) != 0) {
            space_relax(space);
            word = word_load(space, index, memory_order_relaxed);
        } else if (word_exchange(space, index, &word, to)) {
            return;
        }
    }
}

static void slot_let_out(struct pg_space *space, uint32_t index)
{
    struct pg_image *image = space->slots[index].image;

    space->services.allow_out(space->services.context, image, index - image->first_slot);
    slot_end_busy(space, index, 0, SLOT_OUT);
}

pg_status slot_release(struct pg_space *space, uint32_t index, uint64_t generation)
{
    uint64_t word = word_load(space, index, memory_order_relaxed);

    for (;;) {
        enum slot_state state = word_state(word);
        bool last = state == SLOT_IN && word_count(word) == 1;
        uint64_t to = (last ? word_with_state(word, SLOT_BUSY) : word) - WORD_ONE;

        if (word_generation(word) != generation || state == SLOT_FREE) {
            return PG_E_STALE;
        }
        if (state == SLOT_OUT || state == SLOT_BUSY || word_count(word) == 0) {
            return PG_E_UNDERFLOW;
        }
        if (word_exchange(space, index, &word, to)) {
            if (last) {
                slot_let_out(space, index);
            }
            return PG_OK;
        }
    }
}

/* The state is BUSY and this thread's. */
static pg_status slot_bring_in(struct pg_space *space, uint32_t index)
{
    struct pg_image *image = space->slots[index].image;
    pg_status status =
        space->services.page_in(space->services.context, image, index - image->first_slot);

    slot_end_busy(space, index, status == PG_OK, status == PG_OK ? SLOT_IN : SLOT_OUT);
    return status;
}

/* Takes back what lock_slot added where it may not stay. */
static void slot_take_back(struct pg_space *space, uint32_t index)
{
    uint64_t word = word_load(space, index, memory_order_relaxed);

    for (;;) {
        bool last = word_state(word) == SLOT_IN && word_count(word) == 1;

        /* 0 only in DISCARDED, where an unlock too many may have taken it */
        if (word_count(word) == 0) {
            return;
        }
        if (word_exchange(space, index, &word,
                          (last ? word_with_state(word, SLOT_BUSY) : word) - WORD_ONE)) {
            if (last) {
                slot_let_out(space, index);
            }
            return;
        }
    }
}

static pg_status lock_slow(struct pg_space *space, uint32_t index, uint64_t generation)
{
    uint64_t word;

    slot_take_back(space, index);
    word = word_load(space, index, memory_order_acquire);
    for (;;) {
        enum slot_state state = word_state(word);

        if (word_generation(word) != generation || state == SLOT_FREE) {
            return PG_E_STALE;
        }
        if (state == SLOT_DISCARDED) {
            return PG_E_DISCARDED;
        }
        if (state == SLOT_BUSY) {
            space_relax(space);
            word = word_load(space, index, memory_order_acquire);
        } else if (state == SLOT_OUT) {
            if (word_exchange(space, index, &word, word_with_state(word, SLOT_BUSY))) {
                return slot_bring_in(space, index);
            }
        } else if (word_count(word) >= PG_LOCK_COUNT_MAX) {
            return PG_E_OVERFLOW;
        } else if (word_exchange(space, index, &word, word + WORD_ONE)) {
            return PG_OK;
        }
    }
}

static pg_status lock_slot(struct pg_space *space, uint32_t index, uint64_t generation)
{
    uint64_t word =
        atomic_fetch_add_explicit(&space->slots[index].word, WORD_ONE, memory_order_acquire);

    if ((word & WORD_RESIDENT) != 0 && word_count(word) < PG_LOCK_COUNT_MAX &&
        word_generation(word) == generation) {
        return PG_OK;
    }
    return lock_slow(space, index, generation);
}

pg_status pg_lock_handle(struct pg_space *space, pg_handle handle)
{
    uint32_t index;
    uint64_t generation;
    pg_status status = slot_of_handle(space, handle, &index, &generation);

    return status == PG_OK ? lock_slot(space, index, generation) : status;
}

pg_status pg_lock_address(struct pg_space *space, uint64_t address, pg_handle *out)
{
    struct pg_image *image = pg_image_find(space, address);
    int64_t section;
    uint32_t index;
    uint64_t generation;
    pg_status status;

    if (image == NULL) {
        return PG_E_NO_IMAGE;
    }
    section = pg_section_find(image, address);
    if (section < 0) {
        return PG_E_NO_SECTION;
    }
    index = image->first_slot + (uint32_t)section;
    generation = atomic_load_explicit(&space->slots[index].generation, memory_order_relaxed);
    status = lock_slot(space, index, generation);
    if (status == PG_OK) {
        *out = handle_make(index, generation);
    }
    return status;
}

pg_status pg_unlock(struct pg_space *space, pg_handle handle)
{
    /* IN or KEPT, of this generation */
    const uint64_t compared = (WORD_ONE - 1) & ~(uint64_t)(SLOT_KEPT ^ SLOT_IN);
    uint32_t index = handle_index(handle);
    uint64_t generation = handle >> HANDLE_INDEX_BITS;
    uint64_t word;

    if (index >= space->section_limit) {
        return PG_E_STALE;
    }
    /* Not the last one, and nobody interferes: one exchange. */
    word = word_load(space, index, memory_order_relaxed);
    if (((word ^ word_make(0, generation, SLOT_IN)) & compared) == 0 && word_count(word) > 1 &&
        atomic_compare_exchange_strong_explicit(&space->slots[index].word, &word, word - WORD_ONE,
                                                memory_order_release, memory_order_relaxed)) {
        return PG_OK;
    }
    return slot_release(space, index, generation);
}
