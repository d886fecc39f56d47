/* SPDX-License-Identifier: MIT */
/*
 * A driver that uses interrupts, ports and registers in every way that there is, and looks at what
 * comes of it.  Each order answers with the line of the first check that failed, 0 when none did.
 */
#include "hw_probe.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ProbeUnload;
static DRIVER_ADD_DEVICE ProbeAddDevice;
static DRIVER_DISPATCH ProbeOpenClose, ProbeControl, ProbePnp, ProbePower;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ProbeUnload)
#pragma alloc_text(PAGE, ProbeAddDevice)
#endif

PDEVICE_OBJECT ProbeDevice, ProbePhysical;
ULONG Vector;
KIRQL LineIrql;
KAFFINITY Affinity;
struct toy First, Second;
KSPIN_LOCK OwnLock;
struct dpc_seen DpcSeen;

UCHAR In(const struct toy *Toy, USHORT Register)
{
    return READ_PORT_UCHAR((PUCHAR)(ULONG_PTR)(Toy->Port + Register));
}

VOID Out(const struct toy *Toy, USHORT Register, UCHAR Value)
{
    WRITE_PORT_UCHAR((PUCHAR)(ULONG_PTR)(Toy->Port + Register), Value);
}

BOOLEAN NTAPI Service(PKINTERRUPT Interrupt, PVOID Context)
{
    struct toy *Toy = Context;
    KIRQL Irql;

    Toy->Called++;
    Toy->Irql = KeGetCurrentIrql();
    Toy->Passed = Interrupt;
    if (!(In(Toy, TOY_STATUS) & 1)) {
        return FALSE;
    }
    Toy->Served++;
    if (!Toy->KeepsLine) {
        Out(Toy, TOY_STATUS, 0);
    }
    if (Toy->Requests) {
        IoRequestDpc(ProbeDevice, NULL, Toy);
    }
    if (Toy->ReturnsHigh) {
        KeRaiseIrql(HIGH_LEVEL, &Irql);
    }
    return TRUE;
}

static IO_DPC_ROUTINE DpcForIsr;
static VOID NTAPI DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    DpcSeen.Irql = KeGetCurrentIrql();
    DpcSeen.Context = Context;
    DpcSeen.Count++;
    if (DpcSeen.NestedAt == 1) { /* interrupted at once: DISPATCH_LEVEL does not keep devices out */
        First.Requests = FALSE;
        Out(&First, TOY_FIRE, 0);
        DpcSeen.NestedAt = First.Served;
    }
    if (DeviceObject == ProbeDevice) {
        KeSetEvent(&DpcSeen.Ran, IO_NO_INCREMENT, FALSE);
    }
}

NTSTATUS Connect(struct toy *Toy, PKSPIN_LOCK Lock, KIRQL SynchronizeIrql, BOOLEAN Share)
{
    Toy->Called = Toy->Served = 0;
    Toy->KeepsLine = Toy->ReturnsHigh = Toy->Requests = FALSE;
    Toy->Interrupt = NULL;
    return IoConnectInterrupt(&Toy->Interrupt, Service, Toy, Lock, Vector, LineIrql,
                              SynchronizeIrql, LevelSensitive, Share, Affinity, FALSE);
}

static probe_order *const Orders[ToyOrders] = {
    [ToyVector] = CheckVector,
    [ToyConnect] = CheckConnect,
    [ToyInterrupt] = CheckInterrupt,
    [ToyShared] = CheckShared,
    [ToyNested] = CheckNested,
    [ToySynchronize] = CheckSynchronize,
    [ToySpinLock] = CheckSpinLock,
    [ToyStrings] = CheckStrings,
    [ToyRegisters] = CheckRegisters,
    [ToyInactive] = CheckInactive,
    [ToyExtended] = CheckExtended,
    [ToyLineBased] = CheckLineBased,
    [ToyPoll] = CheckPoll,
    [ToyBus] = CheckBus,
    [ToyDisconnectTwice] = DisconnectTwice,
    [ToySynchronizeTooHigh] = SynchronizeTooHigh,
    [ToyDeadlock] = Deadlock,
    [ToyReturnsHigh] = ReturnsHigh,
    [ToyUnmapOther] = UnmapOther,
    [ToyStorm] = Storm,
    [ToyLeave] = Leave,
    [ToyPagedLock] = PagedLock,
};

/* ---- the driver around them ---- */

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI ProbeOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI ProbeControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Order = (Stack->Parameters.DeviceIoControl.IoControlCode >> 2 & 0xfff) - 0x800;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Order >= ToyOrders ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    *(ULONG *)Irp->AssociatedIrp.SystemBuffer = Orders[Order]();
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static PDEVICE_OBJECT LowerOf(PDEVICE_OBJECT DeviceObject)
{
    return *(PDEVICE_OBJECT *)DeviceObject->DeviceExtension;
}

static NTSTATUS NTAPI ProbePnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS Status;

    if (DeviceObject == ProbeDevice) {
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Minor == IRP_MN_START_DEVICE || Minor == IRP_MN_QUERY_REMOVE_DEVICE ||
        Minor == IRP_MN_REMOVE_DEVICE) {
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(LowerOf(DeviceObject), Irp);
    if (Minor == IRP_MN_REMOVE_DEVICE) {
        ProbePhysical = NULL;
        IoDetachDevice(LowerOf(DeviceObject));
        IoDeleteDevice(DeviceObject);
    }
    return Status;
}

static NTSTATUS NTAPI ProbePower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    if (DeviceObject == ProbeDevice) {
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(LowerOf(DeviceObject), Irp);
}

static NTSTATUS NTAPI ProbeAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT DeviceObject, *Lower;
    NTSTATUS Status;

    PAGED_CODE();
    Status = IoCreateDevice(DriverObject, sizeof *Lower, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Lower = DeviceObject->DeviceExtension;
    *Lower = IoAttachDeviceToDeviceStack(DeviceObject, Physical);
    ProbePhysical = Physical;
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI ProbeUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    PAGED_CODE();
    IoDeleteDevice(ProbeDevice);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\HwProbe");
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &ProbeDevice);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&DpcSeen.Ran, SynchronizationEvent, FALSE);
    IoInitializeDpcRequest(ProbeDevice, DpcForIsr);
    First.Port = TOY_PORT;
    Second.Port = TOY_PORT + TOY_PORTS;
    Vector = HalGetInterruptVector(Isa, 0, TOY_LINE, TOY_LINE, &LineIrql, &Affinity);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ProbeOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = ProbeOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ProbeOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ProbeControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = ProbePnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = ProbePower;
    DriverObject->DriverExtension->AddDevice = ProbeAddDevice;
    DriverObject->DriverUnload = ProbeUnload;
    return STATUS_SUCCESS;
}
