/* SPDX-License-Identifier: MIT */
/*
 * Reads, writes and flushes of a volume, on their way to the members and back.
 *
 * A request goes through one step or two.  An unaligned write first reads the sectors that it
 * changes only in part; then everything is transferred.  A step is split by the kind of the set
 * into children, all of which are made before the first is sent, so that one that cannot be made
 * for want of memory fails the request before anything has happened.  The step is over when the
 * last child is done.
 *
 * Resident, all of it, whatever the kind: this is the paging path, and FtMemberCompletion is called
 * at DISPATCH_LEVEL.  It is also what leaves a volume last: see ftdisk.h.
 */
#include "ftdisk.h"

static IO_COMPLETION_ROUTINE FtMemberCompletion;

static VOID FtStepDone(struct ft_request *Request);

NTSTATUS FtCompleteIrp(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, NT_SUCCESS(Status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    return Status;
}

/* ---- children ---- */

static VOID FreeChild(struct ft_child *Child)
{
    if (Child->Mdl != NULL) {
        IoFreeMdl(Child->Mdl);
    }
    if (Child->Irp != NULL) {
        Child->Irp->MdlAddress = NULL;
        IoFreeIrp(Child->Irp);
    }
    ExFreePoolWithTag(Child, FT_TAG);
}

static VOID FreeChildren(struct ft_request *Request)
{
    while (Request->Children != NULL) {
        struct ft_child *Child = Request->Children;

        Request->Children = Child->Next;
        FreeChild(Child);
    }
}

/* A partial MDL describes part of the requester's pages, which are locked as long as its packet is
 * ours. */
static PMDL PartialMdl(const struct ft_segment *Segment, ULONG Offset, ULONG Length)
{
    PUCHAR Address = (PUCHAR)MmGetMdlVirtualAddress(Segment->Mdl) + Segment->MdlOffset + Offset;
    PMDL Mdl = IoAllocateMdl(Address, Length, FALSE, FALSE, NULL);

    if (Mdl != NULL) {
        IoBuildPartialMdl(Segment->Mdl, Mdl, Address, Length);
    }
    return Mdl;
}

static struct ft_child *NewChild(struct ft_request *Request, ULONG Member)
{
    struct ft_child *Child = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Child), FT_TAG);

    if (Child == NULL) {
        return NULL;
    }
    RtlZeroMemory(Child, sizeof(*Child));
    Child->Request = Request;
    Child->Member = Member;
    Child->Irp = IoAllocateIrp(Request->Volume->StackSize, FALSE);
    if (Child->Irp == NULL) {
        FreeChild(Child);
        return NULL;
    }
    return Child;
}

static VOID LinkChild(struct ft_child *Child)
{
    struct ft_request *Request = Child->Request;

    *(Request->Children == NULL ? &Request->Children : &Request->LastChild->Next) = Child;
    Request->LastChild = Child;
    Request->Pending++; /* nothing is sent yet: nobody else counts */
}

NTSTATUS FtAddChild(struct ft_request *Request, ULONG Member, ULONG64 MemberOffset,
                    const struct ft_segment *Segment, ULONG SegmentOffset, ULONG Length)
{
    struct ft_child *Child = NewChild(Request, Member);

    if (Child == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Child->Offset = MemberOffset;
    Child->Length = Length;
    Child->Mdl = PartialMdl(Segment, SegmentOffset, Length);
    if (Child->Mdl == NULL) {
        FreeChild(Child);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    LinkChild(Child);
    return STATUS_SUCCESS;
}

VOID FtNoteError(struct ft_child *Child, NTSTATUS Status)
{
    struct ft_request *Request = Child->Request;

    InterlockedIncrement(&Request->Volume->Member[Child->Member].Errors);
    InterlockedCompareExchange(&Request->Status, Status, STATUS_SUCCESS);
}

static VOID SendChild(struct ft_child *Child)
{
    const struct ft_request *Request = Child->Request;
    const struct ft_member *Member = &Request->Volume->Member[Child->Member];
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Child->Irp);

    Child->Irp->MdlAddress = Child->Mdl;
    Child->Irp->Flags =
        Request->Irp->Flags & (IRP_NOCACHE | IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO);
    Child->Irp->Tail.Overlay.Thread = Request->Irp->Tail.Overlay.Thread;
    Stack->MajorFunction = Request->Sending;
    Stack->Flags = Request->StackFlags;
    if (Child->Mdl != NULL) {
        Stack->Parameters.Read.Length = Child->Length; /* Write has the same shape */
        Stack->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)(Member->Offset + Child->Offset);
    }
    IoSetCompletionRoutine(Child->Irp, FtMemberCompletion, Child, TRUE, TRUE, TRUE);
    IoCallDriver(Member->Device, Child->Irp);
}

static VOID DropStep(struct ft_request *Request)
{
    if (InterlockedDecrement(&Request->Pending) == 0) {
        FtStepDone(Request);
    }
}

/* At DISPATCH_LEVEL, or below when a member answers at once.  The call into the kind's section is
 * over before this child is given up, and with it perhaps the last hold on the section. */
