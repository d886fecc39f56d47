/* SPDX-License-Identifier: MIT */
/* A device object for each port that plug and play finds, and the names that programs know it by.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, ParUnload)
#pragma alloc_text(PAGE, ParAddDevice)
#pragma alloc_text(PAGE, ParAppendNumber)
#pragma alloc_text(PAGE, ParAppendPortName)
#pragma alloc_text(PAGE, ParInitializeExtension)
#pragma alloc_text(PAGE, ParDeleteDevice)
#pragma alloc_text(PAGE, ParOffer)
#pragma alloc_text(PAGE, ParWithdraw)
#endif

#define PAR_DEVICE_MAP L"PARALLEL PORTS"

/* Devices made so far: the number in \Device\ParallelPortN.  Not used again. */
static LONG ParDevices;

/* Nothing is left: the devices are gone, and each close gave back the lock that its create took. */
VOID ParUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    PAGED_CODE();
}

VOID ParAppendNumber(PUNICODE_STRING Name, PCWSTR Text, ULONG Number)
{
    WCHAR Digits[12];
    UNICODE_STRING String = {0, sizeof Digits, Digits};

    PAGED_CODE();
    RtlAppendUnicodeToString(Name, Text);
    RtlIntegerToUnicodeString(Number, 10, &String);
    RtlAppendUnicodeStringToString(Name, &String);
}

/* PortName of the hardware key ("LPT1"), or one by our own count. */
VOID ParAppendPortName(struct par_extension *Port, ULONG Number)
{
    WCHAR Buffer[PAR_NAME / 2];
    UNICODE_STRING Value = {0, sizeof Buffer, Buffer};
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED, (PWSTR)L"PortName", &Value,
         REG_NONE, NULL, 0},
        {NULL, 0, NULL, NULL, 0, NULL, 0},
    };
    NTSTATUS Status;
    HANDLE Key;

    PAGED_CODE();
    Status = IoOpenDeviceRegistryKey(Port->Physical, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key);
    if (NT_SUCCESS(Status)) {
        Status = RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, Key, Table, NULL, NULL);
        ZwClose(Key);
    }
    if (NT_SUCCESS(Status) && Value.Length > 0) {
        RtlAppendUnicodeStringToString(&Port->LinkName, &Value);
    } else {
        ParAppendNumber(&Port->LinkName, L"LPT", Number + 1);
    }
}

VOID ParInitializeExtension(struct par_extension *Port, PDEVICE_OBJECT Self, ULONG Number)
{
    PAGED_CODE();
    Port->Self = Self;
    Port->Powered = TRUE;
    Port->Control = PAR_CONTROL_NINIT | PAR_CONTROL_SELECT_IN;
    Port->DeviceName = (UNICODE_STRING){0, sizeof Port->DeviceNameBuffer, Port->DeviceNameBuffer};
    ParAppendNumber(&Port->DeviceName, L"\\Device\\ParallelPort", Number);
    Port->LinkName = (UNICODE_STRING){0, sizeof Port->LinkNameBuffer, Port->LinkNameBuffer};
    RtlAppendUnicodeToString(&Port->LinkName, L"\\DosDevices\\");
    IoInitializeRemoveLock(&Port->RemoveLock, PAR_TAG, 0, 0);
    ExInitializeFastMutex(&Port->Hardware);
    KeInitializeEvent(&Port->Available, NotificationEvent, FALSE);
    KeInitializeEvent(&Port->RunDone, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Port->Idle, NotificationEvent, TRUE);
    IoInitializeDpcRequest(Self, ParRunDone);
}

NTSTATUS ParAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    ULONG Number = (ULONG)InterlockedIncrement(&ParDevices) - 1;
    WCHAR Buffer[PAR_NAME];
    UNICODE_STRING Name = {0, sizeof Buffer, Buffer};
    struct par_extension *Port;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    PAGED_CODE();
    ParAppendNumber(&Name, L"\\Device\\ParallelPort", Number);
    Status = IoCreateDevice(DriverObject, sizeof *Port, &Name, FILE_DEVICE_PARALLEL_PORT,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Port = Device->DeviceExtension;
    ParInitializeExtension(Port, Device, Number);
    Port->Physical = PhysicalDeviceObject;
    ParAppendPortName(Port, Number);
    Status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_DEVINTERFACE_PARALLEL, NULL,
                                       &Port->InterfaceName);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Port->Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
    if (!Port->Lower) {
        ParDeleteDevice(Port);
        return STATUS_NO_SUCH_DEVICE;
    }
    /* Writes are sent to the printer from the caller's own pages: the service routine reads them,
     * so they must be locked, which direct I/O does.  A printer port is never on the paging path:
     * its power dispatch routine runs at PASSIVE_LEVEL, and is pageable. */
    Device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID ParDeleteDevice(struct par_extension *Port)
{
    PAGED_CODE();
    if (Port->InterfaceName.Buffer) {
        RtlFreeUnicodeString(&Port->InterfaceName);
    }
    IoDeleteDevice(Port->Self);
}

/* Let programs find the port.  It works without any of these names: failures are no reason to fail.
 */
VOID ParOffer(struct par_extension *Port)
{
    PAGED_CODE();
    if (Port->Offered) {
        return;
    }
    Port->Offered = TRUE;
    IoCreateSymbolicLink(&Port->LinkName, &Port->DeviceName);
    RtlWriteRegistryValue(RTL_REGISTRY_DEVICEMAP, PAR_DEVICE_MAP, Port->DeviceName.Buffer, REG_SZ,
                          Port->LinkName.Buffer, Port->LinkName.Length + sizeof(WCHAR));
    IoSetDeviceInterfaceState(&Port->InterfaceName, TRUE);
}

VOID ParWithdraw(struct par_extension *Port)
{
    PAGED_CODE();
    if (!Port->Offered) {
        return;
    }
    Port->Offered = FALSE;
    IoSetDeviceInterfaceState(&Port->InterfaceName, FALSE);
    RtlDeleteRegistryValue(RTL_REGISTRY_DEVICEMAP, PAR_DEVICE_MAP, Port->DeviceName.Buffer);
    IoDeleteSymbolicLink(&Port->LinkName);
}
