/* SPDX-License-Identifier: MIT */
/* Memory of the inference: arrays that double, and pieces that all go at once. */
#include "advise/solve.h"

#include <string.h>

#include "base/host.h"

enum { CHUNK_BYTES = 256 * 1024, ALIGNMENT = 16, FIRST_ROOM = 64 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t bytes;
    _Alignas(ALIGNMENT) char memory[];
};

void *grow(void *array, uint32_t count, uint32_t *room, size_t element)
{
    uint32_t larger = *room == 0 ? FIRST_ROOM : *room * 2;
    void *moved;

    if (count < *room) {
        return array;
    }
    if (larger <= count || (moved = host.allocate(larger * element)) == NULL) {
        return NULL;
    }
    if (count != 0) {
        memcpy(moved, array, count * element);
    }
    host.release(array);
    *room = larger;
    return moved;
}

static struct arena_chunk *new_chunk(size_t bytes)
{
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    struct arena_chunk *chunk = host.allocate(sizeof *chunk + size);

    if (chunk != NULL) {
        chunk->bytes = size;
    }
    return chunk;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    struct arena_chunk *chunk = arena->current;
    void *piece;

    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (chunk == NULL || chunk->bytes - arena->used < bytes) {
        struct arena_chunk *next = chunk == NULL ? arena->first : chunk->next;

        if (next == NULL || next->bytes < bytes) {
            struct arena_chunk *fresh = new_chunk(bytes);

            if (fresh == NULL) {
                return NULL;
            }
            fresh->next = next;
            if (chunk == NULL) {
                arena->first = fresh;
            } else {
                chunk->next = fresh;
            }
            next = fresh;
        }
        arena->current = next;
        arena->used = 0;
    }
    piece = arena->current->memory + arena->used;
    arena->used += bytes;
    return piece;
}

void arena_reset(struct arena *arena)
{
    arena->current = arena->first;
    arena->used = 0;
}

void arena_release(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->first, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        host.release(chunk);
    }
    *arena = (struct arena){.first = NULL};
}
