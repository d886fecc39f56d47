/* SPDX-License-Identifier: MIT */
/* Look-ups in a program: everything is sorted by rva. */
#include "advise/program_private.h"

#include <stddef.h>

/* Index of the last of `count` items, whose key (uint32_t at the item's begin) is not above; or
 * NO_INDEX. */
static uint32_t last_below(const void *items, uint32_t count, size_t size, uint32_t key)
{
    const uint8_t *base = items;
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (*(const uint32_t *)(const void *)(base + middle * size) <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NO_INDEX : low - 1;
}

_Static_assert(offsetof(struct function, rva) == 0 && offsetof(struct program_range, rva) == 0,
               "last_below takes the key from there");

uint32_t program_function_at(const struct program *program, uint32_t rva)
{
    uint32_t found =
        last_below(program->functions, program->function_count, sizeof(struct function), rva);

    return found != NO_INDEX && program->functions[found].rva == rva ? found : NO_INDEX;
}

uint32_t program_function_holding(const struct program *program, uint32_t rva)
{
    uint32_t found =
        last_below(program->ranges, program->range_count, sizeof(struct program_range), rva);

    return found != NO_INDEX && rva < program->ranges[found].end_rva
               ? program->ranges[found].function
               : NO_INDEX;
}

uint32_t program_import_at(const struct program *program, uint32_t slot_rva)
{
    uint32_t low = 0, high = program->import_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (program->imports[middle].slot_rva < slot_rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < program->import_count && program->imports[low].slot_rva == slot_rva ? low
                                                                                     : NO_INDEX;
}

uint32_t program_pointer_index(const struct program *program, uint32_t rva)
{
    uint32_t found =
        last_below(program->pointers, program->pointer_count, sizeof(*program->pointers), rva);

    return found != NO_INDEX && program->pointers[found] == rva ? found : NO_INDEX;
}

bool program_pointer_at(const struct program *program, uint32_t rva, uint32_t *target_rva)
{
    const struct image *image = program->image;
    uint8_t bytes[8];
    uint64_t value = 0;

    if (program_pointer_index(program, rva) == NO_INDEX) {
        return false;
    }
    image_copy(image, rva, bytes, sizeof(bytes));
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    value -= image->preferred_base;
    *target_rva = (uint32_t)value;
    return value < image->image_size;
}

const struct contract *program_contract(const struct program *program, enum call_target target,
                                        uint32_t index)
{
    if (target == CALL_IMPORT) {
        return program->imports[index].contract;
    }
    return target == CALL_WDF ? contract_wdf(index) : NULL;
}

const struct image_section *program_section(const struct program *program,
                                            const struct function *function)
{
    return &program->image->sections[function->section];
}
