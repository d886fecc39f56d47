/* SPDX-License-Identifier: MIT */
/*
 * Objects come and go.  An object is attached when an address in it is first used, and detached on
 * request, by its own destructor (pagable_leave_ in native.h), or when it is found to be gone.
 */
#include "native/native.h"

#include <stdatomic.h>

#include "base/host.h"

#define LIMIT_MAX (1u << 20)

struct native_gate native_list_gate;
struct native_object *native_objects;

static _Atomic(struct pg_space *) space;
static uint32_t object_limit = 256, section_limit = 4096; /* [L] */
static uint64_t unloads_seen;                             /* [L] */

/* Before main, and so before any other thread: a gate cannot be made at its first use. */
__attribute__((constructor(101))) static void gates_init(void)
{
    native_gate_init(&native_list_gate);
    native_gate_init(&native_track_gate);
}

struct pg_space *native_space(void)
{
    /* Acquire: the space was filled before it was published. */
    return atomic_load_explicit(&space, memory_order_acquire);
}

static pg_status space_make(void)
{
    /* Two images for an object, see native.h; the cover has one section. */
    uint32_t images = 2 * object_limit, sections = section_limit + object_limit;
    size_t bytes = pg_space_bytes(images, sections);
    void *memory;
    struct pg_space *made;
    pg_status status = native_fork_watch();

    if (status != PG_OK) {
        return status;
    }
    memory = host.allocate(bytes);
    if (memory == NULL) {
        return native_error(PG_E_NO_MEMORY, "no memory for %u objects with %u sections",
                            object_limit, section_limit);
    }
    status = pg_space_init(memory, bytes, images, sections, &native_services, &made);
    if (status != PG_OK) {
        host.release(memory);
        return native_error(status, "%u objects with %u sections: %s", object_limit, section_limit,
                            pg_status_text(status));
    }
    atomic_store_explicit(&space, made, memory_order_release);
    native_fast_update();
    return PG_OK;
}

struct pg_space *native_start(void)
{
    struct pg_space *there = native_space();

    if (there == NULL) {
        native_gate_enter(&native_list_gate);
        if (native_space() == NULL) {
            (void)space_make();
        }
        there = native_space();
        native_gate_leave(&native_list_gate);
    }
    return there;
}

pg_status pagable_limits(uint32_t objects, uint32_t sections)
{
    pg_status status = PG_OK;

    if (objects == 0 || sections == 0 || objects > LIMIT_MAX || sections > LIMIT_MAX) {
        return native_error(PG_E_ARG, "%u objects and %u sections: both must be from 1 to %u",
                            objects, sections, LIMIT_MAX);
    }
    native_gate_enter(&native_list_gate);
    if (native_space() != NULL) {
        status = native_error(PG_E_BUSY, "limits cannot be changed after the first use");
    } else {
        object_limit = objects;
        section_limit = sections;
    }
    native_gate_leave(&native_list_gate);
    return status;
}

struct native_object *native_object_at(uint64_t address)
{
    struct native_object *object = native_objects;

    while (object != NULL && (address < object->base || address >= object->end)) {
        object = object->next;
    }
    return object;
}

/* Holding [L].  `there`: its memory still is what it was. */
static uint32_t forget(struct native_object **link, bool there)
{
    struct native_object *object = *link;
    uint32_t left;

    for (uint32_t i = 0; i < object->count; i++) {
        native_track_forget(object->sections[i].handle);
        native_gate_enter(&object->gate);
        if (there && object->sections[i].pinned) {
            native_unpin(object, i);
        }
        native_gate_leave(&object->gate);
    }
    native_late_remove(object->base, object->end);
    left = pg_image_remove(object->image);
    (void)pg_image_remove(object->cover);
    *link = object->next;
    native_object_free(object);
    return left;
}

void native_sweep(void)
{
    struct native_object **link = &native_objects;
    uint64_t unloads = native_unload_count();

    if (unloads == unloads_seen) {
        return;
    }
    unloads_seen = unloads;
    while (*link != NULL) {
        if (native_is_loaded(*link)) {
            link = &(*link)->next;
        } else {
            (void)forget(link, false);
        }
    }
}

