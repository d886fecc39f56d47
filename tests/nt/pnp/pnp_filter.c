/* SPDX-License-Identifier: MIT */
/* A filter of another driver's devices: says what passes, and passes it on. */
#include <wdm.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_ADD_DEVICE FilterAddDevice;
static DRIVER_UNLOAD FilterUnload;
static DRIVER_DISPATCH FilterPass, FilterPnp;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FilterAddDevice)
#pragma alloc_text(PAGE, FilterUnload)
#pragma alloc_text(PAGE, FilterPnp)
#endif

struct filter {
    PDEVICE_OBJECT Lower;
};

/* Resident: reads and power requests come at up to DISPATCH_LEVEL. */
static DECLSPEC_NOINLINE NTSTATUS FilterPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *Filter = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Filter->Lower, Irp);
}

static NTSTATUS FilterPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *Filter = DeviceObject->DeviceExtension;
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS Status;

    PAGED_CODE();
    DbgPrint("filter: pnp %u\n", Minor);
    if (Minor != IRP_MN_REMOVE_DEVICE) {
        return FilterPass(DeviceObject, Irp);
    }
    Status = FilterPass(DeviceObject, Irp);
    IoDetachDevice(Filter->Lower);
    IoDeleteDevice(DeviceObject);
    return Status;
}

static NTSTATUS FilterAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT DeviceObject;
    struct filter *Filter;
    NTSTATUS Status;

    PAGED_CODE();
    DbgPrint("filter: AddDevice %s\n", Pdo->AttachedDevice ? "above" : "below");
    Status = IoCreateDevice(DriverObject, sizeof *Filter, NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Filter = DeviceObject->DeviceExtension;
    Filter->Lower = IoAttachDeviceToDeviceStack(DeviceObject, Pdo);
    if (!Filter->Lower) {
        IoDeleteDevice(DeviceObject);
        return STATUS_NO_SUCH_DEVICE;
    }
    DeviceObject->Flags |=
        Filter->Lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID FilterUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = FilterPass;
    }
    DriverObject->MajorFunction[IRP_MJ_PNP] = FilterPnp;
    DriverObject->DriverExtension->AddDevice = FilterAddDevice;
    DriverObject->DriverUnload = FilterUnload;
    return STATUS_SUCCESS;
}
