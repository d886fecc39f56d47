/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the DPC of a kernel timer is in PAGE. The timer watches the line whether a port is open
 * or not.
 *
 * Fix: what a timer may call at any time is resident.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
KDEFERRED_ROUTINE WatchLine;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, WatchLine)
#endif
#endif

static KTIMER Timer;
static KDPC Dpc;
static LONG Looks;

VOID WatchLine(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context); /* finding: must-be-resident-role */
}

static VOID WatchUnload(PDRIVER_OBJECT DriverObject)
{
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER Due = {.QuadPart = -60LL * 10000000};
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, WatchLine, &Looks);
    KeSetTimerEx(&Timer, Due, 60 * 1000, &Dpc);
    DriverObject->DriverUnload = WatchUnload;
    return STATUS_SUCCESS;
}
