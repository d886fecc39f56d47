/* SPDX-License-Identifier: MIT */
/*
 * A plug and play function driver that tells what is done to it.
 *
 * Reads wait until they are cancelled or the device goes.  Values below Parameters in the driver's
 * key make it refuse or forget things: see struct probe_orders.
 */
#include "pnp_probe.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_ADD_DEVICE ProbeAddDevice;
static DRIVER_UNLOAD ProbeUnload;
static DRIVER_DISPATCH ProbePnp, ProbePowerDispatch, ProbeCreateClose, ProbeCleanup, ProbeRead,
    ProbeControl, ProbeSystemControl;

static NTSTATUS Start(struct probe_device *Device, PIRP Irp);
static NTSTATUS Remove(struct probe_device *Device, PIRP Irp);
static NTSTATUS Prepare(struct probe_device *Device, PIRP Irp, PIO_STACK_LOCATION Stack);
static NTSTATUS Order(struct probe_device *Device, ULONG Function);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ProbeAddDevice)
#pragma alloc_text(PAGE, ProbeUnload)
#pragma alloc_text(PAGE, ProbePnp)
#pragma alloc_text(PAGE, ProbeCreateClose)
#pragma alloc_text(PAGE, ProbeControl)
#pragma alloc_text(PAGE, Start)
#pragma alloc_text(PAGE, Remove)
#pragma alloc_text(PAGE, Prepare)
#pragma alloc_text(PAGE, Order)
#endif

struct probe_orders ProbeOrders;
PDRIVER_OBJECT ProbeDriver;

static const char *const MinorNames[] = {"START_DEVICE",
                                         "QUERY_REMOVE_DEVICE",
                                         "REMOVE_DEVICE",
                                         "CANCEL_REMOVE_DEVICE",
                                         "STOP_DEVICE",
                                         "QUERY_STOP_DEVICE",
                                         "CANCEL_STOP_DEVICE",
                                         "QUERY_DEVICE_RELATIONS",
                                         "QUERY_INTERFACE",
                                         "QUERY_CAPABILITIES",
                                         "QUERY_RESOURCES",
                                         "QUERY_RESOURCE_REQUIREMENTS",
                                         "QUERY_DEVICE_TEXT",
                                         "FILTER_RESOURCE_REQUIREMENTS",
                                         "14",
                                         "READ_CONFIG",
                                         "WRITE_CONFIG",
                                         "EJECT",
                                         "SET_LOCK",
                                         "QUERY_ID",
                                         "QUERY_PNP_DEVICE_STATE",
                                         "QUERY_BUS_INFORMATION",
                                         "DEVICE_USAGE_NOTIFICATION",
                                         "SURPRISE_REMOVAL"};

static DECLSPEC_NOINLINE NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- the waiting read ---- */

static DRIVER_CANCEL CancelRead;
static VOID CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct probe_device *Device = DeviceObject->DeviceExtension;

    Device->Waiting = NULL;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Complete(Irp, STATUS_CANCELLED, 0);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
}

static NTSTATUS ProbeRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct probe_device *Device = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    KIRQL Irql;

    if (!NT_SUCCESS(Status)) {
        return Complete(Irp, Status, 0);
    }
    IoAcquireCancelSpinLock(&Irql);
    if (Irp->Cancel || Device->Waiting) {
        IoReleaseCancelSpinLock(Irql);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
        return Complete(Irp, Irp->Cancel ? STATUS_CANCELLED : STATUS_DEVICE_BUSY, 0);
    }
    IoMarkIrpPending(Irp);
    Device->Waiting = Irp;
    (void)IoSetCancelRoutine(Irp, CancelRead);
    IoReleaseCancelSpinLock(Irql);
    return STATUS_PENDING;
}

static DECLSPEC_NOINLINE void EndRead(struct probe_device *Device)
{
    PIRP Irp;
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    Irp = Device->Waiting;
    Device->Waiting = NULL;
    if (Irp) {
        (void)IoSetCancelRoutine(Irp, NULL);
    }
    IoReleaseCancelSpinLock(Irql);
    if (Irp) {
        Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST, 0);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    }
}

/* ---- plug and play ---- */

