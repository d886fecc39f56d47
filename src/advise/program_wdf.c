/* SPDX-License-Identifier: MIT */
/*
 * The table of KMDF routines: WdfVersionBind, which the framework's library exports, fills in a
 * pointer that a structure of the image names.  The structure is found by what it holds:
 *
 *   0   ULONG size of the structure (30h)
 *   8   pointer to the component's name, L"KmdfLibrary"
 *   10h three ULONGs of version, one of the count of routines
 *   20h pointer to the variable that receives the table
 */
#include "advise/program_private.h"

#include <string.h>

#define BIND_NAME     8u
#define BIND_COUNT    0x1cu
#define BIND_TABLE    0x20u
#define BIND_BYTES    0x30u
#define MOST_ROUTINES 4096u

static bool imports_framework(const struct program *program)
{
    for (uint32_t i = 0; i < program->import_count; i++) {
        if (program->imports[i].name != NULL &&
            strcmp(program->imports[i].name, "WdfVersionBind") == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t read32(const struct program *program, uint32_t rva)
{
    uint8_t bytes[4];

    image_copy(program->image, rva, bytes, sizeof(bytes));
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static bool is_component(const struct program *program, uint32_t rva)
{
    static const char name[] = "KmdfLibrary";
    uint8_t text[2 * sizeof(name)];

    image_copy(program->image, rva, text, sizeof(text));
    for (size_t i = 0; i < sizeof(name); i++) {
        if (text[2 * i] != (uint8_t)name[i] || text[2 * i + 1] != 0) {
            return false;
        }
    }
    return true;
}

uint32_t program_find_wdf_table(const struct program *program)
{
    if (!imports_framework(program)) {
        return 0;
    }
    for (uint32_t i = 0; i < program->pointer_count; i++) {
        uint32_t name, table, info = program->pointers[i] - BIND_NAME;
        uint32_t routines;

        if (program->pointers[i] < BIND_NAME ||
            !program_pointer_at(program, program->pointers[i], &name) ||
            !program_pointer_at(program, info + BIND_TABLE, &table)) {
            continue;
        }
        routines = read32(program, info + BIND_COUNT);
        if (read32(program, info) == BIND_BYTES && routines != 0 && routines < MOST_ROUTINES &&
            is_component(program, name)) {
            return table;
        }
    }
    return 0;
}
