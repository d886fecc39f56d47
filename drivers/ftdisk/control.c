/* SPDX-License-Identifier: MIT */
/*
 * Device controls: those of \Device\FtControl that change and show sets, and those that every disk
 * answers, for volumes.
 *
 * In PAGE: they come at PASSIVE_LEVEL.  The dispatch routine that calls them is resident all the
 * same, because a volume may carry the paging file (dispatch.c).
 */
#include "ftdisk.h"

#include <ntddstor.h>

static NTSTATUS CreateFromInput(const VOID *Input, ULONG InputBytes, ULONG *Number);
static NTSTATUS Query(struct ft_volume *Volume, struct ft_set_status *Status);
static NTSTATUS Resync(const struct ft_resync *Input);
static NTSTATUS Perform(ULONG Code, PVOID Buffer, ULONG In, ULONG Out, ULONG *Returned);
static VOID FillGeometry(const struct ft_volume *Volume, DISK_GEOMETRY *Geometry);
static NTSTATUS Answer(const struct ft_volume *Volume, ULONG Code, PVOID Buffer, ULONG Out,
                       ULONG *Returned);
static ULONG AnswerBytes(ULONG Code);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, FtConfigure)
#pragma alloc_text(PAGE, FtAskVolume)
#pragma alloc_text(PAGE, CreateFromInput)
#pragma alloc_text(PAGE, Query)
#pragma alloc_text(PAGE, Resync)
#pragma alloc_text(PAGE, Perform)
#pragma alloc_text(PAGE, FillGeometry)
#pragma alloc_text(PAGE, Answer)
#pragma alloc_text(PAGE, AnswerBytes)
#endif

#define DEFAULT_CHUNK_BYTES 65536u

/* ---- sets ---- */

static NTSTATUS CreateFromInput(const VOID *Input, ULONG InputBytes, ULONG *Number)
{
    struct ft_create Create = {0};

    PAGED_CODE();
    if (InputBytes < FIELD_OFFSET(struct ft_create, Member)) {
        return STATUS_INVALID_PARAMETER;
    }
    RtlCopyMemory(&Create, Input, min(InputBytes, sizeof(Create)));
    if (Create.Members > FT_MEMBERS_MAX ||
        InputBytes <
            FIELD_OFFSET(struct ft_create, Member) + Create.Members * sizeof(struct ft_extent)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Create.ChunkBytes == 0) {
        Create.ChunkBytes = DEFAULT_CHUNK_BYTES;
    }
    return FtCreateSet(&Create, Number);
}

static NTSTATUS Query(struct ft_volume *Volume, struct ft_set_status *Status)
{
    PAGED_CODE();
    RtlZeroMemory(Status, sizeof(*Status));
    Status->Kind = Volume->Kind == &FtMirrorKind   ? FT_MIRROR
                   : Volume->Kind == &FtStripeKind ? FT_STRIPE
                                                   : FT_VOLUME_SET;
    Status->ChunkBytes = Volume->Kind == &FtStripeKind ? Volume->ChunkBytes : 0;
    Status->Members = Volume->MemberCount;
    Status->Bytes = Volume->Bytes;
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        Status->Member[i].Disk = Volume->Member[i].Disk;
        Status->Member[i].Errors = (ULONG)Volume->Member[i].Errors;
    }
    if (Volume->Kind == &FtMirrorKind) {
        FtMirrorQuery(Volume, Status);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS Resync(const struct ft_resync *Input)
{
    struct ft_volume *Volume = FtFindSet(Input->Volume);

    PAGED_CODE();
    if (Volume == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Volume->Kind != &FtMirrorKind || Input->Member >= Volume->MemberCount) {
        return STATUS_INVALID_PARAMETER;
    }
    return FtMirrorResync(Volume, Input->Member);
}

/* With the configuration locked.  Input and output share the buffer. */
static NTSTATUS Perform(ULONG Code, PVOID Buffer, ULONG In, ULONG Out, ULONG *Returned)
{
    struct ft_volume *Volume = NULL;
    ULONG Number;
    NTSTATUS Status;

    PAGED_CODE();
    if ((Code == IOCTL_FT_CREATE_SET && Out < sizeof(ULONG)) ||
        (Code == IOCTL_FT_QUERY_SET && Out < sizeof(struct ft_set_status))) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Code == IOCTL_FT_CREATE_SET) {
        Status = CreateFromInput(Buffer, In, &Number);
        if (NT_SUCCESS(Status)) {
            *(ULONG *)Buffer = Number;
            *Returned = sizeof(Number);
        }
        return Status;
    }
    if (Code == IOCTL_FT_RESYNC) {
        return In < sizeof(struct ft_resync) ? STATUS_INVALID_PARAMETER : Resync(Buffer);
    }
    if (Code != IOCTL_FT_DELETE_SET && Code != IOCTL_FT_QUERY_SET) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (In < sizeof(ULONG)) {
        return STATUS_INVALID_PARAMETER;
    }
    Volume = FtFindSet(*(ULONG *)Buffer);
    if (Volume == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Code == IOCTL_FT_DELETE_SET) {
        if (FtIsInUse(Volume)) {
            return STATUS_DEVICE_BUSY;
        }
        FtDeleteSet(Volume);
        return STATUS_SUCCESS;
    }
    *Returned = sizeof(struct ft_set_status);
    return Query(Volume, Buffer);
}

