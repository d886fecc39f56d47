/* SPDX-License-Identifier: MIT */
/*
 * The headers of an image: DOS, file, optional; then every structure that they point to, each read
 * by a file of its own.
 */
#include "image/private.h"

#include <string.h>

#define DOS_HEADER_BYTES      64u
#define DOS_NEW_HEADER        60u /* offset of the offset of the signature */
#define SIGNATURE_BYTES       4u
#define FILE_HEADER_BYTES     20u
#define OPTIONAL_HEADER_BYTES 112u /* before the data directories */
#define DIRECTORY_BYTES       8u
#define SECTION_ENTRY_BYTES   40u
#define SYMBOL_BYTES          18u

#define MACHINE_X64         0x8664u
#define MACHINE_X86         0x14cu
#define MACHINE_ARM64       0xaa64u
#define MAGIC_PE32_PLUS     0x20bu
#define FILE_NO_RELOCATIONS 0x0001u
#define FILE_EXECUTABLE     0x0002u
#define SMALLEST_ALIGNMENT  512u /* of a file whose sections are page aligned */
#define BASE_ALIGNMENT      0x10000u

/* Places of the headers in the file, and what is needed of them only while they are read. */
struct headers {
    uint64_t file, optional, directories, sections;
    uint32_t optional_size, directory_count, declared_size;
    struct directory directory[DIRECTORIES];
};

static uint64_t signature_place(const struct image *image)
{
    return load32(image->bytes + DOS_NEW_HEADER);
}

uint64_t image_directory_place(const struct image *image, enum image_directory index)
{
    return signature_place(image) + SIGNATURE_BYTES + FILE_HEADER_BYTES + OPTIONAL_HEADER_BYTES +
           (uint64_t)index * DIRECTORY_BYTES;
}

static pg_status truncated(const struct image *image, uint64_t offset, const char *structure,
                           uint64_t end, struct image_error *error)
{
    pg_status status =
        image_fail(error, PG_E_TRUNCATED, offset, "%s: ends at 0x%lx but the file has 0x%lx bytes",
                   structure, (unsigned long)end, (unsigned long)image->size);
    return status;
}

static pg_status find_signature(const struct image *image, struct headers *at,
                                struct image_error *error)
{
    static const uint8_t mz[2] = {'M', 'Z'}, pe[4] = {'P', 'E', 0, 0};
    uint64_t signature;

    if (image->size < sizeof(mz) || memcmp(image->bytes, mz, sizeof(mz)) != 0) {
        return image_fail(error, image->size == 0 ? PG_E_TRUNCATED : PG_E_UNSUPPORTED, 0,
                          "DOS header: %s",
                          image->size == 0 ? "the file is empty" : "not a Windows image (no MZ)");
    }
    if (image->size < DOS_HEADER_BYTES) {
        return truncated(image, 0, "DOS header", DOS_HEADER_BYTES, error);
    }
    signature = signature_place(image);
    if (signature % 4 != 0) {
        return image_fail(error, PG_E_FORMAT, DOS_NEW_HEADER,
                          "DOS header: the PE signature at 0x%lx is not 4-byte aligned",
                          (unsigned long)signature);
    }
    at->file = signature + SIGNATURE_BYTES;
    at->optional = at->file + FILE_HEADER_BYTES;
    if (at->optional > image->size) {
        return truncated(image, DOS_NEW_HEADER, "PE header", at->optional, error);
    }
    if (memcmp(image->bytes + signature, pe, sizeof(pe)) != 0) {
        return image_fail(error, PG_E_UNSUPPORTED, signature, "PE signature: not a PE image (0x%x)",
                          load32(image->bytes + signature));
    }
    return PG_OK;
}

static pg_status check_machine(const uint8_t *header, uint64_t place, struct image_error *error)
{
    uint16_t machine = load16(header);

    if (machine == MACHINE_X64) {
        return PG_OK;
    }
    return image_fail(error, PG_E_UNSUPPORTED, place,
                      "file header: machine 0x%x%s; only x64 (0x8664) is supported", machine,
                      machine == MACHINE_X86     ? " (32-bit x86)"
                      : machine == MACHINE_ARM64 ? " (ARM64)"
                                                 : "");
}

static pg_status read_file_header(struct image *image, struct headers *at,
                                  struct image_error *error)
{
    const uint8_t *header = image->bytes + at->file;
    pg_status status = check_machine(header, at->file, error);

