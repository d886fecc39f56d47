/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a routine of INIT is called through a pointer that was kept in a table. When DriverEntry
 * had returned, INIT was given back.
 *
 * Fix: what is reachable afterwards is not in INIT; PAGE costs as little.
 *
 * Seen: reactos #3681
 *
 * Then: bug check 0x50
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG ProbeBoard(ULONG Slot);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifdef FIXED
#pragma alloc_text(PAGE, ProbeBoard)
#else
#pragma alloc_text(INIT, ProbeBoard)
#endif
#endif

struct operations {
    ULONG (*Probe)(ULONG Slot);
    ULONG Boards;
};
struct operations Operations = {ProbeBoard, 0};

ULONG ProbeBoard(ULONG Slot)
{
    return Slot == 3 ? 1 : 0; /* finding: init-called-late */
}

/* The user has put a board in and asks for it. */
static NTSTATUS RescanControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Operations.Boards = Operations.Probe(3);
    return GalleryComplete(Irp, Operations.Boards ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Operations.Boards = Operations.Probe(1);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = RescanControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
