/* SPDX-License-Identifier: MIT */
/*
 * The space and its images.
 *
 * All memory is the caller's, carved once: arrays of slots, images and the two copies of the index.
 * Slots and images are type-stable: a slot is a slot for as long as the space lives, so a handle of
 * an image that is gone can be looked at and found stale.  An image takes a run of adjacent slots;
 * a slot whose generations are used up is never given out again.
 */
#include "section/internal.h"

enum { SPACE_ALIGNMENT = 64 };

/* Offsets of the arrays behind struct pg_space and its slots. */
struct layout {
    size_t images, free_images, tables[2][3], bytes;
};

static size_t take(size_t *at, size_t count, size_t each)
{
    size_t start = (*at + 15) & ~(size_t)15;

    *at = start + count * each;
    return start;
}

static struct layout layout_of(uint32_t images, uint32_t sections)
{
    struct layout l;
    size_t at = sizeof(struct pg_space) + sections * sizeof(struct slot);

    l.images = take(&at, images, sizeof(struct pg_image));
    l.free_images = take(&at, images, sizeof(uint32_t));
    for (unsigned i = 0; i < 2; i++) {
        l.tables[i][0] = take(&at, images, sizeof(uint64_t));
        l.tables[i][1] = take(&at, images, sizeof(uint64_t));
        l.tables[i][2] = take(&at, images, sizeof(struct pg_image *));
    }
    l.bytes = at + SPACE_ALIGNMENT - 16; /* the caller aligns to 16 only */
    return l;
}

size_t pg_space_bytes(uint32_t images, uint32_t sections)
{
    return layout_of(images, sections).bytes;
}

static void space_clear(struct pg_space *space)
{
    for (uint32_t i = 0; i < space->section_limit; i++) {
        atomic_init(&space->slots[i].word, word_make(0, 1, SLOT_FREE));
        atomic_init(&space->slots[i].generation, 1);
        space->slots[i].image = NULL;
    }
    for (uint32_t i = 0; i < space->image_limit; i++) {
        space->images[i] = (struct pg_image){.space = space};
        space->free_images[i] = space->image_limit - 1 - i;
    }
    space->free_image_count = space->image_limit;
    for (unsigned t = 0; t < 2; t++) {
        atomic_init(&space->tables[t].count, 0);
        for (uint32_t i = 0; i < space->image_limit; i++) {
            atomic_init(&space->tables[t].bases[i], 0);
            atomic_init(&space->tables[t].ends[i], 0);
            atomic_init(&space->tables[t].images[i], NULL);
        }
    }
    atomic_init(&space->version, 0);
    atomic_init(&space->gate, 0);
}

pg_status pg_space_init(void *memory, size_t bytes, uint32_t images, uint32_t sections,
                        const struct pg_services *services, struct pg_space **out)
{
    struct layout l = layout_of(images, sections);
    struct pg_space *space;
    char *at;

    if (memory == NULL || ((uintptr_t)memory & 15) != 0 || bytes < l.bytes || images == 0 ||
        sections == 0 || sections > (UINT32_C(1) << HANDLE_INDEX_BITS) || services == NULL ||
        services->page_in == NULL || services->allow_out == NULL || services->discard == NULL) {
        return PG_E_ARG;
    }
    space = (struct pg_space *)(((uintptr_t)memory + SPACE_ALIGNMENT - 1) &
                                ~(uintptr_t)(SPACE_ALIGNMENT - 1));
    at = (char *)space;
    *space =
        (struct pg_space){.services = *services, .image_limit = images, .section_limit = sections};
    space->images = (struct pg_image *)(at + l.images);
    space->free_images = (uint32_t *)(at + l.free_images);
    for (unsigned t = 0; t < 2; t++) {
        space->tables[t].bases = (_Atomic uint64_t *)(at + l.tables[t][0]);
        space->tables[t].ends = (_Atomic uint64_t *)(at + l.tables[t][1]);
        space->tables[t].images = (struct pg_image * _Atomic *)(at + l.tables[t][2]);
    }
    space_clear(space);
    *out = space;
    return PG_OK;
}

static pg_status sections_check(uint64_t base, uint64_t end, const struct pg_section_desc *sections,
                                uint32_t count)
{
    uint64_t floor = base;

    for (uint32_t i = 0; i < count; i++) {
        const struct pg_section_desc *s = &sections[i];

        if (s->base % PG_PAGE_SIZE != 0 || s->pages == 0 || s->base < base || s->base >= end ||
            s->pages > (end - s->base + PG_PAGE_SIZE - 1) / PG_PAGE_SIZE ||
            s->class < PG_RESIDENT || s->class > PG_DISCARDABLE) {
            return PG_E_ARG;
        }
        if (s->base < floor) {
            return PG_E_OVERLAP;
        }
        floor = s->base + (uint64_t)s->pages * PG_PAGE_SIZE;
    }
    return PG_OK;
}

static bool range_is_free(const struct pg_space *space, uint64_t base, uint64_t end)
{
    uint64_t version = atomic_load_explicit(&space->version, memory_order_relaxed);
    const struct index_table *table = &space->tables[version & 1];
    uint32_t rank = index_rank(table, end - 1);

    return rank == 0 || atomic_load_explicit(&table->ends[rank - 1], memory_order_relaxed) <= base;
}

static bool slot_is_usable(const struct pg_space *space, uint32_t index)
{
    return space->slots[index].image == NULL &&
           atomic_load_explicit(&space->slots[index].generation, memory_order_relaxed) <
               WORD_GENERATION_MAX;
}

/* First slot of a run of `count` free ones, or section_limit; the search begins where the last one
 * ended, so that loading many images is not quadratic. */
