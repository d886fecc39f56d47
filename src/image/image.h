/* SPDX-License-Identifier: MIT */
/*
 * A PE32+ x64 image: bytes of a file -> a checked description.
 *
 * image_open checks every header, offset and size that the accessors use, so an accessor cannot
 * fail afterwards, whatever the bytes.  Nothing is allocated: the description points into the
 * caller's bytes, which must stay until it is no longer used.  Any thread.
 */
#ifndef PAGABLE_IMAGE_IMAGE_H
#define PAGABLE_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/section.h>
#include <pagable/status.h>

/* Why a file was refused: "section table entry 4" "raw data ends at 0x2a00 but the file has 0x2600
 * bytes"; offset is the place in the file. */
struct image_error {
    pg_status status;
    uint64_t offset;
    char structure[64];
    char reason[160];
};

#define IMAGE_MAX_SECTIONS 96u

struct image_section {
    char name[9];
    enum pg_class class;
    uint32_t rva;
    uint32_t virtual_size; /* never 0: raw size when the header says 0 */
    uint32_t raw_offset;   /* in the file */
    uint32_t raw_size;     /* bytes of the file that are part of it; the rest is zero */
    uint32_t flags;        /* IMAGE_SCN_* as in the file */
    uint32_t pages;
    bool readable, writable, executable;
    bool flags_disagree; /* flags and name say different things about paging; the name decides */
};

struct image {
    const uint8_t *bytes;
    size_t size;
    uint64_t preferred_base;
    uint32_t image_size; /* multiple of 4096 */
    uint32_t header_size;
    uint32_t entry_rva; /* 0: none */
    uint32_t section_alignment, file_alignment;
    uint32_t timestamp, checksum;
    uint16_t subsystem, dll_characteristics, characteristics;
    bool relocations_stripped;
    bool pageable; /* false when section_alignment < 4096: nothing of it can be paged */
    uint32_t section_count;
    struct image_section sections[IMAGE_MAX_SECTIONS];
    uint32_t import_rva, import_size;
    uint32_t export_rva, export_size;
    uint32_t reloc_rva, reloc_size, reloc_count; /* count of DIR64 entries */
    uint32_t pdata_rva, pdata_count;
    uint32_t debug_rva, debug_size;
    uint32_t security_cookie_rva;                             /* 0: none */
    uint32_t guard_check_pointer_rva, guard_dispatch_pointer_rva; /* 0: none */
    uint32_t guard_flags;
    uint32_t symbol_table_offset, symbol_count; /* COFF symbols in the file; 0: none */
};

/* One imported routine or datum. */
struct image_import {
    const char *module; /* "ntoskrnl.exe" */
    const char *name;   /* NULL when by ordinal */
    uint16_t ordinal;
    uint32_t slot_rva; /* where the loader writes its address */
};
struct image_import_cursor {
    uint32_t descriptor_rva, thunk, module_index;
};

struct image_export {
    const char *name; /* NULL: by ordinal only */
    uint32_t ordinal;
    uint32_t rva;
    const char *forwarder; /* "module.name"; NULL: not forwarded */
};

struct image_function { /* one .pdata entry */
    uint32_t begin_rva, end_rva, unwind_rva;
};

/* Check the bytes and describe them.  On failure *error says why; `image` is then undefined.
 * PG_E_TRUNCATED, PG_E_FORMAT, PG_E_UNSUPPORTED (32-bit, other machine, not a PE). */
pg_status image_open(const void *bytes, size_t size, struct image *image,
                     struct image_error *error);

/* Section that holds an rva, or NULL (headers, gaps). */
const struct image_section *image_section_at(const struct image *image, uint32_t rva);

/* Pointer to [rva, rva + bytes) in the file's bytes, or NULL when any of it is not in the file. */
const void *image_at(const struct image *image, uint32_t rva, uint32_t bytes);

/* Copy [rva, rva + bytes) as it would be mapped before relocation: file bytes, then zeros. */
void image_copy(const struct image *image, uint32_t rva, void *buffer, uint32_t bytes);

/* Iterate the imports in file order: zero the cursor, call until false. */
bool image_next_import(const struct image *image, struct image_import_cursor *cursor,
                       struct image_import *out);

/* rva of the i-th DIR64 relocation, i < reloc_count.  Entries are in file order; the fastest way
 * through them all is image_relocations. */
void image_relocations(const struct image *image, uint32_t *rvas /* reloc_count entries */);

uint32_t image_export_count(const struct image *image);
bool image_export_at(const struct image *image, uint32_t index, struct image_export *out);
bool image_export_find(const struct image *image, const char *name, struct image_export *out);

/* .pdata, i < pdata_count; entries ascend. */
struct image_function image_function_at(const struct image *image, uint32_t index);
/* The entry whose range holds an rva; false when none does. */
bool image_function_find(const struct image *image, uint32_t rva, struct image_function *out);

#endif
