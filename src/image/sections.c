/* SPDX-License-Identifier: MIT */
/*
 * The section table, and everything that finds bytes by rva.
 *
 * After image_read_sections the sections ascend and do not overlap, each lies inside the image, and
 * raw_offset + raw_size inside the file: every other access to the file goes through here.
 */
#include "image/private.h"

#include <string.h>

#define SECTION_ENTRY_BYTES 40u
#define SECTOR_BYTES        512u

/* Bytes of the address space that belong to a section. */
static uint32_t extent(const struct image *image, const struct image_section *section)
{
    return image->pageable ? section->pages * PG_PAGE_SIZE : section->virtual_size;
}

static bool is_page_section(const struct image_section *section)
{
    return section->class == PG_PAGEABLE;
}

static bool is_marked(const struct image_section *section, uint32_t flag)
{
    return (section->flags & flag) != 0;
}

const char *image_section_note(const struct image *image, const struct image_section *section)
{
    if (is_page_section(section) && !image->pageable) {
        return "the name says pageable, but the image's sections are not page aligned: it is "
               "resident";
    }
    if (is_page_section(section) && is_marked(section, IMAGE_SCN_MEM_NOT_PAGED)) {
        return "the name says pageable, the flags say not paged: it is pageable";
    }
    if (section->class == PG_RESIDENT && is_marked(section, IMAGE_SCN_MEM_EXECUTE) &&
        is_marked(section, IMAGE_SCN_MEM_DISCARDABLE)) {
        return "the flags say discardable, but the name of the code is not INIT: it is resident";
    }
    return NULL;
}

static void read_name(const uint8_t *entry, char name[9])
{
    memset(name, 0, 9);
    for (unsigned i = 0; i < 8 && entry[i] != 0; i++) {
        name[i] = entry[i] >= ' ' && entry[i] <= '~' ? (char)entry[i] : '?';
    }
}

static void describe(const struct image *image, const uint8_t *entry, struct image_section *section)
{
    read_name(entry, section->name);
    section->class = pg_class_of_name(section->name);
    section->virtual_size = load32(entry + 8);
    section->rva = load32(entry + 12);
    section->raw_size = load32(entry + 16);
    section->raw_offset = load32(entry + 20);
    section->flags = load32(entry + 36);
    section->readable = is_marked(section, IMAGE_SCN_MEM_READ);
    section->writable = is_marked(section, IMAGE_SCN_MEM_WRITE);
    section->executable = is_marked(section, IMAGE_SCN_MEM_EXECUTE);
    if (section->virtual_size == 0) {
        section->virtual_size = section->raw_size;
    }
    if (section->raw_offset == 0 || section->raw_size == 0) {
        section->raw_offset = section->raw_size = 0; /* no place in the file: all of it is zero */
    }
    section->flags_disagree = image_section_note(image, section) != NULL;
}

/* `free_rva` is where the section may start at the earliest. */
static pg_status check_addresses(const struct image *image, uint32_t index, uint64_t free_rva,
                                 uint64_t place, uint32_t declared_size, struct image_error *error)
{
    const struct image_section *section = &image->sections[index];

    if (section->virtual_size == 0) {
        return image_fail(error, PG_E_FORMAT, place + 8, "section table entry %u: is empty", index);
    }
    if (section->rva % image->section_alignment != 0) {
        return image_fail(error, PG_E_FORMAT, place + 12,
                          "section table entry %u: rva 0x%x is no multiple of 0x%x", index,
                          section->rva, image->section_alignment);
    }
    if (section->rva < free_rva) {
        return image_fail(error, PG_E_FORMAT, place + 12,
                          "section table entry %u: rva 0x%x overlaps what is before it, which "
                          "takes the addresses up to 0x%lx",
                          index, section->rva, (unsigned long)free_rva);
    }
    if ((uint64_t)section->rva + section->virtual_size > declared_size) {
        return image_fail(error, PG_E_FORMAT, place + 8,
                          "section table entry %u: ends at rva 0x%lx but the image has 0x%x bytes",
                          index, (unsigned long)section->rva + section->virtual_size,
                          declared_size);
    }
    return PG_OK;
}

static pg_status check_raw_data(const struct image *image, uint32_t index, uint64_t place,
                                struct image_error *error)
{
    const struct image_section *section = &image->sections[index];
    uint32_t unit = image->file_alignment < SECTOR_BYTES ? image->file_alignment : SECTOR_BYTES;

    if ((uint64_t)section->raw_offset + section->raw_size > image->size) {
        return image_fail(error, PG_E_TRUNCATED, place + 16,
                          "section table entry %u: raw data ends at 0x%lx but the file has 0x%lx "
                          "bytes",
                          index, (unsigned long)section->raw_offset + section->raw_size,
                          (unsigned long)image->size);
    }
    if (section->raw_offset % unit != 0) {
        return image_fail(error, PG_E_FORMAT, place + 20,
                          "section table entry %u: raw data at 0x%x, no multiple of 0x%x", index,
                          section->raw_offset, unit);
    }
    return PG_OK;
}

