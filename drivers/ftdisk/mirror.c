/* SPDX-License-Identifier: MIT */
/*
 * Mirror sets: every member has everything; reads go round among those that are up to date, and one
 * that fails costs nothing but itself.
 *
 * There is always at least one active member, and what the active members have is what the set has.
 * A member that failed is stale: it is neither read nor written, and its bitmap notes each region
 * that is written meanwhile.  Resynchronisation (resync.c) makes it recovering, then active again.
 * For any member that is not active: where it differs from the active ones its bitmap has a bit, or
 * a write to the region is under way that will see to it.  States and bitmaps are guarded by the
 * volume's lock.
 *
 * Everything here is in PAGEmirr, which is locked while a mirror set is configured: it takes spin
 * locks and runs up to DISPATCH_LEVEL.
 */
#include "ftdisk.h"

static NTSTATUS MirrorCreate(struct ft_volume *Volume);
static VOID MirrorDestroy(struct ft_volume *Volume);
static VOID MirrorBegin(struct ft_request *Request);
static NTSTATUS MirrorSplit(struct ft_request *Request, const struct ft_segment *Segment);
static BOOLEAN MirrorDone(struct ft_child *Child, NTSTATUS Status);
static VOID MirrorFinish(struct ft_request *Request);
static VOID RegionsOf(ULONG64 First, ULONG64 End, ULONG *Region, ULONG *Count);
static ULONG ActiveMembers(const struct ft_volume *Volume);
static VOID MakeStale(struct ft_member *Member, ULONG Region, ULONG Count);
static VOID Judge(struct ft_request *Request, ULONG Region, ULONG Count);
static VOID ReadElsewhere(const struct ft_child *Child);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEmirr, MirrorCreate)
#pragma alloc_text(PAGEmirr, MirrorDestroy)
#pragma alloc_text(PAGEmirr, MirrorBegin)
#pragma alloc_text(PAGEmirr, MirrorSplit)
#pragma alloc_text(PAGEmirr, MirrorDone)
#pragma alloc_text(PAGEmirr, MirrorFinish)
#pragma alloc_text(PAGEmirr, FtMirrorQuery)
#pragma alloc_text(PAGEmirr, FtMirrorChooseReader)
#pragma alloc_text(PAGEmirr, RegionsOf)
#pragma alloc_text(PAGEmirr, ActiveMembers)
#pragma alloc_text(PAGEmirr, MakeStale)
#pragma alloc_text(PAGEmirr, Judge)
#pragma alloc_text(PAGEmirr, ReadElsewhere)
#endif

const struct ft_kind FtMirrorKind = {
    .SectionAddress = MirrorSplit,
    .MembersMin = 2,
    .Create = MirrorCreate,
    .Destroy = MirrorDestroy,
    .Begin = MirrorBegin,
    .Split = MirrorSplit,
    .Done = MirrorDone,
    .Finish = MirrorFinish,
};

/* ---- the set ---- */

static NTSTATUS MirrorCreate(struct ft_volume *Volume)
{
    ULONG Regions, Bytes;

    PAGED_CODE_LOCKED();
    Volume->Bytes = Volume->Member[0].Length;
    for (ULONG i = 1; i < Volume->MemberCount; i++) {
        Volume->Bytes = min(Volume->Bytes, Volume->Member[i].Length);
    }
    Regions = (ULONG)((Volume->Bytes + FT_REGION_BYTES - 1) / FT_REGION_BYTES);
    Bytes = (Regions + 31) / 32 * sizeof(ULONG);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        PULONG Bits = ExAllocatePoolWithTag(NonPagedPool, Bytes, FT_TAG);

        if (Bits == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlInitializeBitMap(&Volume->Member[i].Dirty, Bits, Regions);
        RtlClearAllBits(&Volume->Member[i].Dirty);
    }
    return STATUS_SUCCESS;
}

