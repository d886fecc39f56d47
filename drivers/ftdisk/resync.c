/* SPDX-License-Identifier: MIT */
/*
 * Bringing members of a mirror set up to date, region by region, in a thread of its own while
 * requests go on.
 *
 * A region is copied with its range held, so nobody writes there meanwhile; its bit goes before the
 * copy and comes back when the copy fails.  A recovering member whose bitmap is empty is active.
 *
 * In PAGEmirr like the rest of the mirrors.  The thread runs in the section until its end, so a set
 * is taken apart only after that, and the section unlocked after that (FtMirrorStopResync).
 */
#include "ftdisk.h"

/* Documented for all drivers, declared for file systems only. */
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable,
                                              PLARGE_INTEGER Timeout);

static KSTART_ROUTINE ResyncThread;

static VOID RegionGranted(struct ft_range *Range);
static BOOLEAN NextRegion(struct ft_volume *Volume, ULONG *Member, ULONG *Region);
static BOOLEAN TakeRegion(struct ft_volume *Volume, ULONG Member, ULONG Region);
static NTSTATUS ReadRegion(struct ft_volume *Volume, ULONG64 Offset, PMDL Mdl, ULONG Length);
static NTSTATUS CopyRegion(struct ft_volume *Volume, ULONG Member, ULONG64 Offset, ULONG Length,
                           PUCHAR Buffer);
static VOID GiveUp(struct ft_volume *Volume, ULONG Member, ULONG Region);
static VOID SyncRegion(struct ft_volume *Volume, ULONG Member, ULONG Region, PUCHAR Buffer);
static VOID AbandonAll(struct ft_volume *Volume);
static NTSTATUS StartThread(struct ft_volume *Volume);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEmirr, ResyncThread)
#pragma alloc_text(PAGEmirr, RegionGranted)
#pragma alloc_text(PAGEmirr, NextRegion)
#pragma alloc_text(PAGEmirr, TakeRegion)
#pragma alloc_text(PAGEmirr, ReadRegion)
#pragma alloc_text(PAGEmirr, CopyRegion)
#pragma alloc_text(PAGEmirr, GiveUp)
#pragma alloc_text(PAGEmirr, SyncRegion)
#pragma alloc_text(PAGEmirr, AbandonAll)
#pragma alloc_text(PAGEmirr, StartThread)
#pragma alloc_text(PAGEmirr, FtMirrorCopyFirst)
#pragma alloc_text(PAGEmirr, FtMirrorResync)
#pragma alloc_text(PAGEmirr, FtMirrorStopResync)
#endif

/* A range that a thread waits for. */
struct waited_range {
    struct ft_range Range;
    KEVENT Event;
};

static VOID RegionGranted(struct ft_range *Range)
{
    PAGED_CODE_LOCKED();
    KeSetEvent(&CONTAINING_RECORD(Range, struct waited_range, Range)->Event, IO_NO_INCREMENT,
               FALSE);
}

/*
 * Something to copy; on the way members that have everything become active.  FALSE when nothing is
 * left to do: from then on the thread is not at work any more, and says so under the same lock.
 */
static BOOLEAN NextRegion(struct ft_volume *Volume, ULONG *Member, ULONG *Region)
{
    BOOLEAN Found = FALSE;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    for (ULONG i = 0; i < Volume->MemberCount && !Found && !Volume->Stopping; i++) {
        if (Volume->Member[i].State != FT_MEMBER_RECOVERING) {
            continue;
        }
        *Member = i;
        *Region = RtlFindSetBits(&Volume->Member[i].Dirty, 1, 0);
        if (*Region == MAXULONG) {
            Volume->Member[i].State = FT_MEMBER_ACTIVE;
        } else {
            Found = TRUE;
        }
    }
    Volume->Resyncing = Found;
    KeReleaseSpinLock(&Volume->Lock, Irql);
    return Found;
}

/* With the region's range held: its bit goes, unless there is nothing to copy any more. */
static BOOLEAN TakeRegion(struct ft_volume *Volume, ULONG Member, ULONG Region)
{
    BOOLEAN Taken;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    Taken = Volume->Member[Member].State == FT_MEMBER_RECOVERING &&
            !RtlAreBitsClear(&Volume->Member[Member].Dirty, Region, 1);
    if (Taken) {
        RtlClearBits(&Volume->Member[Member].Dirty, Region, 1);
    }
    KeReleaseSpinLock(&Volume->Lock, Irql);
    return Taken;
}

static VOID GiveUp(struct ft_volume *Volume, ULONG Member, ULONG Region)
{
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    Volume->Member[Member].State = FT_MEMBER_STALE;
    RtlSetBits(&Volume->Member[Member].Dirty, Region, 1);
    KeReleaseSpinLock(&Volume->Lock, Irql);
}

/* From whichever active member can. */
static NTSTATUS ReadRegion(struct ft_volume *Volume, ULONG64 Offset, PMDL Mdl, ULONG Length)
{
    NTSTATUS Status = STATUS_DEVICE_NOT_READY;
    LONG Tried = 0;
    ULONG Reader;

    PAGED_CODE_LOCKED();
    while (!NT_SUCCESS(Status)) {
        Reader = FtMirrorChooseReader(Volume, Tried);
        if (Reader == FT_NO_MEMBER) {
            return Status;
        }
        Status = FtTransferAndWait(Volume, Reader, IRP_MJ_READ, Offset, Mdl, Length);
        Tried |= 1 << Reader;
    }
    return Status;
}

