/* SPDX-License-Identifier: MIT */
/*
 * Base relocations: blocks of 16-bit entries, each a type and an offset from the block's rva.  Of
 * the types that the format knows, x64 uses two: padding, and a 64-bit address.
 *
 * After image_read_relocations all blocks are in the file and end exactly at the directory's end,
 * and each address that is to be relocated has its 8 bytes in sections (not always in one: a word
 * may straddle two).
 */
#include "image/private.h"

#define BLOCK_BYTES   8u
#define ENTRY_BYTES   2u
#define TYPE_ABSOLUTE 0u
#define TYPE_DIR64    10u
#define WORD_BYTES    8u

static uint32_t entry_type(uint16_t entry)
{
    return entry >> 12;
}

static pg_status check_target(const struct image *image, uint64_t rva, uint64_t place,
                              struct image_error *error)
{
    if (rva + WORD_BYTES > image->image_size || image_section_at(image, (uint32_t)rva) == NULL ||
        image_section_at(image, (uint32_t)rva + WORD_BYTES - 1) == NULL) {
        return image_fail(error, PG_E_FORMAT, place,
                          "relocation: the address at rva 0x%lx lies in no section",
                          (unsigned long)rva);
    }
    return PG_OK;
}

static pg_status check_block(struct image *image, const uint8_t *block, uint32_t bytes,
                             uint64_t place, struct image_error *error)
{
    for (uint32_t at = BLOCK_BYTES; at < bytes; at += ENTRY_BYTES) {
        uint16_t entry = load16(block + at);
        uint64_t rva = (uint64_t)load32(block) + (entry & 0xfffu);
        pg_status status;

        if (entry_type(entry) == TYPE_ABSOLUTE) {
            continue;
        }
        if (entry_type(entry) != TYPE_DIR64) {
            return image_fail(error, PG_E_UNSUPPORTED, place + at,
                              "relocation: type %u at rva 0x%lx; x64 has 0 and 10 only",
                              entry_type(entry), (unsigned long)rva);
        }
        status = check_target(image, rva, place + at, error);
        if (status != PG_OK) {
            return status;
        }
        image->reloc_count++;
    }
    return PG_OK;
}

pg_status image_read_relocations(struct image *image, const struct directory *directory,
                                 struct image_error *error)
{
    const uint8_t *blocks = image_at(image, directory->rva, directory->size);
    uint64_t place = image_place(image, directory->rva, 0);

    if (directory->size == 0) {
        return PG_OK;
    }
    if (blocks == NULL) {
        return image_fail(error, PG_E_FORMAT, image_directory_place(image, DIRECTORY_RELOCATION),
                          "relocation directory: 0x%x bytes at rva 0x%x lie outside of the file",
                          directory->size, directory->rva);
    }
    for (uint32_t at = 0, bytes; at < directory->size; at += bytes) {
        uint32_t left = directory->size - at;
        pg_status status;

        bytes = left < BLOCK_BYTES ? 0 : load32(blocks + at + 4);
        if (bytes < BLOCK_BYTES || bytes % ENTRY_BYTES != 0 || bytes > left) {
            return image_fail(error, PG_E_FORMAT, place + at,
                              "relocation block: a size of 0x%x with 0x%x bytes left in the "
                              "directory",
                              bytes, left);
        }
        status = check_block(image, blocks + at, bytes, place + at, error);
        if (status != PG_OK) {
            return status;
        }
    }
    image->reloc_rva = directory->rva;
    image->reloc_size = directory->size;
    return PG_OK;
}

void image_relocations(const struct image *image, uint32_t *rvas)
{
    const uint8_t *blocks = image_at(image, image->reloc_rva, image->reloc_size);

    for (uint32_t at = 0, bytes; at < image->reloc_size; at += bytes) {
        const uint8_t *block = blocks + at;

        bytes = load32(block + 4);
        for (uint32_t i = BLOCK_BYTES; i < bytes; i += ENTRY_BYTES) {
            uint16_t entry = load16(block + i);

            if (entry_type(entry) == TYPE_DIR64) {
                *rvas++ = load32(block) + (entry & 0xfffu);
            }
        }
    }
}
