/* SPDX-License-Identifier: MIT */
/*
 * Routines that go to the system through pointers whose type nothing tells: only how they are
 * stored says what they are.  The entry point only prepares.
 */
#include <ntddk.h>

#define NOINLINE __attribute__((noinline))

static PDRIVER_OBJECT Saved;
static struct {
    PDEVICE_OBJECT Device;
    PIRP Irp;
} Port;

static VOID Touch(PVOID Any)
{
    *(volatile char *)Any = 0;
}

static VOID Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    Touch(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS Done(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    Touch(Context);
    return Irp->IoStatus.Status;
}

static NTSTATUS Read(PDEVICE_OBJECT Device, PIRP Irp)
{
    Touch(Device);
    Touch(Irp);
    return 0;
}

static NTSTATUS Write(PDEVICE_OBJECT Device, PIRP Irp)
{
    Touch(Irp);
    Touch(Device);
    return 1;
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
    Touch(Driver);
}

static VOID Other(PVOID Context)
{
    Touch(Context);
}

static struct {
    ULONG64 Room[7];
    VOID (*Call)(PVOID Context);
} Own;

NOINLINE VOID Register(VOID)
{
    Saved->MajorFunction[IRP_MJ_READ] = Read;
    Saved->MajorFunction[IRP_MJ_WRITE] = Write;
    Saved->DriverUnload = Unload;
    Own.Call = Other;
}

NOINLINE VOID Send(VOID)
{
    IoSetCancelRoutine(Port.Irp, Cancel);
    IoSetCompletionRoutine(Port.Irp, Done, &Port, TRUE, TRUE, TRUE);
}

NOINLINE NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Touch(RegistryPath);
    Saved = Driver;
    Port.Device = Driver->DeviceObject;
    Register();
    Send();
    IoRegisterShutdownNotification(Port.Device);
    KeFlushQueuedDpcs();
    return STATUS_SUCCESS;
}

NTSTATUS GsDriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Own.Room[0] ^= (ULONG64)&Own;
    return DriverEntry(Driver, RegistryPath);
}
