/* SPDX-License-Identifier: MIT */
/*
 * Who holds what: records of locks, latest first, while tracking is on.
 *
 * The count of a section and its records are not changed in one step; a reader between the two sees
 * one more or one less.
 */
#include "native/native.h"

#include <stdatomic.h>

#include "base/host.h"

struct record {
    struct record *next;
    pg_handle handle;
    struct pagable_holder holder;
};

struct native_gate native_track_gate;

struct pg_space *_Atomic native_fast;

static struct record *records; /* under the gate */
static _Atomic bool tracking;

bool native_tracking(void)
{
    return atomic_load_explicit(&tracking, memory_order_relaxed);
}

static void drop(struct record **link)
{
    struct record *record = *link;

    *link = record->next;
    host.release(record);
}

void native_fast_update(void)
{
    native_gate_enter(&native_track_gate);
    atomic_store_explicit(&native_fast, native_tracking() ? NULL : native_space(),
                          memory_order_release);
    native_gate_leave(&native_track_gate);
}

void pagable_track(bool on)
{
    atomic_store_explicit(&tracking, on, memory_order_relaxed);
    native_fast_update();
    native_gate_enter(&native_track_gate);
    while (!on && records != NULL) {
        drop(&records);
    }
    native_gate_leave(&native_track_gate);
}

static bool count_up(pg_handle handle, const void *site, uint64_t thread)
{
    struct record **link = &records;
    struct record *record;

    while (*link != NULL && ((*link)->handle != handle || (*link)->holder.site != site ||
                             (*link)->holder.thread != thread)) {
        link = &(*link)->next;
    }
    record = *link;
    if (record != NULL) {
        *link = record->next;
    } else {
        record = host.allocate(sizeof *record);
        if (record == NULL) {
            return false;
        }
        record->handle = handle;
        record->holder = (struct pagable_holder){.site = site, .thread = thread};
    }
    record->holder.count++;
    record->next = records;
    records = record;
    return true;
}

/* A lock that is taken stays taken, recorded or not. */
static void count_untracked(pg_handle handle)
{
    struct native_object *object;
    uint32_t index;

    native_gate_enter(&native_list_gate);
    if (native_section_of(handle, &object, &index) == PG_OK) {
        native_gate_enter(&object->gate);
        object->sections[index].untracked++;
        native_gate_leave(&object->gate);
    }
    native_gate_leave(&native_list_gate);
}

void native_track_lock(pg_handle handle, const void *site)
{
    bool recorded;

    native_gate_enter(&native_track_gate);
    recorded = count_up(handle, site, native_thread());
    native_gate_leave(&native_track_gate);
    if (!recorded) {
        count_untracked(handle);
    }
}

void native_track_unlock(pg_handle handle)
{
    uint64_t thread = native_thread();
    struct record **found = NULL;

    native_gate_enter(&native_track_gate);
    for (struct record **link = &records; *link != NULL; link = &(*link)->next) {
        if ((*link)->handle == handle && (found == NULL || (*link)->holder.thread == thread)) {
            found = link;
            if ((*link)->holder.thread == thread) {
                break;
            }
        }
    }
    if (found != NULL && --(*found)->holder.count == 0) {
        drop(found);
    }
    native_gate_leave(&native_track_gate);
}

void native_track_forget(pg_handle handle)
{
    struct record **link = &records;

    native_gate_enter(&native_track_gate);
    while (*link != NULL) {
        if ((*link)->handle == handle) {
            drop(link);
        } else {
            link = &(*link)->next;
        }
    }
    native_gate_leave(&native_track_gate);
}

pg_status pagable_holders(pg_handle handle, struct pagable_holder *holders, size_t room,
                          size_t *count)
{
    struct native_object *object;
    uint32_t index;
    pg_status status;

    native_gate_enter(&native_list_gate);
    status = native_section_of(handle, &object, &index);
    if (status == PG_OK) {
        *count = 0;
        native_gate_enter(&native_track_gate);
        for (const struct record *record = records; record != NULL; record = record->next) {
            if (record->handle != handle) {
                continue;
            }
            if (*count < room) {
                holders[*count] = record->holder;
            }
            (*count)++;
        }
        native_gate_leave(&native_track_gate);
    }
    native_gate_leave(&native_list_gate);
    return status;
}