static NTSTATUS CopyRegion(struct ft_volume *Volume, ULONG Member, ULONG64 Offset, ULONG Length,
                           PUCHAR Buffer)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, NULL);
    NTSTATUS Status;

    PAGED_CODE_LOCKED();
    if (Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Mdl);
    Status = ReadRegion(Volume, Offset, Mdl, Length);
    if (NT_SUCCESS(Status)) {
        Status = FtTransferAndWait(Volume, Member, IRP_MJ_WRITE, Offset, Mdl, Length);
        if (!NT_SUCCESS(Status)) {
            InterlockedIncrement(&Volume->Member[Member].Errors);
        }
    }
    IoFreeMdl(Mdl);
    return Status;
}

static VOID SyncRegion(struct ft_volume *Volume, ULONG Member, ULONG Region, PUCHAR Buffer)
{
    struct waited_range Waited;
    ULONG64 Offset = (ULONG64)Region * FT_REGION_BYTES;
    ULONG Length = (ULONG)min(FT_REGION_BYTES, Volume->Bytes - Offset);

    PAGED_CODE_LOCKED();
    Waited.Range.First = Offset;
    Waited.Range.End = Offset + Length;
    Waited.Range.Granted = RegionGranted;
    KeInitializeEvent(&Waited.Event, NotificationEvent, FALSE);
    if (!FtEnterRange(Volume, &Waited.Range)) {
        KeWaitForSingleObject(&Waited.Event, Executive, KernelMode, FALSE, NULL);
    }
    if (TakeRegion(Volume, Member, Region) &&
        !NT_SUCCESS(CopyRegion(Volume, Member, Offset, Length, Buffer))) {
        GiveUp(Volume, Member, Region);
    }
    FtLeaveRange(Volume, &Waited.Range);
}

/* No memory for a buffer: the members stay stale, to be tried again. */
static VOID AbandonAll(struct ft_volume *Volume)
{
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        if (Volume->Member[i].State == FT_MEMBER_RECOVERING) {
            Volume->Member[i].State = FT_MEMBER_STALE;
        }
    }
    Volume->Resyncing = FALSE;
    KeReleaseSpinLock(&Volume->Lock, Irql);
}

static VOID ResyncThread(PVOID Context)
{
    struct ft_volume *Volume = Context;
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, FT_REGION_BYTES, FT_TAG);
    ULONG Member, Region;

    PAGED_CODE_LOCKED();
    if (Buffer == NULL) {
        AbandonAll(Volume);
    } else {
        while (NextRegion(Volume, &Member, &Region)) {
            SyncRegion(Volume, Member, Region, Buffer);
        }
        ExFreePoolWithTag(Buffer, FT_TAG);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* ---- with the configuration locked ---- */

VOID FtMirrorStopResync(struct ft_volume *Volume)
{
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    if (Volume->ResyncThread == NULL) {
        return;
    }
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    Volume->Stopping = TRUE;
    KeReleaseSpinLock(&Volume->Lock, Irql);
    KeWaitForSingleObject(Volume->ResyncThread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Volume->ResyncThread);
    Volume->ResyncThread = NULL;
    Volume->Stopping = FALSE;
}

static NTSTATUS StartThread(struct ft_volume *Volume)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    PAGED_CODE_LOCKED();
    FtMirrorStopResync(Volume); /* the last one is about to end, if it has not yet */
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Volume->Resyncing = TRUE;
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, ResyncThread,
                                  Volume);
    if (!NT_SUCCESS(Status)) {
        AbandonAll(Volume);
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode,
                                       &Volume->ResyncThread, NULL);
    if (!NT_SUCCESS(Status)) { /* nobody could wait for its end later */
        Volume->Stopping = TRUE;
        ZwWaitForSingleObject(Handle, FALSE, NULL);
        Volume->Stopping = FALSE;
        AbandonAll(Volume);
    }
    ZwClose(Handle);
    return Status;
}

VOID FtMirrorCopyFirst(struct ft_volume *Volume)
{
    PAGED_CODE_LOCKED();
    for (ULONG i = 1; i < Volume->MemberCount; i++) { /* nobody else knows of the set yet */
        RtlSetAllBits(&Volume->Member[i].Dirty);
        Volume->Member[i].State = FT_MEMBER_RECOVERING;
    }
    (void)StartThread(Volume); /* when it cannot, they stay stale */
}

NTSTATUS FtMirrorResync(struct ft_volume *Volume, ULONG Member)
{
    BOOLEAN Start;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    if (Volume->Member[Member].State == FT_MEMBER_STALE) {
        Volume->Member[Member].State = FT_MEMBER_RECOVERING;
    }
    Start = Volume->Member[Member].State == FT_MEMBER_RECOVERING && !Volume->Resyncing;
    KeReleaseSpinLock(&Volume->Lock, Irql);
    return Start ? StartThread(Volume) : STATUS_SUCCESS;
}
