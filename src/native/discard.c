/* SPDX-License-Identifier: MIT */
/*
 * INIT sections: given back for ever.
 *
 * Their whole pages are replaced by a mapping with no memory and no access, so that later use
 * faults; names of what was there are read before, for the report (fault_linux.c).  All that can
 * fail comes before the core is told.
 */
#include "native/native.h"

#include "base/host.h"

/* Names only make the report better: a file that changed or cannot be read is no failure here. */
static void names_read(const struct native_object *object, const struct native_section *section,
                       struct elf_names *names)
{
    struct native_loaded loaded;
    struct elf_file file;
    char path[NATIVE_PATH_BYTES];

    *names = (struct elf_names){0};
    if (native_loaded_at(section->start, &loaded) != PG_OK) {
        return;
    }
    if (native_file_open(&loaded, path, &file) == PG_OK) {
        if (elf_names_read(&file, section->start - object->bias, section->end - object->bias,
                           names) != PG_OK) {
            *names = (struct elf_names){0};
        }
        elf_close(&file);
    }
    host.release(loaded.phdrs);
}

/* Holding [L] and [O]. */
static pg_status give_back(const struct native_object *object, const struct native_section *section)
{
    uint64_t first = native_page_up(section->start);
    uint64_t end = native_page_down(section->end);
    struct elf_names names;
    pg_status status;

    if (first >= end) {
        return PG_OK;
    }
    names_read(object, section, &names);
    status = native_late_add(object, section, &names);
    if (status != PG_OK) {
        elf_names_free(&names);
        return status;
    }
    if (host.discard(first, end - first) != 0) {
        native_late_remove(section->start, section->end);
        return native_error(PG_E_NO_MEMORY, "%s of %s: its pages cannot be replaced", section->name,
                            object->path);
    }
    return PG_OK;
}

/* Holding [L].  Sections before the one that fails are gone. */
static pg_status discard_object(struct native_object *object)
{
    pg_status status = PG_OK;

    native_gate_enter(&object->gate);
    for (uint32_t i = 0; status == PG_OK && i < object->count; i++) {
        struct native_section *section = &object->sections[i];

        if (section->class == PG_DISCARDABLE && !section->discarded) {
            status = give_back(object, section);
            section->discarded = status == PG_OK;
        }
    }
    native_gate_leave(&object->gate);
    if (status == PG_OK) {
        pg_discard_init(object->image);
    }
    return status;
}

pg_status pagable_discard_init(const void *address)
{
    pg_status status = native_attach((uintptr_t)address);
    struct native_object *object;

    if (status != PG_OK) {
        return status;
    }
    native_gate_enter(&native_list_gate);
    object = native_object_at((uintptr_t)address);
    status =
        object != NULL ? discard_object(object) : native_explain_address(PG_E_NO_IMAGE, address);
    native_gate_leave(&native_list_gate);
    return status;
}