NTSTATUS FtConfigure(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Returned = 0;
    NTSTATUS Status;

    PAGED_CODE();
    FtLockConfiguration();
    Status =
        Perform(Stack->Parameters.DeviceIoControl.IoControlCode, Irp->AssociatedIrp.SystemBuffer,
                Stack->Parameters.DeviceIoControl.InputBufferLength,
                Stack->Parameters.DeviceIoControl.OutputBufferLength, &Returned);
    FtUnlockConfiguration();
    return FtCompleteIrp(Irp, Status, Returned);
}

/* ---- volumes ---- */

/* The shape that Windows gives a disk whose real one nobody knows. */
static VOID FillGeometry(const struct ft_volume *Volume, DISK_GEOMETRY *Geometry)
{
    PAGED_CODE();
    Geometry->MediaType = FixedMedia;
    Geometry->TracksPerCylinder = 255;
    Geometry->SectorsPerTrack = 63;
    Geometry->BytesPerSector = FT_SECTOR;
    Geometry->Cylinders.QuadPart = (LONGLONG)(Volume->Bytes / (255 * 63 * FT_SECTOR));
}

/* What the answer to a question needs; MAXULONG: no question for a volume. */
static ULONG AnswerBytes(ULONG Code)
{
    PAGED_CODE();
    switch (Code) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        return sizeof(DISK_GEOMETRY);
    case IOCTL_DISK_GET_DRIVE_GEOMETRY_EX:
        return FIELD_OFFSET(DISK_GEOMETRY_EX, Data);
    case IOCTL_DISK_GET_LENGTH_INFO:
        return sizeof(GET_LENGTH_INFORMATION);
    case IOCTL_DISK_GET_PARTITION_INFO:
        return sizeof(PARTITION_INFORMATION);
    case IOCTL_DISK_IS_WRITABLE:
    case IOCTL_DISK_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY2:
        return 0;
    default:
        return MAXULONG;
    }
}

static NTSTATUS Answer(const struct ft_volume *Volume, ULONG Code, PVOID Buffer, ULONG Out,
                       ULONG *Returned)
{
    ULONG Bytes = AnswerBytes(Code);

    PAGED_CODE();
    if (Bytes == MAXULONG) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Out < Bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlZeroMemory(Buffer, Bytes);
    *Returned = Bytes;
    switch (Code) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        FillGeometry(Volume, Buffer);
        break;
    case IOCTL_DISK_GET_DRIVE_GEOMETRY_EX:
        FillGeometry(Volume, &((DISK_GEOMETRY_EX *)Buffer)->Geometry);
        ((DISK_GEOMETRY_EX *)Buffer)->DiskSize.QuadPart = (LONGLONG)Volume->Bytes;
        break;
    case IOCTL_DISK_GET_LENGTH_INFO:
        ((GET_LENGTH_INFORMATION *)Buffer)->Length.QuadPart = (LONGLONG)Volume->Bytes;
        break;
    case IOCTL_DISK_GET_PARTITION_INFO:
        ((PARTITION_INFORMATION *)Buffer)->PartitionLength.QuadPart = (LONGLONG)Volume->Bytes;
        break;
    default: /* yes is the whole answer */
        break;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FtAskVolume(struct ft_volume *Volume, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Returned = 0;
    NTSTATUS Status;

    PAGED_CODE();
    Status = Answer(Volume, Stack->Parameters.DeviceIoControl.IoControlCode,
                    Irp->AssociatedIrp.SystemBuffer,
                    Stack->Parameters.DeviceIoControl.OutputBufferLength, &Returned);
    return FtCompleteIrp(Irp, Status, Returned);
}
