/* SPDX-License-Identifier: MIT */
/*
 * .pdata: the table of functions, by address, each with an unwind info.
 *
 * A function that the compiler split has one entry for each fragment, whose unwind info is
 * *chained* to the entry of the function's first part.  An entry may also name another entry
 * instead of an unwind info (lowest bit of its rva set) and then shares that one's.
 *
 * After image_read_pdata the entries ascend without overlap, every unwind info that they name is in
 * the file with known operations, and every chain ends within IMAGE_MAX_CHAIN infos that are in the
 * file.
 */
#include "image/private.h"

#include <string.h>

#define ENTRY_BYTES    12u
#define INFO_BYTES     4u
#define CODE_BYTES     2u
#define HANDLER_BYTES  4u
#define INDIRECT       1u
#define LATEST_VERSION 2u
#define KNOWN_FLAGS    7u

static struct image_function load_function(const uint8_t *entry)
{
    return (struct image_function){load32(entry), load32(entry + 4), load32(entry + 8)};
}

struct image_function image_function_at(const struct image *image, uint32_t index)
{
    return load_function(image_at(image, image->pdata_rva + index * ENTRY_BYTES, ENTRY_BYTES));
}

static uint32_t tail_bytes(uint8_t flags)
{
    if ((flags & UNWIND_CHAINED) != 0) {
        return ENTRY_BYTES;
    }
    return flags != 0 ? HANDLER_BYTES : 0;
}

/* Follows an entry that names another entry.  False when that is not in the file. */
static bool resolve_indirect(const struct image *image, uint32_t *unwind_rva)
{
    const uint8_t *entry;

    if ((*unwind_rva & INDIRECT) == 0) {
        return true;
    }
    entry = image_at(image, *unwind_rva & ~INDIRECT, ENTRY_BYTES);
    if (entry == NULL) {
        return false;
    }
    *unwind_rva = load32(entry + 8);
    return true;
}

const char *image_unwind_info(const struct image *image, uint32_t unwind_rva,
                              struct unwind_info *out)
{
    const uint8_t *info;
    uint32_t code_bytes;

    if (!resolve_indirect(image, &unwind_rva)) {
        return "names an entry outside of the file";
    }
    if (unwind_rva % 4 != 0) {
        return "is not 4-byte aligned";
    }
    info = image_at(image, unwind_rva, INFO_BYTES);
    if (info == NULL) {
        return "lies outside of the file";
    }
    out->version = info[0] & 7u;
    out->flags = info[0] >> 3;
    out->prolog_size = info[1];
    out->code_count = info[2];
    out->frame_register = info[3] & 15u;
    out->frame_offset = (info[3] >> 4) * 16u;
    if (out->version == 0 || out->version > LATEST_VERSION) {
        return "has an unknown version";
    }
    if (out->flags > KNOWN_FLAGS ||
        ((out->flags & UNWIND_CHAINED) != 0 && out->flags != UNWIND_CHAINED)) {
        return "has impossible flags";
    }
    code_bytes = (uint32_t)round_up(out->code_count, 2) * CODE_BYTES;
    info = image_at(image, unwind_rva, INFO_BYTES + code_bytes + tail_bytes(out->flags));
    if (info == NULL) {
        return "ends outside of the file";
    }
    out->codes = info + INFO_BYTES;
    out->tail_rva = unwind_rva + INFO_BYTES + code_bytes;
    return NULL;
}

uint32_t image_unwind_words(const struct unwind_info *info, uint32_t index)
{
    uint8_t code = info->codes[index * CODE_BYTES + 1];
    uint32_t words = 0;

    switch (code & 15u) {
    case UWOP_PUSH_NONVOL:
    case UWOP_ALLOC_SMALL:
        words = 1;
        break;
    case UWOP_SET_FPREG: /* register 0 means none, not rax: the info must name one */
        words = info->frame_register != 0 ? 1 : 0;
        break;
    case UWOP_PUSH_MACHFRAME:
        words = code >> 4 <= 1 ? 1 : 0;
        break;
    case UWOP_ALLOC_LARGE:
        words = code >> 4 <= 1 ? 2 + (code >> 4) : 0;
        break;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        words = 2;
        break;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        words = 3;
        break;
    case UWOP_EPILOG:
        words = info->version >= 2 ? 1 : 0;
        break;
    default:
        break;
    }
    return words <= info->code_count - index ? words : 0;
}

struct image_function image_unwind_parent(const struct image *image, const struct unwind_info *info)
{
    return load_function(image_at(image, info->tail_rva, ENTRY_BYTES));
}

static const char *range_fault(const struct image *image, const struct image_function *function)
{
    if (function->begin_rva >= function->end_rva) {
        return "an empty range";
    }
    if (function->end_rva > image->image_size) {
        return "a range outside of the image";
    }
    return NULL;
}

static const char *info_fault(const struct image *image, const struct unwind_info *info)
{
    uint32_t handler;

    for (uint32_t i = 0, words; i < info->code_count; i += words) {
        words = image_unwind_words(info, i);
        if (words == 0) {
            return "holds an operation that is unknown or cut off";
        }
    }
    if (info->flags == 0 || info->flags == UNWIND_CHAINED) {
        return NULL;
    }
    handler = load32(image_at(image, info->tail_rva, HANDLER_BYTES));
    return image_section_at(image, handler) == NULL ? "has a handler in no section" : NULL;
}

