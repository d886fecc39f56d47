/* SPDX-License-Identifier: MIT */
/*
 * Every way in which a driver hands a routine to the system.  Never run: only looked at, compiled
 * without optimisation and with.  What each routine is called as is in its name; test_roles.c has
 * the list.
 */
#include <ntddk.h>

#include <csq.h>

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Lower;
    KDPC Dpc, ThreadedDpc;
    PKINTERRUPT Interrupt;
    PIO_WORKITEM Item;
    WORK_QUEUE_ITEM Queued, Later;
    IO_CSQ Raised, Passive;
    KSPIN_LOCK Lock;
    FAST_MUTEX Mutex;
    LIST_ENTRY Irps;
} EXTENSION;

#define NOINLINE __attribute__((noinline))

static VOID Touch(PVOID Any)
{
    *(volatile char *)Any = 0;
}

/* ---- what is handed over ---- */

#define DISPATCH(name)                                                                             \
    static NTSTATUS name(PDEVICE_OBJECT Device, PIRP Irp)                                          \
    {                                                                                              \
        Touch(Device->DeviceExtension);                                                            \
        Irp->IoStatus.Status = #name[0];                                                           \
        IoCompleteRequest(Irp, IO_NO_INCREMENT);                                                   \
        return STATUS_SUCCESS;                                                                     \
    }

DISPATCH(CreateDispatch)
DISPATCH(OtherDispatch)

static BOOLEAN FastRead(PFILE_OBJECT File, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait,
                        ULONG Key, PVOID Buffer, PIO_STATUS_BLOCK Status, PDEVICE_OBJECT Device)
{
    UNREFERENCED_PARAMETER(File);
    UNREFERENCED_PARAMETER(Offset);
    UNREFERENCED_PARAMETER(Wait);
    UNREFERENCED_PARAMETER(Buffer);
    Touch(Device->DeviceExtension);
    Status->Information = Length + Key;
    return FALSE;
}
static FAST_IO_DISPATCH FastIo = {.SizeOfFastIoDispatch = sizeof(FAST_IO_DISPATCH),
                                  .FastIoRead = FastRead};

static VOID Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    Touch(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS ReadDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    Touch(Context);
    return Irp->IoStatus.Status;
}

static NTSTATUS HelperDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    Touch(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS OwnDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID StartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    Touch(Irp);
    IoStartNextPacket(Device, TRUE);
}

static VOID PlainDpc(PKDPC Dpc, PVOID Context, PVOID One, PVOID Two)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(One);
    UNREFERENCED_PARAMETER(Two);
    Touch(Context);
}

static VOID SlowDpc(PKDPC Dpc, PVOID Context, PVOID One, PVOID Two)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(One);
    Touch(Context);
    Touch(Two);
}

static VOID DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    Touch(Device);
    Touch(Irp);
    Touch(Context);
}

static VOID SecondTimer(PDEVICE_OBJECT Device, PVOID Context)
{
    Touch(Device);
    Touch(Context);
}

static BOOLEAN Isr(PKINTERRUPT Interrupt, PVOID Context)
{
    Touch(Interrupt);
    Touch(Context);
    return TRUE;
}

static BOOLEAN Synchronized(PVOID Context)
{
    Touch(Context);
    return FALSE;
}

static VOID Worker(PDEVICE_OBJECT Device, PVOID Context)
{
    Touch(Device);
    Touch(Context);
}

static VOID QueuedWorker(PVOID Context)
{
    Touch(Context);
}

static VOID LaterWorker(PVOID Context)
{
    Touch(Context);
}

static VOID Thread(PVOID Context)
{
    Touch(Context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS QueryValue(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                           PVOID Entry)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Data);
    Touch(Context);
    Touch(Entry);
    return Type + Length;
}

static VOID Reinitialize(PDRIVER_OBJECT Driver, PVOID Context, ULONG Count)
{
    UNREFERENCED_PARAMETER(Context);
    Driver->Flags |= Count;
}

/* ---- queues of IRPs ---- */

static VOID RaisedInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, EXTENSION, Raised)->Irps, &Irp->Tail.Overlay.ListEntry);
}

static VOID RaisedRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP RaisedPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Csq);
    Touch(Context);
    return Irp;
}

static VOID RaisedAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, EXTENSION, Raised)->Lock, Irql);
}

static VOID RaisedRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, EXTENSION, Raised)->Lock, Irql);
}

