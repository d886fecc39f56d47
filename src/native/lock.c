/* SPDX-License-Identifier: MIT */
/* Lock and unlock: the core's operations, with attachment before and explanations after. */
#include "native/native.h"

#include <stdio.h>
#include <stdlib.h>

/* A service found that the object is gone: its handles are stale. */
static pg_status failed(pg_status status, pg_handle handle)
{
    return native_explain(status == PG_E_CHANGED ? PG_E_STALE : status, handle);
}

/* Not one atomic operation: the section was not locked, the call failed, or locks are recorded. */
__attribute__((noinline)) static pg_status lock_slowly(pg_handle handle, const void *site)
{
    struct pg_space *space = native_space();
    pg_status status = space != NULL ? pg_lock_handle(space, handle) : PG_E_STALE;

    if (status != PG_OK) {
        return failed(status, handle);
    }
    if (native_tracking()) {
        native_track_lock(handle, site);
    }
    return PG_OK;
}

__attribute__((noinline)) static pg_status unlock_slowly(pg_handle handle)
{
    struct pg_space *space = native_space();
    pg_status status = space != NULL ? pg_unlock(space, handle) : PG_E_STALE;

    if (status != PG_OK) {
        return failed(status, handle);
    }
    if (native_tracking()) {
        native_track_unlock(handle);
    }
    return PG_OK;
}

/* The two that programs call often: with tracking off a success is the core's and nothing else.
 * A failure has changed nothing, so it may be had twice. */
pg_status pagable_lock(pg_handle handle)
{
    struct pg_space *space = native_fast_space();

    if (space != NULL && pg_lock_handle(space, handle) == PG_OK) {
        return PG_OK;
    }
    return lock_slowly(handle, __builtin_return_address(0));
}

pg_status pagable_unlock(pg_handle handle)
{
    struct pg_space *space = native_fast_space();

    if (space != NULL && pg_unlock(space, handle) == PG_OK) {
        return PG_OK;
    }
    return unlock_slowly(handle);
}

static pg_status lock_known(uint64_t address, pg_handle *handle)
{
    pg_status status = native_handle_at(address, handle);

    return status == PG_OK ? pg_lock_handle(native_space(), *handle) : status;
}

static bool is_executable(pg_handle handle)
{
    struct native_object *object;
    uint32_t index;
    bool executable = false;

    native_gate_enter(&native_list_gate);
    if (native_section_of(handle, &object, &index) == PG_OK) {
        executable = object->sections[index].executable;
        if (!executable) {
            (void)native_error(PG_E_ARG, "%s of %s holds no code", object->sections[index].name,
                               object->path);
        }
    }
    native_gate_leave(&native_list_gate);
    return executable;
}

static pg_status lock_address(uintptr_t address, pg_handle *out, const void *site)
{
    pg_status status = lock_known(address, out);

    /* Changed: the object was unloaded without saying so, and perhaps another one is there now. */
    if (status == PG_E_NO_IMAGE || status == PG_E_CHANGED) {
        status = native_attach(address);
        if (status != PG_OK) {
            return status;
        }
        status = lock_known(address, out);
    }
    if (status != PG_OK) {
        return native_explain_address(status, (const void *)address);
    }
    if (native_tracking()) {
        native_track_lock(*out, site);
    }
    return PG_OK;
}

pg_status pagable_lock_data(const void *address, pg_handle *out)
{
    pg_handle handle = 0;
    pg_status status = lock_address((uintptr_t)address, &handle, __builtin_return_address(0));

    if (status == PG_OK) {
        *out = handle;
    }
    return status;
}

pg_status pagable_lock_code(const void *routine, pg_handle *out)
{
    pg_handle handle = 0;
    pg_status status = lock_address((uintptr_t)routine, &handle, __builtin_return_address(0));

    if (status != PG_OK) {
        return status;
    }
    if (!is_executable(handle)) {
        (void)pagable_unlock(handle);
        return PG_E_ARG;
    }
    *out = handle;
    return PG_OK;
}

pg_status pagable_find(const void *address, pg_handle *out)
{
    pg_status status = native_attach((uintptr_t)address);

    if (status == PG_OK) {
        status = native_explain_address(native_handle_at((uintptr_t)address, out), address);
    }
    return status;
}

/* Locked in the counts, and in the kernel too. */
static bool is_in_force(pg_handle handle)
{
    struct pagable_info info;

    if (pagable_query(handle, &info) != PG_OK) {
        return false;
    }
    if (info.lock_count == 0 || info.discarded) {
        (void)native_error(PG_E_UNDERFLOW, "%s of %s is not locked", info.name, info.object);
    } else if (info.unpinned) {
        (void)native_error(PG_E_UNDERFLOW,
                           "%s of %s is locked, but not in this process: its memory could not be "
                           "locked again after fork",
                           info.name, info.object);
    } else {
        return true;
    }
    return false;
}

pg_status pagable_check_locked(const void *address)
{
    pg_handle handle = 0;
    pg_status status = pagable_find(address, &handle);

    if (status != PG_OK) {
        return status;
    }
    return is_in_force(handle) ? PG_OK : PG_E_UNDERFLOW;
}

void pagable_assert_locked_at(const void *address, const char *file, int line)
{
    if (pagable_check_locked(address) != PG_OK) {
        (void)fprintf(stderr, "%s:%d: %p must be locked: %s\n", file, line, address,
                      pagable_error());
        abort();
    }
}
