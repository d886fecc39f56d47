/* SPDX-License-Identifier: MIT */
/* How a port is doing: what waits in it, what went wrong, what it can; and throwing away what
 * waits. */
#include "serial.h"

ULONG SerialOutQueue(PSERIAL_PORT Port);

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialOutQueue)
#pragma alloc_text(PAGESER, SerialPurge)
#pragma alloc_text(PAGESER, SerialGetCommStatus)
#pragma alloc_text(PAGESER, SerialGetProperties)
#pragma alloc_text(PAGESER, SerialGetStats)
#pragma alloc_text(PAGESER, SerialClearStats)
#pragma alloc_text(PAGESER, SerialConfigSize)
#endif
#endif

#define PURGES                                                                                     \
    (SERIAL_PURGE_TXABORT | SERIAL_PURGE_RXABORT | SERIAL_PURGE_TXCLEAR | SERIAL_PURGE_RXCLEAR)

NTSTATUS SerialPurge(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Which = *(PULONG)Buffer;
    KIRQL Irql;

    if (!Which || (Which & ~PURGES)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Which & SERIAL_PURGE_TXABORT) {
        SerialEndAll(Port, &Port->Writes, Done, STATUS_CANCELLED);
        SerialEndAll(Port, &Port->Immediates, Done, STATUS_CANCELLED);
    }
    if (Which & SERIAL_PURGE_RXABORT) {
        SerialEndAll(Port, &Port->Reads, Done, STATUS_CANCELLED);
    }
    Irql = SerialLockInterrupt(Port);
    if (Which & SERIAL_PURGE_TXCLEAR) {
        SerialSetFcr(Port, Port->Fcr, SERIAL_IOC_FCR_XMIT_RESET);
        Port->Idle = TRUE;
        SerialKick(Port);
    }
    if (Which & SERIAL_PURGE_RXCLEAR) {
        SerialSetFcr(Port, Port->Fcr, SERIAL_IOC_FCR_RCVR_RESET);
        Port->Out = Port->In;
        SerialReleaseInput(Port);
    }
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

/* Bytes of writes that are not in the chip yet. */
ULONG SerialOutQueue(PSERIAL_PORT Port)
{
    ULONG Bytes = Port->Left;
    PLIST_ENTRY Entry = Port->Writes.Irps.Flink;

    if (Port->Writes.Started) {
        Entry = Entry->Flink;
    }
    for (; Entry != &Port->Writes.Irps; Entry = Entry->Flink) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

        Bytes += Stack->MajorFunction == IRP_MJ_WRITE ? Stack->Parameters.Write.Length : 0;
    }
    return Bytes;
}

NTSTATUS SerialGetCommStatus(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    PSERIAL_STATUS Status = Buffer;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    RtlZeroMemory(Status, sizeof(*Status));
    Irql = SerialLockInterrupt(Port);
    Status->Errors = Port->Errors;
    Status->HoldReasons = Port->OutputHeld;
    if ((Port->HandFlow.ControlHandShake & SERIAL_DSR_SENSITIVITY) && !(Port->Msr & MSR_DSR)) {
        Status->HoldReasons |= SERIAL_RX_WAITING_FOR_DSR;
    }
    Status->AmountInInQueue = SerialBuffered(Port);
    Status->AmountInOutQueue = SerialOutQueue(Port);
    Status->WaitForImmediate = Port->ImmediatePending;
    Port->Errors = 0;      /* they were told, */
    Port->Aborted = FALSE; /* so it may go on */
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetProperties(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PSERIAL_COMMPROP)Buffer = (SERIAL_COMMPROP){
        .PacketLength = sizeof(SERIAL_COMMPROP),
        .PacketVersion = 2,
        .ServiceMask = SERIAL_SP_SERIALCOMM,
        .MaxRxQueue = SERIAL_RING_MAX_BYTES,
        .MaxBaud = SERIAL_BAUD_115200,
        .ProvSubType = SERIAL_SP_RS232,
        .ProvCapabilities = SERIAL_PCF_DTRDSR | SERIAL_PCF_RTSCTS | SERIAL_PCF_CD |
                            SERIAL_PCF_PARITY_CHECK | SERIAL_PCF_XONXOFF | SERIAL_PCF_SETXCHAR |
                            SERIAL_PCF_TOTALTIMEOUTS | SERIAL_PCF_INTTIMEOUTS,
        .SettableParams = SERIAL_SP_PARITY | SERIAL_SP_BAUD | SERIAL_SP_DATABITS |
                          SERIAL_SP_STOPBITS | SERIAL_SP_HANDSHAKING | SERIAL_SP_PARITY_CHECK |
                          SERIAL_SP_CARRIER_DETECT,
        .SettableBaud = SERIAL_BAUD_300 | SERIAL_BAUD_600 | SERIAL_BAUD_1200 | SERIAL_BAUD_2400 |
                        SERIAL_BAUD_4800 | SERIAL_BAUD_9600 | SERIAL_BAUD_19200 |
                        SERIAL_BAUD_38400 | SERIAL_BAUD_57600 | SERIAL_BAUD_115200 |
                        SERIAL_BAUD_USER,
        .SettableData =
            SERIAL_DATABITS_5 | SERIAL_DATABITS_6 | SERIAL_DATABITS_7 | SERIAL_DATABITS_8,
        .SettableStopParity = SERIAL_STOPBITS_10 | SERIAL_STOPBITS_15 | SERIAL_STOPBITS_20 |
                              SERIAL_PARITY_NONE | SERIAL_PARITY_ODD | SERIAL_PARITY_EVEN |
                              SERIAL_PARITY_MARK | SERIAL_PARITY_SPACE,
        .CurrentRxQueue = Port->RingSize,
    };
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetStats(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql = SerialLockInterrupt(Port);

    UNREFERENCED_PARAMETER(Done);
    *(PSERIALPERF_STATS)Buffer = Port->Stats;
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialClearStats(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql = SerialLockInterrupt(Port);

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    RtlZeroMemory(&Port->Stats, sizeof(Port->Stats));
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

/* There is no configuration beyond what the other codes set. */
NTSTATUS SerialConfigSize(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Port);
    UNREFERENCED_PARAMETER(Done);
    *(PULONG)Buffer = 0;
    return STATUS_SUCCESS;
}