static VOID RaisedCanceled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID PassiveInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, EXTENSION, Passive)->Irps, &Irp->Tail.Overlay.ListEntry);
}

static VOID PassiveRemove(PIO_CSQ Csq, PIRP Irp)
{
    Touch(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP PassivePeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    Touch(Csq);
    Touch(Context);
    return Irp;
}

static VOID PassiveAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    *Irql = 0;
    ExAcquireFastMutex(&CONTAINING_RECORD(Csq, EXTENSION, Passive)->Mutex);
}

static VOID PassiveRelease(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Irql);
    ExReleaseFastMutex(&CONTAINING_RECORD(Csq, EXTENSION, Passive)->Mutex);
}

/* ---- handing over ---- */

static NOINLINE NTSTATUS Forward(EXTENSION *Extension, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, HelperDone, Extension, TRUE, TRUE, TRUE);
    return IoCallDriver(Extension->Lower, Irp);
}

static NTSTATUS ReadDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Extension = Device->DeviceExtension;

    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, Cancel);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, ReadDone, Extension, TRUE, TRUE, TRUE);
    return IoCallDriver(Extension->Lower, Irp);
}

static NOINLINE VOID QueueLater(EXTENSION *Extension)
{
    ExQueueWorkItem(&Extension->Later, DelayedWorkQueue);
}

static NTSTATUS ControlDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Extension = Device->DeviceExtension;
    PIRP Own = IoAllocateIrp(Extension->Lower->StackSize, FALSE);
    HANDLE Handle;

    if (Own != NULL) {
        IoSetCompletionRoutine(Own, OwnDone, Extension, TRUE, TRUE, TRUE);
        IoCallDriver(Extension->Lower, Own);
    }
    IoQueueWorkItem(Extension->Item, Worker, DelayedWorkQueue, Irp);
    ExInitializeWorkItem(&Extension->Queued, QueuedWorker, Extension);
    QueueLater(Extension);
    ExQueueWorkItem(&Extension->Queued, DelayedWorkQueue);
    PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, Extension);
    KeSynchronizeExecution(Extension->Interrupt, Synchronized, Extension);
    return Forward(Extension, Irp);
}

static NTSTATUS PowerDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Extension = Device->DeviceExtension;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Extension->Lower, Irp);
}

static NOINLINE VOID Connect(EXTENSION *Extension)
{
    IoConnectInterrupt(&Extension->Interrupt, Isr, Extension, NULL, 5, 5, 5, LevelSensitive, TRUE,
                       1, FALSE);
    IoCsqInitialize(&Extension->Raised, RaisedInsert, RaisedRemove, RaisedPeek, RaisedAcquire,
                    RaisedRelease, RaisedCanceled);
    IoCsqInitialize(&Extension->Passive, PassiveInsert, PassiveRemove, PassivePeek, PassiveAcquire,
                    PassiveRelease, RaisedCanceled);
}

static NTSTATUS AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    RTL_QUERY_REGISTRY_TABLE Table[2];
    PDEVICE_OBJECT Device;
    EXTENSION *Extension;
    NTSTATUS Status =
        IoCreateDevice(Driver, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Extension = Device->DeviceExtension;
    Extension->Self = Device;
    Extension->Lower = IoAttachDeviceToDeviceStack(Device, Physical);
    KeInitializeDpc(&Extension->Dpc, PlainDpc, Extension);
    KeInitializeThreadedDpc(&Extension->ThreadedDpc, SlowDpc, Extension);
    IoInitializeDpcRequest(Device, DpcForIsr);
    ExInitializeWorkItem(&Extension->Later, LaterWorker, Extension);
    IoInitializeTimer(Device, SecondTimer, Extension);
    RtlZeroMemory(Table, sizeof(Table));
    Table[0].QueryRoutine = QueryValue;
    Table[0].Name = L"Value";
    RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"roles", Table, Extension, NULL);
    Connect(Extension);
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
    IoDeleteDevice(Driver->DeviceObject);
}

static NOINLINE VOID SetUp(PDRIVER_OBJECT Driver)
{
    Driver->MajorFunction[IRP_MJ_POWER] = PowerDispatch;
    Driver->DriverStartIo = StartIo;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        Driver->MajorFunction[i] = OtherDispatch;
    }
    Driver->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    Driver->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ControlDispatch;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    Driver->FastIoDispatch = &FastIo;
    SetUp(Driver);
    IoRegisterDriverReinitialization(Driver, Reinitialize, NULL);
    return STATUS_SUCCESS;
}
