/* SPDX-License-Identifier: MIT */
/*
 * The space and its images.
 *
 * All memory is the caller's, carved once: arrays of slots, images and the two indexes.
 * Slots and images are type-stable: a slot is a slot for as long as the space lives, so a handle of
 * an image that is gone can be looked at and found stale.  An image takes a run of adjacent slots;
 * a slot whose generations are used up is never given out again.
 */
#include "section/internal.h"

enum { SPACE_ALIGNMENT = 128 };

/* The parts of a space's memory, one behind the other. */
enum { HEAD, SLOTS, IMAGES, FREE_IMAGES, BY_IMAGE, BY_SECTION, PARTS };

/* Their offsets, and at[PARTS] that of what follows them. */
static void layout(size_t at[PARTS + 1], size_t images, size_t sections)
{
    size_t groups = (sections + 8 * WORD_LINES - 1) / (8 * WORD_LINES);
    size_t lines = sections < WORD_LINES ? sections : groups * WORD_LINES;
    const size_t bytes[PARTS] = {
        [HEAD] = sizeof(struct pg_space) + lines * 64,
        [SLOTS] = sections * sizeof(struct slot),
        [IMAGES] = images * sizeof(struct pg_image),
        [FREE_IMAGES] = images * sizeof(uint32_t),
        [BY_IMAGE] = index_bytes((uint32_t)images),
        [BY_SECTION] = index_bytes((uint32_t)sections),
    };

    at[HEAD] = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        at[i + 1] = (at[i] + bytes[i] + SPACE_ALIGNMENT - 1) & ~(size_t)(SPACE_ALIGNMENT - 1);
    }
}

size_t pg_space_bytes(uint32_t images, uint32_t sections)
{
    size_t at[PARTS + 1];

    layout(at, images, sections);
    return at[PARTS] + SPACE_ALIGNMENT - 16; /* the caller aligns to 16 only */
}

pg_status pg_space_init(void *memory, size_t bytes, uint32_t images, uint32_t sections,
                        const struct pg_services *services, struct pg_space **out)
{
    struct pg_space *space;
    size_t at[PARTS + 1];
    char *start;

    if (memory == NULL || ((uintptr_t)memory & 15) != 0 ||
        bytes < pg_space_bytes(images, sections) || images == 0 || images > (1u << INDEX_ID_BITS) ||
        sections == 0 || sections > (1u << INDEX_ID_BITS) || services == NULL ||
        services->page_in == NULL || services->allow_out == NULL || services->discard == NULL) {
        return PG_E_ARG;
    }
    layout(at, images, sections);
    start = (char *)memory + (-(uintptr_t)memory & (SPACE_ALIGNMENT - 1));
    space = (struct pg_space *)start;
    *space =
        (struct pg_space){.services = *services, .image_limit = images, .section_limit = sections};
    space->free_image_count = images;
    space->slots = (struct slot *)(start + at[SLOTS]);
    space->images = (struct pg_image *)(start + at[IMAGES]);
    space->free_images = (uint32_t *)(start + at[FREE_IMAGES]);
    index_init(&space->by_image, images, start + at[BY_IMAGE]);
    index_init(&space->by_section, sections, start + at[BY_SECTION]);
    for (uint32_t i = 0; i < sections; i++) {
        atomic_init(word_of(space, i), word_make(0, 1, SLOT_FREE));
        atomic_init(&space->slots[i].generation, 1);
        space->slots[i].image = NULL;
    }
    for (uint32_t i = 0; i < images; i++) {
        space->images[i].loaded = false;
        space->free_images[i] = images - 1 - i;
    }
    *out = space;
    return PG_OK;
}

