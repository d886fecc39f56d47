/* SPDX-License-Identifier: MIT */
/*
 * The interrupt service routine.  Resident in every build, whatever is open: the line is shared, so
 * it is called for other devices' interrupts, too, and for spurious ones.
 *
 * It takes bytes out of the chip and puts bytes into it; requests are the DPC routine's business.
 */
#include "serial.h"

/* More causes in a row than a working chip can have. */
#define CAUSES_MAX 256

VOID SerialLineStatus(PSERIAL_PORT Port, UCHAR Lsr)
{
    ULONG Errors = 0, Events = 0;

    if (!(Lsr & LSR_ERRORS)) {
        return;
    }
    if (Lsr & LSR_OVERRUN) {
        Errors |= SERIAL_ERROR_OVERRUN;
        Port->Stats.SerialOverrunErrorCount++;
    }
    if (Lsr & LSR_BREAK) { /* it looks like a framing error, too */
        Errors |= SERIAL_ERROR_BREAK;
        Events |= SERIAL_EV_BREAK;
    } else if (Lsr & LSR_FRAMING) {
        Errors |= SERIAL_ERROR_FRAMING;
        Port->Stats.FrameErrorCount++;
    }
    if (Lsr & LSR_PARITY) {
        Errors |= SERIAL_ERROR_PARITY;
        Port->Stats.ParityErrorCount++;
    }
    Events |= Errors & ~SERIAL_ERROR_BREAK ? SERIAL_EV_ERR : 0;
    Port->Errors |= Errors;
    SerialNote(Port, Events);
    if (Port->HandFlow.ControlHandShake & SERIAL_ERROR_ABORT) {
        Port->Aborted = TRUE;
        SerialPost(Port, SERIAL_WORK_ABORT);
    }
}

/* A byte for programs. */
static VOID Store(PSERIAL_PORT Port, UCHAR Byte)
{
    ULONG Buffered = SerialBuffered(Port);

    if (Buffered == Port->RingSize) {
        Port->Errors |= SERIAL_ERROR_QUEUEOVERRUN;
        Port->Stats.BufferOverrunErrorCount++;
        SerialNote(Port, SERIAL_EV_ERR);
        return;
    }
    Port->Ring[Port->In & (Port->RingSize - 1)] = Byte;
    Port->In++;
    Buffered++;
    SerialNote(Port, SERIAL_EV_RXCHAR);
    if (Byte == Port->Chars.EventChar) {
        SerialNote(Port, SERIAL_EV_RXFLAG);
    }
    if (Buffered * 5 < Port->RingSize * 4) {
        Port->NearlyFull = FALSE;
    } else if (!Port->NearlyFull) {
        Port->NearlyFull = TRUE;
        SerialNote(Port, SERIAL_EV_RX80FULL);
    }
    if (Buffered > Port->RingSize - (ULONG)Port->HandFlow.XoffLimit) {
        SerialHoldInput(Port);
    }
}

/* A good byte from the chip: some are for the driver. */
static VOID Accept(PSERIAL_PORT Port, UCHAR Byte)
{
    ULONG Replace = Port->HandFlow.FlowReplace;

    Port->Stats.ReceivedCount++;
    if ((Port->HandFlow.ControlHandShake & SERIAL_DSR_SENSITIVITY) && !(Port->Msr & MSR_DSR)) {
        return;
    }
    if (Replace & SERIAL_AUTO_TRANSMIT) {
        if (Byte == Port->Chars.XoffChar) {
            Port->OutputHeld |= SERIAL_TX_WAITING_FOR_XON;
            return;
        }
        if (Byte == Port->Chars.XonChar) {
            Port->OutputHeld &= ~SERIAL_TX_WAITING_FOR_XON;
            SerialKick(Port);
            return;
        }
    }
    if (Byte == 0 && (Replace & SERIAL_NULL_STRIPPING)) {
        return;
    }
    Store(Port, Byte);
}

