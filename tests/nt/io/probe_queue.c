/* SPDX-License-Identifier: MIT */
/* Checks of what runs later: work items, timers, device queues, StartIo, cancel-safe queues. */
#include "io_probe.h"

/* ---- work items ---- */

static KEVENT WorkDone;
static PVOID WorkContext;
static PDEVICE_OBJECT WorkDevice;
static KIRQL WorkIrql;

static VOID Work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    WorkDevice = DeviceObject;
    WorkContext = Context;
    WorkIrql = KeGetCurrentIrql();
    KeSetEvent(&WorkDone, IO_NO_INCREMENT, FALSE);
}

static VOID WorkEx(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    WorkDevice = IoObject;
    WorkContext = Item;
    WorkIrql = KeGetCurrentIrql();
    IoFreeWorkItem(Item); /* may be freed by its own routine */
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
}

BOOLEAN ProbeWorkItem(void)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(ProbeBottom);
    KIRQL Irql;

    EXPECT("work-item", Item != NULL);
    KeInitializeEvent(&WorkDone, SynchronizationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, &Irql);
    KeLowerIrql(Irql);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    EXPECT("work-item", WorkContext == &Irql && WorkDevice == ProbeBottom);
    EXPECT("work-item", WorkIrql == PASSIVE_LEVEL);
    IoQueueWorkItem(Item, Work, CriticalWorkQueue, Item);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    EXPECT("work-item", WorkContext == Item);
    IoQueueWorkItemEx(Item, WorkEx, DelayedWorkQueue, &WorkDone);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    EXPECT("work-item", WorkContext == Item && WorkDevice == ProbeBottom);

    Item = ExAllocatePoolWithTag(NonPagedPool, IoSizeofWorkItem(), PROBE_TAG);
    EXPECT("work-item", Item != NULL);
    IoInitializeWorkItem(ProbeDriver, Item);
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, &Item);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    EXPECT("work-item", WorkContext == &Item && (PVOID)WorkDevice == (PVOID)ProbeDriver);
    IoUninitializeWorkItem(Item);
    ExFreePoolWithTag(Item, PROBE_TAG);
    return TRUE;
}

void MistakeFreeQueued(void)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(ProbeBottom);

    IoQueueWorkItem(Item, Work, DelayedWorkQueue, NULL);
    IoFreeWorkItem(Item);
}

void MistakeQueueTwice(void)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(ProbeBottom);

    IoQueueWorkItem(Item, Work, DelayedWorkQueue, NULL);
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, NULL);
}

static VOID WorkRaised(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
}

void MistakeWorkItemIrql(void)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(ProbeBottom);
    LARGE_INTEGER Second;

    Second.QuadPart = -10 * 1000 * 1000;
    IoQueueWorkItem(Item, WorkRaised, DelayedWorkQueue, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &Second);
}

/* ---- timers of devices ---- */

static ULONG Ticks;
static KIRQL TickIrql;

static VOID Tick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    *(PULONG)Context += 1;
    TickIrql = KeGetCurrentIrql();
}

BOOLEAN ProbeTimer(void)
{
    LARGE_INTEGER Delay;

    Ticks = 0;
    EXPECT("timer", IoInitializeTimer(ProbeBottom, Tick, &Ticks) == STATUS_SUCCESS);
    EXPECT("timer", ProbeBottom->Timer != NULL);
    Delay.QuadPart = -35 * 1000 * 1000;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    EXPECT("timer", Ticks == 0);
    IoStartTimer(ProbeBottom);
    KeDelayExecutionThread(KernelMode, FALSE, &Delay); /* 3.5 seconds */
    EXPECT("timer", Ticks == 3 && TickIrql == DISPATCH_LEVEL);
    IoStopTimer(ProbeBottom);
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    EXPECT("timer", Ticks == 3);
    IoStartTimer(ProbeBottom);
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    EXPECT("timer", Ticks == 6);
    IoStopTimer(ProbeBottom);
    return TRUE;
}

/* ---- device queues ---- */

