/* SPDX-License-Identifier: MIT */
/*
 * The device id of IEEE 1284, read in nibble mode: four bits at a time over the status wires, so
 * that any parallel port can.  The events have the numbers of the standard.
 *
 * All of it is polled, by the port's thread, which has the hardware meanwhile.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEPARW, ParDeviceId)
#pragma alloc_text(PAGEPARW, ParReadDeviceId)
#pragma alloc_text(PAGEPARW, ParNegotiate)
#pragma alloc_text(PAGEPARW, ParTerminate)
#pragma alloc_text(PAGEPARW, ParReadByte)
#pragma alloc_text(PAGEPARW, ParReadNibble)
#pragma alloc_text(PAGEPARW, ParExpect)
#endif

#define PAR_REQUEST_ID 0x04 /* device id in nibble mode */
#define PAR_ANSWER_MS  35   /* that a device may take between two events */
#define PAR_ID_LENGTH  2    /* bytes before the id: its length, itself counted, high byte first */
#define PAR_ID_MAX     1024

/* Waits until the wires of `Mask` are as in `Value`.  Most devices answer within microseconds. */
BOOLEAN ParExpect(struct par_extension *Port, UCHAR Mask, UCHAR Value)
{
    for (ULONG i = 0; i < PAR_ANSWER_MS + PAR_LOOKS_MAX; i++) {
        if ((PAR_READ(Port, PAR_STATUS) & Mask) == Value) {
            return TRUE;
        }
        if (i < PAR_LOOKS_MAX) {
            KeStallExecutionProcessor(1);
        } else {
            ParSleep(1);
        }
    }
    return FALSE;
}

/* Events 22 to 28, from wherever a device may have got to; afterwards the wires are Centronics'. */
VOID ParTerminate(struct par_extension *Port)
{
    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT | PAR_CONTROL_SELECT_IN);
    if (ParExpect(Port, PAR_STATUS_NACK, 0)) {
        PAR_WRITE(Port, PAR_CONTROL,
                  PAR_CONTROL_NINIT | PAR_CONTROL_SELECT_IN | PAR_CONTROL_AUTOFEED);
        ParExpect(Port, PAR_STATUS_NACK, PAR_STATUS_NACK);
        PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT | PAR_CONTROL_SELECT_IN);
    }
    PAR_WRITE(Port, PAR_CONTROL, Port->Control);
}

/* Events 0 to 6. */
BOOLEAN ParNegotiate(struct par_extension *Port, UCHAR Request)
{
    const UCHAR Knows = PAR_STATUS_NFAULT | PAR_STATUS_SELECT | PAR_STATUS_PERROR;

    PAR_WRITE(Port, PAR_DATA, Request);
    KeStallExecutionProcessor(1);
    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT | PAR_CONTROL_AUTOFEED);
    if (!ParExpect(Port, PAR_STATUS_NACK | Knows, Knows)) {
        PAR_WRITE(Port, PAR_CONTROL, Port->Control); /* it does not know IEEE 1284 */
        return FALSE;
    }
    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT | PAR_CONTROL_AUTOFEED | PAR_CONTROL_STROBE);
    KeStallExecutionProcessor(1);
    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT);
    if (ParExpect(Port, PAR_STATUS_NACK | PAR_STATUS_SELECT, PAR_STATUS_NACK | PAR_STATUS_SELECT)) {
        return TRUE;
    }
    ParTerminate(Port); /* it knows IEEE 1284, and has no id to give */
    return FALSE;
}

/* Events 7 to 11. */
BOOLEAN ParReadNibble(struct par_extension *Port, PUCHAR Nibble)
{
    UCHAR Status;

    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT | PAR_CONTROL_AUTOFEED);
    if (!ParExpect(Port, PAR_STATUS_NACK, 0)) {
        return FALSE;
    }
    Status = PAR_READ(Port, PAR_STATUS);
    PAR_WRITE(Port, PAR_CONTROL, PAR_CONTROL_NINIT);
    /* nFault, Select, PError and Busy are bits 0 to 3; Busy reads inverted. */
    *Nibble = (UCHAR)(Status >> 3 & 7) | (Status & PAR_STATUS_NOT_BUSY ? 0 : 8);
    return ParExpect(Port, PAR_STATUS_NACK, PAR_STATUS_NACK);
}

