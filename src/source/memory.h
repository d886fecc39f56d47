/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: memory that is given back all at once, and text that grows.  Running out of
 * memory is remembered in `failed` and told at the end, so that calls need no checks between; what
 * is returned after a failure may only be thrown away.
 */
#ifndef PAGABLE_SOURCE_MEMORY_H
#define PAGABLE_SOURCE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
    struct arena_block *blocks;
    size_t left; /* in the newest block */
    bool failed;
};

/* Zeroed memory, or NULL (and `failed`).  `count` of zero gives some. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy with a terminator; "" when there is no memory. */
const char *arena_copy(struct arena *arena, const char *text, size_t length);
const char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

struct text {
    char *bytes; /* with a terminator; NULL while empty */
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *text, const char *bytes, size_t length);
void text_put(struct text *text, const char *string);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);

#endif