static DECLSPEC_NOINLINE NTSTATUS Forward(struct probe_device *Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

static NTSTATUS Start(struct probe_device *Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status;

    if (!IoForwardIrpSynchronously(Device->Lower, Irp)) {
        return Complete(Irp, STATUS_UNSUCCESSFUL, 0);
    }
    Status = Irp->IoStatus.Status;
    Device->Starts++;
    if (ProbeOrders.FailStart || (ProbeOrders.FailRestart && Device->Starts > 1)) {
        Status = STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    if (NT_SUCCESS(Status)) {
        ProbePrintResources(Stack->Parameters.StartDevice.AllocatedResources, "raw");
        ProbePrintResources(Stack->Parameters.StartDevice.AllocatedResourcesTranslated,
                            "translated");
        (void)IoSetDeviceInterfaceState(&Device->Interface, TRUE);
        Device->Power = PowerDeviceD0;
    }
    return Complete(Irp, Status, Irp->IoStatus.Information);
}

static NTSTATUS Remove(struct probe_device *Device, PIRP Irp)
{
    NTSTATUS Status;

    ProbeInterfaceEvents(Device, FALSE);
    EndRead(Device);
    IoReleaseRemoveLockAndWait(&Device->RemoveLock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Status = Forward(Device, Irp);
    RtlFreeUnicodeString(&Device->Interface);
    if (!ProbeOrders.KeepAttached) {
        IoDetachDevice(Device->Lower);
    }
    if (!ProbeOrders.KeepDevice) {
        IoDeleteDevice(Device->Self);
    }
    return Status;
}

/* A list of another size: the driver frees the one that it got. */
static DECLSPEC_NOINLINE void ReplaceRequirements(PIRP Irp, PIO_RESOURCE_REQUIREMENTS_LIST List)
{
    PIO_RESOURCE_REQUIREMENTS_LIST Copy =
        ExAllocatePoolWithTag(PagedPool, List->ListSize + 64, PROBE_TAG);

    if (Copy) {
        RtlCopyMemory(Copy, List, List->ListSize);
        ExFreePool(List);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = (ULONG_PTR)Copy;
    }
}

static DECLSPEC_NOINLINE void ReportChild(struct probe_device *Device, PIRP Irp)
{
    PDEVICE_RELATIONS Relations = ExAllocatePoolWithTag(PagedPool, sizeof *Relations, PROBE_TAG);

    if (Relations) {
        Relations->Count = 1;
        Relations->Objects[0] = Device->Pdo;
        ObReferenceObject(Device->Pdo);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = (ULONG_PTR)Relations;
    }
}

/* What it does to a request on the way down; a failure ends it here. */
static NTSTATUS Prepare(struct probe_device *Device, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    switch (Stack->MinorFunction) {
    case IRP_MN_QUERY_STOP_DEVICE:
        return ProbeOrders.RefuseStop ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return ProbeOrders.RefuseRemove ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    case IRP_MN_SURPRISE_REMOVAL:
        EndRead(Device);
        return STATUS_SUCCESS;
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        Irp->IoStatus.Information |= ProbeOrders.SaysFailed ? PNP_DEVICE_FAILED : 0;
        return STATUS_SUCCESS;
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        if (ProbeOrders.NewRequirements) {
            ReplaceRequirements(
                Irp, Stack->Parameters.FilterResourceRequirements.IoResourceRequirementList);
        }
        return Irp->IoStatus.Status;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (ProbeOrders.Children && Stack->Parameters.QueryDeviceRelations.Type == BusRelations) {
            ReportChild(Device, Irp);
        }
        return Irp->IoStatus.Status;
    default:
        return Irp->IoStatus.Status;
    }
}

static NTSTATUS ProbePnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct probe_device *Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Before = Irp->IoStatus.Status;
    NTSTATUS Status;

    PAGED_CODE();
    DbgPrint("probe: %s%s\n",
             Stack->MinorFunction < ARRAYSIZE(MinorNames) ? MinorNames[Stack->MinorFunction] : "?",
             Before == STATUS_NOT_SUPPORTED ? "" : " with another status");
    Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return Complete(Irp, Status, 0);
    }
    if ((Stack->MinorFunction == IRP_MN_START_DEVICE && ProbeOrders.HangStart) ||
        (Stack->MinorFunction == IRP_MN_REMOVE_DEVICE && ProbeOrders.HangRemove)) {
        IoMarkIrpPending(Irp);
        return STATUS_PENDING;
    }
    if (Stack->MinorFunction == IRP_MN_REMOVE_DEVICE) {
        return Remove(Device, Irp);
    }
    if (Stack->MinorFunction == IRP_MN_START_DEVICE) {
        Status = Start(Device, Irp);
    } else {
        Status = Prepare(Device, Irp, Stack);
        if (NT_SUCCESS(Status) || Status == Before) {
            Irp->IoStatus.Status = Status;
            Status = Forward(Device, Irp);
        } else {
            Status = Complete(Irp, Status, 0);
        }
    }
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* ---- power ---- */

static NTSTATUS ProbePowerDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct probe_device *Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    DbgPrint("probe: power %u type %u state %u irql %u\n", Stack->MinorFunction,
             Stack->Parameters.Power.Type, Stack->Parameters.Power.State.DeviceState,
             KeGetCurrentIrql());
    if (Stack->MinorFunction == IRP_MN_SET_POWER &&
        Stack->Parameters.Power.Type == DevicePowerState) {
        Device->Power = Stack->Parameters.Power.State.DeviceState;
        PoSetPowerState(DeviceObject, DevicePowerState, Stack->Parameters.Power.State);
    }
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Device->Lower, Irp);
}

