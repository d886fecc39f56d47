/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once, and text that grows. */
#include "source/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/host.h"

#define BLOCK_BYTES ((size_t)64 << 10)
#define ALIGN       16u

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of what follows */
    _Alignas(ALIGN) char memory[];
};

/* A block for at least `bytes` becomes the newest. */
static bool arena_grow(struct arena *arena, size_t bytes)
{
    size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct arena_block *block = host.allocate(sizeof *block + room);

    if (block == NULL) {
        arena->failed = true;
        return false;
    }
    block->next = arena->blocks;
    block->bytes = room;
    arena->blocks = block;
    arena->left = room;
    return true;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (count > SIZE_MAX / 2 / size) {
        arena->failed = true;
        return NULL;
    }
    bytes = (count * size + ALIGN) / ALIGN * ALIGN;
    if (bytes > arena->left && !arena_grow(arena, bytes)) {
        return NULL;
    }
    arena->left -= bytes;
    return arena->blocks->memory + (arena->blocks->bytes - arena->left - bytes);
}

const char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_array(arena, length + 1, 1);

    if (copy == NULL) {
        return "";
    }
    memcpy(copy, text, length);
    return copy;
}

const char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    char *copy;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    copy = length < 0 ? NULL : arena_array(arena, (size_t)length + 1, 1);
    if (copy != NULL) {
        (void)vsnprintf(copy, (size_t)length + 1, format, again);
    }
    va_end(again);
    va_end(arguments);
    return copy != NULL ? copy : "";
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;

        host.release(arena->blocks);
        arena->blocks = next;
    }
    arena->left = 0;
}

static bool text_reserve(struct text *text, size_t more)
{
    size_t wanted = text->length + more + 1;
    size_t capacity = text->capacity < 256 ? 256 : text->capacity;
    char *bytes;

    if (text->failed || wanted < more) {
        text->failed = true;
        return false;
    }
    if (wanted <= text->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    bytes = host.allocate(capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    if (text->bytes != NULL) {
        memcpy(bytes, text->bytes, text->length);
        host.release(text->bytes);
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    if (length > 0 && text_reserve(text, length)) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
    }
}

void text_put(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    if (length > 0 && text_reserve(text, (size_t)length)) {
        (void)vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void text_free(struct text *text)
{
    host.release(text->bytes);
    memset(text, 0, sizeof *text);
}