static NTSTATUS FtMemberCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct ft_child *Child = Context;
    struct ft_request *Request = Child->Request;
    NTSTATUS Status = Irp->IoStatus.Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (NT_SUCCESS(Status) && Irp->IoStatus.Information != Child->Length) {
        Status = STATUS_IO_DEVICE_ERROR; /* less than was asked for is an error below a volume */
    }
    if (Request->Volume->Kind->Done(Child, Status)) {
        IoReuseIrp(Irp, STATUS_SUCCESS);
        SendChild(Child);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    FreeChild(Child);
    DropStep(Request);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* ---- edges ---- */

static BOOLEAN IsEdge(const struct ft_request *Request, const struct ft_segment *Segment)
{
    return Segment->Mdl == Request->EdgeMdl;
}

/* Between the requester's buffer and the sectors that it covers only in part. */
static VOID CopyEdges(struct ft_request *Request, BOOLEAN ToUser)
{
    ULONG64 End = Request->Offset + Request->Length;

    for (ULONG i = 0; i < Request->SegmentCount; i++) {
        const struct ft_segment *Segment = &Request->Segment[i];
        ULONG64 From = max(Segment->Offset, Request->Offset);
        ULONG64 To = min(Segment->Offset + Segment->Length, End);
        PUCHAR Sector, User;

        if (!IsEdge(Request, Segment)) {
            continue;
        }
        Sector = &Request->Edges[Segment->MdlOffset + (ULONG)(From - Segment->Offset)];
        User = Request->User + (From - Request->Offset);
        RtlCopyMemory(ToUser ? User : Sector, ToUser ? Sector : User, (SIZE_T)(To - From));
    }
}

static VOID AddSegment(struct ft_request *Request, ULONG64 Offset, ULONG64 End, BOOLEAN Edge)
{
    struct ft_segment *Segment = &Request->Segment[Request->SegmentCount];

    *Segment = (struct ft_segment){.Offset = Offset, .Length = (ULONG)(End - Offset)};
    if (Edge) {
        Segment->Mdl = Request->EdgeMdl;
        Segment->MdlOffset = Request->SegmentCount == 0 ? 0 : FT_SECTOR;
    } else {
        Segment->Mdl = Request->Irp->MdlAddress;
        Segment->MdlOffset = (ULONG)(Offset - Request->Offset);
    }
    Request->SegmentCount++;
}

/* Whole sectors straight from and to the requester's pages, the others through Edges. */
static VOID CutAtSectors(struct ft_request *Request)
{
    ULONG64 At = Request->Range.First;
    ULONG64 End = Request->Offset + Request->Length;
    ULONG64 Whole =
        End & ~(ULONG64)(FT_SECTOR - 1); /* sectors are covered to their end up to here */

    if (Request->Offset > At) {
        AddSegment(Request, At, At + FT_SECTOR, TRUE);
        At += FT_SECTOR;
    }
    if (At < Whole) {
        AddSegment(Request, At, Whole, FALSE);
        At = Whole;
    }
    if (At < End) {
        AddSegment(Request, At, At + FT_SECTOR, TRUE);
    }
}

static NTSTATUS PrepareEdges(struct ft_request *Request)
{
    Request->User = MmGetSystemAddressForMdlSafe(Request->Irp->MdlAddress, HighPagePriority);
    if (Request->User == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Request->EdgeMdl = IoAllocateMdl(Request->Edges, sizeof(Request->Edges), FALSE, FALSE, NULL);
    if (Request->EdgeMdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Request->EdgeMdl);
    return STATUS_SUCCESS;
}

/* ---- steps ---- */

static NTSTATUS MakeChildren(struct ft_request *Request)
{
    const struct ft_kind *Kind = Request->Volume->Kind;
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG i = 0; i < Request->SegmentCount && NT_SUCCESS(Status); i++) {
        if (!Request->ReadingEdges || IsEdge(Request, &Request->Segment[i])) {
            Status = Kind->Split(Request, &Request->Segment[i]);
        }
    }
    for (ULONG i = 0; Request->Major == IRP_MJ_FLUSH_BUFFERS && NT_SUCCESS(Status) &&
                      i < Request->Volume->MemberCount;
         i++) {
        struct ft_child *Child;

        if ((Request->Members >> i & 1) == 0) {
            continue;
        }
        Child = NewChild(Request, i);
        if (Child == NULL) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        } else {
            LinkChild(Child);
        }
    }
    return Status;
}

static VOID FinishRequest(struct ft_request *Request, NTSTATUS Status)
{
    struct ft_volume *Volume = Request->Volume;
    PIRP Irp = Request->Irp;

    if (Request->Major == IRP_MJ_WRITE) {
        FtLeaveRange(Volume, &Request->Range);
    }
    if (Request->EdgeMdl != NULL) {
        IoFreeMdl(Request->EdgeMdl);
    }
    FtCompleteIrp(Irp, Status, NT_SUCCESS(Status) ? Request->Length : 0);
    ExFreePoolWithTag(Request, FT_TAG);
    IoReleaseRemoveLock(&Volume->RemoveLock, Irp);
}

