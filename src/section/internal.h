/* SPDX-License-Identifier: MIT */
/*
 * What the files of the section core share: the space, its slots, and the word of a section.
 *
 * One atomic word per section holds everything that decides whether it may leave memory:
 *
 *   63          40 39                         4 3      0
 *   +-------------+----------------------------+-------+
 *   | count       | generation                 | state |
 *   +-------------+----------------------------+-------+
 *
 * The count is on top so that adding to it can never carry into the rest.
 *
 *                    lock (page_in)                    last unlock (allow_out)
 *   FREE --add--> OUT ----> BUSY ----> IN ----> BUSY ----> OUT        class PAGEABLE
 *   FREE --add--> KEPT                                                the other classes
 *
 *   FREE -> OUT, KEPT        pg_image_add
 *   OUT -> BUSY -> IN        lock_slow: the locker that wins the exchange brings the section in
 *   OUT -> BUSY -> OUT       the same, when page_in fails
 *   IN -> BUSY -> OUT        slot_release, the last unlock
 *   BUSY, OUT -> OUT         pg_section_settle, when the threads inside are gone
 *   KEPT -> BUSY -> OUT      paging_release, no lock held (pg_page_entire)
 *   KEPT -> IN               paging_release, locks held: the last unlock lets it out
 *   OUT -> BUSY -> KEPT      paging_keep (pg_reset_paging); back to OUT when page_in fails
 *   IN -> KEPT               paging_keep, locks held
 *   OUT, IN, KEPT -> DISCARDED   pg_discard_init
 *   any but BUSY -> FREE     pg_image_remove, with the next generation
 *
 *   state      count is            and
 *   FREE       0                   the slot belongs to no image; no handle has its generation
 *   OUT        0, see below        pages may leave; the host was told so
 *   BUSY       0, see below        one thread owns the word's state and calls the host
 *   IN         locks held, >= 1    every page is resident; class PAGEABLE, or the image is paged
 *   KEPT       locks held, >= 0    every page is resident, locks or not; never class PAGEABLE
 *   DISCARDED  locks left, >= 0    memory is gone for ever; unlocks are still counted
 *
 * A locker adds 1 before it knows the state (one atomic operation when the section is IN or KEPT)
 * and takes the 1 back when the state is another one.  So in FREE, OUT, BUSY and DISCARDED the
 * count may be too high for a moment.  In IN and KEPT every unit is a lock (but near
 * PG_LOCK_COUNT_MAX): a thread that turns BUSY into either waits until the count is 0, and every
 * other one sees a state in which it may not stay.  Unlocks compare and exchange: the count is
 * never too low, so an unlock too many is always seen, and never takes the reference of a locker
 * that is still deciding.
 *
 * Memory orders.  Whoever makes pages resident publishes the state with release; lockers read it
 * with acquire, so that they see the pages.  An unlock is a release, and the last one an acquire
 * too: every access made under a lock happens before allow_out.  While an image is loaded every
 * operation on a word is a read-modify-write, so no release sequence is cut.
 */
#ifndef PAGABLE_SECTION_INTERNAL_H
#define PAGABLE_SECTION_INTERNAL_H

#include <stdatomic.h>

#include <pagable/section.h>

#include "section/index.h"

enum slot_state {
    SLOT_FREE = 0,
    SLOT_OUT = 2,
    SLOT_BUSY = 4,
    SLOT_DISCARDED = 6,
    SLOT_IN = 1, /* odd: a lock may be taken at once */
    SLOT_KEPT = 3,
};

#define WORD_STATE_MASK       15u
#define WORD_RESIDENT         1u
#define WORD_GENERATION_SHIFT 4
#define WORD_GENERATION_MAX   ((UINT64_C(1) << 36) - 1)
#define WORD_COUNT_SHIFT      40
#define WORD_ONE              (UINT64_C(1) << WORD_COUNT_SHIFT)
#define HANDLE_INDEX_BITS     INDEX_ID_BITS

/* Threads that can be undoing an addition above the limit at once: what is left of the 24 bits. */
_Static_assert(PG_LOCK_COUNT_MAX <= (1u << 23), "the count needs room above its limit");

/* A section, but for its word: written under the space's gate while the slot is free and constant
 * while its image is loaded; only `generation` may be read by somebody whose handle is stale. */
struct slot {
    _Atomic uint64_t generation;
    struct pg_image *image; /* NULL: free */
};

struct pg_image {
    struct pg_space *space; /* (constant) */
    uint64_t base, end;     /* (constant while loaded, like the next four) */
    const struct pg_section_desc *sections;
    uint32_t count;
    uint32_t first_slot;
    void *owner;
    _Atomic uint32_t gate; /* held by pg_page_entire, pg_reset_paging, pg_discard_init */
    bool paged;            /* under the gate: pg_page_entire is in force */
    bool loaded;           /* under the space's gate */
};

