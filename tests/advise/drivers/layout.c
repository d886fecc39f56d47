/* SPDX-License-Identifier: MIT */
/*
 * Pageable sections that are cut badly: too small, code that can be written, and what is torn apart
 * or locked for nothing, in large and in small.  With RIGHT only what needs a lock is not in PAGE.
 * Never run.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH CreateDispatch, CloseDispatch;
DRIVER_UNLOAD Unload;
VOID Small(VOID), Writable(VOID), Apart(VOID), SmallApart(VOID), Both(VOID);
VOID Locked(VOID), Passive(VOID), OtherLocked(VOID), SmallPassive(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CreateDispatch)
#pragma alloc_text(PAGELOCK, Locked)
#pragma alloc_text(PAGELOC2, OtherLocked)
#ifdef RIGHT
#pragma alloc_text(PAGE, Small)
#pragma alloc_text(PAGE, Writable)
#pragma alloc_text(PAGE, Apart)
#pragma alloc_text(PAGE, SmallApart)
#pragma alloc_text(PAGE, Both)
#pragma alloc_text(PAGE, Passive)
#pragma alloc_text(PAGE, SmallPassive)
#else
#pragma alloc_text(PAGEBIT, Small)
#pragma alloc_text(PAGEDATA, Writable)
#pragma alloc_text(PAGEFAR, Apart)
#pragma alloc_text(PAGEDATA, SmallApart)
#pragma alloc_text(PAGEFAR, Both)
#pragma alloc_text(PAGELOCK, Passive)
#pragma alloc_text(PAGELOC2, SmallPassive)
#endif

static KSPIN_LOCK Lock;
static volatile ULONG Words[64];

/* More than a page of code that no optimizer folds. */
#define STEP(n)  (Words[(n) % 64] = Words[((n)*7 + 3) % 64] * (2 * (n) + 3) + (n));
#define STEPS(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3) STEP(n + 4) STEP(n + 5) STEP(n + 6)
#define MANY(n)  STEPS(n) STEPS(n + 7) STEPS(n + 14) STEPS(n + 21) STEPS(n + 28) STEPS(n + 35)
#define PAGE(n)  MANY(n) MANY(n + 42) MANY(n + 84) MANY(n + 126) MANY(n + 168) MANY(n + 210)

/* Called from resident code. */
DECLSPEC_NOINLINE VOID Small(VOID)
{
    Words[1]++;
}

/* Called from resident code; its section is large enough. */
DECLSPEC_NOINLINE VOID Writable(VOID){PAGE(1)}

/* Called from PAGE only. */
DECLSPEC_NOINLINE VOID Apart(VOID){PAGE(2)}

/* Called from PAGE only. */
DECLSPEC_NOINLINE VOID SmallApart(VOID)
{
    Words[2]++;
}

/* Called from PAGE and from resident code. */
DECLSPEC_NOINLINE VOID Both(VOID){PAGE(3)}

DECLSPEC_NOINLINE VOID Locked(VOID)
{
    Words[3]++;
}

/* Never called raised: needs no lock. */
DECLSPEC_NOINLINE VOID Passive(VOID){PAGE(4)}

DECLSPEC_NOINLINE VOID OtherLocked(VOID)
{
    Words[4]++;
}

/* Never called raised: needs no lock. */
DECLSPEC_NOINLINE VOID SmallPassive(VOID)
{
    Words[5]++;
}

NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    PAGE(5)
    Apart();
    SmallApart();
    Both();
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS CloseDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID First = MmLockPagableCodeSection(Locked), Second = MmLockPagableCodeSection(OtherLocked);
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    Small();
    Writable();
    Both();
    Passive();
    SmallPassive();
    KeAcquireSpinLock(&Lock, &Irql);
    Locked();
    OtherLocked();
    KeReleaseSpinLock(&Lock, Irql);
    MmUnlockPagableImageSection(Second);
    MmUnlockPagableImageSection(First);
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
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CloseDispatch;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
