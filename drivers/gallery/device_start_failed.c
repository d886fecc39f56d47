/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver refuses to start a device that has no interrupt, although it could poll it.
 *
 * Fix: it starts with the resources that it is given.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE AddDevice;
DRIVER_DISPATCH PnpDispatch;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, AddDevice)
#pragma alloc_text(PAGE, PnpDispatch)
#endif

struct extension {
    PDEVICE_OBJECT Lower;
    BOOLEAN Polled;
};

/* noinline: it is called from PAGE. */
static DECLSPEC_NOINLINE NTSTATUS PassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Extension->Lower, Irp);
}

static NTSTATUS PowerDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Extension->Lower, Irp);
}

static DECLSPEC_NOINLINE BOOLEAN HasInterrupt(PCM_RESOURCE_LIST List)
{
    ULONG Count = List ? List->List[0].PartialResourceList.Count : 0;

    for (ULONG i = 0; i < Count; i++) {
        if (List->List[0].PartialResourceList.PartialDescriptors[i].Type ==
            CmResourceTypeInterrupt) {
            return TRUE;
        }
    }
    return FALSE;
}

NTSTATUS PnpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp); /* finding: device-start-failed */
    struct extension *Extension = DeviceObject->DeviceExtension;
    PDEVICE_OBJECT Lower = Extension->Lower;
    NTSTATUS Status;

    PAGED_CODE();
    switch (Stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        IoForwardIrpSynchronously(Lower, Irp);
        Status = Irp->IoStatus.Status;
        Extension->Polled = !HasInterrupt(Stack->Parameters.StartDevice.AllocatedResources);
#ifndef FIXED
        if (NT_SUCCESS(Status) && Extension->Polled) {
            Status = STATUS_DEVICE_CONFIGURATION_ERROR;
        }
#endif
        return GalleryComplete(Irp, Status, 0);
    case IRP_MN_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Status = PassDown(DeviceObject, Irp);
        IoDetachDevice(Lower);
        IoDeleteDevice(DeviceObject);
        return Status;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    }
    return PassDown(DeviceObject, Irp);
}

NTSTATUS AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT Device;
    struct extension *Extension;
    NTSTATUS Status;

    PAGED_CODE();
    Status = IoCreateDevice(DriverObject, sizeof(*Extension), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Extension = Device->DeviceExtension;
    Extension->Lower = IoAttachDeviceToDeviceStack(Device, Physical);
    if (!Extension->Lower) {
        IoDeleteDevice(Device);
        return STATUS_NO_SUCH_DEVICE;
    }
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID PnpUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject); /* its devices went with IRP_MN_REMOVE_DEVICE */
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = PnpUnload;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PnpDispatch;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PowerDispatch;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GallerySucceed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GallerySucceed;
    return STATUS_SUCCESS;
}
