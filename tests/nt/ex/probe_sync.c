/* SPDX-License-Identifier: MIT */
/* Mutexes, resources, rundown protection, work items, callbacks, lookaside lists, threads. */
#include "ex_probe.h"

NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockExclusive(volatile LONG *Lock);
NTKERNELAPI VOID NTAPI ExReleaseSpinLockExclusive(volatile LONG *Lock, KIRQL OldIrql);
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockShared(volatile LONG *Lock);
NTKERNELAPI VOID NTAPI ExReleaseSpinLockShared(volatile LONG *Lock, KIRQL OldIrql);
NTKERNELAPI LONG NTAPI ExTryConvertSharedSpinLockExclusive(volatile LONG *Lock);

static FAST_MUTEX FastMutex;
static KGUARDED_MUTEX GuardedMutex;
static ERESOURCE Resource;
static EX_RUNDOWN_REF Rundown;
static ULONG Shared;

static VOID NTAPI FastMutexThread(PVOID Context)
{
    for (ULONG i = 0; i < 3; i++) {
        ExAcquireFastMutex(&FastMutex);
        Shared++;
        Say("  thread %u in at IRQL %u, count %u\n", (ULONG)(ULONG_PTR)Context, KeGetCurrentIrql(),
            Shared);
        ProbeSleep(10);
        Shared--;
        ExReleaseFastMutex(&FastMutex);
        ProbeSleep(1);
    }
}

VOID ProbeFastMutex(VOID)
{
    PKTHREAD First, Second;

    ExInitializeFastMutex(&FastMutex);
    First = ProbeStart(FastMutexThread, (PVOID)1);
    Second = ProbeStart(FastMutexThread, (PVOID)2);
    ProbeSleep(5);
    Say("try %u, IRQL %u\n", ExTryToAcquireFastMutex(&FastMutex), KeGetCurrentIrql());
    ProbeJoin(First);
    ProbeJoin(Second);
    Say("try %u", ExTryToAcquireFastMutex(&FastMutex));
    DbgPrint(", IRQL %u, contention %u\n", KeGetCurrentIrql(), FastMutex.Contention);
    ExReleaseFastMutex(&FastMutex);
    Say("IRQL %u\n", KeGetCurrentIrql());
}

static VOID NTAPI GuardedThread(PVOID Context)
{
    KeAcquireGuardedMutex(&GuardedMutex);
    Say("  thread %u, IRQL %u, APCs off %u\n", (ULONG)(ULONG_PTR)Context, KeGetCurrentIrql(),
        KeAreAllApcsDisabled());
    ProbeSleep(5);
    KeReleaseGuardedMutex(&GuardedMutex);
}

VOID ProbeGuardedMutex(VOID)
{
    PKTHREAD Thread;

    KeInitializeGuardedMutex(&GuardedMutex);
    KeAcquireGuardedMutex(&GuardedMutex);
    Thread = ProbeStart(GuardedThread, (PVOID)1);
    ProbeSleep(5);
    Say("try %u\n", KeTryToAcquireGuardedMutex(&GuardedMutex));
    KeReleaseGuardedMutex(&GuardedMutex);
    ProbeJoin(Thread);
    Say("APCs off %u\n", KeAreAllApcsDisabled());
}

static VOID NTAPI ReaderThread(PVOID Context)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Resource, TRUE);
    Say("  reader %u in, shared %u\n", (ULONG)(ULONG_PTR)Context,
        ExIsResourceAcquiredSharedLite(&Resource));
    ProbeSleep(20);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID NTAPI WriterThread(PVOID Context)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Say("  writer %u in, exclusive %u\n", (ULONG)(ULONG_PTR)Context,
        ExIsResourceAcquiredExclusiveLite(&Resource));
    ProbeSleep(20);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

