/* SPDX-License-Identifier: MIT */
/* The wires beside the data: RTS and DTR, the modem's, break; and XON and XOFF as if they had come.
 */
#include "serial.h"

NTSTATUS SerialDriveLines(PSERIAL_PORT Port, UCHAR Off, UCHAR On);

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialDriveLines)
#pragma alloc_text(PAGESER, SerialSetDtr)
#pragma alloc_text(PAGESER, SerialClearDtr)
#pragma alloc_text(PAGESER, SerialSetRts)
#pragma alloc_text(PAGESER, SerialClearRts)
#pragma alloc_text(PAGESER, SerialGetDtrRts)
#pragma alloc_text(PAGESER, SerialGetModemStatus)
#pragma alloc_text(PAGESER, SerialSetModemControl)
#pragma alloc_text(PAGESER, SerialGetModemControl)
#pragma alloc_text(PAGESER, SerialSetXoff)
#pragma alloc_text(PAGESER, SerialSetXon)
#pragma alloc_text(PAGESER, SerialBreakOn)
#pragma alloc_text(PAGESER, SerialBreakOff)
#pragma alloc_text(PAGESER, SerialReset)
#endif
#endif

/* A line that a handshake drives is not the program's. */
NTSTATUS SerialDriveLines(PSERIAL_PORT Port, UCHAR Off, UCHAR On)
{
    UCHAR Lines = Off | On;
    KIRQL Irql;

    if ((Lines & MCR_DTR) &&
        (Port->HandFlow.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_HANDSHAKE) {
        return STATUS_INVALID_PARAMETER;
    }
    /* Handshake, and toggle too, have this bit. */
    if ((Lines & MCR_RTS) && (Port->HandFlow.FlowReplace & SERIAL_RTS_HANDSHAKE)) {
        return STATUS_INVALID_PARAMETER;
    }
    Irql = SerialLockInterrupt(Port);
    SerialSetMcr(Port, (Port->Mcr & ~Off) | On);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialSetDtr(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    return SerialDriveLines(Port, 0, MCR_DTR);
}

NTSTATUS SerialClearDtr(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    return SerialDriveLines(Port, MCR_DTR, 0);
}

NTSTATUS SerialSetRts(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    return SerialDriveLines(Port, 0, MCR_RTS);
}

NTSTATUS SerialClearRts(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    return SerialDriveLines(Port, MCR_RTS, 0);
}

NTSTATUS SerialGetDtrRts(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PULONG)Buffer = Port->Mcr & (SERIAL_DTR_STATE | SERIAL_RTS_STATE);
    return STATUS_SUCCESS;
}

/* As of the last interrupt: there is one for every change, and reading the chip would swallow it.
 */
NTSTATUS SerialGetModemStatus(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PULONG)Buffer = Port->Msr & (MSR_CTS | MSR_DSR | MSR_RI | MSR_DCD);
    return STATUS_SUCCESS;
}

/* OUT2 is the driver's, and in loopback no interrupt would come. */
NTSTATUS SerialSetModemControl(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Lines = *(PULONG)Buffer, Own = MCR_DTR | MCR_RTS | SERIAL_IOC_MCR_OUT1;

    UNREFERENCED_PARAMETER(Done);
    if (Lines & ~(Own | MCR_OUT2)) {
        return STATUS_INVALID_PARAMETER;
    }
    return SerialDriveLines(Port, (UCHAR)Own, (UCHAR)(Lines & Own));
}

NTSTATUS SerialGetModemControl(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PULONG)Buffer = Port->Mcr;
    return STATUS_SUCCESS;
}

NTSTATUS SerialSetXoff(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    Irql = SerialLockInterrupt(Port);
    Port->OutputHeld |= SERIAL_TX_WAITING_FOR_XON;
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialSetXon(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    Irql = SerialLockInterrupt(Port);
    Port->OutputHeld &= ~SERIAL_TX_WAITING_FOR_XON;
    SerialKick(Port);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialBreakOn(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    Irql = SerialLockInterrupt(Port);
    Port->OutputHeld |= SERIAL_TX_WAITING_ON_BREAK;
    SerialSetLcr(Port, Port->Lcr | LCR_BREAK);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS SerialBreakOff(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    Irql = SerialLockInterrupt(Port);
    SerialSetLcr(Port, Port->Lcr & ~LCR_BREAK);
    Port->OutputHeld &= ~SERIAL_TX_WAITING_ON_BREAK;
    SerialKick(Port);
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}

/* The chip is set up anew, as when its power comes back. */
NTSTATUS SerialReset(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Done);
    Irql = SerialLockInterrupt(Port);
    if (Port->Powered) {
        SerialProgram(Port);
    }
    SerialUnlockInterrupt(Port, Irql);
    return STATUS_SUCCESS;
}
