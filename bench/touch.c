/* SPDX-License-Identifier: MIT */
/* A driver with a routine that reads one byte, and pageable data to read it from. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

#define TOUCH_PAGES 16

#pragma data_seg("PAGEDATA")
__declspec(dllexport) UCHAR TouchData[TOUCH_PAGES * PAGE_SIZE] = {1};
#pragma data_seg()

__declspec(dllexport) UCHAR TouchByte(volatile UCHAR *Address)
{
    return *Address;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}
