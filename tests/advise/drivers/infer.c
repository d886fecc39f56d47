/* SPDX-License-Identifier: MIT */
/*
 * What drivers do to the IRQL, one routine each.  test_infer.c says at which classes each mark is.
 */
#include "infer_marks.h"

DRIVER_INITIALIZE DriverEntry;

typedef struct {
    KSPIN_LOCK Lock;
    KIRQL OldIrql;
    BOOLEAN Shared;
    ULONG Value;
} EXTENSION;

KSPIN_LOCK Lock;
KIRQL GlobalIrql;
KEVENT Event;
FAST_MUTEX Mutex;
volatile LONG Something;

typedef void ROUTINE(void);
extern ROUTINE *const LateTable[];

/* What it calls comes after it, through a pointer. */
void ByLateTable(void)
{
    LateTable[1]();
    Mark1();
}

void CallsByLateTable(void)
{
    ByLateTable();
    Mark1();
}

void Direct(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    Mark1();
    KeReleaseSpinLock(&Lock, irql);
    Mark2();
}

/* ---- helpers ---- */

DECLSPEC_NOINLINE void Acquire(EXTENSION *extension)
{
    KeAcquireSpinLock(&extension->Lock, &extension->OldIrql);
}

DECLSPEC_NOINLINE void Release(EXTENSION *extension)
{
    KeReleaseSpinLock(&extension->Lock, extension->OldIrql);
}

void Pair(PDEVICE_OBJECT device)
{
    EXTENSION *extension = device->DeviceExtension;

    Acquire(extension);
    Mark1();
    extension->Value++;
    Release(extension);
    Mark2();
}

DECLSPEC_NOINLINE KIRQL AcquireValue(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    return irql;
}

DECLSPEC_NOINLINE void ReleaseValue(ULONG unused, KIRQL irql)
{
    Something = (LONG)unused;
    KeReleaseSpinLock(&Lock, irql);
}

void PairByValue(void)
{
    KIRQL irql = AcquireValue();

    Mark1();
    ReleaseValue(7, irql);
    Mark2();
}

DECLSPEC_NOINLINE void AcquireGlobal(void)
{
    KeAcquireSpinLock(&Lock, &GlobalIrql);
}

void PairGlobal(void)
{
    AcquireGlobal();
    Mark1();
    KeReleaseSpinLock(&Lock, GlobalIrql);
    Mark2();
}

DECLSPEC_NOINLINE void AcquireQueued(KLOCK_QUEUE_HANDLE *handle)
{
    KeAcquireInStackQueuedSpinLock(&Lock, handle);
}

DECLSPEC_NOINLINE void ReleaseQueued(KLOCK_QUEUE_HANDLE *handle)
{
    KeReleaseInStackQueuedSpinLock(handle);
}

void PairQueued(void)
{
    KLOCK_QUEUE_HANDLE handle;

    AcquireQueued(&handle);
    Mark1();
    ReleaseQueued(&handle);
    Mark2();
}

/* Without its other half. */
void OnlyRelease(EXTENSION *extension)
{
    Release(extension);
    Mark1();
}

/* ---- conditions ---- */

void Conditional(BOOLEAN flag)
{
    BOOLEAN locked = FALSE;
    KIRQL irql = PASSIVE_LEVEL;

    if (flag) {
        KeAcquireSpinLock(&Lock, &irql);
        locked = TRUE;
    }
    Something++;
    Mark1();
    if (locked)
        KeReleaseSpinLock(&Lock, irql);
    Mark2();
}

void ConditionalMember(EXTENSION *extension)
{
    KIRQL irql = PASSIVE_LEVEL;

    if (extension->Shared)
        KeAcquireSpinLock(&extension->Lock, &irql);
    extension->Value++;
    Mark1();
    if (extension->Shared)
        KeReleaseSpinLock(&extension->Lock, irql);
    Mark2();
}

DECLSPEC_NOINLINE BOOLEAN TryAcquire(EXTENSION *extension, KIRQL *irql)
{
    if (extension->Value == 0)
        return FALSE;
    KeAcquireSpinLock(&extension->Lock, irql);
    return TRUE;
}

