/* SPDX-License-Identifier: MIT */
/* Checks of IRPs: building, sending, completing, cancelling. */
#include "io_probe.h"

static PIRP BuildOrder(ULONG Order, PKEVENT Event, PIO_STATUS_BLOCK Iosb)
{
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    Iosb->Status = 0x7777;
    Iosb->Information = 0x7777;
    return IoBuildDeviceIoControlRequest(PROBE_ORDER(Order), ProbeBottom, NULL, 0, NULL, 0, TRUE,
                                         Event, Iosb);
}

BOOLEAN ProbeBuild(void)
{
    LARGE_INTEGER Offset, Timeout;
    IO_STATUS_BLOCK Iosb;
    PIO_STACK_LOCATION Stack;
    KEVENT Event;
    PIRP Irp;

    /* Completed at once: the event is set and the status block filled in when the call returns. */
    Irp = BuildOrder(ProbeSucceed, &Event, &Iosb);
    EXPECT("build", Irp != NULL);
    EXPECT("build", Irp->Type == IO_TYPE_IRP && Irp->StackCount == 1 && Irp->CurrentLocation == 2);
    Stack = IoGetNextIrpStackLocation(Irp);
    EXPECT("build", Stack->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL);
    EXPECT("build", IoCallDriver(ProbeBottom, Irp) == STATUS_SUCCESS);
    EXPECT("build", KeReadStateEvent(&Event) == 1);
    EXPECT("build", Iosb.Status == STATUS_SUCCESS && Iosb.Information == 7);

    /* Completed by a DPC, told in this thread, which waits. */
    Irp = BuildOrder(ProbePendDpc, &Event, &Iosb);
    EXPECT("build", Irp != NULL && IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING);
    EXPECT("build",
           KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    EXPECT("build", Iosb.Status == STATUS_SUCCESS && Iosb.Information == 5);

    /* At APC_LEVEL the thread cannot be told. */
    Irp = BuildOrder(ProbePendDpc, &Event, &Iosb);
    EXPECT("build", Irp != NULL);
    {
        KIRQL Irql;
        NTSTATUS Status;

        Timeout.QuadPart = -10 * 1000 * 1000;
        KeRaiseIrql(APC_LEVEL, &Irql);
        IoCallDriver(ProbeBottom, Irp);
        Status = KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout);
        KeLowerIrql(Irql);
        EXPECT("build", Status == STATUS_TIMEOUT);
        EXPECT("build", KeReadStateEvent(&Event) == 1 && Iosb.Information == 5);
    }

    Offset.QuadPart = 0x1234;
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, ProbeBottom, &Timeout, sizeof(Timeout),
                                       &Offset, &Event, &Iosb);
    EXPECT("build", Irp != NULL);
    Stack = IoGetNextIrpStackLocation(Irp);
    EXPECT("build", Stack->Parameters.Write.Length == sizeof(Timeout));
    EXPECT("build", Stack->Parameters.Write.ByteOffset.QuadPart == 0x1234);
    EXPECT("build", Irp->UserBuffer == &Timeout && !Irp->AssociatedIrp.SystemBuffer);
    EXPECT("build", IoCallDriver(ProbeBottom, Irp) == STATUS_INVALID_DEVICE_REQUEST);
    return TRUE;
}

/* ---- completion ---- */

static ULONG Trace;

static NTSTATUS Note(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    Trace = Trace * 16 + (ULONG)(ULONG_PTR)Context;
    return STATUS_SUCCESS;
}

