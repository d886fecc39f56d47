/* SPDX-License-Identifier: MIT */
/*
 * Trim: pages leave the process, and nothing is lost.
 *
 * Code and constants: pages that are the file's are dropped (the page cache keeps its copy, and
 * another access maps it again); pages that somebody modified (a breakpoint, text that was moved to
 * huge anonymous pages) are this process's own and stay.  Nobody writes there meanwhile, as the
 * segment is not writable.
 *
 * Data can be written between a look and a drop, so it is never dropped: the kernel is asked to
 * write it out (MADV_PAGEOUT), which loses nothing and does nothing without swap.
 *
 * Only whole pages inside the section are touched: the pages at its edges may be a neighbour's.
 *
 * Text on huge pages.  Those of the page cache (tmpfs, khugepaged) are split by the kernel wherever
 * a drop begins or ends.  Those of hugetlbfs leave in whole or not at all: the kernel refuses a
 * drop that begins inside one, and leaves one out, with success, in which it ends.  What stays is
 * kept.
 */
#include "native/native.h"

#include <errno.h>
#include <string.h>

#include "base/host.h"
#include "native/maps.h"
#include "native/residency.h"

#define HUGE_BYTES (UINT64_C(2) << 20) /* the smallest that hugetlbfs has */

struct trim {
    const struct native_object *object;
    const struct native_section *section;
    struct pagable_trimmed done;
};

static pg_status refused(const struct trim *trim, int error)
{
    if (error == EINVAL) { /* what madvise says of locked memory */
        return native_error(PG_E_BUSY,
                            "%s of %s: the program locked these pages by other means (mlock, "
                            "mlockall)",
                            trim->section->name, trim->object->path);
    }
    return native_error(PG_E_IO, "%s of %s: cannot trim: %s", trim->section->name,
                        trim->object->path, strerror(error));
}

static pg_status count_run(void *context, uint64_t address, uint64_t pages,
                           enum residency_state state)
{
    uint64_t *resident = context;

    (void)address;
    *resident += state == RESIDENCY_OUT ? 0 : pages;
    return PG_OK;
}

static pg_status drop_run(void *context, uint64_t address, uint64_t pages,
                          enum residency_state state)
{
    struct trim *trim = context;
    uint64_t left = 0;
    bool estimated;
    pg_status status = PG_OK;
    int error;

    if (state == RESIDENCY_PRIVATE) {
        trim->done.kept += pages;
    }
    if (state != RESIDENCY_FILE) {
        return PG_OK;
    }
    error = -host.forget(address, pages * PG_PAGE_SIZE);
    if (error == EINVAL && maps_is_huge(address)) {
        left = pages;
    } else if (error != 0) {
        return refused(trim, error);
    } else if (address % HUGE_BYTES == 0) {
        status = residency_walk(address, pages, count_run, &left, &estimated);
    }
    trim->done.given_back += pages - left;
    trim->done.kept += left;
    return status;
}

static pg_status push_out(struct trim *trim, uint64_t first, uint64_t pages)
{
    uint64_t before = 0, after = 0;
    bool estimated;
    int error;
    pg_status status = residency_walk(first, pages, count_run, &before, &estimated);

    if (status != PG_OK) {
        return status;
    }
    error = -host.push_out(first, pages * PG_PAGE_SIZE);
    if (error != 0 && !(error == EINVAL && maps_is_huge(first))) {
        return refused(trim, error);
    }
    status = residency_walk(first, pages, count_run, &after, &estimated);
    if (status == PG_OK) {
        /* Another thread may have touched more pages than left. */
        trim->done.given_back += before > after ? before - after : 0;
        trim->done.kept += after;
    }
    return status;
}

/* Holding [L] and [O]; the section is neither pinned nor discarded. */
static pg_status trim_section(struct native_object *object, uint32_t index,
                              struct pagable_trimmed *done)
{
    struct native_section *section = &object->sections[index];
    struct trim trim = {.object = object, .section = section};
    uint64_t first = native_page_up(section->start);
    uint64_t end = native_page_down(section->end);
    bool estimated;
    pg_status status = PG_OK;

    if (section->lingering) {
        native_unpin(object, index);
    }
    if (first < end) {
        uint64_t pages = (end - first) / PG_PAGE_SIZE;

        status = section->writable ? push_out(&trim, first, pages)
                                   : residency_walk(first, pages, drop_run, &trim, &estimated);
    }
    done->sections++;
    done->given_back += trim.done.given_back;
    done->kept += trim.done.kept;
    return status;
}

pg_status pagable_trim(pg_handle handle, struct pagable_trimmed *done)
{
    struct pagable_trimmed unused = {0};
    struct native_object *object;
    uint32_t index;
    pg_status status;

    native_gate_enter(&native_list_gate);
    status = native_section_of(handle, &object, &index);
    if (status == PG_OK) {
        const struct native_section *section = &object->sections[index];

        native_gate_enter(&object->gate);
        if (section->discarded) {
            status =
                native_error(PG_E_DISCARDED, "%s of %s was discarded", section->name, object->path);
        } else if (section->pinned) {
            status = native_error(PG_E_BUSY, "%s of %s is locked", section->name, object->path);
        } else {
            status = trim_section(object, index, done != NULL ? done : &unused);
        }
        native_gate_leave(&object->gate);
    }
    native_gate_leave(&native_list_gate);
    return status;
}

/* Holding [L]. */
static pg_status trim_object(struct native_object *object, struct pagable_trimmed *done)
{
    pg_status first_failure = PG_OK;

    native_gate_enter(&object->gate);
    for (uint32_t i = 0; i < object->count; i++) {
        const struct native_section *section = &object->sections[i];
        pg_status status = PG_OK;

        if (section->class == PG_DISCARDABLE ||
            (section->class == PG_RESIDENT && !object->entire)) {
            continue;
        }
        if (section->pinned) {
            done->locked++;
        } else {
            status = trim_section(object, i, done);
        }
        first_failure = first_failure == PG_OK ? status : first_failure;
    }
    native_gate_leave(&object->gate);
    return first_failure;
}

pg_status pagable_trim_all(struct pagable_trimmed *done)
{
    struct pagable_trimmed unused = {0};
    pg_status first_failure = PG_OK;

    native_gate_enter(&native_list_gate);
    native_sweep();
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        pg_status status = trim_object(object, done != NULL ? done : &unused);

        first_failure = first_failure == PG_OK ? status : first_failure;
    }
    native_gate_leave(&native_list_gate);
    return first_failure;
}

static pg_status set_entire(uintptr_t address, bool entire)
{
    pg_status status = native_attach(address);
    struct native_object *object;

    if (status != PG_OK) {
        return status;
    }
    native_gate_enter(&native_list_gate);
    object = native_object_at(address);
    if (object == NULL) { /* detached by another thread since */
        status = native_explain_address(PG_E_NO_IMAGE, (const void *)address);
    } else {
        native_gate_enter(&object->gate);
        object->entire = entire;
        native_gate_leave(&object->gate);
    }
    native_gate_leave(&native_list_gate);
    return status;
}

pg_status pagable_page_entire(const void *address)
{
    return set_entire((uintptr_t)address, true);
}

pg_status pagable_reset_paging(const void *address)
{
    return set_entire((uintptr_t)address, false);
}
