/* SPDX-License-Identifier: MIT */
/* The driver comes, its devices are made, the driver goes. */
#include "serial.h"

VOID SerialPreparePort(PSERIAL_PORT Port);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGESRP0, SerialUnload)
#pragma alloc_text(PAGESRP0, SerialAddDevice)
#pragma alloc_text(PAGESRP0, SerialPreparePort)
#endif

/* Everything that is kept for the driver lies in its driver object's extension, which goes with the
 * driver object; by now there is no device, so nothing is locked either. */
VOID SerialUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();

    UNREFERENCED_PARAMETER(DriverObject);
}

VOID SerialPreparePort(PSERIAL_PORT Port)
{
    SERIAL_QUEUE *Queues[] = {&Port->Reads, &Port->Writes, &Port->Waits, &Port->Immediates};
    PKDEFERRED_ROUTINE Expired[] = {SerialReadDpc, SerialWriteDpc, NULL, NULL};

    PAGED_CODE();

    IoInitializeRemoveLock(&Port->RemoveLock, SERIAL_TAG, 0, 0);
    KeInitializeSpinLock(&Port->Lock);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Queues); i++) {
        InitializeListHead(&Queues[i]->Irps);
        if (Expired[i]) {
            KeInitializeTimer(&Queues[i]->Timer);
            KeInitializeDpc(&Queues[i]->Dpc, Expired[i], Port);
        }
    }
    KeInitializeTimer(&Port->IntervalTimer);
    KeInitializeDpc(&Port->IntervalDpc, SerialIntervalDpc, Port);
    KeInitializeTimer(&Port->ToggleTimer);
    KeInitializeDpc(&Port->ToggleDpc, SerialToggleDpc, Port);
    KeInitializeDpc(&Port->InterruptDpc, SerialInterruptDpc, Port);
    Port->Refusal = STATUS_DEVICE_NOT_READY;
    Port->Power = PowerDeviceD0;
}

NTSTATUS SerialAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    WCHAR Buffer[RTL_NUMBER_OF(((PSERIAL_PORT)0)->DeviceBuffer)];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer}, Digits;
    WCHAR DigitBuffer[12];
    PDEVICE_OBJECT Device;
    PSERIAL_PORT Port;
    NTSTATUS Status;
    ULONG Number = 0;

    PAGED_CODE();

    do { /* the first name that is free */
        Digits = (UNICODE_STRING){0, sizeof(DigitBuffer), DigitBuffer};
        RtlIntegerToUnicodeString(Number++, 10, &Digits);
        Name.Length = 0;
        RtlAppendUnicodeToString(&Name, L"\\Device\\Serial");
        RtlAppendUnicodeStringToString(&Name, &Digits);
        Status = IoCreateDevice(DriverObject, sizeof(SERIAL_PORT), &Name, FILE_DEVICE_SERIAL_PORT,
                                FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    } while (Status == STATUS_OBJECT_NAME_COLLISION);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }

    Port = Device->DeviceExtension;
    RtlZeroMemory(Port, sizeof(*Port));
    Port->Device = Device;
    Port->Pdo = Pdo;
    Port->Driver = IoGetDriverObjectExtension(DriverObject, SerialAddDevice);
    Port->Number = Number - 1;
    RtlCopyMemory(Port->DeviceBuffer, Buffer, Name.Length);
    Port->DeviceName =
        (UNICODE_STRING){Name.Length, sizeof(Port->DeviceBuffer), Port->DeviceBuffer};
    SerialPreparePort(Port);
    Port->Lower = IoAttachDeviceToDeviceStack(Device, Pdo);
    if (!Port->Lower) {
        IoDeleteDevice(Device);
        return STATUS_NO_SUCH_DEVICE;
    }
    /* Power requests come at PASSIVE_LEVEL, so that their dispatch routine may be pageable. */
    Device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PSERIAL_DRIVER Driver;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoAllocateDriverObjectExtension(DriverObject, SerialAddDevice, sizeof(*Driver),
                                             (PVOID *)&Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlZeroMemory(Driver, sizeof(*Driver));
    ExInitializeFastMutex(&Driver->Mutex);

    DriverObject->DriverUnload = SerialUnload;
    DriverObject->DriverExtension->AddDevice = SerialAddDevice;
    DriverObject->MajorFunction[IRP_MJ_PNP] = SerialPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = SerialPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = SerialSystemControl;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = SerialInternalControl;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SerialCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SerialClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SerialCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = SerialRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SerialWrite;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = SerialWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SerialDeviceControl;

#ifdef SERIAL_ENTIRE
    /* No port is open and no interrupt connected: all of the driver may leave.  Any address in it
     * names it, also one of a section that is about to be thrown away. */
    MmPageEntireDriver(DriverEntry);
#endif
    return STATUS_SUCCESS;
}
