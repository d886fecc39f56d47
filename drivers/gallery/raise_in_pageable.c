/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a routine of PAGE raises the IRQL to DISPATCH_LEVEL so that nobody interrupts it. It
 * runs on in its own page, which may leave at that moment.
 *
 * Fix: the raised lines become a resident routine.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH PairControl;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PairControl)
#endif

/* Two halves that the DPCs of this processor must see together: none runs while the IRQL is
 * DISPATCH_LEVEL. */
static volatile ULONG Low, High;

#ifdef FIXED
static DECLSPEC_NOINLINE VOID SetPair(ULONG NewLow, ULONG NewHigh)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Low = NewLow;
    High = NewHigh;
    KeLowerIrql(Irql);
}
#endif

NTSTATUS PairControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    SetPair(1, 2);
#else
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql); /* finding: raise-in-pageable */
    Low = 1;
    High = 2;
    KeLowerIrql(Irql);
#endif
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PairControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
