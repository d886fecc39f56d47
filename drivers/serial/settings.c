/* SPDX-License-Identifier: MIT */
/* Settings of a port: each is checked, kept, and given to the chip. */
#include "serial.h"

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialSetDefaults)
#pragma alloc_text(PAGESER, SerialSetBaud)
#pragma alloc_text(PAGESER, SerialGetBaud)
#pragma alloc_text(PAGESER, SerialSetLine)
#pragma alloc_text(PAGESER, SerialGetLine)
#pragma alloc_text(PAGESER, SerialSetTimeouts)
#pragma alloc_text(PAGESER, SerialGetTimeouts)
#pragma alloc_text(PAGESER, SerialSetChars)
#pragma alloc_text(PAGESER, SerialGetChars)
#pragma alloc_text(PAGESER, SerialSetHandFlow)
#pragma alloc_text(PAGESER, SerialGetHandFlow)
#pragma alloc_text(PAGESER, SerialSetFifo)
#pragma alloc_text(PAGESER, SerialSetQueueSize)
#endif
#endif

#define LCR_8N1 0x03

/* The port is closed, and nothing can interrupt. */
VOID SerialSetDefaults(PSERIAL_PORT Port)
{
    Port->Baud = 9600;
    Port->Divisor = SERIAL_CLOCK / 9600;
    Port->Line = (SERIAL_LINE_CONTROL){STOP_BIT_1, NO_PARITY, 8};
    Port->Lcr = LCR_8N1;
    Port->Fcr = FCR_ENABLE | FCR_14;
    Port->Mcr = MCR_DTR | MCR_RTS;
    Port->Chars = (SERIAL_CHARS){.XonChar = 0x11, .XoffChar = 0x13};
    Port->HandFlow = (SERIAL_HANDFLOW){SERIAL_DTR_CONTROL, SERIAL_RTS_CONTROL,
                                       SERIAL_RING_BYTES / 2, SERIAL_RING_BYTES / 8};
    RtlZeroMemory(&Port->Timeouts, sizeof(Port->Timeouts));
    RtlZeroMemory(&Port->Stats, sizeof(Port->Stats));
    Port->WaitMask = Port->Events = Port->Errors = 0;
    Port->Aborted = FALSE;
    Port->In = Port->Out = 0;
    Port->InputHeld = Port->NearlyFull = FALSE;
    Port->Next = NULL;
    Port->Left = 0;
    Port->OutputHeld = 0;
    Port->SpecialPending = Port->ImmediatePending = FALSE;
    Port->Idle = TRUE;
    Port->Work = 0;
}

/* ---- speed and format ---- */

