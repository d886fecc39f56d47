/* SPDX-License-Identifier: MIT */
/*
 * A driver that checks the I/O manager from inside.
 *
 *   \Device\ProbeBottom     does what the control code says (enum probe_order)
 *   \Device\Probe           function 0x800 + n runs check n; 0xa00 + n makes mistake n;
 *                           0xb00 + order sends that order to ProbeBottom in the request itself
 *   \Device\ProbeBuffered, ...Direct, ...Neither   echo: a read gives what was written last;
 * function 0xc00 with each method answers with the input, every byte plus one \Device\ProbeAlone
 * exclusive
 */
#include "io_probe.h"

DRIVER_INITIALIZE DriverEntry;

PDRIVER_OBJECT ProbeDriver;
PDEVICE_OBJECT ProbeBottom;

static const struct {
    const char *Name;
    probe_check *Check;
} Checks[] = {
    {"build", ProbeBuild},
    {"completion-order", ProbeCompletionOrder},
    {"forward", ProbeForward},
    {"associated", ProbeAssociated},
    {"cancel", ProbeCancel},
    {"reuse", ProbeReuse},
    {"mdl", ProbeMdl},
    {"mdl-paged", ProbeMdlPaged},
    {"mdl-partial", ProbeMdlPartial},
    {"pages-for-mdl", ProbePagesForMdl},
    {"work-item", ProbeWorkItem},
    {"timer", ProbeTimer},
    {"device-queue", ProbeDeviceQueue},
    {"start-io", ProbeStartIo},
    {"remove-lock", ProbeRemoveLock},
    {"csq", ProbeCsq},
    {"names", ProbeNames},
    {"attach", ProbeAttach},
    {"pointer", ProbePointer},
    {"extension", ProbeExtension},
    {"share", ProbeShare},
    {"power", ProbePower},
    {"stream", ProbeStream},
    {"notify", ProbeNotify},
};

static probe_mistake *const Mistakes[] = {
    MistakeCompleteTwice,  MistakeNoStack,
    MistakeUseFreed,       MistakeCancelCompleted,
    MistakeUnlock,         MistakePartial,
    MistakeUnmap,          MistakeMapUnlocked,
    MistakeUnmapElsewhere, MistakeFreeQueued,
    MistakeQueueTwice,     MistakeDeleteTwice,
    MistakeDeletedDevice,  MistakeNoCompletionRoutine,
    MistakeLockFreed,      MistakeLockAtDispatch,
    MistakeRemoveLock,     MistakeBadFile,
    MistakeStartTimer,     MistakeWorkItemIrql,
    MistakeProperty,
};

struct probe_extension {
    enum { ProbeRoleMain, ProbeRoleBottom, ProbeRoleEcho } Role;
    KDPC Dpc;
    LIST_ENTRY Queue; /* packets that the DPC completes */
    PIRP Forever;
    ULONG Length;
    UCHAR Data[4096];
};

NTSTATUS ProbeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- the bottom device ---- */

static VOID BottomDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    struct probe_extension *Extension = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    while (!IsListEmpty(&Extension->Queue)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Extension->Queue);

        ProbeComplete(CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry), STATUS_SUCCESS, 5);
    }
}

static VOID BottomCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    ProbeComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS PendCancelable(PIRP Irp)
{
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    if (Irp->Cancel) {
        IoReleaseCancelSpinLock(Irql);
        return ProbeComplete(Irp, STATUS_CANCELLED, 0);
    }
    IoMarkIrpPending(Irp);
    (void)IoSetCancelRoutine(Irp, BottomCancel);
    IoReleaseCancelSpinLock(Irql);
    return STATUS_PENDING;
}

void ProbeReleaseForever(void)
{
    struct probe_extension *Extension = ProbeBottom->DeviceExtension;
    PIRP Irp = Extension->Forever;

    Extension->Forever = NULL;
    if (Irp) {
        ProbeComplete(Irp, STATUS_SUCCESS, 0);
    }
}

