/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the whole driver is made pageable when the device is closed, with its interrupt still
 * connected. The service routine is pageable from then on.
 *
 * Fix: disconnect first. And the other way round: MmResetDriverPaging, then connect.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#define UART_LINE     4 /* of the first port of a PC */
#define UART_CAUSE    ((PUCHAR)0x3fa)
#define UART_NO_CAUSE 0x01

/* The headers keep it from x64 drivers, most of which have their line from the PnP manager. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector,
                                           PKIRQL Irql, PKAFFINITY Affinity);

static PKINTERRUPT Interrupt;

static BOOLEAN UartInterrupt(PKINTERRUPT Object, PVOID Context)
{
    UCHAR Cause = READ_PORT_UCHAR(UART_CAUSE);

    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    return !(Cause & UART_NO_CAUSE);
}

static NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector = HalGetInterruptVector(Isa, 0, UART_LINE, UART_LINE, &Irql, &Affinity);

    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    MmResetDriverPaging(UartInterrupt);
    Status = IoConnectInterrupt(&Interrupt, UartInterrupt, NULL, NULL, Vector, Irql, Irql,
                                LevelSensitive, TRUE, Affinity, FALSE);
    if (!NT_SUCCESS(Status)) {
        MmPageEntireDriver(UartInterrupt);
    }
    return GalleryComplete(Irp, Status, 0);
}

static NTSTATUS CloseDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifdef FIXED
    IoDisconnectInterrupt(Interrupt);
    MmPageEntireDriver(UartInterrupt);
#else
    MmPageEntireDriver(UartInterrupt); /* finding: page-entire-with-interrupt */
    IoDisconnectInterrupt(Interrupt);
#endif
    return GallerySucceed(DeviceObject, Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->DeviceObject->Flags |= DO_EXCLUSIVE;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CloseDispatch;
    MmPageEntireDriver(UartInterrupt);
    return STATUS_SUCCESS;
}
