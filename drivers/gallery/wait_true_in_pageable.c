/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a routine of PAGE releases a mutex with Wait TRUE, which returns at DISPATCH_LEVEL so
 * that the wait that follows is one step with the release.
 *
 * Fix: Wait FALSE. Only resident code may ask for the two in one step.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH HandOver;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, HandOver)
#endif

static KMUTEX Mutex;
static KEVENT Ready;

#ifdef FIXED
#define STEP_OF_A_WAIT FALSE
#else
#define STEP_OF_A_WAIT TRUE
#endif

NTSTATUS HandOver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
    KeReleaseMutex(&Mutex, STEP_OF_A_WAIT); /* finding: wait-true-in-pageable */
    KeWaitForSingleObject(&Ready, Executive, KernelMode, FALSE, NULL);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeEvent(&Ready, NotificationEvent, TRUE);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = HandOver;
    return GalleryCreate(DriverObject, 0, NULL);
}