static NTSTATUS BottomOrder(struct probe_extension *Extension, PIRP Irp, ULONG Order)
{
    switch (Order) {
    case ProbeSucceed:
        return ProbeComplete(Irp, STATUS_SUCCESS, 7);
    case ProbeFail:
        return ProbeComplete(Irp, STATUS_UNSUCCESSFUL, 0);
    case ProbePendDpc:
        IoMarkIrpPending(Irp);
        InsertTailList(&Extension->Queue, &Irp->Tail.Overlay.ListEntry);
        KeInsertQueueDpc(&Extension->Dpc, NULL, NULL);
        return STATUS_PENDING;
    case ProbePendCancelable:
        return PendCancelable(Irp);
    case ProbePendForever:
        IoMarkIrpPending(Irp);
        Extension->Forever = Irp;
        return STATUS_PENDING;
    case ProbeForget:
        return STATUS_SUCCESS;
    case ProbeUnmarkedPending:
        ProbeComplete(Irp, STATUS_SUCCESS, 0);
        return STATUS_PENDING;
    case ProbeMarkedSuccess:
        IoMarkIrpPending(Irp);
        return ProbeComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return ProbeComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- the echo devices ---- */

static NTSTATUS EchoReadWrite(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Write)
{
    struct probe_extension *Extension = Device->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.Read.Length;
    PVOID Buffer = Irp->UserBuffer;

    if (Device->Flags & DO_BUFFERED_IO) {
        Buffer = Irp->AssociatedIrp.SystemBuffer;
    } else if ((Device->Flags & DO_DIRECT_IO) && Irp->MdlAddress) {
        Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    if (Length > sizeof(Extension->Data)) {
        return ProbeComplete(Irp, STATUS_BUFFER_OVERFLOW, 0);
    }
    if (Stack->Parameters.Read.ByteOffset.QuadPart != 0) {
        return ProbeComplete(Irp, STATUS_END_OF_FILE, 0);
    }
    if (Write) {
        RtlCopyMemory(Extension->Data, Buffer, Length);
        Extension->Length = Length;
    } else {
        Length = Length < Extension->Length ? Length : Extension->Length;
        RtlCopyMemory(Buffer, Extension->Data, Length);
    }
    return ProbeComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS EchoControl(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Method = Stack->Parameters.DeviceIoControl.IoControlCode & 3;
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PUCHAR From = Irp->AssociatedIrp.SystemBuffer, To = From;
    ULONG i;

    if (Method == METHOD_NEITHER) {
        From = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        To = Irp->UserBuffer;
    } else if (Method != METHOD_BUFFERED) {
        if (!Irp->MdlAddress) {
            return ProbeComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        }
        To = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    for (i = 0; i < In && i < Out; i++) {
        To[i] = (UCHAR)(From[i] + 1);
    }
    return ProbeComplete(Irp, STATUS_SUCCESS, i);
}

/* ---- dispatch ---- */

static NTSTATUS MainControl(PIRP Irp, ULONG Function)
{
    ULONG n = Function & 0xff;

    if ((Function & 0xf00) == 0x800 && n < ARRAYSIZE(Checks)) {
        BOOLEAN Passed = Checks[n].Check();

        if (Passed) {
            DbgPrint("%s ok\n", Checks[n].Name);
        }
        return ProbeComplete(Irp, Passed ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL, 0);
    }
    if ((Function & 0xf00) == 0xa00 && n < ARRAYSIZE(Mistakes)) {
        Mistakes[n]();
        DbgPrint("mistake %lu passed\n", n);
        return ProbeComplete(Irp, STATUS_SUCCESS, 0);
    }
    if ((Function & 0xf00) == 0xb00) {
        return BottomOrder(ProbeBottom->DeviceExtension, Irp, 0x900 + n);
    }
    return ProbeComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static NTSTATUS DispatchControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    struct probe_extension *Extension = Device->DeviceExtension;
    ULONG Code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    ULONG Function = (Code >> 2) & 0xfff;

    switch (Extension->Role) {
    case ProbeRoleBottom:
        return BottomOrder(Extension, Irp, Function);
    case ProbeRoleEcho:
        return EchoControl(Irp);
    default:
        return MainControl(Irp, Function);
    }
}

static NTSTATUS DispatchReadWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    struct probe_extension *Extension = Device->DeviceExtension;
    BOOLEAN Write = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE;

    if (Extension->Role != ProbeRoleEcho) {
        return ProbeComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    return EchoReadWrite(Device, Irp, Write);
}

/* Creates, cleanups and closes of the exclusive device are told, to see their order. */
static NTSTATUS DispatchOpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    static const char *const Names[] = {"create", "?", "close"};

    if (Device->Flags & DO_EXCLUSIVE) {
        DbgPrint("%s\n",
                 Stack->MajorFunction == IRP_MJ_CLEANUP ? "cleanup" : Names[Stack->MajorFunction]);
    }
    return ProbeComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID ProbeUnload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject) {
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

static NTSTATUS NewDevice(PCWSTR Name, int Role, ULONG Flags, PDEVICE_OBJECT *Out)
{
    UNICODE_STRING String;
    struct probe_extension *Extension;
    NTSTATUS Status;

    RtlInitUnicodeString(&String, Name);
    Status = IoCreateDevice(ProbeDriver, sizeof(*Extension), &String, FILE_DEVICE_UNKNOWN, 0,
                            (Flags & DO_EXCLUSIVE) != 0, Out);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Extension = (*Out)->DeviceExtension;
    Extension->Role = Role;
    InitializeListHead(&Extension->Queue);
    KeInitializeDpc(&Extension->Dpc, BottomDpc, Extension);
    (*Out)->Flags |= Flags;
    return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;

    UNREFERENCED_PARAMETER(RegistryPath);
    ProbeDriver = DriverObject;
    DriverObject->DriverUnload = ProbeUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = DispatchReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = DispatchReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = DispatchControl;
    if (!NT_SUCCESS(NewDevice(L"\\Device\\ProbeBottom", ProbeRoleBottom, 0, &ProbeBottom)) ||
        !NT_SUCCESS(NewDevice(L"\\Device\\Probe", ProbeRoleMain, 0, &Device)) ||
        !NT_SUCCESS(
            NewDevice(L"\\Device\\ProbeBuffered", ProbeRoleEcho, DO_BUFFERED_IO, &Device)) ||
        !NT_SUCCESS(NewDevice(L"\\Device\\ProbeDirect", ProbeRoleEcho, DO_DIRECT_IO, &Device)) ||
        !NT_SUCCESS(NewDevice(L"\\Device\\ProbeNeither", ProbeRoleEcho, 0, &Device)) ||
        !NT_SUCCESS(NewDevice(L"\\Device\\ProbeAlone", ProbeRoleMain, DO_EXCLUSIVE, &Device))) {
        ProbeUnload(DriverObject);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}
