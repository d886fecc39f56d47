/* SPDX-License-Identifier: MIT */
/*
 * Stripe sets: chunk after chunk on the next member, so that several members work at a long
 * transfer.
 *
 * Everything here is in PAGEstrp, which is locked while a stripe set is configured: StripeSplit is
 * called on the paging path and, like StripeDone, up to DISPATCH_LEVEL.
 */
#include "ftdisk.h"

static NTSTATUS StripeCreate(struct ft_volume *Volume);
static NTSTATUS StripeSplit(struct ft_request *Request, const struct ft_segment *Segment);
static BOOLEAN StripeDone(struct ft_child *Child, NTSTATUS Status);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEstrp, StripeCreate)
#pragma alloc_text(PAGEstrp, StripeSplit)
#pragma alloc_text(PAGEstrp, StripeDone)
#endif

const struct ft_kind FtStripeKind = {
    .SectionAddress = StripeSplit,
    .MembersMin = 2,
    .Create = StripeCreate,
    .Split = StripeSplit,
    .Done = StripeDone,
};

/* As many whole chunks as the smallest member has, on each. */
static NTSTATUS StripeCreate(struct ft_volume *Volume)
{
    ULONG64 Smallest = Volume->Member[0].Length;

    PAGED_CODE_LOCKED();
    for (ULONG i = 1; i < Volume->MemberCount; i++) {
        Smallest = min(Smallest, Volume->Member[i].Length);
    }
    Volume->Bytes = Smallest / Volume->ChunkBytes * Volume->ChunkBytes * Volume->MemberCount;
    return Volume->Bytes == 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS StripeSplit(struct ft_request *Request, const struct ft_segment *Segment)
{
    const struct ft_volume *Volume = Request->Volume;
    ULONG ChunkBytes = Volume->ChunkBytes;
    ULONG Done = 0;

    PAGED_CODE_LOCKED();
    while (Done < Segment->Length) {
        ULONG64 At = Segment->Offset + Done;
        ULONG64 Chunk = At / ChunkBytes;
        ULONG InChunk = (ULONG)(At % ChunkBytes);
        ULONG Length = min(ChunkBytes - InChunk, Segment->Length - Done);
        NTSTATUS Status =
            FtAddChild(Request, (ULONG)(Chunk % Volume->MemberCount),
                       Chunk / Volume->MemberCount * ChunkBytes + InChunk, Segment, Done, Length);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Done += Length;
    }
    return STATUS_SUCCESS;
}

/* Nobody else has what a member of a stripe set loses. */
static BOOLEAN StripeDone(struct ft_child *Child, NTSTATUS Status)
{
    PAGED_CODE_LOCKED();
    if (!NT_SUCCESS(Status)) {
        FtNoteError(Child, Status);
    }
    return FALSE;
}
