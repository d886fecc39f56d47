/* SPDX-License-Identifier: MIT */
/* Where an address lies, as the rules ask it. */
#include "verify/private.h"

#include <stdio.h>
#include <string.h>

bool where_pageable(uint64_t address, struct pg_section_info *info)
{
    const struct module *module = module_at(address);
    int64_t section = module == NULL ? -1 : pg_section_find(module->sections, address);

    return section >= 0 && pg_section_query(module->sections, (uint32_t)section, info) == PG_OK &&
           info->pageable_now && !info->discarded;
}

static bool in_paged_pool(uint64_t address)
{
    return address - ARENA_PAGED < ARENA_PAGED_BYTES;
}

bool where_pageable_data(uint64_t address)
{
    struct pg_section_info info;

    if (address - ARENA_NONPAGED < ARENA_NONPAGED_BYTES ||
        address - ARENA_STACKS < ARENA_STACKS_BYTES) {
        return false;
    }
    return in_paged_pool(address) || where_pageable(address, &info);
}

void where_describe(uint64_t address, char *text, size_t size)
{
    const struct module *module = module_at(address);

    if (module != NULL) {
        (void)snprintf(text, size, "section %s of %s", machine_section_name(address), module->name);
    } else {
        (void)snprintf(text, size, "%s",
                       in_paged_pool(address) ? "paged pool" : "memory of no driver");
    }
}

void where_function(uint64_t address, uint64_t *base, uint64_t *bytes)
{
    const struct module *module = module_at(address);
    struct image_function function;

    *base = address;
    *bytes = 1;
    if (module != NULL &&
        image_function_find(&module->image, (uint32_t)(address - module->base), &function)) {
        *base = module->base + function.begin_rva;
        *bytes = function.end_rva - function.begin_rva;
    }
}

bool where_peek(uint64_t address, void *to, size_t bytes)
{
    uint64_t last = address + bytes - 1;

    if (address == 0 || last < address || machine_would_fault(address, PAGER_READ) ||
        machine_would_fault(last, PAGER_READ)) {
        return false;
    }
    memcpy(to, machine_pointer(address), bytes);
    return true;
}
