/* SPDX-License-Identifier: MIT */
/* Code that changes the IRQL without a call, each routine in its own way. Never run. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH MasksAll, WritesCr8, Waits;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MasksAll)
#pragma alloc_text(PAGE, WritesCr8)
#endif

static NTSTATUS Done(PIRP Irp)
{
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS MasksAll(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    __asm__ volatile("cli" ::: "memory");
    DeviceObject->Flags++;
    __asm__ volatile("sti" ::: "memory");
    return Done(Irp);
}

NTSTATUS WritesCr8(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG64 before;

    __asm__ volatile("movq %%cr8, %0" : "=r"(before));
    __asm__ volatile("movq %0, %%cr8" ::"r"((ULONG64)DISPATCH_LEVEL) : "memory");
    DeviceObject->Flags++;
    __asm__ volatile("movq %0, %%cr8" ::"r"(before) : "memory");
    return Done(Irp);
}

/* Resident, and passes every kind of change on its way to a wait that it makes too high. */
NTSTATUS Waits(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    __asm__ volatile("pushfq\n"
                     "cli\n"
                     "popfq\n"
                     "cli\n"
                     "sti" ::
                         : "memory");
    __asm__ volatile("movq %0, %%cr8" ::"r"((ULONG64)DISPATCH_LEVEL) : "memory");
    KeWaitForSingleObject(DeviceObject->DeviceExtension, Executive, KernelMode, FALSE, NULL);
    __asm__ volatile("movq %0, %%cr8" ::"r"((ULONG64)PASSIVE_LEVEL) : "memory");
    return Done(Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MasksAll;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = WritesCr8;
    DriverObject->MajorFunction[IRP_MJ_READ] = Waits;
    return STATUS_SUCCESS;
}
