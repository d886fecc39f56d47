/* SPDX-License-Identifier: MIT */
/*
 * Memory of the system's own that comes and goes: names, registry, records of objects.
 *
 * The arena hands memory out for ever; what is given back here waits in a free list of its size,
 * last given first taken, so that a run is the same every time.  Sizes are powers of two and the
 * halves between them; a header of 16 bytes knows which.
 */
#include "nt/ex.h"

#include <string.h>

#define HEAP_CLASSES 48u
#define HEAP_MAGIC   0x70616548u
#define HEAP_FREE    0x65657246u

struct heap_header {
    uint32_t magic;
    uint32_t class;
    struct heap_header *next; /* while free */
};
_Static_assert(sizeof(struct heap_header) == 16, "blocks are 16-byte aligned");

struct heap {
    struct heap_header *free[HEAP_CLASSES];
};
static struct heap *heap;

/* 32, 48, 64, 96, 128, 192 ... */
static size_t class_bytes(uint32_t class)
{
    size_t power = (size_t)32 << (class / 2);

    return class % 2 == 0 ? power : power + power / 2;
}

static uint32_t class_of(size_t bytes)
{
    uint32_t class = 0;

    while (class_bytes(class) < bytes) {
        class ++;
        PG_ASSERT(class < HEAP_CLASSES);
    }
    return class;
}

void *ex_heap_take(size_t bytes)
{
    uint32_t class = class_of(bytes + sizeof(struct heap_header));
    struct heap_header *header;

    if (heap == NULL) {
        heap = machine_allocate(sizeof *heap);
    }
    header = heap->free[class];
    if (header != NULL) {
        PG_ASSERT(header->magic == HEAP_FREE && header->class == class);
        heap->free[class] = header->next;
        memset(header, 0, class_bytes(class));
    } else {
        header = machine_allocate(class_bytes(class));
    }
    header->magic = HEAP_MAGIC;
    header->class = class;
    return header + 1;
}

void ex_heap_give(void *memory)
{
    struct heap_header *header;

    if (memory == NULL) {
        return;
    }
    header = (struct heap_header *)memory - 1;
    PG_ASSERT(header->magic == HEAP_MAGIC);
    header->magic = HEAP_FREE;
    header->next = heap->free[header->class];
    heap->free[header->class] = header;
}

char *ex_heap_string(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(ex_heap_take(bytes), text, bytes);
}
