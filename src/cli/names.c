/* SPDX-License-Identifier: MIT */
/* Places in drivers and in the system -> function, file and line. */
#include <string.h>

#include "cli/cli.h"
#include "nt/nt.h"

#define MODULE_NAME_MAX (sizeof((struct code_place *)0)->module - 1)

static struct input *find(const struct names *names, const char *module)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strncmp(names->inputs[i].name, module, MODULE_NAME_MAX) == 0) {
            return &names->inputs[i];
        }
    }
    return NULL;
}

static bool in_system(const struct code_place *place, struct resolved_place *out)
{
    uint32_t offset;
    const char *name = nt_export_name_at(place->rva, &offset);

    if (name == NULL) {
        return false;
    }
    *out = (struct resolved_place){.function = name, .offset = offset, .section = ""};
    return true;
}

static bool place_names(void *context, const struct code_place *place, bool returns,
                        struct resolved_place *out)
{
    struct input *input = find(context, place->module);
    uint32_t rva = (uint32_t)place->rva, back = returns && rva != 0 ? 1 : 0;
    const struct image_section *section;
    const struct symbols *symbols;
    struct symbol_place found;

    if (input == NULL) {
        return strcmp(place->module, "ntoskrnl.exe") == 0 && in_system(place, out);
    }
    symbols = input_symbols(input);
    if (place->rva > UINT32_MAX || symbols == NULL ||
        !symbols_lookup(symbols, rva - back, &found)) {
        return false;
    }
    section = image_section_at(&input->image, rva - back);
    *out = (struct resolved_place){.function = found.function,
                                   .offset = found.offset + back,
                                   .file = found.file,
                                   .line = found.line,
                                   .section = section != NULL ? section->name : ""};
    return true;
}

struct resolver names_resolver(struct names *names)
{
    return (struct resolver){.context = names, .place = place_names};
}
