/* SPDX-License-Identifier: MIT */
/*
 * A forked child keeps its parent's counts and handles, but the kernel does not let it inherit
 * locked memory.  So the child locks again what is pinned, at once: its locks stay true.  Where
 * that fails (its limit, its memory), the section is marked and pagable_check_locked says so.
 *
 * The gates are held over the fork, so that the child finds native's own state whole.
 * posix_spawn, vfork, system and popen run none of this.
 */
#include "native/native.h"

#include <pthread.h>

#include "native/residency.h"

static bool watching; /* [L] */

static void before(void)
{
    native_gate_enter(&native_list_gate);
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        native_gate_enter(&object->gate);
    }
    native_gate_enter(&native_track_gate);
}

static void after(void)
{
    native_gate_leave(&native_track_gate);
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        native_gate_leave(&object->gate);
    }
    native_gate_leave(&native_list_gate);
}

static void after_in_child(void)
{
    residency_forked();
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        for (uint32_t i = 0; i < object->count; i++) {
            struct native_section *section = &object->sections[i];

            section->lingering = false;
            if (section->pinned && native_pin(object, i) != PG_OK) {
                section->unpinned = true;
            }
        }
    }
    after();
}

pg_status native_fork_watch(void)
{
    if (!watching && pthread_atfork(before, after, after_in_child) != 0) {
        return native_error(PG_E_NO_MEMORY, "no memory to follow forks");
    }
    watching = true;
    return PG_OK;
}
