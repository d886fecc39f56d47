/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a callback is in PAGE because most who call it do so at PASSIVE_LEVEL. A callback object
 * notifies at the IRQL of whoever notifies, up to DISPATCH_LEVEL, and here somebody holds a lock.
 *
 * Fix: a callback whose caller may be at DISPATCH_LEVEL is resident.
 *
 * Seen: systeminformer #2638
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
VOID DockChanged(PVOID Context, PVOID Argument1, PVOID Argument2);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, DockChanged)
#endif
#endif

static PCALLBACK_OBJECT Callback;
static PVOID Registration;
static KSPIN_LOCK DockLock;
static BOOLEAN Docked;
static ULONG Changes;

VOID DockChanged(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context); /* finding: pageable-at-raised-irql */
}

static NTSTATUS DockControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&DockLock, &Irql);
    Docked = !Docked;
    ExNotifyCallback(Callback, &Docked, NULL);
    KeReleaseSpinLock(&DockLock, Irql);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID DockUnload(PDRIVER_OBJECT DriverObject)
{
    ExUnregisterCallback(Registration);
    ObDereferenceObject(Callback);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Callback\\GalleryDock");
    OBJECT_ATTRIBUTES Attributes;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&DockLock);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ExCreateCallback(&Callback, &Attributes, TRUE, TRUE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Registration = ExRegisterCallback(Callback, DockChanged, &Changes);
    Status = Registration ? GalleryCreate(DriverObject, 0, NULL) : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(Status)) {
        if (Registration) {
            ExUnregisterCallback(Registration);
        }
        ObDereferenceObject(Callback);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DockControl;
    DriverObject->DriverUnload = DockUnload;
    return STATUS_SUCCESS;
}