/* Also after a MirrorCreate that stopped half way. */
static VOID MirrorDestroy(struct ft_volume *Volume)
{
    PAGED_CODE_LOCKED();
    FtMirrorStopResync(Volume);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        if (Volume->Member[i].Dirty.Buffer != NULL) {
            ExFreePoolWithTag(Volume->Member[i].Dirty.Buffer, FT_TAG);
            Volume->Member[i].Dirty.Buffer = NULL;
        }
    }
}

/* The regions that [First, End) touches. */
static VOID RegionsOf(ULONG64 First, ULONG64 End, ULONG *Region, ULONG *Count)
{
    PAGED_CODE_LOCKED();
    *Region = (ULONG)(First / FT_REGION_BYTES);
    *Count = (ULONG)((End - 1) / FT_REGION_BYTES) - *Region + 1;
}

/* ---- with the volume's lock held ---- */

static ULONG ActiveMembers(const struct ft_volume *Volume)
{
    ULONG Active = 0;

    PAGED_CODE_LOCKED();
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        if (Volume->Member[i].State == FT_MEMBER_ACTIVE) {
            Active |= 1u << i;
        }
    }
    return Active;
}

static VOID MakeStale(struct ft_member *Member, ULONG Region, ULONG Count)
{
    PAGED_CODE_LOCKED();
    Member->State = FT_MEMBER_STALE;
    RtlSetBits(&Member->Dirty, Region, Count);
}

/* ---- reads ---- */

/* The next active member that is not among those tried; FT_NO_MEMBER when there is none. */
ULONG FtMirrorChooseReader(struct ft_volume *Volume, LONG Tried)
{
    ULONG Chosen = FT_NO_MEMBER;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    for (ULONG i = 0; i < Volume->MemberCount && Chosen == FT_NO_MEMBER; i++) {
        ULONG Member = Volume->NextReader++ % Volume->MemberCount;

        if (Volume->Member[Member].State == FT_MEMBER_ACTIVE && (Tried >> Member & 1) == 0) {
            Chosen = Member;
        }
    }
    KeReleaseSpinLock(&Volume->Lock, Irql);
    return Chosen;
}

/* A read that one member failed and another did not: the first one needs what it cannot give.  When
 * they all fail nothing is known of any of them, and the set stays as it is. */
static VOID ReadElsewhere(const struct ft_child *Child)
{
    struct ft_volume *Volume = Child->Request->Volume;
    ULONG Region, Count;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    RegionsOf(Child->Offset, Child->Offset + Child->Length, &Region, &Count);
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        if ((Child->Tried >> i & 1) && (ActiveMembers(Volume) & ~(1u << i)) != 0) {
            MakeStale(&Volume->Member[i], Region, Count);
        }
    }
    KeReleaseSpinLock(&Volume->Lock, Irql);
}

/* ---- writes and flushes ---- */

/*
 * Who gets this request.  A member that does not get a write misses it from now on.  A recovering
 * one gets it where nothing else is missing; elsewhere resynchronisation will bring it.
 */
static VOID MirrorBegin(struct ft_request *Request)
{
    struct ft_volume *Volume = Request->Volume;
    ULONG Region = 0, Count = 0;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    if (Request->Major == IRP_MJ_READ) {
        return;
    }
    if (Request->Major == IRP_MJ_WRITE) {
        RegionsOf(Request->Range.First, Request->Range.End, &Region, &Count);
    }
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    Request->Members = (LONG)ActiveMembers(Volume);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        struct ft_member *Member = &Volume->Member[i];

        if (Member->State == FT_MEMBER_RECOVERING &&
            (Count == 0 || RtlAreBitsClear(&Member->Dirty, Region, Count))) {
            Request->Members |= 1 << i;
        } else if (Member->State != FT_MEMBER_ACTIVE && Count != 0) {
            RtlSetBits(&Member->Dirty, Region, Count);
        }
    }
    KeReleaseSpinLock(&Volume->Lock, Irql);
    Request->Failed = 0;
}