/* Splits what is to be transferred and sends it.  The request may be gone when this returns. */
static VOID RunStep(struct ft_request *Request)
{
    NTSTATUS Status;

    Request->Sending = Request->ReadingEdges ? IRP_MJ_READ : Request->Major;
    Request->Status = STATUS_SUCCESS;
    Request->Pending = 1; /* ours, until everything is sent */
    if (!Request->ReadingEdges && Request->Volume->Kind->Begin != NULL) {
        Request->Volume->Kind->Begin(Request);
    }
    Status = MakeChildren(Request);
    if (!NT_SUCCESS(Status)) {
        FreeChildren(Request);
        FinishRequest(Request, Status);
        return;
    }
    while (Request->Children != NULL) {
        struct ft_child *Child = Request->Children;

        Request->Children = Child->Next; /* before it is sent: then it may be gone */
        SendChild(Child);
    }
    DropStep(Request);
}

static VOID FtStepDone(struct ft_request *Request)
{
    if (Request->ReadingEdges && NT_SUCCESS(Request->Status)) {
        Request->ReadingEdges = FALSE;
        CopyEdges(Request, FALSE);
        RunStep(Request);
        return;
    }
    if (!Request->ReadingEdges && Request->Major != IRP_MJ_READ &&
        Request->Volume->Kind->Finish != NULL) {
        Request->Volume->Kind->Finish(Request);
    }
    if (Request->Major == IRP_MJ_READ && Request->EdgeMdl != NULL && NT_SUCCESS(Request->Status)) {
        CopyEdges(Request, TRUE);
    }
    FinishRequest(Request, Request->Status);
}

static VOID WriteGranted(struct ft_range *Range)
{
    RunStep(CONTAINING_RECORD(Range, struct ft_request, Range));
}

/* ---- from the dispatch routines, with the remove lock held for the packet ---- */

static struct ft_request *NewRequest(struct ft_volume *Volume, PIRP Irp, SIZE_T Bytes)
{
    struct ft_request *Request = ExAllocatePoolWithTag(NonPagedPool, Bytes, FT_TAG);

    if (Request != NULL) {
        RtlZeroMemory(Request, Bytes);
        Request->Volume = Volume;
        Request->Irp = Irp;
        Request->Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
        Request->StackFlags = IoGetCurrentIrpStackLocation(Irp)->Flags;
    }
    return Request;
}

static NTSTATUS Refuse(struct ft_volume *Volume, PIRP Irp, NTSTATUS Status)
{
    FtCompleteIrp(Irp, Status, 0);
    IoReleaseRemoveLock(&Volume->RemoveLock, Irp);
    return Status;
}

NTSTATUS FtStartTransfer(struct ft_volume *Volume, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;
    BOOLEAN Aligned = (Offset | Length) % FT_SECTOR == 0;
    struct ft_request *Request;

    if (Offset > Volume->Bytes || Length > Volume->Bytes - Offset) {
        return Refuse(Volume, Irp, STATUS_INVALID_PARAMETER);
    }
    if (Length == 0) {
        return Refuse(Volume, Irp, STATUS_SUCCESS);
    }
    if (Irp->MdlAddress == NULL || MmGetMdlByteCount(Irp->MdlAddress) < Length) {
        return Refuse(Volume, Irp, STATUS_INVALID_PARAMETER); /* a driver above that forgot it */
    }
    Request = NewRequest(Volume, Irp,
                         Aligned ? FIELD_OFFSET(struct ft_request, Edges) : sizeof(*Request));
    if (Request == NULL) {
        return Refuse(Volume, Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    Request->Offset = Offset;
    Request->Length = Length;
    Request->Range.First = Offset & ~(ULONG64)(FT_SECTOR - 1);
    Request->Range.End = (Offset + Length + FT_SECTOR - 1) & ~(ULONG64)(FT_SECTOR - 1);
    Request->Range.Granted = WriteGranted;
    if (!Aligned) {
        NTSTATUS Status = PrepareEdges(Request);

        if (!NT_SUCCESS(Status)) {
            ExFreePoolWithTag(Request, FT_TAG);
            return Refuse(Volume, Irp, Status);
        }
        Request->ReadingEdges = Request->Major == IRP_MJ_WRITE;
    }
    CutAtSectors(Request);
    IoMarkIrpPending(Irp);
    if (Request->Major == IRP_MJ_READ || FtEnterRange(Volume, &Request->Range)) {
        RunStep(Request);
    }
    return STATUS_PENDING;
}

/* What was written before is to be on the members; their own business is in which order. */
NTSTATUS FtStartFlush(struct ft_volume *Volume, PIRP Irp)
{
    struct ft_request *Request = NewRequest(Volume, Irp, FIELD_OFFSET(struct ft_request, Edges));

    if (Request == NULL) {
        return Refuse(Volume, Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    Request->Major = IRP_MJ_FLUSH_BUFFERS; /* IRP_MJ_SHUTDOWN is one */
    Request->Members = (1 << Volume->MemberCount) - 1;
    IoMarkIrpPending(Irp);
    RunStep(Request);
    return STATUS_PENDING;
}
