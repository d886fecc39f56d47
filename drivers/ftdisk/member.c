/* SPDX-License-Identifier: MIT */
/*
 * Requests to a member that somebody waits for: resynchronisation, plug and play.
 *
 * Resident, both: the completion routine runs at DISPATCH_LEVEL, and what waits here is short.
 */
#include "ftdisk.h"

static IO_COMPLETION_ROUTINE WakeWaiter;

static NTSTATUS WakeWaiter(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned) {
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED; /* the packet is ours */
}

NTSTATUS FtSendAndWait(PDEVICE_OBJECT Device, PIRP Irp)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Irp, WakeWaiter, &Event, TRUE, TRUE, TRUE);
    if (IoCallDriver(Device, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    return Irp->IoStatus.Status;
}

NTSTATUS FtTransferAndWait(struct ft_volume *Volume, ULONG Member, UCHAR Major, ULONG64 Offset,
                           PMDL Mdl, ULONG Length)
{
    struct ft_member *To = &Volume->Member[Member];
    PIRP Irp = IoAllocateIrp(Volume->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    NTSTATUS Status;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->MdlAddress = Mdl;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = Major;
    Stack->Parameters.Read.Length = Length; /* Write has the same shape */
    Stack->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)(To->Offset + Offset);
    Status = FtSendAndWait(To->Device, Irp);
    if (NT_SUCCESS(Status) && Irp->IoStatus.Information != Length) {
        Status = STATUS_IO_DEVICE_ERROR;
    }
    Irp->MdlAddress = NULL;
    IoFreeIrp(Irp);
    return Status;
}
