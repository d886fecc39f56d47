/* SPDX-License-Identifier: MIT */
/*
 * A forked child keeps its parent's counts and handles, but the kernel does not let it inherit
 * locked memory.  So the child locks again what is pinned, at once: its locks stay true.  Where
 * that fails (its limit, its memory), the section is marked and pagable_check_locked says so.
 *
 * The gates are held over the fork, so that the child finds native's own state whole, and the
 * loader's lock free of us.  But other threads may be inside the core, on the way into a first lock
 * or out of a last unlock.  The child has no such threads: what they were about never happened, or
 * is over, and their section is out.
 *
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

static void leave_objects(void)
{
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        native_gate_leave(&object->gate);
    }
    native_gate_leave(&native_list_gate);
}

static void after(void)
{
    native_gate_leave(&native_track_gate);
    leave_objects();
}

/* All sections first: whether a page is a neighbour's too (pin.c) is known only then. */
static void settle(struct native_object *object)
{
    for (uint32_t i = 0; i < object->count; i++) {
        struct native_section *section = &object->sections[i];

        section->lingering = false;
        if (!pg_section_settle(object->image, i)) {
            section->pinned = section->unpinned = false;
            native_track_forget(section->handle); /* of an unlock that got no further */
        }
    }
}

static void pin_again(struct native_object *object)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (object->sections[i].pinned && native_pin(object, i) != PG_OK) {
            object->sections[i].unpinned = true;
        }
    }
}

static void after_in_child(void)
{
    native_gate_leave(&native_track_gate);
    residency_forked();
    for (struct native_object *object = native_objects; object != NULL; object = object->next) {
        settle(object);
        pin_again(object);
    }
    leave_objects();
}

pg_status native_fork_watch(void)
{
    if (!watching && pthread_atfork(before, after, after_in_child) != 0) {
        return native_error(PG_E_NO_MEMORY, "no memory to follow forks");
    }
    watching = true;
    return PG_OK;
}