VOID ProbeResource(VOID)
{
    PKTHREAD Threads[4];

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    Say("again %u, shared too %u, count %u\n", ExAcquireResourceExclusiveLite(&Resource, FALSE),
        ExAcquireResourceSharedLite(&Resource, FALSE), ExIsResourceAcquiredSharedLite(&Resource));
    Threads[0] = ProbeStart(ReaderThread, (PVOID)1);
    ProbeSleep(1);
    Threads[1] = ProbeStart(WriterThread, (PVOID)2);
    ProbeSleep(1);
    Threads[2] = ProbeStart(ReaderThread, (PVOID)3);
    ProbeSleep(1);
    Say("waiting: %u exclusive, %u shared\n", ExGetExclusiveWaiterCount(&Resource),
        ExGetSharedWaiterCount(&Resource));
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    Say("still exclusive %u\n", ExIsResourceAcquiredExclusiveLite(&Resource));
    ExConvertExclusiveToSharedLite(&Resource); /* lets the readers in */
    ProbeSleep(5);
    Say("shared, exclusive %u\n", ExIsResourceAcquiredExclusiveLite(&Resource));
    ExReleaseResourceLite(&Resource);
    for (ULONG i = 0; i < 3; i++) {
        ProbeJoin(Threads[i]);
    }
    Say("free: %u", ExAcquireResourceExclusiveLite(&Resource, FALSE));
    DbgPrint(", for thread\n");
    ExReleaseResourceForThreadLite(&Resource, ExGetCurrentResourceThread());
    Say("delete %08x\n", ExDeleteResourceLite(&Resource));
    KeLeaveCriticalRegion();
}

static VOID NTAPI StarvingReader(PVOID Context)
{
    BOOLEAN Got;

    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    Got = ExAcquireResourceSharedLite(&Resource, FALSE);
    Say("  plain reader behind the writer: %u\n", Got);
    Got = ExAcquireSharedWaitForExclusive(&Resource, FALSE);
    Say("  waiting reader: %u\n", Got);
    Got = ExAcquireSharedStarveExclusive(&Resource, FALSE);
    Say("  starving reader: %u\n", Got);
    if (Got) {
        ExReleaseResourceLite(&Resource);
    }
    KeLeaveCriticalRegion();
}

VOID ProbeStarve(VOID)
{
    PKTHREAD Writer;

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Resource, TRUE);
    Writer = ProbeStart(WriterThread, (PVOID)1);
    ProbeSleep(1);
    Say("owner again: plain %u, waiting %u\n", ExAcquireResourceSharedLite(&Resource, FALSE),
        ExAcquireSharedWaitForExclusive(&Resource, FALSE));
    ProbeInThread(StarvingReader, NULL);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    ProbeJoin(Writer);
    ExDeleteResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID NTAPI RundownThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExWaitForRundownProtectionRelease(&Rundown);
    Say("  run down\n");
}

VOID ProbeRundown(VOID)
{
    PKTHREAD First, Second;

    ExInitializeRundownProtection(&Rundown);
    Say("acquire %u %u\n", ExAcquireRundownProtection(&Rundown),
        ExAcquireRundownProtection(&Rundown));
    First = ProbeStart(RundownThread, NULL);
    Second = ProbeStart(RundownThread, NULL);
    ProbeSleep(5);
    Say("late %u\n", ExAcquireRundownProtection(&Rundown));
    ExReleaseRundownProtection(&Rundown);
    ProbeSleep(5);
    Say("last one\n");
    ExReleaseRundownProtection(&Rundown);
    ProbeJoin(First);
    ProbeJoin(Second);
    ExWaitForRundownProtectionRelease(&Rundown);
    ExReInitializeRundownProtection(&Rundown);
    Say("again %u\n", ExAcquireRundownProtection(&Rundown));
    ExReleaseRundownProtection(&Rundown);
    ExRundownCompleted(&Rundown);
    Say("completed %u\n", ExAcquireRundownProtection(&Rundown));
}

static WORK_QUEUE_ITEM Work[3];
static KEVENT WorkDone, WorkGate;
static LONG WorkLeft;

