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

/* What is read of an image at most; one that has more is refused (PG_E_UNSUPPORTED).  The bounds
 * keep the work linear, however the bytes point at each other. */
#define IMAGE_MAX_SECTIONS 96u
#define IMAGE_MAX_MODULES  1024u  /* import descriptors */
#define IMAGE_MAX_IMPORTS  16384u /* of all modules together */
#define IMAGE_MAX_EXPORTS  16384u /* functions, and names */
#define IMAGE_MAX_NAME     1024u  /* bytes of a name that is imported or exported */
#define IMAGE_MAX_CHAIN    32u    /* unwind infos of one function */
#define IMAGE_MAX_SIZE     0x7ffff000u

/* Section flags, as in the file. */
#define IMAGE_SCN_MEM_DISCARDABLE 0x02000000u
#define IMAGE_SCN_MEM_NOT_PAGED   0x08000000u
#define IMAGE_SCN_MEM_EXECUTE     0x20000000u
#define IMAGE_SCN_MEM_READ        0x40000000u
#define IMAGE_SCN_MEM_WRITE       0x80000000u

struct image_section {
    char name[9]; /* as in the file, but for bytes that are not printable ASCII: '?' */
    enum pg_class class;
    uint32_t rva;
    uint32_t virtual_size; /* never 0: raw size when the header says 0 */
    uint32_t raw_offset;   /* in the file */
    uint32_t raw_size;     /* bytes of the file that are part of it; the rest is zero */
    uint32_t flags;        /* IMAGE_SCN_* as in the file */
    uint32_t
        pages; /* that it touches; sections share pages only in an image that is not pageable */
    bool readable, writable, executable;
    bool flags_disagree; /* see image_section_note */
};

struct image {
    const uint8_t *bytes;
    size_t size;
    uint64_t preferred_base;
    uint32_t image_size;  /* multiple of 4096 */
    uint32_t header_size; /* bytes of the file that are mapped at rva 0 */
    uint32_t entry_rva;   /* 0: none */
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
    uint32_t security_cookie_rva;                                 /* 0: none */
    uint32_t guard_check_pointer_rva, guard_dispatch_pointer_rva; /* 0: none */
    uint32_t guard_flags;
    uint32_t guard_table_rva, guard_table_count; /* of routines that may be called indirectly */
    /* COFF symbols in the file, 18 bytes each, then the string table; offset 0: neither.  The
     * string table (long section names) may be there without any symbol. */
    uint32_t symbol_table_offset, symbol_count;
    /* Export table: slots by ordinal; a bit is set for each slot that has a routine but no name. */
    uint32_t export_ordinal_base, export_slots, export_names, export_unnamed;
    uint64_t export_unnamed_bits[IMAGE_MAX_EXPORTS / 64];
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

/* The routine that is to see exceptions of a function first, and its data (for
 * __C_specific_handler: the table of scopes). */
struct image_handler {
    uint32_t rva, data_rva;
    bool exception;   /* to be called while a handler is searched */
    bool termination; /* to be called while the stack is unwound */
};

/* Where the debug information of the image is: the program database with this identity. */
struct image_pdb {
    uint8_t guid[16];
    uint32_t age;
    const char *path; /* as the linker wrote it: any bytes but 0 */
};

/* Check the bytes and describe them.  On failure *error says why; `image` is then undefined.
 * PG_E_TRUNCATED, PG_E_FORMAT, PG_E_UNSUPPORTED (32-bit, other machine, not a PE, more of something
 * than the bounds above). */
pg_status image_open(const void *bytes, size_t size, struct image *image,
                     struct image_error *error);

/* Section that holds an rva, or NULL (headers, gaps).  The rest of a section's last page is part of
 * the section. */
const struct image_section *image_section_at(const struct image *image, uint32_t rva);

/*
 * Why a section's flags_disagree is set, as a clause ("..."), or NULL when it is not:
 *   a PAGE section that is marked not paged           it is pageable
 *   a PAGE section of an image that cannot be paged   it is resident
 *   executable, marked discardable, not named INIT    it is resident
 * INIT without the mark is no disagreement: only some linkers set it.  Neither are discardable
 * sections that hold no code, such as .reloc and debug information.
 */
const char *image_section_note(const struct image *image, const struct image_section *section);

/* Pointer to [rva, rva + bytes) in the file's bytes, or NULL when any of it is not in the file. */
const void *image_at(const struct image *image, uint32_t rva, uint32_t bytes);

/* Copy [rva, rva + bytes) as it would be mapped before relocation: file bytes, then zeros (gaps and
 * everything outside of the image are zeros too). */
void image_copy(const struct image *image, uint32_t rva, void *buffer, uint32_t bytes);

/* Iterate the imports in file order: zero the cursor, call until false.  A module of which nothing
 * is imported does not appear. */
bool image_next_import(const struct image *image, struct image_import_cursor *cursor,
                       struct image_import *out);

/* The rvas of all DIR64 relocations, in file order (linkers sort them; nothing here requires it).
 */
void image_relocations(const struct image *image, uint32_t *rvas /* reloc_count entries */);

/* Exports: first those with a name in the order of the names, then those without by ordinal. */
uint32_t image_export_count(const struct image *image);
/* False only when index >= image_export_count. */
bool image_export_at(const struct image *image, uint32_t index, struct image_export *out);
bool image_export_find(const struct image *image, const char *name, struct image_export *out);
/* The name is not looked up: it is NULL in *out. */
bool image_export_find_ordinal(const struct image *image, uint32_t ordinal,
                               struct image_export *out);

/* .pdata, i < pdata_count; entries ascend. */
struct image_function image_function_at(const struct image *image, uint32_t index);
/* The entry whose range holds an rva; false when none does. */
bool image_function_find(const struct image *image, uint32_t rva, struct image_function *out);
/* The entry that a fragment of a function belongs to, by its chain of unwind infos: itself when it
 * is no fragment. */
struct image_function image_function_primary(const struct image *image,
                                             const struct image_function *function);
/* The handler of a function (of its primary entry); false when it has none. */
bool image_function_handler(const struct image *image, const struct image_function *function,
                            struct image_handler *out);

/* The rva of an entry of the guard table, index < guard_table_count. */
uint32_t image_guard_function_at(const struct image *image, uint32_t index);

/* The checksum that the header should hold.  Reads the whole file. */
uint32_t image_checksum(const struct image *image);
/* False when the header's checksum is wrong; linkers leave 0 unless asked for one, and 0 is not
 * wrong. */
bool image_checksum_ok(const struct image *image);

/* The image's reference to its program database (the first RSDS record of the debug directory);
 * false when there is none or it is malformed, which is no reason to refuse an image. */
bool image_pdb_reference(const struct image *image, struct image_pdb *out);

#endif