static BOOLEAN DeviceQueue(void)
{
    static KDEVICE_QUEUE Queue;
    static KDEVICE_QUEUE_ENTRY E[4];

    KeInitializeDeviceQueue(&Queue);
    EXPECT("device-queue", Queue.Type == 20 && Queue.Size == sizeof(Queue) && !Queue.Busy);
    EXPECT("device-queue", !KeInsertDeviceQueue(&Queue, &E[0])); /* was idle: not queued */
    EXPECT("device-queue", Queue.Busy && !E[0].Inserted);
    EXPECT("device-queue", KeInsertByKeyDeviceQueue(&Queue, &E[1], 30) && E[1].Inserted);
    EXPECT("device-queue", KeInsertByKeyDeviceQueue(&Queue, &E[2], 10));
    EXPECT("device-queue", KeInsertByKeyDeviceQueue(&Queue, &E[3], 30));
    EXPECT("device-queue", KeRemoveByKeyDeviceQueue(&Queue, 20) == &E[1]); /* first at or above */
    EXPECT("device-queue", KeRemoveByKeyDeviceQueue(&Queue, 40) == &E[2]); /* none: the first */
    EXPECT("device-queue", KeRemoveEntryDeviceQueue(&Queue, &E[3]) && !E[3].Inserted);
    EXPECT("device-queue", !KeRemoveEntryDeviceQueue(&Queue, &E[3]));
    EXPECT("device-queue", Queue.Busy && KeRemoveDeviceQueue(&Queue) == NULL && !Queue.Busy);
    EXPECT("device-queue", !KeInsertDeviceQueue(&Queue, &E[0]));
    EXPECT("device-queue", KeInsertDeviceQueue(&Queue, &E[1]));
    EXPECT("device-queue", KeInsertDeviceQueue(&Queue, &E[2]));
    EXPECT("device-queue", KeRemoveDeviceQueue(&Queue) == &E[1]);
    EXPECT("device-queue", KeRemoveDeviceQueue(&Queue) == &E[2]);
    EXPECT("device-queue", KeRemoveDeviceQueue(&Queue) == NULL);
    return TRUE;
}

/* Device queues are for routines that run at DISPATCH_LEVEL. */
BOOLEAN ProbeDeviceQueue(void)
{
    BOOLEAN Ok;
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Ok = DeviceQueue();
    KeLowerIrql(Irql);
    return Ok;
}

/* ---- StartIo ---- */

static ULONG Started, Depth, DepthMax;
static BOOLEAN NextInside;
static PIRP Packets[4];

static VOID StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG i;

    for (i = 0; i < ARRAYSIZE(Packets); i++) {
        if (Packets[i] == Irp) {
            Started = Started * 16 + i + 1;
        }
    }
    if (KeGetCurrentIrql() != DISPATCH_LEVEL || DeviceObject->CurrentIrp != Irp) {
        Started = 0;
    }
    Depth++;
    DepthMax = Depth > DepthMax ? Depth : DepthMax;
    if (NextInside) {
        IoStartNextPacket(DeviceObject, FALSE);
    }
    Depth--;
}

static VOID StartCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
}

BOOLEAN ProbeStartIo(void)
{
    ULONG i, Key = 5;
    KIRQL Irql;

    ProbeDriver->DriverStartIo = StartIo;
    for (i = 0; i < ARRAYSIZE(Packets); i++) {
        Packets[i] = IoAllocateIrp(1, FALSE);
        EXPECT("start-io", Packets[i] != NULL);
        IoSetNextIrpStackLocation(Packets[i]);
        IoGetCurrentIrpStackLocation(Packets[i])->DeviceObject = ProbeBottom;
    }
    Started = DepthMax = 0;
    IoStartPacket(ProbeBottom, Packets[0], NULL, NULL); /* starts at once */
    IoStartPacket(ProbeBottom, Packets[1], NULL, StartCancel);
    IoStartPacket(ProbeBottom, Packets[2], &Key, NULL);
    IoStartPacket(ProbeBottom, Packets[3], NULL, StartCancel);
    EXPECT("start-io", Started == 0x1 && ProbeBottom->CurrentIrp == Packets[0]);
    EXPECT("start-io", IoCancelIrp(Packets[3]));
    EXPECT("start-io", Packets[3]->IoStatus.Status == STATUS_CANCELLED);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoStartNextPacket(ProbeBottom, TRUE);
    EXPECT("start-io", Started == 0x12);
    IoStartNextPacketByKey(ProbeBottom, FALSE, Key);
    EXPECT("start-io", Started == 0x123);
    IoStartNextPacket(ProbeBottom, TRUE);
    EXPECT("start-io", Started == 0x123 && ProbeBottom->CurrentIrp == NULL);
    KeLowerIrql(Irql);

    /* The next packet started from inside StartIo nests, unless the driver asked otherwise. */
    for (i = 0; i < 2; i++) {
        IoSetStartIoAttributes(ProbeBottom, i == 1, FALSE);
        NextInside = FALSE;
        IoStartPacket(ProbeBottom, Packets[0], NULL, NULL);
        IoStartPacket(ProbeBottom, Packets[1], NULL, NULL);
        IoStartPacket(ProbeBottom, Packets[2], NULL, NULL);
        NextInside = TRUE;
        DepthMax = 0;
        Started = 1;
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        IoStartNextPacket(ProbeBottom, FALSE);
        KeLowerIrql(Irql);
        EXPECT("start-io", Started == 0x123 && ProbeBottom->CurrentIrp == NULL);
        EXPECT("start-io", DepthMax == (i == 0 ? 2u : 1u));
    }
    IoSetStartIoAttributes(ProbeBottom, FALSE, FALSE);
    NextInside = FALSE;
    for (i = 0; i < ARRAYSIZE(Packets); i++) {
        IoFreeIrp(Packets[i]);
    }
    EXPECT("start-io", KeGetCurrentIrql() == PASSIVE_LEVEL);
    return TRUE;
}