static pg_status add_both(struct native_object *object)
{
    uint32_t count = object->count;
    pg_status status =
        pg_image_add(native_space(), native_key(object, 0), (uint64_t)count * PG_PAGE_SIZE,
                     object->described, count, object, &object->image);

    for (uint32_t i = 0; status == PG_OK && i < count; i++) {
        struct pg_section_info info = {0};

        status = pg_section_query(object->image, i, &info);
        object->sections[i].handle = info.handle;
    }
    if (status == PG_OK) { /* last: from now on others find the object */
        status = pg_image_add(native_space(), object->base, object->end - object->base,
                              &object->described[count], 1, object, &object->cover);
        if (status != PG_OK) {
            (void)pg_image_remove(object->image);
        }
    }
    return status;
}

/* Holding [L]. */
static pg_status image_add(struct native_object *object)
{
    pg_status status = object->count != 0 ? add_both(object) : PG_E_NO_SECTION;

    if (status == PG_E_LIMIT) {
        return native_error(status,
                            "%s: its %u sections do not fit: %u objects with %u sections in all "
                            "are allowed (pagable_limits)",
                            object->path, object->count, object_limit, section_limit);
    }
    if (status != PG_OK) {
        return native_error(status, "%s: %s", object->path, pg_status_text(status));
    }
    object->next = native_objects;
    native_objects = object;
    return PG_OK;
}

pg_status native_handle_at(uint64_t address, pg_handle *handle)
{
    struct pg_space *there = native_space();
    struct pg_image *cover = there != NULL ? pg_image_find(there, address) : NULL;
    const struct native_object *object;
    uint32_t low = 0, high;

    if (cover == NULL) {
        return PG_E_NO_IMAGE;
    }
    object = pg_image_owner(cover);
    high = object->count;
    while (low <
           high) { /* sections below `low` end at or before the address, from `high` on after */
        uint32_t middle = low + (high - low) / 2;

        if (object->sections[middle].end <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == object->count || object->sections[low].start > address) {
        return PG_E_NO_SECTION;
    }
    *handle = object->sections[low].handle;
    return PG_OK;
}

static pg_status attach_loaded(uint64_t address)
{
    struct native_loaded loaded;
    struct native_object *object;
    pg_status status = native_loaded_at(address, &loaded);

    if (status != PG_OK) {
        return status;
    }
    status = native_object_read(&loaded, &object);
    host.release(loaded.phdrs);
    if (status == PG_OK) {
        status = image_add(object);
        if (status != PG_OK) {
            native_object_free(object);
        }
    }
    return status;
}

pg_status native_attach(uint64_t address)
{
    pg_status status = PG_OK;

    if (native_start() == NULL) {
        return PG_E_NO_MEMORY;
    }
    native_gate_enter(&native_list_gate);
    native_sweep();
    if (native_object_at(address) == NULL) {
        status = attach_loaded(address);
    }
    native_gate_leave(&native_list_gate);
    return status;
}

pg_status pagable_attach(const void *address)
{
    return native_attach((uintptr_t)address);
}

static pg_status detach(uint64_t address, uint32_t *left, bool even_program)
{
    struct native_object **link = &native_objects;
    pg_status status = PG_E_NO_IMAGE;

    native_gate_enter(&native_list_gate);
    while (*link != NULL && (address < (*link)->base || address >= (*link)->end)) {
        link = &(*link)->next;
    }
    if (*link != NULL && (even_program || !(*link)->program)) {
        *left = forget(link, true);
        status = PG_OK;
    }
    native_gate_leave(&native_list_gate);
    return status;
}

pg_status pagable_detach(const void *address, uint32_t *left)
{
    uint32_t unused;
    pg_status status = detach((uintptr_t)address, left != NULL ? left : &unused, true);

    if (status != PG_OK) {
        (void)native_error(status, "%p lies in no attached object", address);
    }
    return status;
}

/* Of a program that ends the sections stay as they are: other threads may still run in them. */
void pagable_leaving(const void *address)
{
    uint32_t unused;

    (void)detach((uintptr_t)address, &unused, false);
}

pg_status native_section_of(pg_handle handle, struct native_object **object, uint32_t *index)
{
    struct pg_space *there = native_space();
    struct pg_image *image;
    pg_status status = PG_E_STALE;

    native_sweep();
    if (there != NULL) {
        status = pg_handle_query(there, handle, &image, index);
    }
    if (status != PG_OK) {
        return native_error(status, "handle 0x%llx: %s", (unsigned long long)handle,
                            pg_status_text(status));
    }
    *object = pg_image_owner(image);
    return PG_OK;
}
