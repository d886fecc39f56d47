/* SPDX-License-Identifier: MIT */
/*
 * The DPC routines.  An interrupt queues the first, and no driver can say when that is, so it is
 * resident, and the others are with it.  What they do for a program's requests is in PAGESER: there
 * are requests only while the port is open, and closing one waits until DPC routines that were
 * queued have run (SerialClosePort).
 */
#include "serial.h"

VOID SerialInterruptDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSERIAL_PORT Port = Context;
    LONG Work = InterlockedExchange(&Port->Work, 0);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Work) {
        SerialServe(Port, Work);
    }
}

VOID SerialReadDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    SerialReadExpired(Context);
}

VOID SerialIntervalDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    SerialIntervalExpired(Context);
}

VOID SerialWriteDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    SerialWriteExpired(Context);
}

VOID SerialToggleDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    SerialToggleExpired(Context);
}