static pg_status sections_check(uint64_t base, uint64_t end, const struct pg_section_desc *sections,
                                uint32_t count)
{
    uint64_t floor = base;

    if (base >= end || end - base > INDEX_BYTES_MAX || (count != 0 && sections == NULL)) {
        return PG_E_ARG;
    }
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

/* First slot of a run of `count` free ones, or section_limit; the search begins where the last one
 * ended, so that loading many images is not quadratic. */
static uint32_t slots_find(const struct pg_space *space, uint32_t count)
{
    uint32_t limit = space->section_limit;
    uint32_t run = 0, i = space->next_slot;

    /* Once around, and as far again as a run that lies across the starting point can reach. */
    for (uint64_t seen = 0; seen <= (uint64_t)limit + count && count <= limit; seen++, i++) {
        if (run == count) {
            return i - run;
        }
        if (i == limit) { /* a run does not go around */
            i = 0;
            run = 0;
        }
        run = space->slots[i].image == NULL && slot_generation(space, i) < WORD_GENERATION_MAX
                  ? run + 1
                  : 0;
    }
    return limit;
}

struct index_range image_range(const void *image, uint32_t unused)
{
    const struct pg_image *i = image;

    (void)unused;
    return (struct index_range){i->base, i->end - i->base, (uint32_t)(i - i->space->images)};
}

/* The last page of an image need not be whole. */
struct index_range section_range(const void *image, uint32_t section)
{
    const struct pg_image *i = image;
    uint64_t base = i->sections[section].base;
    uint64_t bytes = (uint64_t)i->sections[section].pages * PG_PAGE_SIZE;

    return (struct index_range){base, bytes < i->end - base ? bytes : i->end - base,
                                i->first_slot + section};
}

struct pg_image *pg_image_find(struct pg_space *space, uint64_t address)
{
    int64_t id = index_find(&space->by_image, address);

    return id < 0 ? NULL : &space->images[id];
}

static void image_fill(struct pg_image *image)
{
    struct pg_space *space = image->space;
    uint32_t first = image->first_slot;

    for (uint32_t i = 0; i < image->count; i++) {
        enum slot_state state = image->sections[i].class == PG_PAGEABLE ? SLOT_OUT : SLOT_KEPT;
        uint64_t word = word_make(0, slot_generation(space, first + i), state);

        space->slots[first + i].image = image;
        atomic_store_explicit(word_of(space, first + i), word, memory_order_release);
    }
    space->next_slot = first + image->count == space->section_limit ? 0 : first + image->count;
}

pg_status pg_image_add(struct pg_space *space, uint64_t base, uint64_t bytes,
                       const struct pg_section_desc *sections, uint32_t count, void *owner,
                       struct pg_image **out)
{
    uint64_t end = base + bytes;
    uint32_t first;
    pg_status status = sections_check(base, end, sections, count);

    if (status != PG_OK) {
        return status;
    }
    gate_enter(space, &space->gate);
    first = slots_find(space, count);
    if (!index_is_free(&space->by_image, base, end)) {
        status = PG_E_OVERLAP;
    } else if (space->free_image_count == 0 || first == space->section_limit) {
        status = PG_E_LIMIT;
    } else {
        struct pg_image *image = &space->images[space->free_images[--space->free_image_count]];

        *image = (struct pg_image){space, base, end, sections, count, first, owner, .loaded = true};
        image_fill(image);
        index_change(&space->by_section, base, count, section_range, image);
        index_change(&space->by_image, base, 1, image_range, image);
        *out = image;
    }
    gate_leave(&space->gate);
    return status;
}

uint32_t pg_image_remove(struct pg_image *image)
{
    struct pg_space *space = image->space;
    uint32_t left = 0;

    gate_enter(space, &space->gate);
    index_change(&space->by_image, image->base, -1, NULL, NULL);
    index_change(&space->by_section, image->base, -(int64_t)image->count, NULL, NULL);
    for (uint32_t i = image->first_slot; i < image->first_slot + image->count; i++) {
        uint64_t next = slot_generation(space, i) + 1;
        uint64_t word;

        /* The generation first: from here on no locker adds to the word. */
        atomic_store_explicit(&space->slots[i].generation, next, memory_order_release);
        word = atomic_exchange_explicit(word_of(space, i), word_make(0, next, SLOT_FREE),
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
    int64_t slot = index_find(&image->space->by_section, address) - image->first_slot;

    return slot >= 0 && slot < image->count ? slot : -1;
}

pg_status pg_section_query(const struct pg_image *image, uint32_t section,
                           struct pg_section_info *out)
{
    uint32_t index = image->first_slot + section;
    uint64_t word;
    bool counted;

    if (!image->loaded || section >= image->count) {
        return image->loaded ? PG_E_ARG : PG_E_STALE;
    }
    word = word_load(image->space, index);
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
    uint32_t index = handle_index(handle);

    /* A generation that was not given out yet: somebody made the handle up. */
    if (handle_is_stale(space, handle) || space->slots[index].image == NULL) {
        return PG_E_STALE;
    }
    *image = space->slots[index].image;
    *section = index - (*image)->first_slot;
    return PG_OK;
}