static VOID NTAPI WorkRoutine(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;

    Say("  work %u, IRQL %u, system thread %u\n", Index, KeGetCurrentIrql(),
        PsIsSystemThread((PETHREAD)KeGetCurrentThread()));
    if (Index == 0) {
        /* Waits for a later item of its own queue: another worker runs it. */
        KeWaitForSingleObject(&WorkGate, Executive, KernelMode, FALSE, NULL);
    } else {
        KeSetEvent(&WorkGate, 0, FALSE);
    }
    if (InterlockedDecrement(&WorkLeft) == 0) {
        KeSetEvent(&WorkDone, 0, FALSE);
    }
}

VOID ProbeWork(VOID)
{
    KIRQL Irql;

    KeInitializeEvent(&WorkDone, NotificationEvent, FALSE);
    KeInitializeEvent(&WorkGate, NotificationEvent, FALSE);
    WorkLeft = 3;
    for (ULONG i = 0; i < 3; i++) {
        ExInitializeWorkItem(&Work[i], WorkRoutine, (PVOID)(ULONG_PTR)i);
    }
    ExQueueWorkItem(&Work[0], DelayedWorkQueue);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ExQueueWorkItem(&Work[1], DelayedWorkQueue);
    KeLowerIrql(Irql);
    ExQueueWorkItem(&Work[2], CriticalWorkQueue);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    Say("done\n");
}

static VOID NTAPI OnCallback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    Say("  %s %u %u\n", (PSTR)Context, (ULONG)(ULONG_PTR)Argument1, (ULONG)(ULONG_PTR)Argument2);
}

VOID ProbeCallback(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    PCALLBACK_OBJECT Callback, Same;
    UNICODE_STRING Name;
    PVOID First, Second;

    RtlInitUnicodeString(&Name, L"\\Callback\\ExProbe");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Say("open %08x\n", ExCreateCallback(&Callback, &Attributes, FALSE, TRUE));
    Say("create %08x\n", ExCreateCallback(&Callback, &Attributes, TRUE, TRUE));
    Say("again %08x same %u\n", ExCreateCallback(&Same, &Attributes, TRUE, TRUE), Same == Callback);
    First = ExRegisterCallback(Callback, OnCallback, "first");
    Second = ExRegisterCallback(Callback, OnCallback, "second");
    ExNotifyCallback(Callback, (PVOID)1, (PVOID)2);
    ExUnregisterCallback(First);
    ExNotifyCallback(Callback, (PVOID)3, (PVOID)4);
    ExUnregisterCallback(Second);
    ExNotifyCallback(Callback, (PVOID)5, (PVOID)6);
    ObDereferenceObject(Callback);
    ObDereferenceObject(Same);
}

static ULONG Allocated;

static PVOID NTAPI CountedAllocate(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    Allocated++;
    return ExAllocatePoolWithTag(Type, Bytes, Tag);
}

static VOID NTAPI CountedFree(PVOID Block)
{
    Allocated--;
    ExFreePoolWithTag(Block, PROBE_TAG);
}

VOID ProbeLookaside(VOID)
{
    static NPAGED_LOOKASIDE_LIST List;
    static PAGED_LOOKASIDE_LIST Paged;
    PVOID Blocks[8];

    ExInitializeNPagedLookasideList(&List, CountedAllocate, CountedFree, 0, 100, PROBE_TAG, 0);
    for (ULONG i = 0; i < 8; i++) {
        Blocks[i] = ExAllocateFromNPagedLookasideList(&List);
    }
    Say("allocated %u, misses %u\n", Allocated, List.L.AllocateMisses);
    for (ULONG i = 0; i < 8; i++) {
        ExFreeToNPagedLookasideList(&List, Blocks[i]);
    }
    Say("kept %u, depth %u\n", Allocated, ExQueryDepthSList(&List.L.ListHead));
    Blocks[0] = ExAllocateFromNPagedLookasideList(&List);
    Say("from the list %u\n", Allocated);
    ExFreeToNPagedLookasideList(&List, Blocks[0]);
    ExDeleteNPagedLookasideList(&List);
    Say("left %u\n", Allocated);
    ExInitializePagedLookasideList(&Paged, NULL, NULL, 0, 300, PROBE_TAG, 0);
    Blocks[0] = ExAllocateFromPagedLookasideList(&Paged);
    RtlFillMemory(Blocks[0], 300, 1);
    ExFreeToPagedLookasideList(&Paged, Blocks[0]);
    ExDeletePagedLookasideList(&Paged);
    Say("paged done\n");
}