static NTSTATUS NoteAndStop(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Irp);
    Trace = Trace * 16 + (ULONG)(ULONG_PTR)Context;
    /* The first driver's routine is told no device: there is none above it. */
    if (DeviceObject != NULL) {
        Trace = 0;
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP with three locations that goes through two made-up drivers to the bottom one. */
static PIRP ThreeDeep(BOOLEAN OnSuccess, BOOLEAN OnError, BOOLEAN OnCancel, ULONG Order)
{
    PIRP Irp = IoAllocateIrp(3, FALSE);
    PIO_STACK_LOCATION Stack;

    Trace = 0;
    if (!Irp) {
        return NULL;
    }
    IoSetCompletionRoutine(Irp, NoteAndStop, (PVOID)1, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = ProbeBottom;
    IoSetCompletionRoutine(Irp, Note, (PVOID)2, OnSuccess, OnError, OnCancel);
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = ProbeBottom;
    IoSetCompletionRoutine(Irp, Note, (PVOID)3, OnSuccess, OnError, OnCancel);
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    Stack->Parameters.DeviceIoControl.IoControlCode = PROBE_ORDER(Order);
    return Irp;
}

BOOLEAN ProbeCompletionOrder(void)
{
    PIRP Irp = ThreeDeep(TRUE, FALSE, FALSE, ProbeSucceed);

    EXPECT("completion-order", Irp != NULL);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_SUCCESS);
    EXPECT("completion-order", Trace == 0x321); /* from the last driver up */
    EXPECT("completion-order", Irp->CurrentLocation == 4 && !Irp->PendingReturned);
    IoFreeIrp(Irp);

    /* An error passes by routines that asked for success only. */
    Irp = ThreeDeep(TRUE, FALSE, FALSE, ProbeFail);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_UNSUCCESSFUL);
    EXPECT("completion-order", Trace == 0x1);
    IoFreeIrp(Irp);
    Irp = ThreeDeep(FALSE, TRUE, FALSE, ProbeFail);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_UNSUCCESSFUL);
    EXPECT("completion-order", Trace == 0x321);
    IoFreeIrp(Irp);

    /* Pending is carried up, by the routines or, where there are none to call, by the system. */
    Irp = ThreeDeep(TRUE, TRUE, TRUE, ProbePendForever);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING && Trace == 0);
    ProbeReleaseForever();
    EXPECT("completion-order", Trace == 0x321 && Irp->PendingReturned);
    IoFreeIrp(Irp);
    Irp = ThreeDeep(FALSE, FALSE, FALSE, ProbePendForever);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING);
    ProbeReleaseForever();
    EXPECT("completion-order", Trace == 0x1 && Irp->PendingReturned);
    IoFreeIrp(Irp);

    /* Cancelled: routines that asked for it are called whatever the status. */
    Irp = ThreeDeep(FALSE, FALSE, TRUE, ProbePendCancelable);
    EXPECT("completion-order", IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING);
    EXPECT("completion-order", IoCancelIrp(Irp) && Trace == 0x321);
    EXPECT("completion-order", Irp->IoStatus.Status == STATUS_CANCELLED);
    IoFreeIrp(Irp);
    return TRUE;
}

BOOLEAN ProbeForward(void)
{
    PIRP Irp = IoAllocateIrp(2, FALSE);
    PIO_STACK_LOCATION Stack;

    EXPECT("forward", Irp != NULL);
    IoSetNextIrpStackLocation(Irp);
    Stack = IoGetCurrentIrpStackLocation(Irp);
    Stack->DeviceObject = ProbeBottom;
    Stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    Stack->Parameters.DeviceIoControl.IoControlCode = PROBE_ORDER(ProbePendDpc);
    EXPECT("forward", IoForwardIrpSynchronously(ProbeBottom, Irp));
    EXPECT("forward", Irp->IoStatus.Status == STATUS_SUCCESS && Irp->IoStatus.Information == 5);
    EXPECT("forward", IoGetCurrentIrpStackLocation(Irp) == Stack && Irp->CurrentLocation == 2);
    Stack->Parameters.DeviceIoControl.IoControlCode = PROBE_ORDER(ProbeFail);
    EXPECT("forward", IoForwardIrpSynchronously(ProbeBottom, Irp));
    EXPECT("forward", Irp->IoStatus.Status == STATUS_UNSUCCESSFUL);
    IoFreeIrp(Irp);

    Irp = IoAllocateIrp(1, FALSE);
    EXPECT("forward", Irp != NULL);
    IoSetNextIrpStackLocation(Irp);
    EXPECT("forward", !IoForwardIrpSynchronously(ProbeBottom, Irp)); /* no location is left */
    IoFreeIrp(Irp);
    EXPECT("forward", IoAllocateIrp(0, FALSE) == NULL);
    return TRUE;
}

