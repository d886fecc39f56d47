/* SPDX-License-Identifier: MIT */
/*
 * Locking the pages of an MDL.
 *
 * Pages of the pager (paged pool, pageable sections) are held there, one by one and counted,
 * whatever happens to their neighbours; everything else is always resident.  Who locked is
 * remembered by the MDL's address until it is unlocked, even when the MDL is freed first: such
 * pages stay locked.
 */
#include "nt/io.h"

#include "base/host.h"

#define BUGCHECK_PROCESS_HAS_LOCKED_PAGES 0x76u

struct io_mdl_lock {
    struct io_record record; /* address: MDL */
    uint64_t first, bytes, caller;
};

static enum pager_access access_of(uint32_t operation)
{
    return operation == IoReadAccess ? PAGER_READ : PAGER_WRITE;
}

/* Whether the range may be locked at all for a caller of this mode. */
static bool range_allowed(uint64_t first, uint64_t bytes, int8_t mode)
{
    uint64_t end = first + bytes;

    if (end < first || (mode == UserMode && end > USER_END)) {
        return false;
    }
    return machine_is_guest_memory(first, bytes);
}

/* Access is checked first; at DISPATCH_LEVEL a page that is out is a bug check of this touch. */
static ntstatus hold(uint64_t first, uint64_t bytes, uint32_t operation)
{
    uint64_t end = first + bytes, page = first & ~NT_PAGE_MASK;

    for (; page < end; page += NT_PAGE_SIZE) {
        struct pager_region *region = pager_region_at(machine_pager(), page);

        if (region != NULL &&
            (pager_region_discarded(region) ||
             (operation != IoReadAccess && (pager_region_protection(region) & HOST_WRITE) == 0))) {
            break;
        }
    }
    if (page < end) {
        return STATUS_ACCESS_VIOLATION;
    }
    for (page = first & ~NT_PAGE_MASK; page < end; page += NT_PAGE_SIZE) {
        machine_touch(page < first ? first : page, 1, access_of(operation));
        if (pager_region_at(machine_pager(), page) == NULL) {
            continue;
        }
        if (pager_hold(machine_pager(), page, 1, NULL) != PG_OK) {
            io_mdl_release_pages(first, page - first);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    return STATUS_SUCCESS;
}

void io_mdl_release_pages(uint64_t first, uint64_t bytes)
{
    if (bytes > 0) {
        pager_release(machine_pager(), first, bytes);
    }
}

ntstatus io_mdl_lock(struct mdl *mdl, int8_t mode, uint32_t operation)
{
    uint64_t first = io_mdl_address(mdl);
    struct io_mdl_lock *lock;
    ntstatus status;

    if (!range_allowed(first, mdl->ByteCount, mode)) {
        return STATUS_ACCESS_VIOLATION;
    }
    status = hold(first, mdl->ByteCount, operation);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    lock = io_table_find(&io_state->mdls, (uint64_t)mdl);
    if (lock != NULL) { /* an earlier lock that was never undone: it stays, under no MDL's name */
        lock->record.address = 0;
    }
    lock = ex_heap_take(sizeof *lock);
    lock->record.address = (uint64_t)mdl;
    lock->first = first;
    lock->bytes = mdl->ByteCount;
    lock->caller = machine_caller();
    io_table_add(&io_state->mdls, &lock->record);
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (operation != IoReadAccess) {
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
    }
    if (first < USER_END) {
        mdl->Process = machine_pointer(ps_system_process());
    }
    io_mdl_fill_frames(mdl);
    return STATUS_SUCCESS;
}

void io_mdl_unlock(struct mdl *mdl)
{
    struct io_mdl_lock *lock = io_table_find(&io_state->mdls, (uint64_t)mdl);

    if (lock == NULL || (mdl->MdlFlags & MDL_PAGES_LOCKED) == 0) {
        machine_bugcheck(BUGCHECK_PROCESS_HAS_LOCKED_PAGES, 1, (uint64_t)mdl, 0, 0,
                         "the pages of an MDL were unlocked that are not locked");
    }
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        io_mdl_unmap(mdl);
    }
    mdl->MdlFlags &= (int16_t) ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
    io_mdl_release_pages(lock->first, lock->bytes);
    io_table_remove(&io_state->mdls, &lock->record);
}

uint32_t io_mdl_locked_by(uint64_t base, uint64_t bytes, uint64_t *caller)
{
    uint32_t count = 0;

    for (struct io_record *r = io_state->mdls.first; r != NULL; r = r->next) {
        const struct io_mdl_lock *lock = (const struct io_mdl_lock *)r;

        if (lock->caller >= base && lock->caller < base + bytes) {
            *caller = lock->caller;
            count++;
        }
    }
    return count;
}

/* ---- exports ---- */

static void MmProbeAndLockPages(struct mdl *mdl, int8_t mode, uint32_t operation)
{
    ntstatus status;

    io_mdl_check(mdl);
    status = io_mdl_lock(mdl, mode, operation);
    if (!NT_SUCCESS(status)) {
        ex_raise((uint32_t)status, io_mdl_address(mdl), mdl->ByteCount,
                 "MmProbeAndLockPages cannot lock the pages");
    }
}

static void MmUnlockPages(struct mdl *mdl)
{
    io_mdl_check(mdl);
    io_mdl_unlock(mdl);
}

NT_VOID3(MmProbeAndLockPages, struct mdl *, int8_t, uint32_t)
NT_VOID1(MmUnlockPages, struct mdl *)
