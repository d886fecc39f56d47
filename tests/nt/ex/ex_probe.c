/* SPDX-License-Identifier: MIT */
/*
 * A driver that uses the executive and the run-time library and says what came of it.
 *
 * \Device\ExProbe: device control function 0x800 + n runs check n, 0xa00 + n makes mistake n.
 */
#include "ex_probe.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ProbeUnload;
static DRIVER_DISPATCH ProbeOpenClose;
static DRIVER_DISPATCH ProbeRead;
static DRIVER_DISPATCH ProbeControl;

PDRIVER_OBJECT ProbeDriver;
UNICODE_STRING ProbeRegistryPath;
static WCHAR ProbeRegistryBuffer[128];

static probe_routine *const Checks[] = {
    ProbePrint,     ProbePool,         ProbeRegistry, ProbeQuery,  ProbeNames,   ProbeVersions,
    ProbeFastMutex, ProbeGuardedMutex, ProbeResource, ProbeStarve, ProbeRundown, ProbeWork,
    ProbeCallback,  ProbeLookaside,    ProbeThreads,  ProbeSpin,   ProbeEvents,  ProbeSections,
    ProbeEntire,    ProbeImage,        ProbeFile,
};

static probe_routine *const Mistakes[] = {
    MistakeReleaseUnowned,  MistakeConvertUnowned, MistakeWorkItemIrql, MistakeQueueTwice,
    MistakeThreadIrql,      MistakeThreadRegion,   MistakeBreak,        MistakeAssert,
    MistakeRaise,           MistakeProbeRead,      MistakeProbeAlign,   MistakeReaderLock,
    MistakeReleaseReader,   MistakeWaitInDpc,      MistakeUnregister,   MistakeOwnerPointer,
    MistakeLockNothing,     MistakeLockStack,      MistakeUnderflow,    MistakeBadHandle,
    MistakeUnlockBadHandle, MistakeEntireNothing,  MistakeResetNothing, MistakeLockNonpaged,
    MistakeLockAtDispatch,  MistakeLockDiscarded,
};

PKTHREAD ProbeStart(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    PVOID Thread = NULL;

    if (NT_SUCCESS(
            PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context))) {
        ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &Thread,
                                  NULL);
        ZwClose(Handle);
    }
    return Thread;
}

VOID ProbeJoin(PKTHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

VOID ProbeInThread(PKSTART_ROUTINE Routine, PVOID Context)
{
    ProbeJoin(ProbeStart(Routine, Context));
}

VOID ProbeSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval;

    Interval.QuadPart = -10000ll * Milliseconds;
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

/* The image that was loaded last after this driver. */
static WCHAR LoadedBuffer[64];
static UNICODE_STRING LoadedName = {0, sizeof(LoadedBuffer), LoadedBuffer};
static BOOLEAN LoadedBySystem;

static VOID NTAPI OnImage(PUNICODE_STRING Name, HANDLE Process, PIMAGE_INFO Info)
{
    RtlCopyUnicodeString(&LoadedName, Name);
    LoadedBySystem = Process == NULL && Info->SystemModeImage && Info->ImageSize != 0;
}

VOID ProbeImage(VOID)
{
    Say("loaded %wZ, by the system %u\n", &LoadedName, LoadedBySystem);
    Say("again %08x\n", PsSetLoadImageNotifyRoutine(OnImage));
}

static VOID ProbeUnload(PDRIVER_OBJECT Driver)
{
    PsRemoveLoadImageNotifyRoutine(OnImage);
    IoDeleteDevice(Driver->DeviceObject);
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS ProbeOpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS);
}

/* Data is the alphabet, without end. */
static NTSTATUS ProbeRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.Read.Length;
    PCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(Device);
    for (ULONG i = 0; i < Length; i++) {
        Buffer[i] = (CHAR)('a' + (Stack->Parameters.Read.ByteOffset.QuadPart + i) % 26);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Length;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS ProbeControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    ULONG Code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    ULONG Function = (Code >> 2) & 0xfff;

    UNREFERENCED_PARAMETER(Device);
    if (Function >= 0x800 && Function - 0x800 < ARRAYSIZE(Checks)) {
        Checks[Function - 0x800]();
    } else if (Function >= 0xa00 && Function - 0xa00 < ARRAYSIZE(Mistakes)) {
        Mistakes[Function - 0xa00]();
    } else {
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        Say("left at IRQL %u\n", KeGetCurrentIrql());
    }
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    ProbeDriver = Driver;
    ProbeRegistryPath.Buffer = ProbeRegistryBuffer;
    ProbeRegistryPath.MaximumLength = sizeof(ProbeRegistryBuffer) - sizeof(WCHAR);
    RtlCopyUnicodeString(&ProbeRegistryPath, RegistryPath);
    Driver->DriverUnload = ProbeUnload;
    Driver->MajorFunction[IRP_MJ_CREATE] = ProbeOpenClose;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = ProbeOpenClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = ProbeOpenClose;
    Driver->MajorFunction[IRP_MJ_READ] = ProbeRead;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ProbeControl;
    PsSetLoadImageNotifyRoutine(OnImage);
    RtlInitUnicodeString(&Name, L"\\Device\\ExProbe");
    Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        Device->Flags |= DO_BUFFERED_IO;
    }
    return Status;
}
