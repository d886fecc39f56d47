/* SPDX-License-Identifier: MIT */
/*
 * The mistake: the whole routine is pageable, the lines under the spin lock too.
 *
 * KeAcquireSpinLock returns at DISPATCH_LEVEL.  If the page that it returns to has left memory, the
 * fetch of the next instruction is a page fault at DISPATCH_LEVEL, and that is bug check 0xD1
 * (DRIVER_IRQL_NOT_LESS_OR_EQUAL).  The caller just came from that page, so on an ordinary machine
 * it is nearly always still there: the bug hides until memory is short.
 */
#include "isolate_common.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, IsolateMount)
#endif

NTSTATUS IsolateMount(PDEVICE_OBJECT DeviceObject)
{
    struct isolate_extension *Extension = DeviceObject->DeviceExtension;
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus;
    PIRP Irp;
    NTSTATUS Status;
    KIRQL Irql;

    PAGED_CODE();

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IRP_MJ_DEVICE_CONTROL, DeviceObject, NULL, 0, NULL, 0,
                                        FALSE, &Event, &IoStatus);
    if (Irp) {
        PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

        Stack->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
        Stack->MinorFunction = IRP_MN_LOAD_FILE_SYSTEM;
        Status = IoCallDriver(DeviceObject, Irp);
        if (Status == STATUS_PENDING) {
            KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
            Status = IoStatus.Status;
        }
    } else {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }

    KeAcquireSpinLock(&IsolateDatabaseLock, &Irql);
    Extension->ReferenceCount--;
    if (!Extension->ReferenceCount && !DeviceObject->AttachedDevice) {
        /* Nobody offers the device and nobody uses it: nothing can find it any more. */
        KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
        IoDeleteDevice(DeviceObject);
    } else {
        KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
    }
    return Status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    return IsolateInitialize(DriverObject, L"\\Device\\IsolateMixed",
                             L"\\DosDevices\\IsolateMixed");
}
