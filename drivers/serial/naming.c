/* SPDX-License-Identifier: MIT */
/* The names of a port: \DosDevices\COMn, the device map that lists them, and the interface. */
#include <ntddk.h>
#include <initguid.h> /* the GUIDs of <ntddser.h> are made here */

#include "serial.h"

VOID SerialReadName(PSERIAL_PORT Port, PUNICODE_STRING Name);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGESRP0, SerialReadName)
#pragma alloc_text(PAGESRP0, SerialName)
#pragma alloc_text(PAGESRP0, SerialUnname)
#endif

#define DOS_DEVICES L"\\DosDevices\\"

/* The installer wrote it to the device's key; without one the port is called by its number. */
VOID SerialReadName(PSERIAL_PORT Port, PUNICODE_STRING Name)
{
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Value;
        WCHAR More[16];
    } Answer;
    UNICODE_STRING ValueName = RTL_CONSTANT_STRING(L"PortName"), Digits;
    WCHAR DigitBuffer[12];
    HANDLE Key;
    ULONG Bytes;

    PAGED_CODE();

    if (NT_SUCCESS(IoOpenDeviceRegistryKey(Port->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key))) {
        NTSTATUS Status = ZwQueryValueKey(Key, &ValueName, KeyValuePartialInformation, &Answer,
                                          sizeof(Answer), &Bytes);

        ZwClose(Key);
        if (NT_SUCCESS(Status) && Answer.Value.Type == REG_SZ &&
            Answer.Value.DataLength > sizeof(WCHAR)) {
            UNICODE_STRING Found = {(USHORT)(Answer.Value.DataLength - sizeof(WCHAR)),
                                    (USHORT)Answer.Value.DataLength, (PWCH)Answer.Value.Data};

            RtlAppendUnicodeStringToString(Name, &Found);
            return;
        }
    }
    Digits = (UNICODE_STRING){0, sizeof(DigitBuffer), DigitBuffer};
    RtlIntegerToUnicodeString(Port->Number + 1, 10, &Digits);
    RtlAppendUnicodeToString(Name, L"COM");
    RtlAppendUnicodeStringToString(Name, &Digits);
}

NTSTATUS SerialName(PSERIAL_PORT Port)
{
    NTSTATUS Status;

    PAGED_CODE();

    Port->LinkName =
        (UNICODE_STRING){0, sizeof(Port->LinkBuffer) - sizeof(WCHAR), Port->LinkBuffer};
    RtlZeroMemory(Port->LinkBuffer, sizeof(Port->LinkBuffer));
    RtlAppendUnicodeToString(&Port->LinkName, DOS_DEVICES);
    SerialReadName(Port, &Port->LinkName);
    Status = IoCreateSymbolicLink(&Port->LinkName, &Port->DeviceName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Port->Named = TRUE;
    /* Where programs look which ports there are; one that cannot be listed still works. */
    RtlWriteRegistryValue(RTL_REGISTRY_DEVICEMAP, L"SERIALCOMM", Port->DeviceBuffer, REG_SZ,
                          Port->LinkBuffer + RTL_NUMBER_OF(DOS_DEVICES) - 1,
                          Port->LinkName.Length - sizeof(DOS_DEVICES) + 2 * sizeof(WCHAR));
    Status =
        IoRegisterDeviceInterface(Port->Pdo, &GUID_DEVINTERFACE_COMPORT, NULL, &Port->Interface);
    if (NT_SUCCESS(Status)) {
        IoSetDeviceInterfaceState(&Port->Interface, TRUE);
    }
    return STATUS_SUCCESS;
}

VOID SerialUnname(PSERIAL_PORT Port)
{
    PAGED_CODE();

    if (!Port->Named) {
        return;
    }
    Port->Named = FALSE;
    if (Port->Interface.Buffer) {
        IoSetDeviceInterfaceState(&Port->Interface, FALSE);
        RtlFreeUnicodeString(&Port->Interface);
    }
    RtlDeleteRegistryValue(RTL_REGISTRY_DEVICEMAP, L"SERIALCOMM", Port->DeviceBuffer);
    IoDeleteSymbolicLink(&Port->LinkName);
}