void Try(EXTENSION *extension)
{
    KIRQL irql;

    if (!TryAcquire(extension, &irql)) {
        Mark1();
        return;
    }
    Mark2();
    KeReleaseSpinLock(&extension->Lock, irql);
    Mark3();
}

void TryMutex(void)
{
    if (ExTryToAcquireFastMutex(&Mutex)) {
        Mark1();
        ExReleaseFastMutex(&Mutex);
    }
    Mark2();
}

/* What constants say at the call. */
DECLSPEC_NOINLINE void Take(BOOLEAN really)
{
    if (really)
        KeAcquireSpinLock(&Lock, &GlobalIrql);
}

DECLSPEC_NOINLINE void Give(BOOLEAN really)
{
    if (really)
        KeReleaseSpinLock(&Lock, GlobalIrql);
}

void TakesNot(void)
{
    Take(FALSE);
    Mark1();
    Give(FALSE);
    Mark2();
}

void Takes(void)
{
    Take(TRUE);
    Mark1();
    Something++;
    Give(TRUE);
    Mark2();
}

/* Both halves look at the same member, with a call that writes between them. */
DECLSPEC_NOINLINE KIRQL AcquireIfShared(EXTENSION *extension)
{
    KIRQL irql = DISPATCH_LEVEL;

    if (extension->Shared)
        KeAcquireSpinLock(&extension->Lock, &irql);
    return irql;
}

DECLSPEC_NOINLINE void ReleaseIfShared(EXTENSION *extension, KIRQL irql)
{
    if (extension->Shared)
        KeReleaseSpinLock(&extension->Lock, irql);
    Something++;
}

DECLSPEC_NOINLINE void Writes(EXTENSION *extension)
{
    extension->Value = 9;
}

void PairIfShared(EXTENSION *extension)
{
    KIRQL irql = AcquireIfShared(extension);

    Mark1();
    Writes(extension);
    ReleaseIfShared(extension, irql);
    Mark2();
}

/* Forgets the lock on one way. */
DECLSPEC_NOINLINE NTSTATUS Leaks(EXTENSION *extension)
{
    KIRQL irql;

    KeAcquireSpinLock(&extension->Lock, &irql);
    if (extension->Value == 0) {
        Mark1();
        return STATUS_UNSUCCESSFUL;
    }
    KeReleaseSpinLock(&extension->Lock, irql);
    return STATUS_SUCCESS;
}

void CallsLeaky(EXTENSION *extension)
{
    if (Leaks(extension) == STATUS_SUCCESS)
        Mark2();
    else
        Mark1();
}

/* ---- the current IRQL ---- */

void Current(void)
{
    KIRQL irql = KeGetCurrentIrql();

    if (irql < DISPATCH_LEVEL)
        Mark1();
    else
        Mark2();
    if (irql == PASSIVE_LEVEL)
        Mark3();
    if (irql > DISPATCH_LEVEL)
        Mark4();
}

void Raise(void)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Mark1();
    KeLowerIrql(irql);
    Mark2();
}

DECLSPEC_NOINLINE KIRQL RaiseTo(KIRQL to)
{
    KIRQL irql;

    KeRaiseIrql(to, &irql);
    return irql;
}

void RaiseBy(void)
{
    KIRQL irql = RaiseTo(APC_LEVEL);

    Mark1();
    KeLowerIrql(irql);
    Mark2();
    irql = RaiseTo(DISPATCH_LEVEL);
    Mark3();
    KeLowerIrql(irql);
}

void OnlyWhenLow(void)
{
    KIRQL irql = KeGetCurrentIrql();

    if (irql < DISPATCH_LEVEL)
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Mark1();
    if (irql < DISPATCH_LEVEL)
        KeLowerIrql(irql);
    Mark2();
}

/* ---- waits ---- */

void WaitTrue(void)
{
    KeSetEvent(&Event, IO_NO_INCREMENT, TRUE);
    Mark1();
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Mark2();
}

void WaitFalse(void)
{
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    Mark1();
}

void WaitEither(BOOLEAN wait)
{
    KeSetEvent(&Event, IO_NO_INCREMENT, wait);
    Mark1();
}

/* ---- loops and recursion ---- */