static VOID NTAPI OnThread(HANDLE Process, HANDLE Thread, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(Thread);
    Say("  process %u %s a thread\n", (ULONG)(ULONG_PTR)Process, Create ? "made" : "lost");
}

static VOID NTAPI EndingThread(PVOID Context)
{
    if (Context != NULL) {
        Say("  ending\n");
        PsTerminateSystemThread(STATUS_SUCCESS);
        Say("  unreachable\n");
    }
    Say("  returning\n");
}

VOID ProbeThreads(VOID)
{
    LARGE_INTEGER Zero = {.QuadPart = 0};
    CLIENT_ID Id;
    HANDLE Handle;
    PETHREAD Thread = NULL;

    PsSetCreateThreadNotifyRoutine(OnThread);
    PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, &Id, EndingThread, (PVOID)1);
    Say("lookup %08x\n", PsLookupThreadByThreadId(Id.UniqueThread, &Thread));
    Say("same id %u, not over %08x\n", PsGetThreadId(Thread) == Id.UniqueThread,
        ZwWaitForSingleObject(Handle, FALSE, &Zero));
    Say("wait %08x\n", ZwWaitForSingleObject(Handle, FALSE, NULL));
    Say("still signalled %08x\n", ZwWaitForSingleObject(Handle, FALSE, &Zero));
    ZwClose(Handle);
    ObDereferenceObject(Thread);
    PsRemoveCreateThreadNotifyRoutine(OnThread);
    Say("not registered %08x\n", PsRemoveCreateThreadNotifyRoutine(OnThread));
    ProbeInThread(EndingThread, NULL);
    Say("bad id %08x\n", PsLookupThreadByThreadId((HANDLE)3, &Thread));
    Say("closed %08x\n", ZwClose(Handle));
}

VOID ProbeSpin(VOID)
{
    static volatile LONG Lock;
    KIRQL Irql = ExAcquireSpinLockShared(&Lock);

    Say("shared at %u, convert %u", KeGetCurrentIrql(), ExTryConvertSharedSpinLockExclusive(&Lock));
    DbgPrint(" value %x\n", (ULONG)Lock);
    ExReleaseSpinLockExclusive(&Lock, Irql);
    Irql = ExAcquireSpinLockExclusive(&Lock);
    ExReleaseSpinLockExclusive(&Lock, Irql);
    Say("value %x at %u\n", (ULONG)Lock, KeGetCurrentIrql());
}

VOID ProbeEvents(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    HANDLE Event, Other;
    PVOID Object;
    LARGE_INTEGER Short = {.QuadPart = -10000};

    RtlInitUnicodeString(&Name, L"\\KernelObjects\\ExProbe");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Say("create %08x\n",
        ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, SynchronizationEvent, FALSE));
    Say("again %08x\n",
        ZwCreateEvent(&Other, EVENT_ALL_ACCESS, &Attributes, SynchronizationEvent, FALSE));
    Say("wait %08x\n", ZwWaitForSingleObject(Event, FALSE, &Short));
    ZwSetEvent(Event, NULL);
    Say("wait %08x then %08x\n", ZwWaitForSingleObject(Event, FALSE, &Short),
        ZwWaitForSingleObject(Event, FALSE, &Short));
    Say("reference %08x as a file %08x\n",
        ObReferenceObjectByHandle(Event, 0, *ExEventObjectType, KernelMode, &Object, NULL),
        ObReferenceObjectByHandle(Event, 0, *IoFileObjectType, KernelMode, &Object, NULL));
    ZwClose(Event);
    Say("closed %08x\n", ZwWaitForSingleObject(Event, FALSE, NULL));
}
