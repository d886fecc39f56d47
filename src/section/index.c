/* SPDX-License-Identifier: MIT */
/*
 * The address index: ranges by base, read without a lock while ranges come and go.
 *
 * A copy is a tree of nodes with INDEX_FAN keys each, laid out as one array a level: the i-th key
 * of a level is the first one of the i-th node below, so there are no pointers to follow.  A node
 * takes one cache line, and a leaf two that are fetched as a pair.  The leaves hold all ranges in
 * ascending order; place 0 is an empty range at 0, so that every search ends at some place, and
 * what is not in use has the base NOWHERE.
 *
 * There are two copies; `version` says by its lowest bit which one is current.  A writer changes
 * the other one, raises `version`, and then makes the same change in the first.  So a reader is
 * disturbed only if a change was published while it searched, because only then may a writer touch
 * the copy that it reads; it sees that by reading `version` again, and searches again.  It never
 * waits for a writer that is at work or was stopped.  Whatever such a reader finds in a node, it
 * stays inside the arrays: keys beyond the last place there is room for are always NOWHERE, which
 * no address reaches.
 *
 * Memory orders.  Elements are stored with release and loaded with acquire.  A reader of version v
 * that loads an element of a later change synchronizes with that store, which comes after the store
 * of version v + 1 in the writer: so its second look at `version` cannot give v.  The look itself
 * cannot move before the acquire loads of the elements.  (A fence would do on the reader's side and
 * is not understood by every race detector; on x86 both are free.)  The first load of `version` is
 * an acquire, and its store a release: elements, images and slots made before are seen.
 *
 * A range found is used only after the version was checked, and the contract of pg_image_remove
 * keeps an image loaded while somebody works with an address inside it.
 */
#include "section/index.h"

#define NOWHERE UINT64_MAX

static uint64_t load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_acquire);
}

static void store(_Atomic uint64_t *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_release);
}

/* Carves a copy for `entries` out of memory (NULL: only counts); returns the bytes. */
static size_t carve(struct index_copy *copy, uint32_t *depth, uint32_t entries, char *memory)
{
    size_t nodes = entries / INDEX_FAN + 1, bytes = nodes * sizeof(struct index_leaf);
    uint32_t level = 0;

    copy->leaves = (struct index_leaf *)memory;
    for (; nodes > 1; level++) {
        nodes = (nodes - 1) / INDEX_FAN + 1;
        copy->levels[level] = memory == NULL ? NULL : (_Atomic uint64_t *)(memory + bytes);
        bytes += nodes * INDEX_FAN * sizeof(uint64_t);
    }
    *depth = level;
    return (bytes + sizeof(struct index_leaf) - 1) & ~(sizeof(struct index_leaf) - 1);
}

size_t index_bytes(uint32_t entries)
{
    struct index_copy copy;
    uint32_t depth;

    return 2 * carve(&copy, &depth, entries, NULL);
}

static void put(struct index_copy *copy, uint32_t at, struct index_range range)
{
    struct index_leaf *leaf = &copy->leaves[at / INDEX_FAN];

    store(&leaf->bases[at % INDEX_FAN], range.base);
    store(&leaf->rest[at % INDEX_FAN], range.bytes << INDEX_ID_BITS | range.id);
}

/* The keys of the nodes from the place `at` to `end`. */
static void refresh(const struct index *index, struct index_copy *copy, uint32_t at, uint32_t end)
{
    for (uint32_t level = 0; level < index->depth; level++) {
        at /= INDEX_FAN;
        end /= INDEX_FAN;
        for (uint32_t i = at; i <= end; i++) {
            store(&copy->levels[level][i],
                  load(level == 0 ? &copy->leaves[i].bases[0]
                                  : &copy->levels[level - 1][(size_t)i * INDEX_FAN]));
        }
    }
}