    if (status != PG_OK) {
        return status;
    }
    image->section_count = load16(header + 2);
    image->timestamp = load32(header + 4);
    image->symbol_table_offset = load32(header + 8);
    image->symbol_count = load32(header + 12);
    at->optional_size = load16(header + 16);
    image->characteristics = load16(header + 18);
    image->relocations_stripped = (image->characteristics & FILE_NO_RELOCATIONS) != 0;
    if ((image->characteristics & FILE_EXECUTABLE) == 0) {
        return image_fail(error, PG_E_FORMAT, at->file + 18,
                          "file header: not marked as an image that was linked without errors");
    }
    if (image->section_count == 0) {
        return image_fail(error, PG_E_FORMAT, at->file + 2, "file header: no sections");
    }
    if (image->section_count > IMAGE_MAX_SECTIONS) {
        return image_fail(error, PG_E_UNSUPPORTED, at->file + 2,
                          "file header: %u sections; at most %u are supported",
                          image->section_count, IMAGE_MAX_SECTIONS);
    }
    at->sections = at->optional + at->optional_size;
    uint64_t end = at->sections + (uint64_t)image->section_count * SECTION_ENTRY_BYTES;
    if (end > image->size) {
        return truncated(image, at->file + 16, "section table", end, error);
    }
    return PG_OK;
}

static pg_status check_symbols(struct image *image, const struct headers *at,
                               struct image_error *error)
{
    uint64_t end = image->symbol_table_offset + (uint64_t)image->symbol_count * SYMBOL_BYTES;

    if (image->symbol_table_offset == 0) {
        image->symbol_count = 0;
    } else if (end > image->size) {
        return truncated(image, at->file + 8, "symbol table", end, error);
    }
    return PG_OK;
}

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static pg_status check_alignment(const struct image *image, uint64_t optional,
                                 struct image_error *error)
{
    uint32_t section = image->section_alignment, file = image->file_alignment;

    if (!is_power_of_two(section)) {
        return image_fail(error, PG_E_FORMAT, optional + 32,
                          "optional header: section alignment 0x%x is no power of two", section);
    }
    if (!is_power_of_two(file) || file > section) {
        return image_fail(error, PG_E_FORMAT, optional + 36,
                          "optional header: file alignment 0x%x is no power of two up to the "
                          "section alignment 0x%x",
                          file, section);
    }
    if (file != section && (file < SMALLEST_ALIGNMENT || section < PG_PAGE_SIZE)) {
        return image_fail(error, PG_E_FORMAT, optional + 36,
                          "optional header: file alignment 0x%x with section alignment 0x%x; below "
                          "a page (a sector, in the file) they must be the same",
                          file, section);
    }
    return PG_OK;
}

static pg_status check_sizes(const struct image *image, const struct headers *at,
                             struct image_error *error)
{
    uint64_t table_end = at->sections + (uint64_t)image->section_count * SECTION_ENTRY_BYTES;

    if (at->declared_size == 0 || at->declared_size > IMAGE_MAX_SIZE) {
        return image_fail(error, PG_E_FORMAT, at->optional + 56,
                          "optional header: an image of 0x%x bytes", at->declared_size);
    }
    if (image->header_size < table_end) {
        return image_fail(error, PG_E_FORMAT, at->optional + 60,
                          "optional header: headers of 0x%x bytes, but the section table ends at "
                          "0x%lx",
                          image->header_size, (unsigned long)table_end);
    }
    if (image->header_size > image->size) {
        return truncated(image, at->optional + 60, "headers", image->header_size, error);
    }
    if (image->preferred_base % BASE_ALIGNMENT != 0 ||
        image->preferred_base > UINT64_MAX - IMAGE_MAX_SIZE) {
        return image_fail(error, PG_E_FORMAT, at->optional + 24,
                          "optional header: preferred base 0x%lx is no multiple of 0x%x below the "
                          "end of the address space",
                          (unsigned long)image->preferred_base, BASE_ALIGNMENT);
    }
    return PG_OK;
}

static pg_status read_directories(const struct image *image, struct headers *at,
                                  struct image_error *error)
{
    const uint8_t *optional = image->bytes + at->optional;
    uint32_t declared = load32(optional + 108);
    uint32_t count = declared < DIRECTORIES ? declared : DIRECTORIES;

