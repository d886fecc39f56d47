/* SPDX-License-Identifier: MIT */
/*
 * What goes out, and what stops it.  Resident: the service routine calls all of this, and so do
 * others with the interrupt kept out.
 *
 * A character that controls the flow goes before everything else, then the immediate one, then the
 * bytes of the current write.  The interrupt of the empty transmitter is always on: as long as
 * something was put into the FIFO another one follows, and when one finds nothing to do the
 * transmitter is idle, until somebody kicks it.
 */
#include "serial.h"

#define HELD_BY_WIRE                                                                               \
    (SERIAL_TX_WAITING_FOR_CTS | SERIAL_TX_WAITING_FOR_DSR | SERIAL_TX_WAITING_FOR_DCD |           \
     SERIAL_TX_WAITING_ON_BREAK)

static BOOLEAN HasToggle(PSERIAL_PORT Port)
{
    return (Port->HandFlow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_TRANSMIT_TOGGLE;
}

static VOID SendSpecial(PSERIAL_PORT Port)
{
    SerialOut(Port, SERIAL_DATA, Port->SpecialIsXoff ? Port->Chars.XoffChar : Port->Chars.XonChar);
    Port->SpecialPending = FALSE;
    if (!Port->SpecialIsXoff) {
        Port->OutputHeld &= ~SERIAL_TX_WAITING_XOFF_SENT;
    } else if (!(Port->HandFlow.FlowReplace & SERIAL_XOFF_CONTINUE)) {
        /* There are far ends that take any character for XON. */
        Port->OutputHeld |= SERIAL_TX_WAITING_XOFF_SENT;
    }
}

static VOID SendBytes(PSERIAL_PORT Port, ULONG Count)
{
    if (Port->InMemory) {
        for (ULONG i = 0; i < Count; i++) {
            WRITE_REGISTER_UCHAR(Port->Base + SERIAL_DATA, Port->Next[i]);
        }
    } else {
        WRITE_PORT_BUFFER_UCHAR(Port->Base + SERIAL_DATA, Port->Next, Count);
    }
    Port->Next += Count;
    Port->Left -= Count;
    if (Port->Left == 0) {
        SerialPost(Port, SERIAL_WORK_SENT);
    }
}

VOID SerialTransmit(PSERIAL_PORT Port)
{
    ULONG Room = Port->Fcr & FCR_ENABLE ? SERIAL_FIFO_BYTES : 1, All = Room;
    BOOLEAN WasIdle = Port->Idle;

    if (HasToggle(Port) && !Port->OutputHeld && (Port->Left || Port->ImmediatePending)) {
        SerialSetMcr(Port, Port->Mcr | MCR_RTS);
    }
    if (Port->SpecialPending && !(Port->OutputHeld & HELD_BY_WIRE)) {
        SendSpecial(Port);
        Room--;
    }
    if (Port->ImmediatePending && !Port->OutputHeld && Room) {
        SerialOut(Port, SERIAL_DATA, Port->Immediate);
        Port->ImmediatePending = FALSE;
        SerialPost(Port, SERIAL_WORK_IMMEDIATE);
        Room--;
    }
    if (Port->Left && !Port->OutputHeld && Room) {
        ULONG Count = Port->Left < Room ? Port->Left : Room;

        SendBytes(Port, Count);
        Room -= Count;
    }
    Port->Stats.TransmittedCount += All - Room;
    Port->Idle = Room == All;
    if (Port->Idle && !WasIdle && !Port->Left) {
        SerialNote(Port, SERIAL_EV_TXEMPTY);
        SerialPost(Port, SERIAL_WORK_SENT | (HasToggle(Port) ? SERIAL_WORK_TOGGLE : 0));
    }
}

VOID SerialKick(PSERIAL_PORT Port)
{
    if (Port->Powered && Port->Idle) {
        SerialTransmit(Port);
    }
}

/* ---- flow control ---- */

static VOID SendFlow(PSERIAL_PORT Port, BOOLEAN Xoff)
{
    Port->SpecialIsXoff = Xoff;
    Port->SpecialPending = TRUE;
    SerialKick(Port);
}

VOID SerialHoldInput(PSERIAL_PORT Port)
{
    UCHAR Mcr = Port->Mcr;

    if (Port->InputHeld) {
        return;
    }
    Port->InputHeld = TRUE;
    if ((Port->HandFlow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_RTS_HANDSHAKE) {
        Mcr &= ~MCR_RTS;
    }
    if ((Port->HandFlow.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_HANDSHAKE) {
        Mcr &= ~MCR_DTR;
    }
    if (Mcr != Port->Mcr) {
        SerialSetMcr(Port, Mcr);
    }
    if (Port->HandFlow.FlowReplace & SERIAL_AUTO_RECEIVE) {
        SendFlow(Port, TRUE);
    }
}

VOID SerialReleaseInput(PSERIAL_PORT Port)
{
    UCHAR Mcr = Port->Mcr;

    if (!Port->InputHeld) {
        return;
    }
    Port->InputHeld = FALSE;
    if ((Port->HandFlow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_RTS_HANDSHAKE) {
        Mcr |= MCR_RTS;
    }
    if ((Port->HandFlow.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_HANDSHAKE) {
        Mcr |= MCR_DTR;
    }
    if (Mcr != Port->Mcr) {
        SerialSetMcr(Port, Mcr);
    }
    if (Port->HandFlow.FlowReplace & SERIAL_AUTO_RECEIVE) {
        SendFlow(Port, FALSE);
    }
}

VOID SerialHoldOutput(PSERIAL_PORT Port)
{
    static const struct {
        ULONG HandShake;
        UCHAR Input;
        ULONG Reason;
    } Inputs[] = {{SERIAL_CTS_HANDSHAKE, MSR_CTS, SERIAL_TX_WAITING_FOR_CTS},
                  {SERIAL_DSR_HANDSHAKE, MSR_DSR, SERIAL_TX_WAITING_FOR_DSR},
                  {SERIAL_DCD_HANDSHAKE, MSR_DCD, SERIAL_TX_WAITING_FOR_DCD}};

    for (ULONG i = 0; i < RTL_NUMBER_OF(Inputs); i++) {
        if ((Port->HandFlow.ControlHandShake & Inputs[i].HandShake) &&
            !(Port->Msr & Inputs[i].Input)) {
            Port->OutputHeld |= Inputs[i].Reason;
        } else {
            Port->OutputHeld &= ~Inputs[i].Reason;
        }
    }
    SerialKick(Port);
}