BOOLEAN ProbeAssociated(void)
{
    PIRP Master = IoAllocateIrp(2, FALSE), Child[2];
    int i;

    EXPECT("associated", Master != NULL);
    Trace = 0;
    IoSetCompletionRoutine(Master, NoteAndStop, (PVOID)9, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Master);
    Master->AssociatedIrp.IrpCount = 2;
    for (i = 0; i < 2; i++) {
        Child[i] = IoMakeAssociatedIrp(Master, 1);
        EXPECT("associated", Child[i] && (Child[i]->Flags & IRP_ASSOCIATED_IRP));
        IoGetNextIrpStackLocation(Child[i])->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        IoGetNextIrpStackLocation(Child[i])->Parameters.DeviceIoControl.IoControlCode =
            PROBE_ORDER(ProbeSucceed);
    }
    IoCallDriver(ProbeBottom, Child[0]);
    EXPECT("associated", Trace == 0);
    IoCallDriver(ProbeBottom, Child[1]); /* the last one completes the master */
    EXPECT("associated", Trace == 9);
    IoFreeIrp(Master);
    return TRUE;
}

BOOLEAN ProbeCancel(void)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp = BuildOrder(ProbePendCancelable, &Event, &Iosb);

    EXPECT("cancel", Irp != NULL && IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING);
    EXPECT("cancel", IoCancelIrp(Irp));
    EXPECT("cancel", KeReadStateEvent(&Event) == 1 && Iosb.Status == STATUS_CANCELLED);

    /* Nobody can cancel what has no cancel routine; the mark stays. */
    Irp = ThreeDeep(TRUE, TRUE, TRUE, ProbePendForever);
    EXPECT("cancel", IoCallDriver(ProbeBottom, Irp) == STATUS_PENDING);
    EXPECT("cancel", !IoCancelIrp(Irp) && Irp->Cancel && Trace == 0);
    ProbeReleaseForever();
    EXPECT("cancel", Trace == 0x321 && Irp->IoStatus.Status == STATUS_SUCCESS);
    IoFreeIrp(Irp);

    /* Cancelled before it was sent. */
    Irp = ThreeDeep(TRUE, TRUE, TRUE, ProbePendCancelable);
    EXPECT("cancel", !IoCancelIrp(Irp));
    EXPECT("cancel", IoCallDriver(ProbeBottom, Irp) == STATUS_CANCELLED);
    IoFreeIrp(Irp);
    EXPECT("cancel", KeGetCurrentIrql() == PASSIVE_LEVEL);
    return TRUE;
}

BOOLEAN ProbeReuse(void)
{
    PIRP Irp = ThreeDeep(TRUE, TRUE, TRUE, ProbeSucceed);

    EXPECT("reuse", IoCallDriver(ProbeBottom, Irp) == STATUS_SUCCESS);
    IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    EXPECT("reuse", Irp->Type == IO_TYPE_IRP && Irp->StackCount == 3 && Irp->CurrentLocation == 4);
    EXPECT("reuse", Irp->IoStatus.Status == STATUS_NOT_SUPPORTED && !Irp->Cancel);
    EXPECT("reuse", IoGetNextIrpStackLocation(Irp)->CompletionRoutine == NULL);
    IoFreeIrp(Irp);

    Irp = ExAllocatePoolWithTag(NonPagedPool, IoSizeOfIrp(2), PROBE_TAG);
    EXPECT("reuse", Irp != NULL);
    IoInitializeIrp(Irp, IoSizeOfIrp(2), 2);
    EXPECT("reuse", Irp->StackCount == 2 && Irp->Size == IoSizeOfIrp(2));
    IoSetCompletionRoutine(Irp, NoteAndStop, (PVOID)4, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Irp);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoGetNextIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode =
        PROBE_ORDER(ProbeSucceed);
    Trace = 0;
    EXPECT("reuse", IoCallDriver(ProbeBottom, Irp) == STATUS_SUCCESS && Trace == 4);
    ExFreePoolWithTag(Irp, PROBE_TAG);
    return TRUE;
}

/* ---- mistakes ---- */

void MistakeCompleteTwice(void)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PIRP Irp = BuildOrder(ProbePendForever, &Event, &Iosb);

    IoCallDriver(ProbeBottom, Irp);
    ProbeReleaseForever();
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

void MistakeNoStack(void)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoSetNextIrpStackLocation(Irp);
    IoCallDriver(ProbeBottom, Irp);
}

void MistakeUseFreed(void)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID NoCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

/* Its completion routine keeps the packet, so that it is there to be cancelled. */
void MistakeCancelCompleted(void)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    Irp->CurrentLocation = 3;
    IoSetCancelRoutine(Irp, NoCancel);
    IoCancelIrp(Irp);
}

void MistakeNoCompletionRoutine(void)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoGetNextIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode =
        PROBE_ORDER(ProbeSucceed);
    IoCallDriver(ProbeBottom, Irp);
}
