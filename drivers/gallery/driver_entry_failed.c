/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver does not start without a value in the registry that no installation writes.
 *
 * Fix: a setting that is missing has a default.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static ULONG BufferBytes;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{ /* finding: driver-entry-failed */
    ULONG Default = 4096;
    RTL_QUERY_REGISTRY_TABLE Table[2] = {{0}, {0}};
    NTSTATUS Status;

    Table[0].Name = L"BufferBytes";
    Table[0].EntryContext = &BufferBytes;
    Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
#ifdef FIXED
    Table[0].DefaultType = REG_DWORD;
    Table[0].DefaultData = &Default;
    Table[0].DefaultLength = sizeof(Default);
#else
    UNREFERENCED_PARAMETER(Default);
    Table[0].Flags |= RTL_QUERY_REGISTRY_REQUIRED;
#endif
    Status =
        RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, GalleryKey(RegistryPath), Table, NULL, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return GalleryCreate(DriverObject, 0, NULL);
}
