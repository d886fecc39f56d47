/* SPDX-License-Identifier: MIT */
/* Checked little-endian reads of bytes that nobody vouches for. */
#ifndef PAGABLE_SYMBOLS_BYTES_H
#define PAGABLE_SYMBOLS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at;
    size_t size;
};

static inline bool bytes_have(struct bytes b, size_t offset, size_t count)
{
    return offset <= b.size && count <= b.size - offset;
}

/* Out of bounds reads are 0: for fields whose record was checked with bytes_have. */
static inline uint16_t bytes_u16(struct bytes b, size_t offset)
{
    return bytes_have(b, offset, 2) ? (uint16_t)(b.at[offset] | b.at[offset + 1] << 8) : 0;
}

static inline uint32_t bytes_u32(struct bytes b, size_t offset)
{
    return bytes_have(b, offset, 4)
               ? bytes_u16(b, offset) | (uint32_t)bytes_u16(b, offset + 2) << 16
               : 0;
}

/* [offset, offset + count), or what there is of it. */
static inline struct bytes bytes_part(struct bytes b, size_t offset, size_t count)
{
    struct bytes part = {NULL, 0};

    if (offset < b.size) {
        part.at = b.at + offset;
        part.size = count < b.size - offset ? count : b.size - offset;
    }
    return part;
}

/* The string at offset, without its terminator; cut off where the bytes end. */
static inline struct bytes bytes_string(struct bytes b, size_t offset)
{
    struct bytes s = bytes_part(b, offset, SIZE_MAX);

    if (s.size != 0) {
        const uint8_t *end = memchr(s.at, 0, s.size);

        s.size = end == NULL ? s.size : (size_t)(end - s.at);
    }
    return s;
}

#endif
