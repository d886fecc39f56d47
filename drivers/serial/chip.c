/* SPDX-License-Identifier: MIT */
/*
 * The chip's registers, each kept in the port as it should be: the chip forgets them when its power
 * goes, and most of them cannot be read.  Resident: called with the interrupt kept out, and at
 * times when no port is open.
 */
#include "serial.h"

KIRQL SerialLockInterrupt(PSERIAL_PORT Port)
{
    /* None any more after a surprise removal, while the program has not closed the port. */
    return Port->Interrupt ? KeAcquireInterruptSpinLock(Port->Interrupt) : DISPATCH_LEVEL;
}

VOID SerialUnlockInterrupt(PSERIAL_PORT Port, KIRQL Irql)
{
    if (Port->Interrupt) {
        KeReleaseInterruptSpinLock(Port->Interrupt, Irql);
    }
    if (Port->Work) {
        KeInsertQueueDpc(&Port->InterruptDpc, NULL, NULL);
    }
}

VOID SerialForgetInterrupt(PSERIAL_PORT Port)
{
    KIRQL Irql;

    KeAcquireSpinLock(&Port->Lock, &Irql);
    Port->Interrupt = NULL;
    KeReleaseSpinLock(&Port->Lock, Irql);
}

VOID SerialPost(PSERIAL_PORT Port, LONG Work)
{
    InterlockedOr(&Port->Work, Work);
}

VOID SerialNote(PSERIAL_PORT Port, ULONG Events)
{
    if (Events & Port->WaitMask) {
        Port->Events |= Events & Port->WaitMask;
        SerialPost(Port, SERIAL_WORK_EVENT);
    }
}

/* OUT2 belongs to the driver: without it no interrupt gets out. */
VOID SerialSetMcr(PSERIAL_PORT Port, UCHAR Mcr)
{
    Port->Mcr = Mcr | MCR_OUT2;
    if (Port->Powered) {
        SerialOut(Port, SERIAL_MCR, Port->Mcr);
    }
}

VOID SerialSetLcr(PSERIAL_PORT Port, UCHAR Lcr)
{
    Port->Lcr = Lcr;
    if (Port->Powered) {
        SerialOut(Port, SERIAL_LCR, Lcr);
    }
}

VOID SerialSetDivisor(PSERIAL_PORT Port, USHORT Divisor)
{
    Port->Divisor = Divisor;
    if (Port->Powered) {
        SerialOut(Port, SERIAL_LCR, Port->Lcr | LCR_DIVISOR);
        SerialOut(Port, SERIAL_DATA, Divisor & 0xff);
        SerialOut(Port, SERIAL_IER, Divisor >> 8);
        SerialOut(Port, SERIAL_LCR, Port->Lcr);
    }
}

VOID SerialSetFcr(PSERIAL_PORT Port, UCHAR Fcr, UCHAR Clear)
{
    Port->Fcr = Fcr;
    if (Port->Powered) {
        SerialOut(Port, SERIAL_FCR, Fcr | Clear);
    }
}

BOOLEAN SerialIsDrained(PSERIAL_PORT Port)
{
    return !Port->Powered || (SerialIn(Port, SERIAL_LSR) & LSR_IDLE) != 0;
}

BOOLEAN SerialProgram(PVOID Context)
{
    PSERIAL_PORT Port = Context;

    SerialOut(Port, SERIAL_IER, 0);
    Port->Powered = TRUE;
    SerialSetDivisor(Port, Port->Divisor);
    SerialSetFcr(Port, Port->Fcr, FCR_CLEAR);
    /* What is left of the past is read away. */
    (void)SerialIn(Port, SERIAL_LSR);
    (void)SerialIn(Port, SERIAL_DATA);
    Port->Msr = SerialIn(Port, SERIAL_MSR);
    SerialSetMcr(Port, Port->Mcr);
    SerialOut(Port, SERIAL_IER, IER_ALL);
    Port->Idle = TRUE;
    SerialHoldOutput(Port);
    SerialKick(Port);
    return TRUE;
}

BOOLEAN SerialQuiet(PVOID Context)
{
    PSERIAL_PORT Port = Context;

    if (Port->Powered) {
        SerialOut(Port, SERIAL_IER, 0);
        SerialOut(Port, SERIAL_LCR, Port->Lcr & ~LCR_BREAK);
        SerialOut(Port, SERIAL_MCR, 0);
        Port->Powered = FALSE;
    }
    return TRUE;
}
