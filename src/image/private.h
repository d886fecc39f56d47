/* SPDX-License-Identifier: MIT */
/*
 * What the files of the room share.  Each image_read_* checks one structure of the file and fills
 * in its part of the description; they run in the order of image_open, since all but the first need
 * the section table.
 */
#ifndef PAGABLE_IMAGE_PRIVATE_H
#define PAGABLE_IMAGE_PRIVATE_H

#include "image/image.h"

/* Data directories that are read, by their index in the optional header. */
enum image_directory {
    DIRECTORY_EXPORT = 0,
    DIRECTORY_IMPORT = 1,
    DIRECTORY_EXCEPTION = 3,
    DIRECTORY_RELOCATION = 5,
    DIRECTORY_DEBUG = 6,
    DIRECTORY_LOAD_CONFIG = 10,
    DIRECTORIES = 16,
};

struct directory {
    uint32_t rva, size;
};

/* The file is little-endian and nothing in it need be aligned. */
static inline uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load32(const uint8_t *p)
{
    return (uint32_t)load16(p) | (uint32_t)load16(p + 2) << 16;
}

static inline uint64_t load64(const uint8_t *p)
{
    return (uint64_t)load32(p) | (uint64_t)load32(p + 4) << 32;
}

static inline uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

/* reason.c: fill in *error from "structure: reason" and return status.  The text up to the first
 * ": " is the structure, so nothing from the file may be printed in it.  Knows %s, %u, %x and %lx.
 */
__attribute__((format(printf, 4, 5))) pg_status
image_fail(struct image_error *error, pg_status status, uint64_t offset, const char *format, ...);

/* Place in the file of an rva, or `otherwise` (of the field that named it) when it is in no part of
 * the file. */
uint64_t image_place(const struct image *image, uint32_t rva, uint64_t otherwise);
/* Place in the file of a data directory entry. */
uint64_t image_directory_place(const struct image *image, enum image_directory index);

/* Whether [rva, rva + bytes) lies within the headers or one section, and its bytes as mapped. */
bool image_peek(const struct image *image, uint32_t rva, void *buffer, uint32_t bytes);
/* Whether [rva, rva + bytes) lies within one section. */
bool image_in_section(const struct image *image, uint32_t rva, uint32_t bytes);

/* What is wrong with the terminated text at an rva, as the rest of a sentence; NULL when it is in
 * the file, printable, not empty and at most `limit` bytes long without its terminator. */
const char *image_text_fault(const struct image *image, uint32_t rva, uint32_t limit);

/* One unwind info, its ranges checked. */
struct unwind_info {
    uint8_t version, flags, prolog_size, code_count, frame_register;
    uint32_t frame_offset; /* bytes */
    const uint8_t *codes;  /* code_count words */
    uint32_t tail_rva;     /* after the codes: handler or parent */
};

#define UNWIND_HANDLER_EXCEPTION   1u
#define UNWIND_HANDLER_TERMINATION 2u
#define UNWIND_CHAINED             4u

enum unwind_operation {
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_EPILOG = 6, /* version 2 only */
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10,
};

/* Read the unwind info of a function.  NULL, or what is wrong as the rest of a sentence. */
const char *image_unwind_info(const struct image *image, uint32_t unwind_rva,
                              struct unwind_info *out);
/* Words that the operation at codes[index] takes: at least 1 and never beyond code_count; 0 when it
 * is unknown or cut off. */
uint32_t image_unwind_words(const struct unwind_info *info, uint32_t index);
/* The function that a chained info names. */
struct image_function image_unwind_parent(const struct image *image,
                                          const struct unwind_info *info);

pg_status image_read_sections(struct image *image, uint64_t table, uint32_t declared_size,
                              struct image_error *error);
pg_status image_read_imports(struct image *image, const struct directory *directory,
                             struct image_error *error);
pg_status image_read_exports(struct image *image, const struct directory *directory,
                             struct image_error *error);
pg_status image_read_relocations(struct image *image, const struct directory *directory,
                                 struct image_error *error);
pg_status image_read_pdata(struct image *image, const struct directory *directory,
                           struct image_error *error);
pg_status image_read_load_config(struct image *image, const struct directory *directory,
                                 struct image_error *error);
pg_status image_read_debug(struct image *image, const struct directory *directory,
                           struct image_error *error);

#endif