struct pg_space {
    struct pg_services services; /* (constant) */
    uint32_t image_limit, section_limit;
    struct pg_image *images;
    _Atomic uint32_t gate; /* held by pg_image_add and pg_image_remove */
    uint32_t *free_images; /* under the gate, like the next two: a stack */
    uint32_t free_image_count;
    uint32_t next_slot;      /* where the search for free slots begins */
    struct index by_image;   /* id: of images */
    struct index by_section; /* id: a slot; of all images, so that a lookup is one search */
    struct slot *slots;
    /* Here, so that a word is found with no load: a locked operation makes every load after it
     * wait, so each one would show in the time of a lock. */
    _Alignas(64) _Atomic uint64_t words[];
};

/*
 * Where a section's word is.  Sections that are near each other are locked by different threads, so
 * their words are on different cache lines; but 100,000 lines are more than a cache holds.  So the
 * first WORD_LINES sections get a line each, and the next ones share these, eight to a line.
 */
#define WORD_LINES_LOG2 14
#define WORD_LINES      (1u << WORD_LINES_LOG2)

static inline _Atomic uint64_t *word_of(const struct pg_space *space, uint32_t index)
{
    uint32_t group = index >> (WORD_LINES_LOG2 + 3), line = index % WORD_LINES;

    return (_Atomic uint64_t *)&space
        ->words[(group * WORD_LINES + line) * 8 + (index >> WORD_LINES_LOG2) % 8];
}

static inline enum slot_state word_state(uint64_t word)
{
    return (enum slot_state)(word & WORD_STATE_MASK);
}

static inline uint64_t word_generation(uint64_t word)
{
    return (word >> WORD_GENERATION_SHIFT) & WORD_GENERATION_MAX;
}

static inline uint32_t word_count(uint64_t word)
{
    return (uint32_t)(word >> WORD_COUNT_SHIFT);
}

static inline uint64_t word_make(uint32_t count, uint64_t generation, enum slot_state state)
{
    return ((uint64_t)count << WORD_COUNT_SHIFT) | (generation << WORD_GENERATION_SHIFT) | state;
}

static inline uint64_t word_with_state(uint64_t word, enum slot_state state)
{
    return (word & ~(uint64_t)WORD_STATE_MASK) | state;
}

static inline pg_handle handle_make(uint32_t index, uint64_t generation)
{
    return (generation << HANDLE_INDEX_BITS) | index;
}

static inline uint32_t handle_index(pg_handle handle)
{
    return (uint32_t)(handle & ((UINT64_C(1) << HANDLE_INDEX_BITS) - 1));
}

static inline uint64_t word_load(const struct pg_space *space, uint32_t slot)
{
    return atomic_load_explicit(word_of(space, slot), memory_order_acquire);
}

static inline bool word_exchange(struct pg_space *space, uint32_t slot, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_weak_explicit(word_of(space, slot), from, to,
                                                 memory_order_acq_rel, memory_order_acquire);
}

static inline uint64_t slot_generation(const struct pg_space *space, uint32_t slot)
{
    return atomic_load_explicit(&space->slots[slot].generation, memory_order_acquire);
}

static inline bool handle_is_stale(const struct pg_space *space, pg_handle handle)
{
    return handle_index(handle) >= space->section_limit ||
           slot_generation(space, handle_index(handle)) != handle >> HANDLE_INDEX_BITS;
}

static inline void space_relax(struct pg_space *space)
{
    if (space->services.relax != NULL) {
        space->services.relax(space->services.context);
    }
}

/* Another thread owns the word's state: lets it run and looks again. */
static inline uint64_t word_wait(struct pg_space *space, uint32_t index)
{
    space_relax(space);
    return word_load(space, index);
}

/* A gate: mutual exclusion of rare operations.  The host's relax lets the holder run. */
static inline void gate_enter(struct pg_space *space, _Atomic uint32_t *gate)
{
    while (atomic_exchange_explicit(gate, 1, memory_order_acquire) != 0) {
        space_relax(space);
    }
}

static inline void gate_leave(_Atomic uint32_t *gate)
{
    atomic_store_explicit(gate, 0, memory_order_release);
}

/* image.c: what the indexes hold of an image, and of a section. */
index_nth image_range, section_range;

/* lock.c */

/* Ends a BUSY that this thread began, with `count` locks in state `next`; waits for lockers that
 * are still taking their addition back when `next` counts locks. */
void slot_end_busy(struct pg_space *space, uint32_t index, uint32_t count, enum slot_state next);
/* The state is BUSY and this thread's: tells the host, and ends it. */
void slot_let_out(struct pg_space *space, uint32_t index);
/* The same with page_in: `count` locks in state `next`, or back to OUT. */
pg_status slot_bring_in(struct pg_space *space, uint32_t index, uint32_t count,
                        enum slot_state next);

#endif