    if (OPTIONAL_HEADER_BYTES + count * DIRECTORY_BYTES > at->optional_size) {
        return image_fail(error, PG_E_FORMAT, at->optional + 108,
                          "optional header: %u data directories do not fit into its %u bytes",
                          declared, at->optional_size);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = optional + OPTIONAL_HEADER_BYTES + i * DIRECTORY_BYTES;

        at->directory[i] = (struct directory){load32(entry), load32(entry + 4)};
    }
    return PG_OK;
}

static pg_status read_optional_header(struct image *image, struct headers *at,
                                      struct image_error *error)
{
    const uint8_t *header = image->bytes + at->optional;
    pg_status status;

    if (at->optional_size < OPTIONAL_HEADER_BYTES) {
        return image_fail(error, PG_E_FORMAT, at->file + 16,
                          "file header: an optional header of %u bytes; x64 has at least %u",
                          at->optional_size, OPTIONAL_HEADER_BYTES);
    }
    if (load16(header) != MAGIC_PE32_PLUS) {
        return image_fail(error, PG_E_UNSUPPORTED, at->optional,
                          "optional header: magic 0x%x is not PE32+ (0x20b)", load16(header));
    }
    image->entry_rva = load32(header + 16);
    image->preferred_base = load64(header + 24);
    image->section_alignment = load32(header + 32);
    image->file_alignment = load32(header + 36);
    image->pageable = image->section_alignment >= PG_PAGE_SIZE;
    at->declared_size = load32(header + 56);
    image->header_size = load32(header + 60);
    image->checksum = load32(header + 64);
    image->subsystem = load16(header + 68);
    image->dll_characteristics = load16(header + 70);
    status = check_alignment(image, at->optional, error);
    if (status == PG_OK) {
        status = check_sizes(image, at, error);
    }
    if (status == PG_OK) {
        status = read_directories(image, at, error);
    }
    image->image_size = (uint32_t)round_up(at->declared_size, PG_PAGE_SIZE);
    return status;
}

static pg_status check_entry(const struct image *image, const struct headers *at,
                             struct image_error *error)
{
    if (image->entry_rva != 0 && image_section_at(image, image->entry_rva) == NULL) {
        return image_fail(error, PG_E_FORMAT, at->optional + 16,
                          "optional header: the entry point 0x%x lies in no section",
                          image->entry_rva);
    }
    return PG_OK;
}

static pg_status read_directory_contents(struct image *image, const struct headers *at,
                                         struct image_error *error)
{
    static const struct {
        enum image_directory index;
        pg_status (*read)(struct image *, const struct directory *, struct image_error *);
    } readers[] = {
        {DIRECTORY_IMPORT, image_read_imports},          {DIRECTORY_EXPORT, image_read_exports},
        {DIRECTORY_RELOCATION, image_read_relocations},  {DIRECTORY_EXCEPTION, image_read_pdata},
        {DIRECTORY_LOAD_CONFIG, image_read_load_config}, {DIRECTORY_DEBUG, image_read_debug},
    };

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        const struct directory *directory = &at->directory[readers[i].index];
        pg_status status;

        if (directory->rva == 0) {
            continue; /* not there, whatever its size says */
        }
        status = readers[i].read(image, directory, error);
        if (status != PG_OK) {
            return status;
        }
    }
    return PG_OK;
}

pg_status image_open(const void *bytes, size_t size, struct image *image, struct image_error *error)
{
    struct headers at;
    pg_status status;

    memset(image, 0, sizeof(*image));
    memset(error, 0, sizeof(*error));
    memset(&at, 0, sizeof(at));
    image->bytes = bytes;
    image->size = size;
    status = find_signature(image, &at, error);
    if (status == PG_OK) {
        status = read_file_header(image, &at, error);
    }
    if (status == PG_OK) {
        status = read_optional_header(image, &at, error);
    }
    if (status == PG_OK) {
        status = image_read_sections(image, at.sections, at.declared_size, error);
    }
    if (status == PG_OK) {
        status = check_symbols(image, &at, error);
    }
    if (status == PG_OK) {
        status = check_entry(image, &at, error);
    }
    if (status == PG_OK) {
        status = read_directory_contents(image, &at, error);
    }
    return status;
}
