/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a table in a pageable data section is read with a spin lock held. The code is resident;
 * what it looks at is not.
 *
 * Fix: what is needed of the table is copied before the lock is taken.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#pragma data_seg("PAGEDATA")
static volatile ULONG Divisors[8] = {2304, 1152, 384, 96, 48, 24, 12, 1};
#pragma data_seg()

static KSPIN_LOCK LineLock;
static ULONG Divisor;

/* The first byte of the input chooses the speed of the line. */
static NTSTATUS SpeedControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    const UCHAR *Input = Irp->AssociatedIrp.SystemBuffer;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < 1) {
        return GalleryComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
#ifdef FIXED
    ULONG Chosen = Divisors[Input[0] % RTL_NUMBER_OF(Divisors)];

    KeAcquireSpinLock(&LineLock, &Irql);
    Divisor = Chosen;
#else
    KeAcquireSpinLock(&LineLock, &Irql);
    Divisor = Divisors[Input[0] % RTL_NUMBER_OF(Divisors)]; /* finding: pageable-at-raised-irql */
#endif
    KeReleaseSpinLock(&LineLock, Irql);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&LineLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SpeedControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
