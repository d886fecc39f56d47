/* SPDX-License-Identifier: MIT */
/*
 * Exports: a table of routines by ordinal (its slots may be empty), a sorted table of names, and
 * for each name the slot that it stands for.  A slot whose rva points back into the export
 * directory holds a text instead, "module.name": a forwarder.
 *
 * After image_read_exports the three tables are in the file, each name is terminated and names a
 * slot that is not empty, and names do not descend, so that a binary search finds them.
 */
#include "image/private.h"

#include <string.h>

#define EXPORT_BYTES 40u

/* Offsets in the export directory. */
#define EXPORT_BASE       16u
#define EXPORT_SLOTS      20u
#define EXPORT_NAMES      24u
#define EXPORT_SLOT_TABLE 28u
#define EXPORT_NAME_TABLE 32u
#define EXPORT_NAME_SLOTS 36u

/* Element of one of the three tables; `field` is the directory's field that holds the table's rva.
 */
static const uint8_t *element(const struct image *image, unsigned field, uint32_t index,
                              uint32_t bytes)
{
    const uint8_t *directory = image_at(image, image->export_rva, EXPORT_BYTES);

    return image_at(image, load32(directory + field) + index * bytes, bytes);
}

static uint32_t slot_rva(const struct image *image, uint32_t slot)
{
    return load32(element(image, EXPORT_SLOT_TABLE, slot, 4));
}

static uint32_t name_rva(const struct image *image, uint32_t index)
{
    return load32(element(image, EXPORT_NAME_TABLE, index, 4));
}

static uint32_t name_slot(const struct image *image, uint32_t index)
{
    return load16(element(image, EXPORT_NAME_SLOTS, index, 2));
}

static const char *name_text(const struct image *image, uint32_t index)
{
    return image_at(image, name_rva(image, index), 1);
}

static int compare(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left - (unsigned char)*right;
}

static bool is_forwarder(const struct image *image, uint32_t rva)
{
    return rva - image->export_rva < image->export_size;
}

static pg_status check_table(const struct image *image, const char *what, unsigned field,
                             uint32_t count, uint32_t bytes, struct image_error *error)
{
    const uint8_t *directory = image_at(image, image->export_rva, EXPORT_BYTES);
    uint32_t rva = load32(directory + field);
    uint64_t place = image_place(image, image->export_rva, 0);

    if (count > IMAGE_MAX_EXPORTS) {
        return image_fail(error, PG_E_UNSUPPORTED, place,
                          "export directory: %u %s; at most %u are supported", count, what,
                          IMAGE_MAX_EXPORTS);
    }
    if (count != 0 && image_at(image, rva, count * bytes) == NULL) {
        return image_fail(error, PG_E_FORMAT, place + field,
                          "export directory: the table of %u %s at rva 0x%x lies outside of the "
                          "file",
                          count, what, rva);
    }
    return PG_OK;
}

/* Whether a checked text reads "module.name". */
static bool names_a_module(const char *text)
{
    const char *dot = NULL;

    for (const char *s = text; *s != '\0'; s++) {
        if (*s == '.') {
            dot = s;
        }
    }
    return dot != NULL && dot != text && dot[1] != '\0';
}

static pg_status check_slot(const struct image *image, uint32_t slot, struct image_error *error)
{
    uint32_t rva = slot_rva(image, slot);
    uint64_t place = image_place(image, image->export_rva, 0);
    const char *fault;

    if (rva == 0) {
        return PG_OK;
    }
    if (rva >= image->image_size) {
        return image_fail(error, PG_E_FORMAT, place,
                          "export slot %u: rva 0x%x lies outside of the image", slot, rva);
    }
    if (!is_forwarder(image, rva)) {
        return PG_OK;
    }
    fault = image_text_fault(image, rva, IMAGE_MAX_NAME);
    if (fault == NULL && !names_a_module(image_at(image, rva, 1))) {
        fault = "does not read module.name";
    }
    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, image_place(image, rva, place),
                          "export slot %u: the forwarder at rva 0x%x %s", slot, rva, fault);
    }
    return PG_OK;
}

static pg_status check_name(const struct image *image, uint32_t index, struct image_error *error)
{
    uint64_t place = image_place(image, image->export_rva, 0);
    uint32_t rva = name_rva(image, index), slot = name_slot(image, index);
    const char *fault = image_text_fault(image, rva, IMAGE_MAX_NAME);

    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, image_place(image, rva, place),
                          "export name %u: the name at rva 0x%x %s", index, rva, fault);
    }
    if (slot >= image->export_slots || slot_rva(image, slot) == 0) {
        return image_fail(error, PG_E_FORMAT, place,
                          "export name %u: stands for slot %u, which is empty or beyond the %u "
                          "slots",
                          index, slot, image->export_slots);
    }
    if (index > 0 && compare(name_text(image, index - 1), name_text(image, index)) > 0) {
        return image_fail(error, PG_E_FORMAT, image_place(image, rva, place),
                          "export name %u: is out of order", index);
    }
    return PG_OK;
}

