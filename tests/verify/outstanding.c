/* SPDX-License-Identifier: MIT */
/*
 * Two devices whose reads stay pending, and a section that their control requests lock and unlock:
 * what test_rules.py needs to see which pending request an unlock has to wait for.
 *
 *   control 0x800  lock the section by address      0x803  complete the pending read of the device
 *           0x801  lock it by handle                0x804  reads get a cancel routine in the
 * section 0x802  unlock it                        0x805  complete every pending read, then unlock
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD OutstandingUnload;
static DRIVER_DISPATCH OutstandingOpenClose;
static DRIVER_DISPATCH OutstandingRead;
static DRIVER_DISPATCH OutstandingControl;
static DRIVER_CANCEL TextCancel;
static DRIVER_CANCEL SectionCancel;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEREAD, SectionCancel)
#endif

#define CONTROL(n) CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct {
    PIRP Read; /* pending; NULL: none */
} EXTENSION, *PEXTENSION;

static PVOID Section;
static BOOLEAN CancelInSection;
static PDEVICE_OBJECT Devices[2];

static DECLSPEC_NOINLINE VOID CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;

    Extension->Read = NULL;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID TextCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CancelRead(DeviceObject, Irp);
}

static VOID SectionCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CancelRead(DeviceObject, Irp);
}

static NTSTATUS OutstandingRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelInSection ? SectionCancel : TextCancel);
    Extension->Read = Irp;
    IoReleaseCancelSpinLock(Irql);
    return STATUS_PENDING;
}

static VOID CompleteRead(PDEVICE_OBJECT DeviceObject)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;
    PIRP Irp;
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    Irp = Extension->Read;
    Extension->Read = NULL;
    if (Irp) {
        IoSetCancelRoutine(Irp, NULL);
    }
    IoReleaseCancelSpinLock(Irql);
    if (Irp) {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
    }
}

static NTSTATUS OutstandingControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case CONTROL(0x800):
        Section = MmLockPagableCodeSection(SectionCancel);
        break;
    case CONTROL(0x801):
        MmLockPagableSectionByHandle(Section);
        break;
    case CONTROL(0x802):
        MmUnlockPagableImageSection(Section);
        break;
    case CONTROL(0x803):
        CompleteRead(DeviceObject);
        break;
    case CONTROL(0x804):
        CancelInSection = TRUE;
        break;
    case CONTROL(0x805):
        CompleteRead(Devices[0]);
        CompleteRead(Devices[1]);
        MmUnlockPagableImageSection(Section);
        break;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS OutstandingOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID OutstandingUnload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject) {
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const PCWSTR Names[] = {L"\\Device\\Outstanding0", L"\\Device\\Outstanding1"};
    NTSTATUS Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i < 2 && NT_SUCCESS(Status); i++) {
        UNICODE_STRING Name;

        RtlInitUnicodeString(&Name, Names[i]);
        Status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, 0,
                                FALSE, &Devices[i]);
    }
    if (!NT_SUCCESS(Status)) {
        OutstandingUnload(DriverObject);
        return Status;
    }
    DriverObject->DriverUnload = OutstandingUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = OutstandingOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = OutstandingOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = OutstandingRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = OutstandingControl;
    return STATUS_SUCCESS;
}
