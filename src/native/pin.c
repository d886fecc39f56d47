/* SPDX-License-Identifier: MIT */
/*
 * The core's services: a locked section is one whose pages are mlocked.
 *
 * mlock brings every page in (and gives writable private pages their own copy), so no access to a
 * locked section faults.  It does not nest: pages at the edges are shared with neighbours, and stay
 * locked while any section that touches them is pinned.
 */
#include "native/native.h"

#include <errno.h>
#include <string.h>

#include "base/host.h"
#include "native/maps.h"

uint64_t native_page_down(uint64_t address)
{
    return address & ~(uint64_t)(PG_PAGE_SIZE - 1);
}

uint64_t native_page_up(uint64_t address)
{
    return native_page_down(address + PG_PAGE_SIZE - 1);
}

/* Whether another section's pin needs this page.  Sections are in order, so those that touch it
 * are adjacent. */
static bool page_is_shared(const struct native_object *object, uint32_t index, uint64_t page)
{
    const struct native_section *list = object->sections;

    for (uint32_t i = index; i-- > 0 && list[i].end > page;) {
        if (list[i].pinned) {
            return true;
        }
    }
    for (uint32_t i = index + 1; i < object->count && list[i].start < page + PG_PAGE_SIZE; i++) {
        if (list[i].pinned) {
            return true;
        }
    }
    return false;
}

/* The pages that are this section's alone to unlock: none when *first == *end. */
static void own_pages(const struct native_object *object, uint32_t index, uint64_t *first,
                      uint64_t *end)
{
    *first = native_page_down(object->sections[index].start);
    *end = native_page_up(object->sections[index].end);
    if (page_is_shared(object, index, *first)) {
        *first += PG_PAGE_SIZE;
    }
    if (*first < *end && page_is_shared(object, index, *end - PG_PAGE_SIZE)) {
        *end -= PG_PAGE_SIZE;
    }
}

static bool unlock_own(struct native_object *object, uint32_t index)
{
    uint64_t first, end;

    own_pages(object, index, &first, &end);
    return first == end || host.unlock_memory(first, end - first) == 0;
}

static pg_status explain_failure(const struct native_object *object,
                                 const struct native_section *section, uint64_t bytes, int error)
{
    uint64_t limit, locked = maps_locked(), need = locked + bytes;

    /* EPERM: the limit is 0.  ENOMEM and EAGAIN have other causes too. */
    if (host.lock_limit(&limit) == 0 && limit != UINT64_MAX && (error == EPERM || need > limit)) {
        return native_error(PG_E_LIMIT,
                            "cannot lock %s of %s: RLIMIT_MEMLOCK is %llu bytes, %llu are locked "
                            "already, and this needs %llu more; raise it to %llu (ulimit -l %llu)",
                            section->name, object->path, (unsigned long long)limit,
                            (unsigned long long)locked, (unsigned long long)bytes,
                            (unsigned long long)need, (unsigned long long)(need / 1024));
    }
    return native_error(PG_E_NO_MEMORY, "cannot lock %s of %s (%llu bytes): %s", section->name,
                        object->path, (unsigned long long)bytes, strerror(error));
}

pg_status native_pin(struct native_object *object, uint32_t index)
{
    struct native_section *section = &object->sections[index];
    uint64_t first = native_page_down(section->start);
    uint64_t bytes = native_page_up(section->end) - first;
    int error = -host.lock_memory(first, bytes);

    if (error != 0) {
        (void)unlock_own(object, index); /* what it locked before it failed */
        return explain_failure(object, section, bytes, error);
    }
    section->pinned = true;
    section->lingering = section->unpinned = false;
    return PG_OK;
}

void native_unpin(struct native_object *object, uint32_t index)
{
    struct native_section *section = &object->sections[index];

    section->pinned = section->unpinned = false;
    section->lingering = !unlock_own(object, index);
}

static pg_status page_in(void *context, struct pg_image *image, uint32_t index)
{
    struct native_object *object = pg_image_owner(image);
    pg_status status;

    (void)context;
    native_gate_enter(&object->gate); /* first: a fork must not catch us with the loader's lock */
    status = native_is_loaded(object) ? native_pin(object, index)
                                      : native_error(PG_E_CHANGED, "%s was unloaded", object->path);
    native_gate_leave(&object->gate);
    return status;
}

/* The kernel refuses an unlock only when it is short of memory for its own tables; the pages then
 * stay locked, and the next trim or lock sets it right. */
static void allow_out(void *context, struct pg_image *image, uint32_t index)
{
    struct native_object *object = pg_image_owner(image);

    (void)context;
    native_gate_enter(&object->gate);
    native_unpin(object, index);
    native_gate_leave(&object->gate);
}

/* The memory is gone already: pagable_discard_init could have failed there, this cannot. */
static void discard(void *context, struct pg_image *image, uint32_t index)
{
    struct native_object *object = pg_image_owner(image);

    (void)context;
    native_gate_enter(&object->gate);
    object->sections[index].discarded = true;
    native_gate_leave(&object->gate);
}

static void relax(void *context)
{
    (void)context;
    native_yield();
}

const struct pg_services native_services = {
    .page_in = page_in,
    .allow_out = allow_out,
    .discard = discard,
    .relax = relax,
};