BOOLEAN ParReadByte(struct par_extension *Port, PUCHAR Byte)
{
    UCHAR Low, High;

    /* nFault low: there is a byte. */
    if ((PAR_READ(Port, PAR_STATUS) & PAR_STATUS_NFAULT) || !ParReadNibble(Port, &Low) ||
        !ParReadNibble(Port, &High)) {
        return FALSE;
    }
    *Byte = Low | (UCHAR)(High << 4);
    return TRUE;
}

/* The id with its length before it; bytes beyond `Size` are read and dropped. */
NTSTATUS ParReadDeviceId(struct par_extension *Port, PUCHAR Id, ULONG Size, PULONG Length)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Total = PAR_ID_LENGTH;
    UCHAR Byte;

    if (!ParNegotiate(Port, PAR_REQUEST_ID)) {
        Status = ParCondition(PAR_READ(Port, PAR_STATUS));
        return Status == STATUS_DEVICE_NOT_CONNECTED || Status == STATUS_DEVICE_POWERED_OFF
                   ? Status
                   : STATUS_NOT_SUPPORTED;
    }
    for (ULONG i = 0; i < Total; i++) {
        if (!ParReadByte(Port, &Byte)) {
            Status = STATUS_IO_DEVICE_ERROR;
            break;
        }
        if (i < Size) {
            Id[i] = Byte;
        }
        if (i == 0) {
            *Length = (ULONG)Byte << 8;
        } else if (i == 1) {
            *Length |= Byte;
            Total = *Length;
            if (Total < PAR_ID_LENGTH || Total > PAR_ID_MAX) {
                Status = STATUS_IO_DEVICE_ERROR;
                break;
            }
        }
    }
    ParTerminate(Port);
    return Status;
}

/* IOCTL_PAR_QUERY_DEVICE_ID (the id and a zero), _RAW_DEVICE_ID (the id with its length before it)
 * and _DEVICE_ID_SIZE (bytes that the first one needs). */
NTSTATUS ParDeviceId(struct par_extension *Port, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG Size = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PUCHAR Out = Irp->AssociatedIrp.SystemBuffer;
    ULONG Length = 0, Bytes;
    NTSTATUS Status;
    PUCHAR Id;

    Id = ExAllocatePoolWithTag(PagedPool, PAR_ID_MAX, PAR_TAG);
    if (!Id) {
        return ParComplete(Port, Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    if (ParTakeHardware(Port, Irp, &Status)) {
        Status = ParReadDeviceId(Port, Id, PAR_ID_MAX, &Length);
        ExReleaseFastMutex(&Port->Hardware);
    }
    Bytes = Code == IOCTL_PAR_QUERY_RAW_DEVICE_ID ? Length : Length - PAR_ID_LENGTH + 1;
    if (!NT_SUCCESS(Status)) {
        Bytes = 0;
    } else if (Code == IOCTL_PAR_QUERY_DEVICE_ID_SIZE) {
        ((PPAR_DEVICE_ID_SIZE_INFORMATION)Out)->DeviceIdSize = Bytes;
        Bytes = sizeof(PAR_DEVICE_ID_SIZE_INFORMATION);
    } else if (Size < Bytes) {
        Status = STATUS_BUFFER_TOO_SMALL;
        Bytes = 0;
    } else if (Code == IOCTL_PAR_QUERY_RAW_DEVICE_ID) {
        RtlCopyMemory(Out, Id, Bytes);
    } else {
        RtlCopyMemory(Out, Id + PAR_ID_LENGTH, Bytes - 1);
        Out[Bytes - 1] = 0;
    }
    ExFreePoolWithTag(Id, PAR_TAG);
    return ParComplete(Port, Irp, Status, Bytes);
}
