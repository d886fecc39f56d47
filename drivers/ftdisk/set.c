/* SPDX-License-Identifier: MIT */
/*
 * Sets come and go: devices, members, and the section of their kind.
 *
 * In PAGE, which nobody locks: configuration is done at PASSIVE_LEVEL in the context of a program
 * or of DriverEntry, one change at a time (FtConfigurationLock, a mutex and not a fast mutex,
 * because opening a disk is for PASSIVE_LEVEL).
 */
#include "ftdisk.h"

struct ft_name {
    UNICODE_STRING String;
    WCHAR Text[48];
};

static VOID MakeName(struct ft_name *Name, PCWSTR Prefix, ULONG Number, PCWSTR Suffix);
static VOID LockKind(ULONG Kind);
static VOID UnlockKind(ULONG Kind);
static ULONG FreeNumber(VOID);
static BOOLEAN Overlaps(const struct ft_member *Member, const struct ft_volume *Volume);
static BOOLEAN IsTaken(const struct ft_volume *Volume, const struct ft_member *Member);
static NTSTATUS DiskBytes(PDEVICE_OBJECT Device, ULONG64 *Bytes);
static NTSTATUS OpenMember(struct ft_volume *Volume, const struct ft_extent *Extent);
static NTSTATUS CreateDevice(ULONG Number, struct ft_volume **Volume);
static NTSTATUS Publish(struct ft_volume *Volume);
static VOID TakeApart(struct ft_volume *Volume);
static NTSTATUS FillIn(struct ft_volume *Volume, const struct ft_create *Create);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, FtLockConfiguration)
#pragma alloc_text(PAGE, FtUnlockConfiguration)
#pragma alloc_text(PAGE, FtCreateSet)
#pragma alloc_text(PAGE, FtDeleteSet)
#pragma alloc_text(PAGE, FtFindSet)
#pragma alloc_text(PAGE, MakeName)
#pragma alloc_text(PAGE, LockKind)
#pragma alloc_text(PAGE, UnlockKind)
#pragma alloc_text(PAGE, FreeNumber)
#pragma alloc_text(PAGE, Overlaps)
#pragma alloc_text(PAGE, IsTaken)
#pragma alloc_text(PAGE, DiskBytes)
#pragma alloc_text(PAGE, OpenMember)
#pragma alloc_text(PAGE, CreateDevice)
#pragma alloc_text(PAGE, Publish)
#pragma alloc_text(PAGE, TakeApart)
#pragma alloc_text(PAGE, FillIn)
#endif

KMUTEX FtConfigurationLock;
LIST_ENTRY FtVolumes;
PDRIVER_OBJECT FtDriverObject;
PDEVICE_OBJECT FtControlDevice;

static const struct ft_kind *const Kinds[FT_KINDS] = {
    [FT_MIRROR] = &FtMirrorKind,
    [FT_STRIPE] = &FtStripeKind,
    [FT_VOLUME_SET] = &FtVolumeSetKind,
};

/* What is locked.  The handle stays good while the driver is loaded, whatever the count. */
static struct {
    PVOID Handle;
    ULONG Sets;
} Sections[FT_KINDS];

VOID FtLockConfiguration(VOID)
{
    PAGED_CODE();
    KeWaitForSingleObject(&FtConfigurationLock, Executive, KernelMode, FALSE, NULL);
}

VOID FtUnlockConfiguration(VOID)
{
    PAGED_CODE();
    KeReleaseMutex(&FtConfigurationLock, FALSE);
}

/* ---- the sections ---- */

/* The first set of a kind brings its section in.  To look an address up is expensive, so only the
 * very first time is by address. */
static VOID LockKind(ULONG Kind)
{
    PAGED_CODE();
    if (Sections[Kind].Sets++ != 0) {
        return;
    }
    if (Sections[Kind].Handle == NULL) {
        Sections[Kind].Handle = MmLockPagableCodeSection(Kinds[Kind]->SectionAddress);
    } else {
        MmLockPagableSectionByHandle(Sections[Kind].Handle);
    }
}

static VOID UnlockKind(ULONG Kind)
{
    PAGED_CODE();
    if (--Sections[Kind].Sets == 0) {
        MmUnlockPagableImageSection(Sections[Kind].Handle);
    }
}

/* ---- names and numbers ---- */

