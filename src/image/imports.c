/* SPDX-License-Identifier: MIT */
/*
 * Imports: descriptors, one for a module, each with a table of what to import (names or ordinals)
 * and one of slots.  Both end with an entry of zeros; the directory's size is not used, as in NT.
 *
 * After image_read_imports every entry up to the ends is readable, every name is terminated and
 * printable, every slot lies in a section.
 */
#include "image/private.h"

#include <string.h>

#define DESCRIPTOR_BYTES 20u
#define THUNK_BYTES      8u
#define HINT_BYTES       2u
#define BY_ORDINAL       (1ull << 63)

struct descriptor {
    uint32_t names_rva; /* what to import; the slots hold the same when the linker left it out */
    uint32_t module_rva, slots_rva;
};

/* False when the descriptor is not in the image. */
static bool peek_descriptor(const struct image *image, uint32_t rva, struct descriptor *out)
{
    uint8_t bytes[DESCRIPTOR_BYTES];

    if (!image_peek(image, rva, bytes, sizeof(bytes))) {
        return false;
    }
    out->names_rva = load32(bytes);
    out->module_rva = load32(bytes + 12);
    out->slots_rva = load32(bytes + 16);
    if (out->names_rva == 0) {
        out->names_rva = out->slots_rva;
    }
    return true;
}

static bool is_last(const struct descriptor *descriptor)
{
    return descriptor->module_rva == 0 && descriptor->slots_rva == 0;
}

/* False when the entry is not in the image. */
static bool peek_thunk(const struct image *image, const struct descriptor *descriptor,
                       uint32_t index, uint64_t *out)
{
    uint64_t rva = (uint64_t)descriptor->names_rva + (uint64_t)index * THUNK_BYTES;
    uint8_t bytes[THUNK_BYTES];

    if (rva > UINT32_MAX || !image_peek(image, (uint32_t)rva, bytes, sizeof(bytes))) {
        return false;
    }
    *out = load64(bytes);
    return true;
}

static pg_status check_thunk(const struct image *image, uint64_t thunk, uint32_t module,
                             uint32_t index, uint64_t place, struct image_error *error)
{
    const char *fault;

    if ((thunk & BY_ORDINAL) != 0) {
        if ((thunk & ~BY_ORDINAL) > UINT16_MAX) {
            return image_fail(error, PG_E_FORMAT, place,
                              "import descriptor %u entry %u: 0x%lx is no ordinal", module, index,
                              (unsigned long)thunk);
        }
        return PG_OK;
    }
    if (thunk > IMAGE_MAX_SIZE) {
        return image_fail(error, PG_E_FORMAT, place,
                          "import descriptor %u entry %u: 0x%lx is no rva of a name", module, index,
                          (unsigned long)thunk);
    }
    fault = image_text_fault(image, (uint32_t)thunk + HINT_BYTES, IMAGE_MAX_NAME);
    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, image_place(image, (uint32_t)thunk, place),
                          "import descriptor %u entry %u: the name at rva 0x%lx %s", module, index,
                          (unsigned long)thunk + HINT_BYTES, fault);
    }
    return PG_OK;
}

/* *total counts the imports of all modules. */
static pg_status check_thunks(const struct image *image, const struct descriptor *descriptor,
                              uint32_t module, uint64_t place, uint32_t *total,
                              struct image_error *error)
{
    for (uint32_t i = 0;; i++) {
        uint64_t slot = (uint64_t)descriptor->slots_rva + (uint64_t)i * THUNK_BYTES;
        uint64_t thunk;
        pg_status status;

        if (!peek_thunk(image, descriptor, i, &thunk)) {
            return image_fail(error, PG_E_FORMAT, place,
                              "import descriptor %u: the names at rva 0x%x leave the section at "
                              "entry %u without an end",
                              module, descriptor->names_rva, i);
        }
        if (thunk == 0) {
            return PG_OK;
        }
        if (++*total > IMAGE_MAX_IMPORTS) {
            return image_fail(error, PG_E_UNSUPPORTED, place,
                              "import descriptor %u: more than %u imports in all", module,
                              IMAGE_MAX_IMPORTS);
        }
        if (slot > UINT32_MAX || !image_in_section(image, (uint32_t)slot, THUNK_BYTES)) {
            return image_fail(error, PG_E_FORMAT, place + 16,
                              "import descriptor %u: slot %u at rva 0x%lx lies in no section",
                              module, i, (unsigned long)slot);
        }
        status =
            check_thunk(image, thunk, module, i,
                        image_place(image, descriptor->names_rva + i * THUNK_BYTES, place), error);
        if (status != PG_OK) {
            return status;
        }
    }
}