void index_init(struct index *index, uint32_t entries, void *memory)
{
    size_t bytes = index_bytes(entries) / 2;

    atomic_init(&index->version, 0);
    for (unsigned c = 0; c < 2; c++) {
        struct index_copy *copy = &index->copies[c];
        _Atomic uint64_t *words = (_Atomic uint64_t *)((char *)memory + c * bytes);

        (void)carve(copy, &index->depth, entries, (char *)words);
        for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
            atomic_init(&words[i], NOWHERE);
        }
        put(copy, 0, (struct index_range){0, 0, 0});
        refresh(index, copy, 0, 0);
        copy->count = 0;
    }
}

/* The last key of a node that is <= address; the first one is, or the search had not come here.
 * Without a branch: where it would go cannot be predicted. */
static inline uint32_t child(const _Atomic uint64_t *keys, uint64_t address)
{
    uint32_t last = 0;

    for (uint32_t i = 1; i < INDEX_FAN; i++) {
        last += load(&keys[i]) <= address;
    }
    return last;
}

uint32_t index_rank(const struct index *index, const struct index_copy *copy, uint64_t address)
{
    const struct index_leaf *leaf;
    uint32_t at = 0;

    for (uint32_t level = index->depth; level-- > 0;) {
        at = at * INDEX_FAN + child(&copy->levels[level][(size_t)at * INDEX_FAN], address);
    }
    leaf = &copy->leaves[at];
    __builtin_prefetch(leaf->rest); /* both lines come in together */
    return at * INDEX_FAN + child(leaf->bases, address);
}

int64_t index_find(const struct index *index, uint64_t address)
{
    uint64_t version = load(&index->version);

    while (address != NOWHERE) {
        const struct index_copy *copy = &index->copies[version & 1];
        struct index_range found = index_get(copy, index_rank(index, copy, address));
        uint64_t now = load(&index->version);

        if (now == version) {
            return address - found.base < found.bytes ? (int64_t)found.id : -1;
        }
        version = now;
    }
    return -1;
}

struct index_range index_get(const struct index_copy *copy, uint32_t at)
{
    const struct index_leaf *leaf = &copy->leaves[at / INDEX_FAN];
    uint64_t rest = load(&leaf->rest[at % INDEX_FAN]);

    return (struct index_range){load(&leaf->bases[at % INDEX_FAN]), rest >> INDEX_ID_BITS,
                                (uint32_t)(rest & ((1u << INDEX_ID_BITS) - 1))};
}

/* Moves what lies above `at` up by `count`, or down over -count entries from `at` on. */
static void shift(struct index_copy *copy, uint32_t at, int64_t count)
{
    uint32_t old = copy->count, new = (uint32_t)((int64_t)old + count);

    for (uint32_t i = at; i <= new &&count < 0; i++) {
        put(copy, i, index_get(copy, (uint32_t)(i - count)));
    }
    for (uint32_t i = new + 1; i <= old; i++) {
        put(copy, i, (struct index_range){NOWHERE, 0, 0});
    }
    for (uint32_t i = old; i >= at && count > 0; i--) {
        put(copy, (uint32_t)(i + count), index_get(copy, i));
    }
    copy->count = new;
}

void index_change(struct index *index, uint64_t base, int64_t count, index_nth *nth,
                  const void *context)
{
    uint64_t version = load(&index->version) + 1;

    for (unsigned i = 0; i < 2; i++) {
        struct index_copy *copy = &index->copies[(version + i) & 1];
        uint32_t old = copy->count;
        /* the place of the first range to take away, or of the first new one */
        uint32_t at = 1 + (count > 0   ? index_rank(index, copy, base)
                           : base == 0 ? 0
                                       : index_rank(index, copy, base - 1));

        shift(copy, at, count);
        for (uint32_t k = 0; k < count; k++) {
            put(copy, at + k, nth(context, k));
        }
        refresh(index, copy, at, old > copy->count ? old : copy->count);
        store(&index->version, version); /* the first time it shows the change */
    }
}

bool index_is_free(const struct index *index, uint64_t base, uint64_t end)
{
    const struct index_copy *copy = &index->copies[load(&index->version) & 1];
    struct index_range below = index_get(copy, index_rank(index, copy, end - 1));

    return below.base + below.bytes <= base;
}
