/* SPDX-License-Identifier: MIT */
/* Locks of sections, right and wrong; names say which. Never run. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH LocalRight, LocalLeak, LocalDropped, LocalCorrelated, LocalTwice, StoredRight;
ULONG Work(ULONG Value);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEWORK, Work)
#endif

struct extension {
    PVOID Handle;
};

DECLSPEC_NOINLINE ULONG Work(ULONG Value)
{
    return Value * 3 + 1;
}

static NTSTATUS Done(PIRP Irp)
{
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS LocalRight(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Section = MmLockPagableCodeSection(Work);

    if (Work(DeviceObject->Flags) == 4) {
        MmUnlockPagableImageSection(Section);
        return STATUS_UNSUCCESSFUL;
    }
    MmUnlockPagableImageSection(Section);
    return Done(Irp);
}

NTSTATUS LocalLeak(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Section = MmLockPagableCodeSection(Work);

    if (Work(DeviceObject->Flags) == 4) {
        return STATUS_UNSUCCESSFUL;
    }
    MmUnlockPagableImageSection(Section);
    return Done(Irp);
}

NTSTATUS LocalDropped(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    MmLockPagableCodeSection(Work);
    Work(DeviceObject->Flags);
    return Done(Irp);
}

NTSTATUS LocalCorrelated(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Section = NULL;
    BOOLEAN Needed = DeviceObject->Flags != 0;

    if (Needed) {
        Section = MmLockPagableCodeSection(Work);
    }
    Work(DeviceObject->Flags);
    if (Needed) {
        MmUnlockPagableImageSection(Section);
    }
    return Done(Irp);
}

NTSTATUS LocalTwice(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Section = MmLockPagableCodeSection(Work);

    Work(DeviceObject->Flags);
    MmUnlockPagableImageSection(Section);
    Done(Irp);
    MmUnlockPagableImageSection(Section);
    return STATUS_SUCCESS;
}

NTSTATUS StoredRight(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;

    Extension->Handle = MmLockPagableCodeSection(Work);
    return Done(Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = LocalRight;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = LocalLeak;
    DriverObject->MajorFunction[IRP_MJ_QUERY_INFORMATION] = LocalDropped;
    DriverObject->MajorFunction[IRP_MJ_SET_INFORMATION] = LocalCorrelated;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = LocalTwice;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = StoredRight;
    return STATUS_SUCCESS;
}
