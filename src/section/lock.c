/* SPDX-License-Identifier: MIT */
/*
 * Lock and unlock: the word's protocol (see internal.h for states, promises and memory orders).
 *
 * The fast paths touch the slot only: no lock, no search, no call.  Before a locker adds to a word
 * it compares the generation beside it, on another line that nobody writes while the image is
 * loaded: so a stale handle never disturbs the section that has the slot now.
 */
#include "section/internal.h"

void slot_end_busy(struct pg_space *space, uint32_t index, uint32_t count, enum slot_state next)
{
    uint64_t word = word_load(space, index);

    for (;;) {
        uint64_t to = word_with_state(word, next) + count * WORD_ONE;

        if ((next & WORD_RESIDENT) != 0 && word_count(word) != 0) {
            word = word_wait(space, index);
        } else if (word_exchange(space, index, &word, to)) {
            return;
        }
    }
}

void slot_let_out(struct pg_space *space, uint32_t index)
{
    struct pg_image *image = space->slots[index].image;

    space->services.allow_out(space->services.context, image, index - image->first_slot);
    slot_end_busy(space, index, 0, SLOT_OUT);
}

/* Takes one reference away; the last one of an IN section lets it out.  False: look again. */
static bool slot_subtract(struct pg_space *space, uint32_t index, uint64_t *word)
{
    bool last = word_state(*word) == SLOT_IN && word_count(*word) == 1;
    uint64_t to = last ? word_with_state(*word, SLOT_BUSY) : *word;

    if (!word_exchange(space, index, word, to - WORD_ONE)) {
        return false;
    }
    if (last) {
        slot_let_out(space, index);
    }
    return true;
}

static pg_status slot_release(struct pg_space *space, uint32_t index, uint64_t generation)
{
    uint64_t word = word_load(space, index);

    for (;;) {
        enum slot_state state = word_state(word);

        if (word_generation(word) != generation || state == SLOT_FREE) {
            return PG_E_STALE;
        }
        if (state == SLOT_OUT || state == SLOT_BUSY || word_count(word) == 0) {
            return PG_E_UNDERFLOW;
        }
        if (slot_subtract(space, index, &word)) {
            return PG_OK;
        }
    }
}

pg_status slot_bring_in(struct pg_space *space, uint32_t index, uint32_t count,
                        enum slot_state next)
{
    struct pg_image *image = space->slots[index].image;
    pg_status status =
        space->services.page_in(space->services.context, image, index - image->first_slot);

    slot_end_busy(space, index, status == PG_OK ? count : 0, status == PG_OK ? next : SLOT_OUT);
    return status;
}

/* Takes back what a locker added where it may not stay.  The count is 0 only in DISCARDED, where an
 * unlock too many may have taken it. */
static void slot_take_back(struct pg_space *space, uint32_t index)
{
    uint64_t word = word_load(space, index);

    while (word_count(word) != 0 && !slot_subtract(space, index, &word)) {
    }
}

static pg_status lock_slow(struct pg_space *space, uint32_t index, uint64_t generation)
{
    uint64_t word;

    slot_take_back(space, index);
    word = word_load(space, index);
    for (;;) {
        enum slot_state state = word_state(word);

        if (word_generation(word) != generation || state == SLOT_FREE) {
            return PG_E_STALE;
        }
        if (state == SLOT_DISCARDED) {
            return PG_E_DISCARDED;
        }
        if (state == SLOT_BUSY) {
            word = word_wait(space, index);
        } else if (state == SLOT_OUT) {
            if (word_exchange(space, index, &word, word_with_state(word, SLOT_BUSY))) {
                return slot_bring_in(space, index, 1, SLOT_IN);
            }
        } else if (word_count(word) >= PG_LOCK_COUNT_MAX) {
            return PG_E_OVERFLOW;
        } else if (word_exchange(space, index, &word, word + WORD_ONE)) {
            return PG_OK;
        }
    }
}

static inline bool word_may_stay(uint64_t before)
{
    return (before & WORD_RESIDENT) != 0 && word_count(before) < PG_LOCK_COUNT_MAX;
}

pg_status pg_lock_handle(struct pg_space *space, pg_handle handle)
{
    uint64_t word, generation = handle >> HANDLE_INDEX_BITS;

    if (handle_is_stale(space, handle)) {
        return PG_E_STALE;
    }
    word = atomic_fetch_add_explicit(word_of(space, handle_index(handle)), WORD_ONE,
                                     memory_order_acquire);
    if (word_may_stay(word) && word_generation(word) == generation) {
        return PG_OK;
    }
    return lock_slow(space, handle_index(handle), generation);
}

pg_status pg_lock_address(struct pg_space *space, uint64_t address, pg_handle *out)
{
    int64_t found = index_find(&space->by_section, address);
    uint32_t index = (uint32_t)found;
    pg_status status = PG_OK;
    uint64_t word;

    if (found < 0) {
        return pg_image_find(space, address) == NULL ? PG_E_NO_IMAGE : PG_E_NO_SECTION;
    }
    /* The image is there and stays: whatever generation the word has is the right one. */
    word = atomic_fetch_add_explicit(word_of(space, index), WORD_ONE, memory_order_acquire);
    if (!word_may_stay(word)) {
        status = lock_slow(space, index, word_generation(word));
    }
    if (status == PG_OK) {
        *out = handle_make(index, word_generation(word));
    }
    return status;
}

pg_status pg_unlock(struct pg_space *space, pg_handle handle)
{
    uint32_t index = handle_index(handle);
    uint64_t word, generation = handle >> HANDLE_INDEX_BITS;

    if (index >= space->section_limit) {
        return PG_E_STALE;
    }
    /* Not the last one, and nobody interferes: one exchange. */
    word = word_load(space, index);
    if ((word & WORD_RESIDENT) != 0 && word_generation(word) == generation &&
        word_count(word) > 1 &&
        atomic_compare_exchange_strong_explicit(word_of(space, index), &word, word - WORD_ONE,
                                                memory_order_release, memory_order_relaxed)) {
        return PG_OK;
    }
    return slot_release(space, index, generation);
}

bool pg_section_settle(struct pg_image *image, uint32_t section)
{
    uint32_t index = image->first_slot + section;
    uint64_t word = word_load(image->space, index);

    if (word_state(word) == SLOT_OUT || word_state(word) == SLOT_BUSY) {
        atomic_store_explicit(word_of(image->space, index),
                              word_make(0, word_generation(word), SLOT_OUT), memory_order_release);
        return false;
    }
    return true;
}