/* A far end still understands what is off by three in a hundred. */
NTSTATUS SerialSetBaud(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Baud = ((PSERIAL_BAUD_RATE)Buffer)->BaudRate, Divisor, Real;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    if (Baud == 0 || Baud > SERIAL_CLOCK) {
        return STATUS_INVALID_PARAMETER;
    }
    Divisor = (SERIAL_CLOCK + Baud / 2) / Baud;
    Real = SERIAL_CLOCK / (Divisor < 0x10000 ? Divisor : 0xffff);
    if (Divisor > 0xffff || (Real > Baud ? Real - Baud : Baud - Real) * 100 > Baud * 3) {
        return STATUS_INVALID_PARAMETER;
    }
    Irql = SerialLockInterrupt(Port);
    Port->Baud = Baud;
    SerialSetDivisor(Port, (USHORT)Divisor);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetBaud(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    ((PSERIAL_BAUD_RATE)Buffer)->BaudRate = Port->Baud;
    return STATUS_SUCCESS;
}

NTSTATUS SerialSetLine(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    static const UCHAR Parities[] = {0x00, 0x08, 0x18, 0x28, 0x38};
    SERIAL_LINE_CONTROL Line = *(PSERIAL_LINE_CONTROL)Buffer;
    KIRQL Irql;
    UCHAR Lcr;

    UNREFERENCED_PARAMETER(Done);
    if (Line.WordLength < 5 || Line.WordLength > 8 || Line.Parity > SPACE_PARITY ||
        Line.StopBits > STOP_BITS_2) {
        return STATUS_INVALID_PARAMETER;
    }
    /* The chip has one and a half with five data bits, two with more. */
    if (Line.StopBits != STOP_BIT_1 && (Line.StopBits == STOP_BITS_1_5) != (Line.WordLength == 5)) {
        return STATUS_INVALID_PARAMETER;
    }
    Lcr =
        (UCHAR)((Line.WordLength - 5) | (Line.StopBits != STOP_BIT_1) << 2 | Parities[Line.Parity]);
    Irql = SerialLockInterrupt(Port);
    Port->Line = Line;
    SerialSetLcr(Port, (Port->Lcr & LCR_BREAK) | Lcr);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetLine(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PSERIAL_LINE_CONTROL)Buffer = Port->Line;
    return STATUS_SUCCESS;
}

/* ---- timeouts: for requests that become current from now on ---- */

NTSTATUS SerialSetTimeouts(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    const SERIAL_TIMEOUTS *New = Buffer;

    UNREFERENCED_PARAMETER(Done);
    if (New->ReadIntervalTimeout == MAXULONG && New->ReadTotalTimeoutConstant == MAXULONG) {
        return STATUS_INVALID_PARAMETER;
    }
    Port->Timeouts = *New;
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetTimeouts(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PSERIAL_TIMEOUTS)Buffer = Port->Timeouts;
    return STATUS_SUCCESS;
}

/* ---- special characters, flow control ---- */

NTSTATUS SerialSetChars(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    const SERIAL_CHARS *New = Buffer;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    if (New->XonChar == New->XoffChar) {
        return STATUS_INVALID_PARAMETER;
    }
    Irql = SerialLockInterrupt(Port);
    Port->Chars = *New;
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetChars(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PSERIAL_CHARS)Buffer = Port->Chars;
    return STATUS_SUCCESS;
}

NTSTATUS SerialSetHandFlow(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    SERIAL_HANDFLOW New = *(PSERIAL_HANDFLOW)Buffer;
    ULONG Rts = New.FlowReplace & SERIAL_RTS_MASK;
    UCHAR Mcr = 0;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    if ((New.ControlHandShake & SERIAL_CONTROL_INVALID) ||
        (New.FlowReplace & SERIAL_FLOW_INVALID) ||
        (New.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_MASK || New.XonLimit < 0 ||
        New.XoffLimit < 0 || (ULONG)New.XonLimit > Port->RingSize ||
        (ULONG)New.XoffLimit > Port->RingSize) {
        return STATUS_INVALID_PARAMETER;
    }
    Mcr |= New.ControlHandShake & SERIAL_DTR_MASK ? MCR_DTR : 0;
    Mcr |= Rts == SERIAL_RTS_CONTROL || Rts == SERIAL_RTS_HANDSHAKE ? MCR_RTS : 0;
    Mcr |= Rts == SERIAL_TRANSMIT_TOGGLE && !Port->Idle ? MCR_RTS : 0;

    Irql = SerialLockInterrupt(Port);
    SerialReleaseInput(Port); /* as the old one wants it */
    Port->HandFlow = New;
    SerialSetMcr(Port, Mcr);
    if (!(New.FlowReplace & SERIAL_AUTO_TRANSMIT)) {
        Port->OutputHeld &= ~SERIAL_TX_WAITING_FOR_XON;
    }
    if (!(New.FlowReplace & SERIAL_AUTO_RECEIVE) || (New.FlowReplace & SERIAL_XOFF_CONTINUE)) {
        Port->OutputHeld &= ~SERIAL_TX_WAITING_XOFF_SENT;
    }
    if (SerialBuffered(Port) > Port->RingSize - (ULONG)New.XoffLimit) {
        SerialHoldInput(Port);
    }
    SerialHoldOutput(Port);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetHandFlow(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PSERIAL_HANDFLOW)Buffer = Port->HandFlow;
    return STATUS_SUCCESS;
}

/* ---- buffers ---- */

NTSTATUS SerialSetFifo(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Control = *(PULONG)Buffer;
    BOOLEAN Emptied = ((Control ^ Port->Fcr) & FCR_ENABLE) || (Control & SERIAL_IOC_FCR_XMIT_RESET);
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    if (Control & ~(ULONG)(FCR_ENABLE | FCR_CLEAR | FCR_14)) {
        return STATUS_INVALID_PARAMETER;
    }
    Irql = SerialLockInterrupt(Port);
    SerialSetFcr(Port, Control & (FCR_ENABLE | FCR_14), Control & FCR_CLEAR);
    if (Emptied) {
        Port->Idle = TRUE;
        SerialKick(Port);
    }
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

/* A larger ring takes over what is in the smaller one; it never shrinks. */
NTSTATUS SerialSetQueueSize(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Wanted = ((PSERIAL_QUEUE_SIZE)Buffer)->InSize, Size = Port->RingSize, Count = 0;
    PUCHAR Ring, Old;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Done);
    if (Wanted > SERIAL_RING_MAX_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    while (Size < Wanted) {
        Size *= 2;
    }
    if (Size == Port->RingSize) {
        return STATUS_SUCCESS;
    }
    Ring = ExAllocatePoolWithTag(NonPagedPool, Size, SERIAL_TAG);
    if (!Ring) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irql = SerialLockInterrupt(Port);
    Old = Port->Ring;
    for (ULONG i = Port->Out; i != Port->In; i++) {
        Ring[Count++] = Old[i & (Port->RingSize - 1)];
    }
    Port->Ring = Ring;
    Port->RingSize = Size;
    Port->Out = 0;
    Port->In = Count;
    SerialUnlockInterrupt(Port, Irql);
    ExFreePoolWithTag(Old, SERIAL_TAG);
    return STATUS_SUCCESS;
}
