/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver polls with a spin lock held for a flag that a DPC will set. The DPC cannot
 * run on this processor before the lock is released.
 *
 * Fix: an event, waited for at PASSIVE_LEVEL.
 *
 * Run: --budget 1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK WorkLock;
static KDPC Dpc;
static KEVENT Finished;
static volatile LONG FinishedFlag;

static VOID Finish(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    FinishedFlag = TRUE;
    KeSetEvent(&Finished, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS WorkControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    FinishedFlag = FALSE;
    KeAcquireSpinLock(&WorkLock, &Irql);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
#ifndef FIXED
    while (!FinishedFlag) { /* finding: budget-exhausted */
    }
#endif
    KeReleaseSpinLock(&WorkLock, Irql);
    KeWaitForSingleObject(&Finished, Executive, KernelMode, FALSE, NULL);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&WorkLock);
    KeInitializeDpc(&Dpc, Finish, NULL);
    KeInitializeEvent(&Finished, SynchronizationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = WorkControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
