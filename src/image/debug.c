/* SPDX-License-Identifier: MIT */
/*
 * What no loader needs, but people do: the reference to debug information, and the checksum.
 */
#include "image/private.h"

#include <string.h>

#define ENTRY_BYTES         28u
#define TYPE_CODEVIEW       2u
#define RSDS_BYTES          24u /* before the path */
#define CHECKSUM_IN_HEADERS (4u + 20u + 64u)

pg_status image_read_debug(struct image *image, const struct directory *directory,
                           struct image_error *error)
{
    if (directory->size == 0) {
        return PG_OK;
    }
    if (image_at(image, directory->rva, directory->size) == NULL) {
        return image_fail(error, PG_E_FORMAT, image_directory_place(image, DIRECTORY_DEBUG),
                          "debug directory: 0x%x bytes at rva 0x%x lie outside of the file",
                          directory->size, directory->rva);
    }
    image->debug_rva = directory->rva;
    image->debug_size = directory->size;
    return PG_OK;
}

/* The data of an entry: mapped, or only in the file. */
static const uint8_t *entry_data(const struct image *image, const uint8_t *entry, uint32_t size)
{
    uint32_t rva = load32(entry + 20), offset = load32(entry + 24);

    if (rva != 0) {
        return image_at(image, rva, size);
    }
    return (uint64_t)offset + size <= image->size ? image->bytes + offset : NULL;
}

static bool read_record(const struct image *image, const uint8_t *entry, struct image_pdb *out)
{
    uint32_t size = load32(entry + 16);
    const uint8_t *record = entry_data(image, entry, size);
    uint32_t end = RSDS_BYTES;

    if (record == NULL || size <= RSDS_BYTES || memcmp(record, "RSDS", 4) != 0) {
        return false;
    }
    while (record[end] != 0) {
        if (++end == size) {
            return false;
        }
    }
    memcpy(out->guid, record + 4, sizeof(out->guid));
    out->age = load32(record + 20);
    out->path = (const char *)record + RSDS_BYTES;
    return true;
}

bool image_pdb_reference(const struct image *image, struct image_pdb *out)
{
    const uint8_t *entries = image_at(image, image->debug_rva, image->debug_size);

    for (uint32_t i = 0; i < image->debug_size / ENTRY_BYTES; i++) {
        const uint8_t *entry = entries + i * ENTRY_BYTES;

        if (load32(entry + 12) == TYPE_CODEVIEW && read_record(image, entry, out)) {
            return true;
        }
    }
    return false;
}

/* The ones' complement sum of the file's 16-bit words, without the field itself, plus its length.
 */
uint32_t image_checksum(const struct image *image)
{
    size_t field = load32(image->bytes + 60) + CHECKSUM_IN_HEADERS;
    uint64_t sum = 0;

    for (size_t i = 0; i + 1 < image->size; i += 2) {
        sum += load16(image->bytes + i);
    }
    if (image->size % 2 != 0) {
        sum += image->bytes[image->size - 1];
    }
    sum -= load16(image->bytes + field);
    sum -= load16(image->bytes + field + 2);
    while (sum > UINT16_MAX) {
        sum = (sum & UINT16_MAX) + (sum >> 16);
    }
    return (uint32_t)(sum + image->size);
}

bool image_checksum_ok(const struct image *image)
{
    return image->checksum == 0 || image->checksum == image_checksum(image);
}