/* Prefix, number, suffix.  The buffer has room for any of the names here. */
static VOID MakeName(struct ft_name *Name, PCWSTR Prefix, ULONG Number, PCWSTR Suffix)
{
    WCHAR Digits[12];
    UNICODE_STRING Decimal = {0, sizeof(Digits), Digits};

    PAGED_CODE();
    Name->String = (UNICODE_STRING){0, sizeof(Name->Text), Name->Text};
    RtlIntegerToUnicodeString(Number, 10, &Decimal);
    RtlAppendUnicodeToString(&Name->String, Prefix);
    RtlAppendUnicodeStringToString(&Name->String, &Decimal);
    RtlAppendUnicodeToString(&Name->String, Suffix);
}

struct ft_volume *FtFindSet(ULONG Number)
{
    PAGED_CODE();
    for (PLIST_ENTRY Link = FtVolumes.Flink; Link != &FtVolumes; Link = Link->Flink) {
        struct ft_volume *Volume = CONTAINING_RECORD(Link, struct ft_volume, Link);

        if (Volume->Number == Number) {
            return Volume;
        }
    }
    return NULL;
}

static ULONG FreeNumber(VOID)
{
    ULONG Number = 0;

    PAGED_CODE();
    while (FtFindSet(Number) != NULL) {
        Number++;
    }
    return Number;
}

/* ---- members ---- */

static BOOLEAN Overlaps(const struct ft_member *Member, const struct ft_volume *Volume)
{
    PAGED_CODE();
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        const struct ft_member *Other = &Volume->Member[i];

        if (Other->Disk == Member->Disk && Other->Offset < Member->Offset + Member->Length &&
            Member->Offset < Other->Offset + Other->Length) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Whether part of the disk is in another set, or in this one already. */
static BOOLEAN IsTaken(const struct ft_volume *Volume, const struct ft_member *Member)
{
    PAGED_CODE();
    for (PLIST_ENTRY Link = FtVolumes.Flink; Link != &FtVolumes; Link = Link->Flink) {
        if (Overlaps(Member, CONTAINING_RECORD(Link, struct ft_volume, Link))) {
            return TRUE;
        }
    }
    return Overlaps(Member, Volume);
}

static NTSTATUS DiskBytes(PDEVICE_OBJECT Device, ULONG64 *Bytes)
{
    IO_STATUS_BLOCK IoStatus;
    KEVENT Event;
    PIRP Irp;
    NTSTATUS Status;

    PAGED_CODE();
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_DISK_GET_LENGTH_INFO, Device, NULL, 0, Bytes,
                                        sizeof(*Bytes), FALSE, &Event, &IoStatus);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = IoCallDriver(Device, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = IoStatus.Status;
    }
    return Status;
}

/* Adds a member.  What it opened is the volume's to close, also after a failure. */
static NTSTATUS OpenMember(struct ft_volume *Volume, const struct ft_extent *Extent)
{
    struct ft_member *Member = &Volume->Member[Volume->MemberCount];
    struct ft_name Name;
    ULONG64 Bytes = 0;
    NTSTATUS Status;

    PAGED_CODE();
    MakeName(&Name, L"\\Device\\Harddisk", Extent->Disk, L"\\Partition0");
    Status = IoGetDeviceObjectPointer(&Name.String, FILE_READ_DATA | FILE_WRITE_DATA, &Member->File,
                                      &Member->Device);
    if (!NT_SUCCESS(Status)) {
        Member->File = NULL;
        return Status;
    }
    Status = DiskBytes(Member->Device, &Bytes);
    if (NT_SUCCESS(Status) && (Extent->Offset >= Bytes || Extent->Length > Bytes - Extent->Offset ||
                               (Extent->Offset | Extent->Length) % FT_SECTOR != 0)) {
        Status = STATUS_INVALID_PARAMETER;
    }
    Member->Disk = Extent->Disk;
    Member->Offset = Extent->Offset;
    Member->Length = Extent->Length != 0 ? Extent->Length : Bytes - Extent->Offset;
    Member->Length &= ~(ULONG64)(FT_SECTOR - 1);
    if (NT_SUCCESS(Status) && IsTaken(Volume, Member)) {
        Status = STATUS_CONFLICTING_ADDRESSES;
    }
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Member->File);
        Member->File = NULL;
        return Status;
    }
    Volume->StackSize = max(Volume->StackSize, Member->Device->StackSize);
    Volume->MemberCount++;
    return STATUS_SUCCESS;
}

