/* SPDX-License-Identifier: MIT */
/*
 * The documents' remedy: the lines that need the spin lock are isolated in a resident routine.
 *
 * IsolateMount never runs above APC_LEVEL and may be pageable: while IsolateDropReference runs at
 * DISPATCH_LEVEL the page that it will return to may leave memory, since the fault on return is
 * taken at PASSIVE_LEVEL again, where it is served.
 */
#include "isolate_common.h"

DRIVER_INITIALIZE DriverEntry;

static VOID IsolateDropReference(PDEVICE_OBJECT DeviceObject);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, IsolateMount)
#endif

NTSTATUS IsolateMount(PDEVICE_OBJECT DeviceObject)
{
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus;
    PIRP Irp;
    NTSTATUS Status;

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

    IsolateDropReference(DeviceObject);
    return Status;
}

/*
 * Resident, and it must stay a routine of its own: a compiler that copies it into its only caller
 * moves the locked lines back into the PAGE section.
 */
static DECLSPEC_NOINLINE VOID IsolateDropReference(PDEVICE_OBJECT DeviceObject)
{
    struct isolate_extension *Extension = DeviceObject->DeviceExtension;
    KIRQL Irql;

    KeAcquireSpinLock(&IsolateDatabaseLock, &Irql);
    Extension->ReferenceCount--;
    if (!Extension->ReferenceCount && !DeviceObject->AttachedDevice) {
        /* Nobody offers the device and nobody uses it: nothing can find it any more. */
        KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
        IoDeleteDevice(DeviceObject);
    } else {
        KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    return IsolateInitialize(DriverObject, L"\\Device\\IsolateSplit",
                             L"\\DosDevices\\IsolateSplit");
}