static NTSTATUS ProbeSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    DbgPrint("probe: system control %u%s\n", Stack->MinorFunction,
             Stack->Parameters.WMI.ProviderId == (ULONG_PTR)DeviceObject ? "" : " for another");
    return Forward(DeviceObject->DeviceExtension, Irp);
}

/* ---- what programs do ---- */

static NTSTATUS ProbeCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS ProbeCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    EndRead(DeviceObject->DeviceExtension);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static const struct {
    const char *Name;
    probe_check *Check;
} Checks[] = {
    {"properties", ProbeProperties}, {"keys", ProbeKeys},
    {"interfaces", ProbeInterfaces}, {"bus", ProbeBus},
    {"target", ProbeTarget},         {"custom", ProbeCustom},
    {"power", ProbePower},           {"map", ProbeDeviceMap},
    {"refused", ProbeRefused},       {"wmi", ProbeWmi},
};

/* Resident, for it may be called at DISPATCH_LEVEL. */
static DECLSPEC_NOINLINE void Invalidate(PDEVICE_OBJECT Pdo)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoInvalidateDeviceState(Pdo);
    KeLowerIrql(Irql);
}

static NTSTATUS Order(struct probe_device *Device, ULONG Function)
{
    switch (Function) {
    case PROBE_SAYS_FAILED:
        ProbeOrders.SaysFailed = 1;
        return STATUS_SUCCESS;
    case PROBE_INVALIDATE:
        Invalidate(Device->Pdo);
        return STATUS_SUCCESS;
    case PROBE_RELATIONS:
        IoInvalidateDeviceRelations(Device->Pdo, BusRelations);
        return STATUS_SUCCESS;
    case PROBE_EJECT:
        IoRequestDeviceEject(Device->Pdo);
        return STATUS_SUCCESS;
    case PROBE_NOT_PDO:
        IoInvalidateDeviceState(Device->Self);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS ProbeControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct probe_device *Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Function = (Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xfff;
    ULONG Number = Function - PROBE_CHECK;

    PAGED_CODE();
    if (Number >= ARRAYSIZE(Checks)) {
        return Complete(Irp, Order(Device, Function), 0);
    }
    if (!Checks[Number].Check(Device)) {
        return Complete(Irp, STATUS_UNSUCCESSFUL, 0);
    }
    DbgPrint("%s ok\n", Checks[Number].Name);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- coming and going ---- */

static NTSTATUS ProbeAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    struct probe_device *Device;
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    PAGED_CODE();
    DbgPrint("probe: AddDevice\n");
    if (ProbeOrders.FailAdd) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Status = IoCreateDevice(DriverObject, sizeof *Device, NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device = DeviceObject->DeviceExtension;
    Device->Self = DeviceObject;
    Device->Pdo = Pdo;
    Device->Power = PowerDeviceD3;
    IoInitializeRemoveLock(&Device->RemoveLock, PROBE_TAG, 0, 0);
    Status = IoRegisterDeviceInterface(Pdo, &ProbeClass, NULL, &Device->Interface);
    Device->Lower = NT_SUCCESS(Status) ? IoAttachDeviceToDeviceStack(DeviceObject, Pdo) : NULL;
    if (!Device->Lower) {
        RtlFreeUnicodeString(&Device->Interface);
        IoDeleteDevice(DeviceObject);
        return NT_SUCCESS(Status) ? STATUS_NO_SUCH_DEVICE : Status;
    }
    DeviceObject->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    if (!ProbeOrders.Initializing) {
        DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    return STATUS_SUCCESS;
}

static VOID ProbeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("probe: unload\n");
}

#define ORDER(field)                                                                               \
    {                                                                                              \
        .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = L## #field,                                    \
        .EntryContext = &ProbeOrders.field, .DefaultType = REG_NONE                                \
    }

static void ReadOrders(PUNICODE_STRING RegistryPath)
{
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        {.Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"Parameters"},
        ORDER(FailAdd),
        ORDER(FailStart),
        ORDER(RefuseStop),
        ORDER(RefuseRemove),
        ORDER(KeepDevice),
        ORDER(KeepAttached),
        ORDER(SaysFailed),
        ORDER(HangStart),
        ORDER(HangRemove),
        ORDER(FailRestart),
        ORDER(Initializing),
        ORDER(VetoTarget),
        ORDER(NewRequirements),
        ORDER(Children),
        {0},
    };

    /* No such key: everything is left as it is. */
    (void)RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, RegistryPath->Buffer, Table, NULL, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ProbeDriver = DriverObject;
    ReadOrders(RegistryPath);
    DriverObject->DriverExtension->AddDevice = ProbeAddDevice;
    DriverObject->DriverUnload = ProbeUnload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = ProbePnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = ProbePowerDispatch;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = ProbeSystemControl;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ProbeCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ProbeCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = ProbeCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = ProbeRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ProbeControl;
    return STATUS_SUCCESS;
}
