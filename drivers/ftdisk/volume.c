/* SPDX-License-Identifier: MIT */
/*
 * Volume sets: one member after the other, to make one large volume of what is left on several
 * disks.
 *
 * Everything here is in PAGEvolm, which is locked while a volume set is configured: see stripe.c.
 */
#include "ftdisk.h"

static NTSTATUS VolumeCreate(struct ft_volume *Volume);
static NTSTATUS VolumeSplit(struct ft_request *Request, const struct ft_segment *Segment);
static BOOLEAN VolumeDone(struct ft_child *Child, NTSTATUS Status);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEvolm, VolumeCreate)
#pragma alloc_text(PAGEvolm, VolumeSplit)
#pragma alloc_text(PAGEvolm, VolumeDone)
#endif

const struct ft_kind FtVolumeSetKind = {
    .SectionAddress = VolumeSplit,
    .MembersMin = 1,
    .Create = VolumeCreate,
    .Split = VolumeSplit,
    .Done = VolumeDone,
};

static NTSTATUS VolumeCreate(struct ft_volume *Volume)
{
    PAGED_CODE_LOCKED();
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        Volume->Bytes += Volume->Member[i].Length;
    }
    return STATUS_SUCCESS;
}

/* Adds the part of each member that the segment touches. */
static NTSTATUS VolumeSplit(struct ft_request *Request, const struct ft_segment *Segment)
{
    const struct ft_volume *Volume = Request->Volume;
    ULONG64 First = 0; /* of the member on the volume */
    ULONG Done = 0;

    PAGED_CODE_LOCKED();
    for (ULONG i = 0; Done < Segment->Length; First += Volume->Member[i++].Length) {
        ULONG64 At = Segment->Offset + Done - First;
        ULONG64 Room = Volume->Member[i].Length;
        ULONG Length;
        NTSTATUS Status;

        if (At >= Room) {
            continue;
        }
        Length = (ULONG)min(Room - At, Segment->Length - Done);
        Status = FtAddChild(Request, i, At, Segment, Done, Length);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Done += Length;
    }
    return STATUS_SUCCESS;
}

static BOOLEAN VolumeDone(struct ft_child *Child, NTSTATUS Status)
{
    PAGED_CODE_LOCKED();
    if (!NT_SUCCESS(Status)) {
        FtNoteError(Child, Status);
    }
    return FALSE;
}