void Loop(ULONG count)
{
    KIRQL irql;

    for (ULONG i = 0; i < count; i++) {
        KeAcquireSpinLock(&Lock, &irql);
        Mark1();
        Something++;
        KeReleaseSpinLock(&Lock, irql);
        Mark2();
    }
    Mark3();
}

void HeldAcrossLoop(ULONG count)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    while (count-- != 0) {
        KeReleaseSpinLock(&Lock, irql);
        Mark1();
        KeAcquireSpinLock(&Lock, &irql);
        Mark2();
    }
    KeReleaseSpinLock(&Lock, irql);
    Mark3();
}

DECLSPEC_NOINLINE ULONG Recursive(ULONG depth)
{
    KIRQL irql;
    ULONG below = 0;

    Mark1();
    if (depth != 0)
        below = Recursive(depth - 1) + (ULONG)Something;
    KeAcquireSpinLock(&Lock, &irql);
    Mark2();
    KeReleaseSpinLock(&Lock, irql);
    Mark3();
    return below + 1;
}

DECLSPEC_NOINLINE ULONG Odd(ULONG n);

DECLSPEC_NOINLINE ULONG Even(ULONG n)
{
    Mark1();
    return n == 0 ? 1 : Odd(n - 1) + (ULONG)Something;
}

DECLSPEC_NOINLINE ULONG Odd(ULONG n)
{
    KIRQL irql;
    ULONG even;

    KeAcquireSpinLock(&Lock, &irql);
    even = n == 0 ? 0 : Even(n - 1);
    KeReleaseSpinLock(&Lock, irql);
    Mark2();
    return even + (ULONG)Something;
}

/* ---- pointers ---- */

DECLSPEC_NOINLINE void Raised(void)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
}

static ROUTINE *const Table[] = {Direct, Raised};
ROUTINE *const LateTable[] = {Direct, Raised};
ROUTINE *Variable = Direct;

void ByTable(void)
{
    Table[1]();
    Mark1();
}

void ByVariable(void)
{
    Variable();
    Mark1();
}

/* ---- more kinds than are kept apart ---- */

void Overflow(volatile LONG *n)
{
    KIRQL irql = KeGetCurrentIrql(), old;

    if (irql == PASSIVE_LEVEL)
        n[0]++;
    else if (irql == APC_LEVEL)
        n[1]++;
    else if (irql == DISPATCH_LEVEL)
        n[2]++;
    else
        n[3]++;
    if (n[4])
        KeRaiseIrql(APC_LEVEL, &old);
    else if (n[5])
        KeRaiseIrql(DISPATCH_LEVEL, &old);
    else if (n[6])
        KeRaiseIrql(HIGH_LEVEL, &old);
    Something++;
    Mark1();
    Mark2(); /* no tail call: all ways meet before the first mark */
}

/* ---- who enters, what is touched, what is passed ---- */

DRIVER_UNLOAD Unload;
LONG Counter;

DECLSPEC_NOINLINE static void Helper(void)
{
    Something++;
    __asm__ volatile("nop");
}

void Unload(PDRIVER_OBJECT driver)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(driver);
    KeAcquireSpinLock(&Lock, &irql);
    Helper();
    KeReleaseSpinLock(&Lock, irql);
    Helper();
    Something++;
}

void PageableUnknown(void);
#pragma alloc_text(PAGE, PageableUnknown)
void PageableUnknown(void)
{
    Something++;
}

void TouchRaised(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    Counter = 3;
    KeReleaseSpinLock(&Lock, irql);
}

DECLSPEC_NOINLINE LONG SixArguments(void *a, ULONG b, ULONG c, ULONG d, ULONG e, void *f)
{
    Something = (LONG)(b + c + d + e);
    return a == f;
}

LONG PassesArguments(void *unused, void *a)
{
    UNREFERENCED_PARAMETER(unused);
    return SixArguments(a, 11, 12, 13, 14, &Counter) + Something;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    UNREFERENCED_PARAMETER(RegistryPath);
    /* not optimized: the address of a local beside the spilled DriverObject is handed over */
    if (IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device) != 0)
        return STATUS_UNSUCCESSFUL;
    DriverObject->DriverUnload = Unload;
    KeInitializeSpinLock(&Lock);
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    ExInitializeFastMutex(&Mutex);
    return STATUS_SUCCESS;
}
