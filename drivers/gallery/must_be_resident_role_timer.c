/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the routine of a device's timer is in PAGE. It is called once a second, in a DPC.
 *
 * Fix: it is resident.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
IO_TIMER_ROUTINE SecondPassed;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, SecondPassed)
#endif
#endif

VOID SecondPassed(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedIncrement(Context); /* finding: must-be-resident-role */
}

static VOID TimerUnload(PDRIVER_OBJECT DriverObject)
{
    IoStopTimer(DriverObject->DeviceObject);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID Seconds;
    NTSTATUS Status = GalleryCreate(DriverObject, sizeof(LONG), &Seconds);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoInitializeTimer(DriverObject->DeviceObject, SecondPassed, Seconds);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    IoStartTimer(DriverObject->DeviceObject);
    DriverObject->DriverUnload = TimerUnload;
    return STATUS_SUCCESS;
}
