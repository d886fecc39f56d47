/* SPDX-License-Identifier: MIT */
/*
 * Remove locks: a count of who uses a device, and a removal that waits for it.
 *
 *   IoCount 1 + acquisitions; ReleaseAndWait sets Removed, drops two and waits for zero
 */
#include "nt/io.h"

#include <string.h>

static void touch(struct io_remove_lock *lock, uint32_t size)
{
    machine_touch((uint64_t)lock, size < sizeof *lock ? sizeof *lock : size, PAGER_WRITE);
}

static bool drop(struct io_remove_lock_common_block *common)
{
    if (common->IoCount <= 0) {
        machine_bugcheck(0xC9, 0x0, (uint64_t)common, 0, 0,
                         "a remove lock was released more often than it was acquired");
    }
    return --common->IoCount == 0;
}

static void IoInitializeRemoveLockEx(struct io_remove_lock *lock, uint32_t tag, uint32_t minutes,
                                     uint32_t high_watermark, uint32_t size)
{
    touch(lock, size);
    memset(lock, 0, size < sizeof *lock ? sizeof *lock : size);
    lock->Common.IoCount = 1;
    ke_event_init(&lock->Common.RemoveEvent, SynchronizationEvent, false);
    if (size >= sizeof *lock + sizeof(struct io_remove_lock_dbg_block)) {
        struct io_remove_lock_dbg_block *dbg = (struct io_remove_lock_dbg_block *)(lock + 1);

        dbg->AllocateTag = (int32_t)tag;
        dbg->HighWatermark = (int32_t)high_watermark;
        dbg->MaxLockedTicks = (int64_t)minutes * 60 * 64; /* ticks of 15.625 ms */
        nt_list_init(&dbg->LockList);
    }
}

static ntstatus IoAcquireRemoveLockEx(struct io_remove_lock *lock, uint64_t tag, uint64_t file,
                                      uint32_t line, uint32_t size)
{
    (void)tag;
    (void)file;
    (void)line;
    touch(lock, size);
    lock->Common.IoCount++;
    if (!lock->Common.Removed) {
        return STATUS_SUCCESS;
    }
    if (drop(&lock->Common)) {
        ex_set_event(&lock->Common.RemoveEvent);
    }
    return STATUS_DELETE_PENDING;
}

static void IoReleaseRemoveLockEx(struct io_remove_lock *lock, uint64_t tag, uint32_t size)
{
    (void)tag;
    touch(lock, size);
    if (drop(&lock->Common)) {
        ex_set_event(&lock->Common.RemoveEvent);
    }
}

static void IoReleaseRemoveLockAndWaitEx(struct io_remove_lock *lock, uint64_t tag, uint32_t size)
{
    (void)tag;
    touch(lock, size);
    lock->Common.Removed = 1;
    (void)drop(&lock->Common);  /* the caller's own */
    if (!drop(&lock->Common)) { /* the initial one */
        ke_wait_for_object((uint64_t)&lock->Common.RemoveEvent, NULL);
    }
}

NT_VOID5(IoInitializeRemoveLockEx, struct io_remove_lock *, uint32_t, uint32_t, uint32_t, uint32_t)
NT_CALL5(IoAcquireRemoveLockEx, struct io_remove_lock *, uint64_t, uint64_t, uint32_t, uint32_t)
NT_VOID3(IoReleaseRemoveLockEx, struct io_remove_lock *, uint64_t, uint32_t)
NT_VOID3(IoReleaseRemoveLockAndWaitEx, struct io_remove_lock *, uint64_t, uint32_t)
