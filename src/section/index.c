/* SPDX-License-Identifier: MIT */
/*
 * The address index: images by base, read without a lock while images come and go.
 *
 * There are two copies, each a sorted array; `version` says which one is current (its lowest bit).
 * A writer, alone under the space's gate, builds the next state in the other copy and then raises
 * `version`.  So a reader is disturbed only if an update was published while it searched, because
 * only then may the next writer touch the copy that it reads; it sees that by reading `version`
 * again, and searches again.  It never waits for a writer that is at work or was stopped.
 *
 * Memory orders.  Elements are stored with release and loaded with acquire.  A reader of version v
 * that loads an element of version v + 2 synchronizes with that store, which comes after the store
 * of version v + 1 in the writer: so its second look at `version` cannot give v.  The look itself
 * cannot move before the acquire loads of the elements.  (A fence would do on the reader's side and
 * is not understood by every race detector; on x86 both are free.)  The first load of `version` is
 * an acquire, and its store a release: elements, images and slots made before are seen.
 *
 * An image found is used only after the version was checked, and the contract of pg_image_remove
 * keeps it loaded while somebody works with an address inside it.
 */
#include "section/internal.h"

uint32_t index_rank(const struct index_table *table, uint64_t address)
{
    uint32_t low = 0;
    uint32_t left = atomic_load_explicit(&table->count, memory_order_acquire);

    while (left > 0) {
        uint32_t half = (left + 1) / 2;
        uint64_t base = atomic_load_explicit(&table->bases[low + half - 1], memory_order_acquire);

        /* Without a branch: which way it goes cannot be predicted, and a wrong guess costs more
         * than the step. */
        low += half & -(uint32_t)(base <= address);
        left -= half;
    }
    return low;
}

struct pg_image *pg_image_find(struct pg_space *space, uint64_t address)
{
    uint64_t version = atomic_load_explicit(&space->version, memory_order_acquire);

    for (;;) {
        const struct index_table *table = &space->tables[version & 1];
        uint32_t rank = index_rank(table, address);
        struct pg_image *image = NULL;
        uint64_t end = 0, now;

        if (rank > 0) {
            end = atomic_load_explicit(&table->ends[rank - 1], memory_order_acquire);
            image = atomic_load_explicit(&table->images[rank - 1], memory_order_acquire);
        }
        now = atomic_load_explicit(&space->version, memory_order_acquire);
        if (now == version) {
            return address < end ? image : NULL;
        }
        version = now;
    }
}

static void store(struct index_table *table, uint32_t i, uint64_t base, uint64_t end,
                  struct pg_image *image)
{
    atomic_store_explicit(&table->bases[i], base, memory_order_release);
    atomic_store_explicit(&table->ends[i], end, memory_order_release);
    atomic_store_explicit(&table->images[i], image, memory_order_release);
}

static void copy(struct index_table *to, uint32_t at, const struct index_table *from, uint32_t i)
{
    store(to, at, atomic_load_explicit(&from->bases[i], memory_order_relaxed),
          atomic_load_explicit(&from->ends[i], memory_order_relaxed),
          atomic_load_explicit(&from->images[i], memory_order_relaxed));
}

void index_insert(struct pg_space *space, struct pg_image *image)
{
    uint64_t version = atomic_load_explicit(&space->version, memory_order_relaxed);
    const struct index_table *from = &space->tables[version & 1];
    struct index_table *to = &space->tables[(version + 1) & 1];
    uint32_t count = atomic_load_explicit(&from->count, memory_order_relaxed);
    uint32_t at = index_rank(from, image->base);

    for (uint32_t i = 0; i < at; i++) {
        copy(to, i, from, i);
    }
    store(to, at, image->base, image->end, image);
    for (uint32_t i = at; i < count; i++) {
        copy(to, i + 1, from, i);
    }
    atomic_store_explicit(&to->count, count + 1, memory_order_release);
    atomic_store_explicit(&space->version, version + 1, memory_order_release);
}

void index_remove(struct pg_space *space, const struct pg_image *image)
{
    uint64_t version = atomic_load_explicit(&space->version, memory_order_relaxed);
    const struct index_table *from = &space->tables[version & 1];
    struct index_table *to = &space->tables[(version + 1) & 1];
    uint32_t count = atomic_load_explicit(&from->count, memory_order_relaxed);
    uint32_t at = index_rank(from, image->base) - 1;

    for (uint32_t i = 0; i < at; i++) {
        copy(to, i, from, i);
    }
    for (uint32_t i = at + 1; i < count; i++) {
        copy(to, i - 1, from, i);
    }
    /* A reader of the copy's older state may still search beyond the new count: entries there stay
     * as they were, and its second look at the version sends it back. */
    atomic_store_explicit(&to->count, count - 1, memory_order_release);
    atomic_store_explicit(&space->version, version + 1, memory_order_release);
}
