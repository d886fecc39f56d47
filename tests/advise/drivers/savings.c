/* SPDX-License-Identifier: MIT */
/*
 * A driver with pages to save: large resident routines that nobody needs raised, one that is
 * resident because of a few lines, and some that must stay.  Never run.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH CreateDispatch, CloseDispatch;
DRIVER_UNLOAD Unload;
VOID PagedCaller(PDEVICE_OBJECT DeviceObject);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGESET, PagedCaller)
#endif

static KSPIN_LOCK Lock;
static volatile ULONG Words[64];
static KDPC Dpc;

/* Some bytes of code that no optimizer folds. */
#define STEP(n)  (Words[(n) % 64] = Words[((n)*7 + 3) % 64] * (2 * (n) + 3) + (n));
#define STEPS(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3) STEP(n + 4) STEP(n + 5) STEP(n + 6)
#define MANY(n)  STEPS(n) STEPS(n + 7) STEPS(n + 14) STEPS(n + 21) STEPS(n + 28) STEPS(n + 35)

/* Called by dispatch routines only. */
static DECLSPEC_NOINLINE VOID Settings(VOID)
{
    MANY(1) MANY(50) MANY(100)
}

/* Needs the lock for two words only. */
static DECLSPEC_NOINLINE VOID MostlyPassive(VOID)
{
    KIRQL Irql;

    MANY(3)
    KeAcquireSpinLock(&Lock, &Irql);
    Words[0]++;
    Words[1]--;
    KeReleaseSpinLock(&Lock, Irql);
    MANY(60)
}

/* Called by the DPC too: stays. */
static DECLSPEC_NOINLINE VOID Shared(VOID)
{
    MANY(5) MANY(70)
}

/* Called by DriverEntry only. */
static DECLSPEC_NOINLINE VOID Once(VOID)
{
    MANY(9)
}

/* Called by a pageable routine only. */
static DECLSPEC_NOINLINE VOID Helper(VOID)
{
    MANY(11)
}

/* Whoever calls it is unknown, but it waits. */
__declspec(dllexport) NTSTATUS Exported(PKEVENT Event);
NTSTATUS Exported(PKEVENT Event)
{
    NTSTATUS Status = KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);

    MANY(13)
    return Status;
}

DECLSPEC_NOINLINE VOID PagedCaller(PDEVICE_OBJECT DeviceObject)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Helper();
    Words[2]++;
}

static VOID Fired(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Shared();
    Words[3]++;
}

NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Settings();
    MostlyPassive();
    Shared();
    PagedCaller(DeviceObject);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS CloseDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Settings();
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Once();
    KeInitializeDpc(&Dpc, Fired, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CloseDispatch;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
