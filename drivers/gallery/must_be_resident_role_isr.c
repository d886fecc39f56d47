/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the interrupt service routine is in PAGE. An interrupt may come at any time, also from a
 * device that shares the line while this one is idle.
 *
 * Fix: an interrupt service routine is never pageable.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
KSERVICE_ROUTINE UartInterrupt;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, UartInterrupt)
#endif
#endif

#define UART_LINE     4 /* of the first port of a PC */
#define UART_CAUSE    ((PUCHAR)0x3fa)
#define UART_NO_CAUSE 0x01

/* The headers keep it from x64 drivers, most of which have their line from the PnP manager. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector,
                                           PKIRQL Irql, PKAFFINITY Affinity);

static PKINTERRUPT Interrupt;

BOOLEAN UartInterrupt(PKINTERRUPT Object, PVOID Context)
{
    UCHAR Cause = READ_PORT_UCHAR(UART_CAUSE); /* finding: must-be-resident-role */

    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    return !(Cause & UART_NO_CAUSE);
}

static VOID UartUnload(PDRIVER_OBJECT DriverObject)
{
    IoDisconnectInterrupt(Interrupt);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector = HalGetInterruptVector(Isa, 0, UART_LINE, UART_LINE, &Irql, &Affinity);
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoConnectInterrupt(&Interrupt, UartInterrupt, NULL, NULL, Vector, Irql, Irql,
                                LevelSensitive, TRUE, Affinity, FALSE);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    DriverObject->DriverUnload = UartUnload;
    return STATUS_SUCCESS;
}