static pg_status check_descriptor(const struct image *image, const struct descriptor *descriptor,
                                  uint32_t module, uint64_t place, struct image_error *error)
{
    const char *fault;

    if (module >= IMAGE_MAX_MODULES) {
        return image_fail(error, PG_E_UNSUPPORTED, place, "import table: more than %u modules",
                          IMAGE_MAX_MODULES);
    }
    if (descriptor->module_rva == 0 || descriptor->slots_rva == 0) {
        return image_fail(error, PG_E_FORMAT, place, "import descriptor %u: has no %s", module,
                          descriptor->module_rva == 0 ? "name" : "slots");
    }
    fault = image_text_fault(image, descriptor->module_rva, IMAGE_MAX_NAME);
    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, place + 12,
                          "import descriptor %u: the module's name at rva 0x%x %s", module,
                          descriptor->module_rva, fault);
    }
    return PG_OK;
}

pg_status image_read_imports(struct image *image, const struct directory *directory,
                             struct image_error *error)
{
    uint64_t named_at = image_directory_place(image, DIRECTORY_IMPORT);
    uint32_t rva = directory->rva, total = 0;

    for (uint32_t module = 0;; module++, rva += DESCRIPTOR_BYTES) {
        uint64_t place = image_place(image, rva, named_at);
        struct descriptor descriptor;
        pg_status status;

        if (!peek_descriptor(image, rva, &descriptor)) {
            return image_fail(error, PG_E_FORMAT, place,
                              "import table: descriptor %u at rva 0x%x lies outside of the "
                              "sections; the table has no end",
                              module, rva);
        }
        if (is_last(&descriptor)) {
            break;
        }
        status = check_descriptor(image, &descriptor, module, place, error);
        if (status == PG_OK) {
            status = check_thunks(image, &descriptor, module, place, &total, error);
        }
        if (status != PG_OK) {
            return status;
        }
    }
    image->import_rva = directory->rva;
    image->import_size = rva + DESCRIPTOR_BYTES - directory->rva;
    return PG_OK;
}

bool image_next_import(const struct image *image, struct image_import_cursor *cursor,
                       struct image_import *out)
{
    struct descriptor descriptor;
    uint64_t thunk;

    if (image->import_rva == 0) {
        return false;
    }
    if (cursor->descriptor_rva == 0) {
        cursor->descriptor_rva = image->import_rva;
    }
    for (;;) {
        if (!peek_descriptor(image, cursor->descriptor_rva, &descriptor) || is_last(&descriptor)) {
            return false;
        }
        if (peek_thunk(image, &descriptor, cursor->thunk, &thunk) && thunk != 0) {
            break;
        }
        cursor->descriptor_rva += DESCRIPTOR_BYTES;
        cursor->module_index++;
        cursor->thunk = 0;
    }
    out->module = image_at(image, descriptor.module_rva, 1);
    out->slot_rva = descriptor.slots_rva + cursor->thunk * THUNK_BYTES;
    out->name = NULL;
    out->ordinal = 0;
    if ((thunk & BY_ORDINAL) != 0) {
        out->ordinal = (uint16_t)thunk;
    } else {
        out->name = image_at(image, (uint32_t)thunk + HINT_BYTES, 1);
    }
    cursor->thunk++;
    return true;
}
