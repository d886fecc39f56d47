/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver unloads with its timer set. When the timer expires, its DPC's routine is
 * gone.
 *
 * Fix: cancel the timer, then let a DPC that is queued already finish.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KTIMER Timer;
static KDPC Dpc;
static LONG Ticks;

static VOID Tick(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context); /* finding: unload-left-behind */
}

#ifdef FIXED
static VOID TickUnload(PDRIVER_OBJECT DriverObject)
{
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    GalleryUnload(DriverObject);
}
#endif

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER Due = {.QuadPart = -10000000};
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Tick, &Ticks);
    KeSetTimerEx(&Timer, Due, 1000, &Dpc);
#ifdef FIXED
    DriverObject->DriverUnload = TickUnload;
#endif
    return STATUS_SUCCESS;
}
