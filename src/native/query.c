/* SPDX-License-Identifier: MIT */
/* What is known of sections. */
#include "native/native.h"

#include <stdio.h>

#include "native/residency.h"

static pg_status count_run(void *context, uint64_t address, uint64_t pages,
                           enum residency_state state)
{
    uint32_t *resident = context;

    (void)address;
    *resident += state == RESIDENCY_OUT ? 0 : (uint32_t)pages;
    return PG_OK;
}

/* Holding [L]. */
static pg_status describe(struct native_object *object, uint32_t index, struct pagable_info *out)
{
    const struct native_section *section = &object->sections[index];
    uint64_t first = native_page_down(section->start);
    uint64_t end = native_page_up(section->end);
    struct pg_section_info counted;
    pg_status status = pg_section_query(object->image, index, &counted);

    if (status != PG_OK) {
        return native_error(status, "%s of %s: %s", section->name, object->path,
                            pg_status_text(status));
    }
    native_gate_enter(&object->gate);
    *out = (struct pagable_info){
        .object = object->path,
        .kind = section->class,
        .handle = counted.handle,
        .base = section->start,
        .bytes = section->end - section->start,
        .pages = (uint32_t)((end - first) / PG_PAGE_SIZE),
        .lock_count = counted.lock_count,
        .untracked_locks = section->untracked,
        .executable = section->executable,
        .writable = section->writable,
        .discarded = section->discarded,
        .unpinned = section->unpinned,
    };
    (void)snprintf(out->name, sizeof out->name, "%.*s", PAGABLE_NAME_BYTES - 1, section->name);
    status = residency_walk(first, out->pages, count_run, &out->resident_pages, &out->estimated);
    native_gate_leave(&object->gate);
    return status;
}

pg_status pagable_query(pg_handle handle, struct pagable_info *out)
{
    struct native_object *object;
    struct pagable_info info;
    uint32_t index;
    pg_status status;

    native_gate_enter(&native_list_gate);
    status = native_section_of(handle, &object, &index);
    if (status == PG_OK) {
        status = describe(object, index, &info);
    }
    native_gate_leave(&native_list_gate);
    if (status == PG_OK) {
        *out = info;
    }
    return status;
}

static pg_status handle_of(uint64_t address, uint32_t index, pg_handle *handle)
{
    const struct native_object *object;
    pg_status status = PG_E_NOT_FOUND;

    native_gate_enter(&native_list_gate);
    object = native_object_at(address);
    if (object != NULL && index < object->count) {
        *handle = object->sections[index].handle;
        status = PG_OK;
    }
    native_gate_leave(&native_list_gate);
    return status;
}

pg_status pagable_each(const void *address,
                       bool (*visit)(const struct pagable_info *info, void *context), void *context)
{
    pg_status status = native_attach((uintptr_t)address);

    /* One at a time: `visit` may lock, trim and query, which take the gate. */
    for (uint32_t i = 0; status == PG_OK; i++) {
        struct pagable_info info;
        pg_handle handle;

        if (handle_of((uintptr_t)address, i, &handle) != PG_OK) {
            break;
        }
        status = pagable_query(handle, &info);
        if (status == PG_OK && !visit(&info, context)) {
            break;
        }
    }
    return status;
}
