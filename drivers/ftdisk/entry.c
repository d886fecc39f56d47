/* SPDX-License-Identifier: MIT */
/*
 * Start and end of the driver, and the sets that the registry names.
 *
 * The value Sets (REG_MULTI_SZ) below Parameters in the driver's key has a line for each set:
 *
 *     mirror 0 1                     the whole of disks 0 and 1
 *     stripe 64K 2 3                 chunk, then members
 *     volume 0:0:4M 1:8M:2M          of disk 0 the first 4 MiB, of disk 1 2 MiB from 8 MiB on
 *
 * Numbers are decimal, with K or M for 1024 or 1048576.  The members of a mirror are the same: this
 * is a computer that was shut down in an orderly way.  A line that cannot be read, or whose disks
 * are not there, is told to the debugger, and the others are used.
 *
 * Sections of kinds that appear here are locked before DriverEntry returns; the others stay
 * pageable.
 */
#include "ftdisk.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD FtUnload;
static NTSTATUS NTAPI AddSet(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                             PVOID EntryContext);
static NTSTATUS ReadSets(PUNICODE_STRING RegistryPath);
static BOOLEAN ParseSet(PCWSTR Text, struct ft_create *Create);
static BOOLEAN ParseKind(PCWSTR *Text, ULONG *Kind);
static BOOLEAN ParseNumber(PCWSTR *Text, ULONG64 *Number);
static BOOLEAN ParseMember(PCWSTR *Text, struct ft_extent *Extent);
static VOID SkipSpaces(PCWSTR *Text);
static NTSTATUS CreateControlDevice(VOID);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, AddSet)
#pragma alloc_text(INIT, ReadSets)
#pragma alloc_text(INIT, ParseSet)
#pragma alloc_text(INIT, ParseKind)
#pragma alloc_text(INIT, ParseNumber)
#pragma alloc_text(INIT, ParseMember)
#pragma alloc_text(INIT, SkipSpaces)
#pragma alloc_text(INIT, CreateControlDevice)
#pragma alloc_text(PAGE, FtUnload)
#endif

#define CONTROL_NAME L"\\Device\\FtControl"
#define CONTROL_LINK L"\\DosDevices\\FtControl"

/* ---- the registry ---- */

static VOID SkipSpaces(PCWSTR *Text)
{
    while (**Text == L' ' || **Text == L'\t') {
        (*Text)++;
    }
}

static BOOLEAN ParseKind(PCWSTR *Text, ULONG *Kind)
{
    static const PCWSTR Words[FT_KINDS] = {L"mirror", L"stripe", L"volume"};

    for (*Kind = 0; *Kind < FT_KINDS; (*Kind)++) {
        SIZE_T Length = wcslen(Words[*Kind]);

        if (wcsncmp(*Text, Words[*Kind], Length) == 0) {
            *Text += Length;
            return **Text == L' ' || **Text == L'\t';
        }
    }
    return FALSE;
}

static BOOLEAN ParseNumber(PCWSTR *Text, ULONG64 *Number)
{
    PCWSTR First = *Text;

    *Number = 0;
    while (**Text >= L'0' && **Text <= L'9' && *Number < MAXULONG) {
        *Number = *Number * 10 + (ULONG64)(**Text - L'0');
        (*Text)++;
    }
    if (*Text == First) {
        return FALSE;
    }
    if (**Text == L'K' || **Text == L'M') {
        *Number *= **Text == L'K' ? 1024 : 1048576;
        (*Text)++;
    }
    return TRUE;
}

/* DISK, or DISK:START:LENGTH */
static BOOLEAN ParseMember(PCWSTR *Text, struct ft_extent *Extent)
{
    ULONG64 Disk;

    if (!ParseNumber(Text, &Disk) || Disk > MAXULONG) {
        return FALSE;
    }
    Extent->Disk = (ULONG)Disk;
    if (**Text != L':') {
        return TRUE;
    }
    (*Text)++;
    if (!ParseNumber(Text, &Extent->Offset) || **Text != L':') {
        return FALSE;
    }
    (*Text)++;
    return ParseNumber(Text, &Extent->Length) && Extent->Length != 0;
}

static BOOLEAN ParseSet(PCWSTR Text, struct ft_create *Create)
{
    ULONG64 Chunk = 65536;

    SkipSpaces(&Text);
    if (!ParseKind(&Text, &Create->Kind)) {
        return FALSE;
    }
    SkipSpaces(&Text);
    if (Create->Kind == FT_STRIPE && (!ParseNumber(&Text, &Chunk) || Chunk > MAXLONG)) {
        return FALSE;
    }
    Create->ChunkBytes = (ULONG)Chunk;
    for (SkipSpaces(&Text); *Text != L'\0'; SkipSpaces(&Text)) {
        if (Create->Members == FT_MEMBERS_MAX ||
            !ParseMember(&Text, &Create->Member[Create->Members++]) ||
            (*Text != L'\0' && *Text != L' ' && *Text != L'\t')) {
            return FALSE;
        }
    }
    return TRUE;
}

static NTSTATUS NTAPI AddSet(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                             PVOID EntryContext)
{
    struct ft_create Create = {.Flags = FT_CREATE_IN_SYNC};
    ULONG Number;
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(EntryContext);
    if (Type != REG_SZ || Length < sizeof(WCHAR)) {
        return STATUS_SUCCESS;
    }
    if (ParseSet(Data, &Create)) {
        FtLockConfiguration();
        Status = FtCreateSet(&Create, &Number);
        FtUnlockConfiguration();
    }
    if (!NT_SUCCESS(Status)) {
        DbgPrint("ftdisk: there will be no set \"%ws\": 0x%08x\n", (PWSTR)Data, Status);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS ReadSets(PUNICODE_STRING RegistryPath)
{
    static WCHAR ParametersName[] = L"Parameters", SetsName[] = L"Sets";
    RTL_QUERY_REGISTRY_TABLE Table[3] = {
        {.Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = ParametersName},
        {.QueryRoutine = AddSet, .Name = SetsName},
    };
    PWSTR Path = ExAllocatePoolWithTag(PagedPool, RegistryPath->Length + sizeof(WCHAR), FT_TAG);
    NTSTATUS Status;

    if (Path == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Path, RegistryPath->Buffer, RegistryPath->Length);
    Path[RegistryPath->Length / sizeof(WCHAR)] = L'\0';
    Status = RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE | RTL_REGISTRY_OPTIONAL, Path, Table,
                                    NULL, NULL);
    ExFreePoolWithTag(Path, FT_TAG);
    return Status;
}

/* ---- start and end ---- */

static NTSTATUS CreateControlDevice(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(CONTROL_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(CONTROL_LINK);
    NTSTATUS Status = IoCreateDevice(FtDriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &FtControlDevice);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(FtControlDevice);
    }
    return Status;
}

static VOID FtUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(CONTROL_LINK);

    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    FtLockConfiguration();
    while (!IsListEmpty(&FtVolumes)) {
        FtDeleteSet(CONTAINING_RECORD(FtVolumes.Flink, struct ft_volume, Link));
    }
    FtUnlockConfiguration();
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(FtControlDevice);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    FtDriverObject = DriverObject;
    KeInitializeMutex(&FtConfigurationLock, 0);
    InitializeListHead(&FtVolumes);
    Status = CreateControlDevice();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->DriverUnload = FtUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FtOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FtOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = FtOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = FtReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = FtReadWrite;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = FtFlush;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = FtFlush;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FtDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = FtPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = FtPower;
    Status = ReadSets(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        FtUnload(DriverObject);
    }
    return Status;
}