/* ---- cancel-safe queues ---- */

static LIST_ENTRY CsqList;
static KSPIN_LOCK CsqLock;
static ULONG CsqCancelled;
static BOOLEAN CsqRefuse;

static VOID CsqInsert(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    InsertTailList(&CsqList, &Irp->Tail.Overlay.ListEntry);
}

static NTSTATUS CsqInsertEx(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    if (CsqRefuse) {
        return STATUS_DEVICE_NOT_READY;
    }
    *(PIRP *)Context = Irp;
    CsqInsert(Csq, Irp);
    return STATUS_SUCCESS;
}

static VOID CsqRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The context is the number of packets to pass by. */
static PIRP CsqPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Entry = Irp ? Irp->Tail.Overlay.ListEntry.Flink : CsqList.Flink;
    ULONG_PTR Skip = (ULONG_PTR)Context;

    UNREFERENCED_PARAMETER(Csq);
    while (Entry != &CsqList && Skip-- > 0) {
        Entry = Entry->Flink;
    }
    return Entry == &CsqList ? NULL : CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
}

static VOID CsqAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&CsqLock, Irql);
}

static VOID CsqRelease(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&CsqLock, Irql);
}

static VOID CsqComplete(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    CsqCancelled++;
}

static PIRP NewPacket(void)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    if (Irp) {
        IoSetNextIrpStackLocation(Irp);
    }
    return Irp;
}

static BOOLEAN CsqPlain(PIO_CSQ Csq, PIRP A, PIRP B, PIRP C)
{
    IO_CSQ_IRP_CONTEXT Context;

    EXPECT("csq", IoCsqInitialize(Csq, CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease,
                                  CsqComplete) == STATUS_SUCCESS);
    IoCsqInsertIrp(Csq, A, NULL);
    IoCsqInsertIrp(Csq, B, &Context);
    IoCsqInsertIrp(Csq, C, NULL);
    EXPECT("csq", A->CancelRoutine != NULL && Context.Irp == B);
    EXPECT("csq", IoGetCurrentIrpStackLocation(A)->Control & SL_PENDING_RETURNED);
    EXPECT("csq", IoCsqRemoveNextIrp(Csq, (PVOID)2) == C);
    EXPECT("csq", IoCsqRemoveIrp(Csq, &Context) == B && Context.Irp == NULL);
    EXPECT("csq", IoCsqRemoveIrp(Csq, &Context) == NULL);
    EXPECT("csq", B->CancelRoutine == NULL);
    EXPECT("csq", IoCancelIrp(A) && CsqCancelled == 1);
    EXPECT("csq", A->IoStatus.Status == STATUS_CANCELLED);
    EXPECT("csq", IoCsqRemoveNextIrp(Csq, NULL) == NULL);
    IoCsqInsertIrp(Csq, A, NULL); /* is cancelled already */
    EXPECT("csq", CsqCancelled == 2 && IsListEmpty(&CsqList));
    return TRUE;
}

BOOLEAN ProbeCsq(void)
{
    static IO_CSQ Csq;
    PIRP A = NewPacket(), B = NewPacket(), C = NewPacket(), Told = NULL;

    EXPECT("csq", A && B && C);
    InitializeListHead(&CsqList);
    KeInitializeSpinLock(&CsqLock);
    CsqCancelled = 0;
    if (!CsqPlain(&Csq, A, B, C)) {
        return FALSE;
    }
    EXPECT("csq", IoCsqInitializeEx(&Csq, CsqInsertEx, CsqRemove, CsqPeek, CsqAcquire, CsqRelease,
                                    CsqComplete) == STATUS_SUCCESS);
    CsqRefuse = TRUE;
    EXPECT("csq", IoCsqInsertIrpEx(&Csq, B, NULL, &Told) == STATUS_DEVICE_NOT_READY);
    EXPECT("csq", B->CancelRoutine == NULL && Told == NULL);
    CsqRefuse = FALSE;
    EXPECT("csq", IoCsqInsertIrpEx(&Csq, B, NULL, &Told) == STATUS_SUCCESS && Told == B);
    EXPECT("csq", IoCancelIrp(B) && CsqCancelled == 3);
    IoFreeIrp(A);
    IoFreeIrp(B);
    IoFreeIrp(C);
    EXPECT("csq", KeGetCurrentIrql() == PASSIVE_LEVEL);
    return TRUE;
}
