/* SPDX-License-Identifier: MIT */
/* DriverEntry: runs once, and its memory is given back when it has returned. */
#include <ntddk.h>

#include <initguid.h> /* after <ntddk.h>, whose GUIDs would take 2 KB of resident memory */

#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, ParReadDefaults)
#endif

struct par_section ParSection;
struct par_defaults ParDefaults = {1, 0};

/* Values that are not there leave the defaults. */
VOID ParReadDefaults(PUNICODE_STRING RegistryPath)
{
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        {NULL, RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_REQUIRED, L"Parameters", NULL,
         REG_NONE, NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"UseInterrupt", &ParDefaults.UseInterrupt, REG_NONE,
         NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"WriteTimeout", &ParDefaults.WriteTimeout, REG_NONE,
         NULL, 0},
        {NULL, 0, NULL, NULL, 0, NULL, 0},
    };
    SIZE_T Bytes = RegistryPath->Length;
    PWCHAR Path = ExAllocatePoolWithTag(PagedPool, Bytes + sizeof(WCHAR), PAR_TAG);

    if (!Path) {
        return;
    }
    /* Counted strings need not end with a zero; this one is used as one that does. */
    RtlCopyMemory(Path, RegistryPath->Buffer, Bytes);
    Path[Bytes / sizeof(WCHAR)] = L'\0';
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, Path, Table, NULL, NULL);
    ExFreePoolWithTag(Path, PAR_TAG);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ExInitializeFastMutex(&ParSection.Mutex);
    ParReadDefaults(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ParCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = ParCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ParClose;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = ParWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ParDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = ParPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = ParPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = ParSystemControl;
    DriverObject->DriverExtension->AddDevice = ParAddDevice;
    DriverObject->DriverUnload = ParUnload;
    return STATUS_SUCCESS;
}