/* Mark the slots that are not empty, then strike out those that a name stands for. */
static void find_unnamed(struct image *image)
{
    for (uint32_t slot = 0; slot < image->export_slots; slot++) {
        if (slot_rva(image, slot) != 0) {
            image->export_unnamed_bits[slot / 64] |= 1ull << (slot % 64);
        }
    }
    for (uint32_t i = 0; i < image->export_names; i++) {
        uint32_t slot = name_slot(image, i);

        image->export_unnamed_bits[slot / 64] &= ~(1ull << (slot % 64));
    }
    for (uint32_t slot = 0; slot < image->export_slots; slot++) {
        image->export_unnamed += (image->export_unnamed_bits[slot / 64] >> (slot % 64)) & 1u;
    }
}

pg_status image_read_exports(struct image *image, const struct directory *directory,
                             struct image_error *error)
{
    const uint8_t *table = image_at(image, directory->rva, EXPORT_BYTES);
    pg_status status;

    if (table == NULL) {
        return image_fail(error, PG_E_FORMAT, image_directory_place(image, DIRECTORY_EXPORT),
                          "export directory: rva 0x%x lies outside of the file", directory->rva);
    }
    image->export_rva = directory->rva;
    image->export_size = directory->size;
    image->export_ordinal_base = load32(table + EXPORT_BASE);
    image->export_slots = load32(table + EXPORT_SLOTS);
    image->export_names = load32(table + EXPORT_NAMES);
    status = check_table(image, "slots", EXPORT_SLOT_TABLE, image->export_slots, 4, error);
    if (status == PG_OK) {
        status = check_table(image, "names", EXPORT_NAME_TABLE, image->export_names, 4, error);
    }
    if (status == PG_OK) {
        status =
            check_table(image, "slots of names", EXPORT_NAME_SLOTS, image->export_names, 2, error);
    }
    if (status == PG_OK && image->export_ordinal_base > UINT16_MAX) {
        status = image_fail(error, PG_E_FORMAT, image_place(image, directory->rva, 0) + EXPORT_BASE,
                            "export directory: first ordinal 0x%x does not fit into 16 bits",
                            image->export_ordinal_base);
    }
    for (uint32_t i = 0; status == PG_OK && i < image->export_slots; i++) {
        status = check_slot(image, i, error);
    }
    for (uint32_t i = 0; status == PG_OK && i < image->export_names; i++) {
        status = check_name(image, i, error);
    }
    if (status == PG_OK) {
        find_unnamed(image);
    }
    return status;
}

static void describe(const struct image *image, uint32_t slot, const char *name,
                     struct image_export *out)
{
    uint32_t rva = slot_rva(image, slot);

    out->name = name;
    out->ordinal = image->export_ordinal_base + slot;
    out->rva = rva;
    out->forwarder = is_forwarder(image, rva) ? image_at(image, rva, 1) : NULL;
}

uint32_t image_export_count(const struct image *image)
{
    return image->export_names + image->export_unnamed;
}

/* Without the compiler's own, which may be a call. */
static unsigned count_bits(uint64_t word)
{
    word -= (word >> 1) & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + ((word >> 2) & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)((word * 0x0101010101010101u) >> 56);
}

/* Slot of the n-th routine without a name. */
static uint32_t unnamed_slot(const struct image *image, uint32_t n)
{
    uint32_t word = 0, slot;

    for (unsigned here; n >= (here = count_bits(image->export_unnamed_bits[word])); word++) {
        n -= here;
    }
    slot = word * 64;
    for (uint64_t bits = image->export_unnamed_bits[word];; bits >>= 1, slot++) {
        if ((bits & 1u) != 0 && n-- == 0) {
            return slot;
        }
    }
}

bool image_export_at(const struct image *image, uint32_t index, struct image_export *out)
{
    if (index >= image_export_count(image)) {
        return false;
    }
    if (index < image->export_names) {
        describe(image, name_slot(image, index), name_text(image, index), out);
    } else {
        describe(image, unnamed_slot(image, index - image->export_names), NULL, out);
    }
    return true;
}

bool image_export_find(const struct image *image, const char *name, struct image_export *out)
{
    uint32_t low = 0, high = image->export_names;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(name_text(image, middle), name);

        if (order == 0) {
            return image_export_at(image, middle, out);
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool image_export_find_ordinal(const struct image *image, uint32_t ordinal,
                               struct image_export *out)
{
    uint32_t slot = ordinal - image->export_ordinal_base;

    if (slot >= image->export_slots || slot_rva(image, slot) == 0) {
        return false;
    }
    describe(image, slot, NULL, out);
    return true;
}