/* The infos further up are looked at again when they are used: here only that the chain ends. */
static const char *chain_fault(const struct image *image, struct unwind_info info)
{
    for (uint32_t i = 0; (info.flags & UNWIND_CHAINED) != 0; i++) {
        struct image_function parent = image_unwind_parent(image, &info);

        if (i == IMAGE_MAX_CHAIN) {
            return "is chained without an end";
        }
        if (range_fault(image, &parent) != NULL) {
            return "is chained to an impossible range";
        }
        if (image_unwind_info(image, parent.unwind_rva, &info) != NULL) {
            return "is chained to a malformed one";
        }
    }
    return NULL;
}

static pg_status check_function(const struct image *image, uint32_t index, uint32_t free_rva,
                                uint64_t place, struct image_error *error)
{
    struct image_function function = image_function_at(image, index);
    const char *fault = range_fault(image, &function);
    struct unwind_info info;

    if (fault == NULL && function.begin_rva < free_rva) {
        fault = "a range that is out of order";
    }
    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, place, "function table entry %u: %s, 0x%x to 0x%x",
                          index, fault, function.begin_rva, function.end_rva);
    }
    fault = image_unwind_info(image, function.unwind_rva, &info);
    if (fault == NULL) {
        fault = info_fault(image, &info);
    }
    if (fault == NULL) {
        fault = chain_fault(image, info);
    }
    if (fault != NULL) {
        return image_fail(error, PG_E_FORMAT, image_place(image, function.unwind_rva, place),
                          "function table entry %u: its unwind info at rva 0x%x %s", index,
                          function.unwind_rva, fault);
    }
    return PG_OK;
}

pg_status image_read_pdata(struct image *image, const struct directory *directory,
                           struct image_error *error)
{
    static const uint8_t nothing[ENTRY_BYTES];
    const uint8_t *table = image_at(image, directory->rva, directory->size);
    uint64_t place = image_place(image, directory->rva, 0);
    uint32_t count = directory->size / ENTRY_BYTES, free_rva = 0;

    if (directory->size == 0) {
        return PG_OK;
    }
    if (table == NULL || directory->size % ENTRY_BYTES != 0) {
        return image_fail(error, PG_E_FORMAT, image_directory_place(image, DIRECTORY_EXCEPTION),
                          "function table: 0x%x bytes at rva 0x%x %s", directory->size,
                          directory->rva,
                          table == NULL ? "lie outside of the file" : "are no multiple of 12");
    }
    while (count > 0 && memcmp(table + (count - 1) * ENTRY_BYTES, nothing, ENTRY_BYTES) == 0) {
        count--; /* padding that some linkers count in */
    }
    image->pdata_rva = directory->rva;
    for (uint32_t i = 0; i < count; i++) {
        pg_status status =
            check_function(image, i, free_rva, place + (uint64_t)i * ENTRY_BYTES, error);

        if (status != PG_OK) {
            return status;
        }
        free_rva = load32(table + i * ENTRY_BYTES + 4);
    }
    image->pdata_count = count;
    return PG_OK;
}

bool image_function_find(const struct image *image, uint32_t rva, struct image_function *out)
{
    uint32_t low = 0, high = image->pdata_count;

    while (low < high) { /* the last entry that begins at or below rva is low - 1 in the end */
        uint32_t middle = (low + high) / 2;

        if (image_function_at(image, middle).begin_rva <= rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    *out = image_function_at(image, low - 1);
    return rva < out->end_rva;
}

/* Follows the chain of a function up to its first part, whose info is left in *info; false when an
 * info is malformed, which cannot be for an entry of the table. */
static bool find_primary(const struct image *image, struct image_function *function,
                         struct unwind_info *info)
{
    for (uint32_t i = 0; i <= IMAGE_MAX_CHAIN; i++) {
        if (image_unwind_info(image, function->unwind_rva, info) != NULL) {
            return false;
        }
        if ((info->flags & UNWIND_CHAINED) == 0) {
            return true;
        }
        *function = image_unwind_parent(image, info);
    }
    return false;
}

struct image_function image_function_primary(const struct image *image,
                                             const struct image_function *function)
{
    struct image_function primary = *function;
    struct unwind_info info;

    return find_primary(image, &primary, &info) ? primary : *function;
}

bool image_function_handler(const struct image *image, const struct image_function *function,
                            struct image_handler *out)
{
    struct image_function primary = *function;
    struct unwind_info info;

    if (!find_primary(image, &primary, &info) || info.flags == 0) {
        return false;
    }
    out->rva = load32(image_at(image, info.tail_rva, HANDLER_BYTES));
    out->data_rva = info.tail_rva + HANDLER_BYTES;
    out->exception = (info.flags & UNWIND_HANDLER_EXCEPTION) != 0;
    out->termination = (info.flags & UNWIND_HANDLER_TERMINATION) != 0;
    return true;
}