/* A byte that came with this line status. */
static VOID Judge(PSERIAL_PORT Port, UCHAR Byte, UCHAR Lsr)
{
    SerialLineStatus(Port, Lsr);
    if (Lsr & LSR_BREAK) { /* no byte at all */
        if (Port->HandFlow.FlowReplace & SERIAL_BREAK_CHAR) {
            Store(Port, Port->Chars.BreakChar);
        }
    } else if (!(Lsr & (LSR_PARITY | LSR_FRAMING))) {
        Accept(Port, Byte);
    } else {
        Port->Stats.ReceivedCount++;
        Store(Port, Port->HandFlow.FlowReplace & SERIAL_ERROR_CHAR ? Port->Chars.ErrorChar : Byte);
    }
}

/*
 * At the trigger there are at least so many bytes in the FIFO, and when nothing in it is damaged
 * they can be had in one go, without a look at the line status before each.
 */
static VOID Receive(PSERIAL_PORT Port, BOOLEAN AtTrigger)
{
    static const UCHAR Levels[] = {1, 4, 8, 14};
    UCHAR Lsr = SerialIn(Port, SERIAL_LSR), Bytes[SERIAL_FIFO_BYTES];

    if (AtTrigger && !Port->InMemory && (Port->Fcr & FCR_ENABLE) &&
        !(Lsr & (LSR_FIFO | LSR_ERRORS))) {
        ULONG Count = Levels[Port->Fcr >> 6];

        READ_PORT_BUFFER_UCHAR(Port->Base + SERIAL_DATA, Bytes, Count);
        for (ULONG i = 0; i < Count; i++) {
            Accept(Port, Bytes[i]);
        }
    } else {
        /* Bounded, for chips that are being pulled out. */
        for (ULONG i = 0; i < CAUSES_MAX && (Lsr & LSR_READY); i++) {
            Judge(Port, SerialIn(Port, SERIAL_DATA), Lsr);
            Lsr = SerialIn(Port, SERIAL_LSR);
        }
        SerialLineStatus(Port, Lsr & LSR_OVERRUN);
    }
    SerialPost(Port, SERIAL_WORK_RECEIVED);
}

static VOID ModemStatus(PSERIAL_PORT Port)
{
    static const ULONG Events[] = {SERIAL_EV_CTS, SERIAL_EV_DSR, SERIAL_EV_RING, SERIAL_EV_RLSD};

    Port->Msr = SerialIn(Port, SERIAL_MSR);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Events); i++) {
        if (Port->Msr & 1u << i) {
            SerialNote(Port, Events[i]);
        }
    }
    SerialHoldOutput(Port);
}

/* Damaged bytes make this cause; they are read here, since what is wrong is forgotten once told. */
static VOID LineErrors(PSERIAL_PORT Port)
{
    UCHAR Lsr = SerialIn(Port, SERIAL_LSR);

    if (Lsr & LSR_READY) {
        Judge(Port, SerialIn(Port, SERIAL_DATA), Lsr);
        SerialPost(Port, SERIAL_WORK_RECEIVED);
    } else {
        SerialLineStatus(Port, Lsr);
    }
}

BOOLEAN SerialInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    PSERIAL_PORT Port = Context;
    BOOLEAN Served = FALSE;

    UNREFERENCED_PARAMETER(Interrupt);
    /* A closed port's chip asks for nothing, and may have no power. */
    for (ULONG i = 0; i < CAUSES_MAX && Port->Powered; i++) {
        UCHAR Cause = SerialIn(Port, SERIAL_IIR);

        if (Cause & IIR_NONE) { /* so does a chip that is gone: it reads as ones */
            break;
        }
        Served = TRUE;
        switch (Cause & IIR_CAUSE) {
        case IIR_LINE:
            LineErrors(Port);
            break;
        case IIR_DATA:
        case IIR_TIMEOUT:
            Receive(Port, (Cause & IIR_CAUSE) == IIR_DATA);
            break;
        case IIR_EMPTY:
            SerialTransmit(Port);
            break;
        default:
            ModemStatus(Port);
            break;
        }
    }
    if (Port->Work) {
        KeInsertQueueDpc(&Port->InterruptDpc, NULL, NULL);
    }
    return Served;
}
