/* SPDX-License-Identifier: MIT */
/*
 * The documents' original: IsolateMount uses a spin lock, so all of it is resident.
 *
 * Correct, and nothing is saved.  Compare `pagable info` of this driver with isolate_split.sys: the
 * difference in the PAGE section is what isolating the locked lines made pageable.
 */
#include "isolate_common.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

NTSTATUS IsolateMount(PDEVICE_OBJECT DeviceObject)
{
    struct isolate_extension *Extension = DeviceObject->DeviceExtension;
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus;
    PIRP Irp;
    NTSTATUS Status;
    KIRQL Irql;

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
    return IsolateInitialize(DriverObject, L"\\Device\\IsolateResident",
                             L"\\DosDevices\\IsolateResident");
}