static uint32_t slots_find(const struct pg_space *space, uint32_t count)
{
    uint32_t limit = space->section_limit;
    uint32_t run = 0, i = space->next_slot;

    if (count > limit) {
        return limit;
    }
    /* Once around, and as far again as a run that lies across the starting point can reach. */
    for (uint64_t seen = 0; seen <= (uint64_t)limit + count; seen++, i++) {
        if (run == count) {
            return i - run;
        }
        if (i == limit) { /* a run does not go around */
            i = 0;
            run = 0;
        }
        run = slot_is_usable(space, i) ? run + 1 : 0;
    }
    return limit;
}

static void image_fill(struct pg_space *space, struct pg_image *image, uint32_t first)
{
    image->first_slot = first;
    for (uint32_t i = 0; i < image->count; i++) {
        struct slot *slot = &space->slots[first + i];
        uint64_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
        bool pageable = image->sections[i].class == PG_PAGEABLE;

        slot->image = image;
        atomic_store_explicit(&space->slots[first + i].word,
                              word_make(0, generation, pageable ? SLOT_OUT : SLOT_KEPT),
                              memory_order_release);
    }
    space->next_slot = first + image->count == space->section_limit ? 0 : first + image->count;
}

pg_status pg_image_add(struct pg_space *space, uint64_t base, uint64_t bytes,
                       const struct pg_section_desc *sections, uint32_t count, void *owner,
                       struct pg_image **out)
{
    uint64_t end = base + bytes;
    pg_status status;

    if (bytes == 0 || end < base || (count != 0 && sections == NULL)) {
        return PG_E_ARG;
    }
    status = sections_check(base, end, sections, count);
    if (status != PG_OK) {
        return status;
    }
    gate_enter(space, &space->gate);
    if (!range_is_free(space, base, end)) {
        status = PG_E_OVERLAP;
    } else {
        uint32_t first = slots_find(space, count);

        if (space->free_image_count == 0 || first == space->section_limit) {
            status = PG_E_LIMIT;
        } else {
            struct pg_image *image = &space->images[space->free_images[--space->free_image_count]];

            image->base = base;
            image->end = end;
            image->sections = sections;
            image->count = count;
            image->owner = owner;
            image->paged = false;
            image->loaded = true;
            image_fill(space, image, first);
            index_insert(space, image);
            *out = image;
        }
    }
    gate_leave(&space->gate);
    return status;
}

uint32_t pg_image_remove(struct pg_image *image)
{
    struct pg_space *space = image->space;
    uint32_t left = 0;

    gate_enter(space, &space->gate);
    index_remove(space, image);
    for (uint32_t i = image->first_slot; i < image->first_slot + image->count; i++) {
        uint64_t next = atomic_load_explicit(&space->slots[i].generation, memory_order_relaxed) + 1;
        uint64_t word;

        /* The generation first: from here on no locker adds to the word. */
        atomic_store_explicit(&space->slots[i].generation, next, memory_order_release);
        word = atomic_exchange_explicit(&space->slots[i].word, word_make(0, next, SLOT_FREE),
                                        memory_order_acq_rel);
        if ((word & WORD_RESIDENT) != 0 || word_state(word) == SLOT_DISCARDED) {
            left += word_count(word);
        }
        space->slots[i].image = NULL;
    }
    image->loaded = false;
    image->sections = NULL;
    space->free_images[space->free_image_count++] = (uint32_t)(image - space->images);
    gate_leave(&space->gate);
    return left;
}

void *pg_image_owner(const struct pg_image *image)
{
    return image->owner;
}

uint32_t pg_image_section_count(const struct pg_image *image)
{
    return image->count;
}

int64_t pg_section_find(const struct pg_image *image, uint64_t address)
{
    uint32_t low = 0, left = image->count;

    while (left > 0) { /* without a branch, as in index_rank */
        uint32_t half = (left + 1) / 2;

        low += half & -(uint32_t)(image->sections[low + half - 1].base <= address);
        left -= half;
    }
    if (low == 0 || (address - image->sections[low - 1].base) / PG_PAGE_SIZE >=
                        image->sections[low - 1].pages) {
        return -1;
    }
    return (int64_t)low - 1;
}

pg_status pg_section_query(const struct pg_image *image, uint32_t section,
                           struct pg_section_info *out)
{
    uint32_t index = image->first_slot + section;
    uint64_t word;
    bool counted;

    if (!image->loaded) {
        return PG_E_STALE;
    }
    if (section >= image->count) {
        return PG_E_ARG;
    }
    word = atomic_load_explicit(&image->space->slots[index].word, memory_order_acquire);
    counted = (word & WORD_RESIDENT) != 0 || word_state(word) == SLOT_DISCARDED;
    *out = (struct pg_section_info){
        .desc = &image->sections[section],
        .handle = handle_make(index, word_generation(word)),
        .lock_count = counted ? word_count(word) : 0,
        .pageable_now = word_state(word) == SLOT_OUT,
        .discarded = word_state(word) == SLOT_DISCARDED,
    };
    return PG_OK;
}

pg_status pg_handle_query(struct pg_space *space, pg_handle handle, struct pg_image **image,
                          uint32_t *section)
{
    uint32_t index;
    uint64_t generation;
    pg_status status = slot_of_handle(space, handle, &index, &generation);

    /* A generation that was not given out yet: somebody made the handle up. */
    if (status == PG_OK && space->slots[index].image == NULL) {
        status = PG_E_STALE;
    }
    if (status == PG_OK) {
        *image = space->slots[index].image;
        *section = index - (*image)->first_slot;
    }
    return status;
}