static void measure(const struct image *image, struct image_section *section)
{
    uint64_t first = section->rva / PG_PAGE_SIZE;
    uint64_t end = round_up((uint64_t)section->rva + section->virtual_size, PG_PAGE_SIZE);

    section->pages = (uint32_t)(end / PG_PAGE_SIZE - first);
    if (section->raw_size > extent(image, section)) {
        section->raw_size = extent(image, section);
    }
}

pg_status image_read_sections(struct image *image, uint64_t table, uint32_t declared_size,
                              struct image_error *error)
{
    uint64_t free_rva = round_up(image->header_size, image->section_alignment);
    uint64_t declared_end = round_up(declared_size, image->section_alignment);

    for (uint32_t i = 0; i < image->section_count; i++) {
        struct image_section *section = &image->sections[i];
        uint64_t place = table + (uint64_t)i * SECTION_ENTRY_BYTES;
        pg_status status;

        describe(image, image->bytes + place, section);
        status = check_addresses(image, i, free_rva, place, declared_size, error);
        if (status == PG_OK) {
            status = check_raw_data(image, i, place, error);
        }
        if (status != PG_OK) {
            return status;
        }
        measure(image, section);
        free_rva =
            round_up((uint64_t)section->rva + section->virtual_size, image->section_alignment);
    }
    if (free_rva != declared_end) {
        return image_fail(error, PG_E_FORMAT, table,
                          "section table: the last section ends at rva 0x%lx but the image ends at "
                          "0x%lx",
                          (unsigned long)free_rva, (unsigned long)declared_end);
    }
    return PG_OK;
}

const struct image_section *image_section_at(const struct image *image, uint32_t rva)
{
    uint32_t low = 0, high = image->section_count;

    while (low < high) { /* the last section that starts at or below rva is low - 1 in the end */
        uint32_t middle = (low + high) / 2;

        if (image->sections[middle].rva <= rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const struct image_section *section = &image->sections[low - 1];
    return rva - section->rva < extent(image, section) ? section : NULL;
}

bool image_in_section(const struct image *image, uint32_t rva, uint32_t bytes)
{
    const struct image_section *section = image_section_at(image, rva);

    return section != NULL && bytes <= extent(image, section) - (rva - section->rva);
}

/* Bytes of the file from rva to the end of its part of the file; *offset is where they are. */
static uint32_t file_bytes_at(const struct image *image, uint32_t rva, uint64_t *offset)
{
    const struct image_section *section;

    if (rva < image->header_size) {
        *offset = rva;
        return image->header_size - rva;
    }
    section = image_section_at(image, rva);
    if (section == NULL || rva - section->rva >= section->raw_size) {
        return 0;
    }
    *offset = (uint64_t)section->raw_offset + (rva - section->rva);
    return section->raw_size - (rva - section->rva);
}

const void *image_at(const struct image *image, uint32_t rva, uint32_t bytes)
{
    uint64_t offset = 0;

    if (bytes > file_bytes_at(image, rva, &offset) || bytes == 0) {
        return NULL;
    }
    return image->bytes + offset;
}

uint64_t image_place(const struct image *image, uint32_t rva, uint64_t otherwise)
{
    uint64_t offset = otherwise;

    return file_bytes_at(image, rva, &offset) > 0 ? offset : otherwise;
}

bool image_peek(const struct image *image, uint32_t rva, void *buffer, uint32_t bytes)
{
    uint64_t offset = 0;
    uint32_t present;

    if (!image_in_section(image, rva, bytes) &&
        (rva >= image->header_size || bytes > image->header_size - rva)) {
        return false;
    }
    present = file_bytes_at(image, rva, &offset);
    if (present > bytes) {
        present = bytes;
    }
    memset(buffer, 0, bytes);
    memcpy(buffer, image->bytes + offset, present);
    return true;
}

/* Copy the part of [rva, rva + bytes) that comes from `size` bytes at `offset`, mapped at `start`.
 */
static void copy_part(const struct image *image, uint64_t start, uint64_t offset, uint64_t size,
                      uint64_t rva, uint8_t *buffer, uint64_t bytes)
{
    uint64_t from = rva > start ? rva : start;
    uint64_t to = rva + bytes < start + size ? rva + bytes : start + size;

    if (from < to) {
        memcpy(buffer + (from - rva), image->bytes + offset + (from - start), to - from);
    }
}

void image_copy(const struct image *image, uint32_t rva, void *buffer, uint32_t bytes)
{
    memset(buffer, 0, bytes);
    copy_part(image, 0, 0, image->header_size, rva, buffer, bytes);
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];

        copy_part(image, section->rva, section->raw_offset, section->raw_size, rva, buffer, bytes);
    }
}

const char *image_text_fault(const struct image *image, uint32_t rva, uint32_t limit)
{
    uint64_t offset = 0;
    uint32_t present = file_bytes_at(image, rva, &offset);

    if (present == 0) {
        return "lies outside of the file";
    }
    for (uint32_t i = 0; i < present && i <= limit; i++) {
        uint8_t c = image->bytes[offset + i];

        if (c == 0) {
            return i == 0 ? "is empty" : NULL;
        }
        if (c < ' ' || c > '~') {
            return "holds a byte that is not printable";
        }
    }
    return present <= limit ? "is not terminated" : "is too long";
}