/* ---- volumes ---- */

static NTSTATUS CreateDevice(ULONG Number, struct ft_volume **Volume)
{
    struct ft_name Name;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    PAGED_CODE();
    MakeName(&Name, L"\\Device\\FtDisk", Number, L"");
    Status = IoCreateDevice(FtDriverObject, sizeof(**Volume), &Name.String, FILE_DEVICE_DISK,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    *Volume = Device->DeviceExtension;
    (*Volume)->Device = Device;
    (*Volume)->Number = Number;
    IoInitializeRemoveLock(&(*Volume)->RemoveLock, FT_TAG, 0, 0);
    KeInitializeSpinLock(&(*Volume)->Lock);
    InitializeListHead(&(*Volume)->Ranges);
    return STATUS_SUCCESS;
}

static NTSTATUS FillIn(struct ft_volume *Volume, const struct ft_create *Create)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    Volume->Kind = Kinds[Create->Kind];
    Volume->ChunkBytes = Create->ChunkBytes;
    for (ULONG i = 0; i < Create->Members && NT_SUCCESS(Status); i++) {
        Status = OpenMember(Volume, &Create->Member[i]);
    }
    if (NT_SUCCESS(Status)) {
        Status = Volume->Kind->Create(Volume);
    }
    return Status;
}

/* From here on programs find it. */
static NTSTATUS Publish(struct ft_volume *Volume)
{
    struct ft_name Link, Name;
    NTSTATUS Status;

    PAGED_CODE();
    MakeName(&Link, L"\\DosDevices\\FtDisk", Volume->Number, L"");
    MakeName(&Name, L"\\Device\\FtDisk", Volume->Number, L"");
    Status = IoCreateSymbolicLink(&Link.String, &Name.String);
    if (NT_SUCCESS(Status)) {
        Volume->Linked = TRUE;
        InsertTailList(&FtVolumes, &Volume->Link);
        Volume->Device->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    return Status;
}

/* No request is under way and none can come; open files may outlive this, they only close. */
static VOID TakeApart(struct ft_volume *Volume)
{
    struct ft_name Link;

    PAGED_CODE();
    if (Volume->Linked) {
        MakeName(&Link, L"\\DosDevices\\FtDisk", Volume->Number, L"");
        IoDeleteSymbolicLink(&Link.String);
    }
    if (Volume->Kind->Destroy != NULL) {
        Volume->Kind->Destroy(Volume);
    }
    for (ULONG i = 0; i < Volume->MemberCount; i++) {
        ObDereferenceObject(Volume->Member[i].File);
    }
    IoDeleteDevice(Volume->Device);
}

NTSTATUS FtCreateSet(const struct ft_create *Create, ULONG *Number)
{
    struct ft_volume *Volume;
    NTSTATUS Status;

    PAGED_CODE();
    if (Create->Kind >= FT_KINDS || Create->Members > FT_MEMBERS_MAX ||
        Create->Members < Kinds[Create->Kind]->MembersMin || Create->ChunkBytes == 0 ||
        Create->ChunkBytes % FT_SECTOR != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    *Number = FreeNumber();
    Status = CreateDevice(*Number, &Volume);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    LockKind(Create->Kind);
    Status = FillIn(Volume, Create);
    if (NT_SUCCESS(Status) && Create->Kind == FT_MIRROR &&
        (Create->Flags & FT_CREATE_IN_SYNC) == 0) {
        FtMirrorCopyFirst(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = Publish(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        TakeApart(Volume);
        UnlockKind(Create->Kind);
    }
    return Status;
}

/* Requests under way are waited for, and only then is the section given back. */
VOID FtDeleteSet(struct ft_volume *Volume)
{
    ULONG Kind = 0;

    PAGED_CODE();
    while (Kinds[Kind] != Volume->Kind) {
        Kind++;
    }
    RemoveEntryList(&Volume->Link);
    if (NT_SUCCESS(IoAcquireRemoveLock(&Volume->RemoveLock, Volume))) {
        IoReleaseRemoveLockAndWait(&Volume->RemoveLock, Volume);
    }
    TakeApart(Volume);
    UnlockKind(Kind);
}