/*
 * Some members did not take it.  If an active one did, the others are stale and all is well.  If
 * none did the request has failed, and the members may differ where it wrote: the first active one
 * stays and says what the set has, whatever that is.
 */
static VOID Judge(struct ft_request *Request, ULONG Region, ULONG Count)
{
    struct ft_volume *Volume = Request->Volume;
    ULONG Active = ActiveMembers(Volume);
    ULONG Good = (ULONG)(Request->Members & ~Request->Failed) & Active;
    ULONG Stale = (ULONG)Request->Failed;

    PAGED_CODE_LOCKED();
    if (Good == 0) {
        Request->Status = Request->MemberStatus;
        if (Request->Major == IRP_MJ_FLUSH_BUFFERS) {
            return;
        }
        Stale = (ULONG)Request->Members & ~(Active & (0u - Active));
    }
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        if (Stale >> i & 1) {
            MakeStale(&Volume->Member[i], Region, Count);
        }
    }
}

static VOID MirrorFinish(struct ft_request *Request)
{
    struct ft_volume *Volume = Request->Volume;
    ULONG Region = 0, Count = Volume->Member[0].Dirty.SizeOfBitMap;
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    if (Request->Failed == 0) {
        return;
    }
    if (Request->Major == IRP_MJ_WRITE) { /* a flush that fails may have lost anything */
        RegionsOf(Request->Range.First, Request->Range.End, &Region, &Count);
    }
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    Judge(Request, Region, Count);
    KeReleaseSpinLock(&Volume->Lock, Irql);
}

/* ---- both ---- */

static NTSTATUS MirrorSplit(struct ft_request *Request, const struct ft_segment *Segment)
{
    struct ft_volume *Volume = Request->Volume;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE_LOCKED();
    if (Request->Sending == IRP_MJ_READ) {
        return FtAddChild(Request, FtMirrorChooseReader(Volume, 0), Segment->Offset, Segment, 0,
                          Segment->Length);
    }
    for (ULONG i = 0; i < Volume->MemberCount && NT_SUCCESS(Status); i++) {
        if (Request->Members >> i & 1) {
            Status = FtAddChild(Request, i, Segment->Offset, Segment, 0, Segment->Length);
        }
    }
    return Status;
}

static BOOLEAN MirrorDone(struct ft_child *Child, NTSTATUS Status)
{
    struct ft_request *Request = Child->Request;
    ULONG Next;

    PAGED_CODE_LOCKED();
    if (NT_SUCCESS(Status)) {
        if (Child->Tried != 0) {
            ReadElsewhere(Child);
        }
        return FALSE;
    }
    if (Request->Sending != IRP_MJ_READ) {
        InterlockedIncrement(&Request->Volume->Member[Child->Member].Errors);
        Request->MemberStatus = Status;
        InterlockedOr(&Request->Failed, 1 << Child->Member);
        return FALSE;
    }
    Child->Tried |= 1 << Child->Member;
    Next = FtMirrorChooseReader(Request->Volume, Child->Tried);
    if (Next == FT_NO_MEMBER) {
        FtNoteError(Child, Status);
        return FALSE;
    }
    InterlockedIncrement(&Request->Volume->Member[Child->Member].Errors);
    Child->Member = Next;
    return TRUE;
}

VOID FtMirrorQuery(struct ft_volume *Volume, struct ft_set_status *Status)
{
    KIRQL Irql;

    PAGED_CODE_LOCKED();
    Status->RegionBytes = FT_REGION_BYTES;
    KeAcquireSpinLock(&Volume->Lock, &Irql);
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        Status->Member[i].State = Volume->Member[i].State;
        Status->Member[i].DirtyRegions = RtlNumberOfSetBits(&Volume->Member[i].Dirty);
    }
    KeReleaseSpinLock(&Volume->Lock, Irql);
}
