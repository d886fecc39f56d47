/* SPDX-License-Identifier: MIT */
/*
 * A driver for the PC's serial ports whose code is in memory only as far as somebody needs it.
 *
 *   INIT      DriverEntry: thrown away
 *   PAGESRP0  always pageable: devices come and go, ports open and close, power.  All of it runs at
 *             PASSIVE_LEVEL for a thread that may wait for the disk.
 *   PAGESER   what a closed port does not need: reads, writes, settings, timeouts.  It takes spin
 *             locks and runs in DPCs, so it is locked into memory before the first port opens, and
 *             until the last one has closed (paging.c).
 *   .text     the interrupt service routine, the DPC routines and what they call in any state of
 *             the ports: the line is shared, so interrupts come for ports that are closed.
 *
 * With SERIAL_ENTIRE the same sources make a driver that keeps the other way of the books: it has
 * no PAGESER, all of it is pageable while every port is closed, and an interrupt is connected only
 * while its port is open.
 *
 * Locks, in the order in which they are taken:
 *   Driver->Mutex      (M) ports that open, close, come and go                 PASSIVE_LEVEL
 *   Port->Lock         (L) requests and settings                               DISPATCH_LEVEL
 *   the interrupt's    (I) what the service routine touches, too               its own
 */
#ifndef SERIAL_H
#define SERIAL_H

#include <ntddk.h>
#include <ntddser.h>

#define SERIAL_TAG ' reS'

/* ---- the hardware: a 16550 ---- */

enum serial_register {
    SERIAL_DATA = 0, /* receiver and transmitter; divisor, low half */
    SERIAL_IER = 1,  /* divisor, high half */
    SERIAL_IIR = 2,  /* read */
    SERIAL_FCR = 2,  /* write */
    SERIAL_LCR = 3,
    SERIAL_MCR = 4,
    SERIAL_LSR = 5,
    SERIAL_MSR = 6,
    SERIAL_REGISTERS = 8
};

#define IER_ALL     0x0f
#define IIR_NONE    0x01
#define IIR_CAUSE   0x0e
#define IIR_MODEM   0x00
#define IIR_EMPTY   0x02
#define IIR_DATA    0x04
#define IIR_LINE    0x06
#define IIR_TIMEOUT 0x0c
#define FCR_ENABLE  0x01
#define FCR_CLEAR   0x06 /* both FIFOs */
#define FCR_14      0xc0 /* an interrupt for every fourteen characters */
#define LCR_BREAK   0x40
#define LCR_DIVISOR 0x80
#define MCR_DTR     SERIAL_IOC_MCR_DTR
#define MCR_RTS     SERIAL_IOC_MCR_RTS
#define MCR_OUT2    SERIAL_IOC_MCR_OUT2 /* on a PC: the way to the interrupt line */
#define LSR_READY   0x01
#define LSR_OVERRUN 0x02
#define LSR_PARITY  0x04
#define LSR_FRAMING 0x08
#define LSR_BREAK   0x10
#define LSR_ERRORS  0x1e
#define LSR_IDLE    0x40
#define LSR_FIFO    0x80 /* something in the FIFO is damaged */
#define MSR_CTS     0x10
#define MSR_DSR     0x20
#define MSR_RI      0x40
#define MSR_DCD     0x80

#define SERIAL_FIFO_BYTES 16
#define SERIAL_CLOCK      115200 /* baud at divisor 1 */

/* Macros, so that each stands in the section of the routine that uses it. */
#define SerialIn(Port, Register)                                                                   \
    ((Port)->InMemory ? READ_REGISTER_UCHAR((Port)->Base + (Register))                             \
                      : READ_PORT_UCHAR((Port)->Base + (Register)))
#define SerialOut(Port, Register, Value)                                                           \
    do {                                                                                           \
        if ((Port)->InMemory) {                                                                    \
            WRITE_REGISTER_UCHAR((Port)->Base + (Register), (UCHAR)(Value));                       \
        } else {                                                                                   \
            WRITE_PORT_UCHAR((Port)->Base + (Register), (UCHAR)(Value));                           \
        }                                                                                          \
    } while (0)

/* ---- state ---- */

/* Of all ports; in nonpaged memory of its own, since the mutex may not be paged, whatever becomes
 * of the driver's data. */
typedef struct _SERIAL_DRIVER {
    FAST_MUTEX Mutex; /* guards the rest, and Port->Open */
    PVOID PagingHandle;
    ULONG OpenPorts;
} SERIAL_DRIVER, *PSERIAL_DRIVER;

/* What the service routine leaves for the DPC. */
#define SERIAL_WORK_RECEIVED  0x01 /* something for a read */
#define SERIAL_WORK_SENT      0x02 /* all of the current write is in the FIFO */
#define SERIAL_WORK_EVENT     0x04 /* something that is waited for */
#define SERIAL_WORK_IMMEDIATE 0x08 /* the immediate character went */
#define SERIAL_WORK_ABORT     0x10 /* an error, and errors abort */
#define SERIAL_WORK_TOGGLE    0x20 /* nothing to send any more; RTS follows the transmitter */

/* Requests of one kind, in order; the first is current.  (L) */
typedef struct _SERIAL_QUEUE {
    LIST_ENTRY Irps;
    BOOLEAN Started;  /* the current one is under way */
    ULONG64 Deadline; /* interrupt time at which it is over; 0: none */
    KTIMER Timer;     /* for that */
    KDPC Dpc;
} SERIAL_QUEUE, *PSERIAL_QUEUE;

/* What ends a read, other than the last byte that it asks for. */
typedef enum _SERIAL_READ_MODE {
    SerialReadAll,     /* a timeout, if there is one */
    SerialReadPresent, /* nothing: it takes what is there */
    SerialReadFirst    /* the first bytes that are there or come */
} SERIAL_READ_MODE;

typedef enum _SERIAL_PNP { SerialStopped, SerialStarted, SerialSurprised } SERIAL_PNP;

typedef struct _SERIAL_PORT {
    PDEVICE_OBJECT Device, Pdo, Lower;
    PSERIAL_DRIVER Driver;
    IO_REMOVE_LOCK RemoveLock;
    ULONG Number; /* of \Device\SerialN */
    SERIAL_PNP Pnp;
    UNICODE_STRING DeviceName, LinkName, Interface;
    WCHAR DeviceBuffer[24], LinkBuffer[48];
    BOOLEAN Named; /* link and device map entry are there */
    BOOLEAN Open;  /* Driver->Mutex */

    PUCHAR Base;
    BOOLEAN InMemory, Shared;
    ULONG MappedBytes;
    ULONG Vector;
    KIRQL Irql;
    KAFFINITY Affinity;
    KINTERRUPT_MODE Mode;
    PKINTERRUPT Interrupt; /* changes under Driver->Mutex and (L) */

    KSPIN_LOCK Lock;
    NTSTATUS Refusal;               /* (L) what new requests end with; success: they are taken */
    SERIAL_QUEUE Reads, Writes;     /* among the writes are flushes */
    SERIAL_QUEUE Waits, Immediates; /* one request at most */
    SERIAL_TIMEOUTS Timeouts;       /* (L) */
    SERIAL_READ_MODE ReadMode;      /* (L) of the current read */
    ULONG ReadSeen;                 /* (L) how much of it the interval timer knows of */
    ULONG64 ReadInterval;           /* (L) milliseconds; 0: none */
    ULONG64 IntervalDeadline;       /* (L) */
    KTIMER IntervalTimer, ToggleTimer;
    KDPC IntervalDpc, ToggleDpc, InterruptDpc;
    volatile LONG Work; /* SERIAL_WORK_*, left by (I), taken by the DPC */

    /* What a program sets; the service routine looks at it.  (I) */
    SERIAL_HANDFLOW HandFlow;
    SERIAL_CHARS Chars;
    SERIAL_LINE_CONTROL Line;
    ULONG Baud;
    ULONG WaitMask, Events; /* waited for; happened and not told */

    /* The chip's registers as they should be: what it is given when its power comes back.  (I) */
    BOOLEAN Powered; /* it is there and has power; otherwise nobody touches it */
    USHORT Divisor;
    UCHAR Ier, Lcr, Mcr, Fcr;
    UCHAR Msr; /* as last read */

    /* Received bytes: written at In by the service routine, read at Out by who holds the lock.
     * Both only grow; the size is a power of two. */
    PUCHAR Ring;
    ULONG RingSize;
    volatile ULONG In, Out;
    BOOLEAN InputHeld;  /* (I) the far end was asked to stop */
    BOOLEAN NearlyFull; /* (I) and the program was told */

    /* What is to be sent.  (I) */
    PUCHAR Next;
    volatile ULONG Left;
    volatile BOOLEAN Idle;  /* nothing is in the FIFO, no interrupt will ask for more */
    ULONG OutputHeld;       /* SERIAL_TX_WAITING_* */
    BOOLEAN SpecialPending; /* XON or XOFF, before all else */
    BOOLEAN SpecialIsXoff;
    volatile BOOLEAN ImmediatePending;
    UCHAR Immediate;

    ULONG Errors;           /* (I) SERIAL_ERROR_* since the last look */
    BOOLEAN Aborted;        /* (I) an error aborts, and the program has not looked yet */
    SERIALPERF_STATS Stats; /* (I) */
    DEVICE_POWER_STATE Power;
} SERIAL_PORT, *PSERIAL_PORT;

#define SERIAL_RING_BYTES     4096
#define SERIAL_RING_MAX_BYTES (1u << 20)
#define SerialBuffered(Port)  ((Port)->In - (Port)->Out)

/* Units of KTIMER and of interrupt time in a millisecond. */
#define SERIAL_MILLISECOND 10000

/* ---- init.c, pnp.c, naming.c, power.c, open.c, paging.c: pageable ---- */

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SerialUnload;
DRIVER_ADD_DEVICE SerialAddDevice;
DRIVER_DISPATCH SerialPnp, SerialPower, SerialSystemControl, SerialInternalControl;
DRIVER_DISPATCH SerialCreate, SerialClose;

/* The names under which programs find the port. */
NTSTATUS SerialName(PSERIAL_PORT Port);
VOID SerialUnname(PSERIAL_PORT Port);
NTSTATUS SerialConnect(PSERIAL_PORT Port);
VOID SerialDisconnect(PSERIAL_PORT Port);
/* Ends of dispatch routines that hold the remove lock: complete the request; send it on as it is.
 */
NTSTATUS SerialAnswer(PSERIAL_PORT Port, PIRP Irp, NTSTATUS Status);
NTSTATUS SerialPass(PSERIAL_PORT Port, PIRP Irp);

/* One port at a time opens, closes, comes or goes.  PASSIVE_LEVEL on both sides and in between. */
VOID SerialLockPorts(PSERIAL_DRIVER Driver);
VOID SerialUnlockPorts(PSERIAL_DRIVER Driver);
/* A port opens, is closed: what it needs becomes resident, or pageable.  Ports are locked. */
VOID SerialHoldCode(PSERIAL_DRIVER Driver);
VOID SerialReleaseCode(PSERIAL_DRIVER Driver);
/* The same for routines that are called back while no port may be open. */
VOID SerialHoldCallbacks(PSERIAL_DRIVER Driver);
VOID SerialReleaseCallbacks(PSERIAL_DRIVER Driver);

/* ---- isr.c, transmit.c, chip.c, dpc.c: resident ---- */

KSERVICE_ROUTINE SerialInterrupt;
KDEFERRED_ROUTINE SerialInterruptDpc, SerialReadDpc, SerialIntervalDpc, SerialWriteDpc,
    SerialToggleDpc;
/* Keep the service routine out: (L) is held. */
KIRQL SerialLockInterrupt(PSERIAL_PORT Port);
VOID SerialUnlockInterrupt(PSERIAL_PORT Port, KIRQL Irql);
/* From now on there is no interrupt to keep out.  Takes (L). */
VOID SerialForgetInterrupt(PSERIAL_PORT Port);
/* (I) Work for the DPC. */
VOID SerialPost(PSERIAL_PORT Port, LONG Work);
/* (I) Events that happened. */
VOID SerialNote(PSERIAL_PORT Port, ULONG Events);
/* (I) What a line status says of errors. */
VOID SerialLineStatus(PSERIAL_PORT Port, UCHAR Lsr);
/* (I) Fill the FIFO, which is empty, with what may be sent. */
VOID SerialTransmit(PSERIAL_PORT Port);
/* (I) The same if no interrupt will do it. */
VOID SerialKick(PSERIAL_PORT Port);
/* (I) Ask the far end to stop sending, or to go on, as the handshake wants it. */
VOID SerialHoldInput(PSERIAL_PORT Port);
VOID SerialReleaseInput(PSERIAL_PORT Port);
/* (I) The inputs changed, or what they mean did. */
VOID SerialHoldOutput(PSERIAL_PORT Port);
/* (I) Registers: what they should be, and the chip if it has power. */
VOID SerialSetMcr(PSERIAL_PORT Port, UCHAR Mcr);
VOID SerialSetLcr(PSERIAL_PORT Port, UCHAR Lcr);
VOID SerialSetDivisor(PSERIAL_PORT Port, USHORT Divisor);
/* (I) FIFO control; Clear is FCR's bits for emptying. */
VOID SerialSetFcr(PSERIAL_PORT Port, UCHAR Fcr, UCHAR Clear);
/* Whether nothing is left to go out, or nothing can. */
BOOLEAN SerialIsDrained(PSERIAL_PORT Port);
/* With the interrupt kept out: give the chip what its registers should be; switch it off. */
KSYNCHRONIZE_ROUTINE SerialProgram, SerialQuiet;

/* ---- PAGESER: for open ports only ---- */

DRIVER_DISPATCH SerialRead, SerialWrite, SerialDeviceControl, SerialCleanup;
DRIVER_CANCEL SerialCancel;

/* queue.c */
VOID SerialPrepareQueue(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PKDEFERRED_ROUTINE Expired);
/* Whether an open port may take this request; then the remove lock is held until the request is
 * completed.  If not, it is completed, and *Status is its status. */
BOOLEAN SerialEnter(PSERIAL_PORT Port, PIRP Irp, PNTSTATUS Status);
/* Complete a request that SerialEnter let in. */
NTSTATUS SerialFinish(PSERIAL_PORT Port, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* (L) Mark the request pending and append it; from then on it may be cancelled.  One that is
 * refused, or was cancelled before, goes to the list Done. */
VOID SerialAppend(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PIRP Irp, PLIST_ENTRY Done);
/* (L) The current request, or NULL. */
PIRP SerialCurrent(PSERIAL_QUEUE Queue);
/* (L) The current request is over: it goes to the list, unless it is being cancelled. */
VOID SerialEnd(PSERIAL_QUEUE Queue, PLIST_ENTRY Done, NTSTATUS Status);
/* (L) All of the queue's are. */
VOID SerialEndAll(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PLIST_ENTRY Done, NTSTATUS Status);
/* Without the lock: complete what was collected. */
VOID SerialComplete(PSERIAL_PORT Port, PLIST_ENTRY Done);
/* (L) The queue's current request is to end after that many milliseconds. */
VOID SerialSetDeadline(PSERIAL_QUEUE Queue, ULONG64 Milliseconds);
/* (L) Whether that time has come. */
BOOLEAN SerialIsOver(ULONG64 Deadline);
/* Everything that is pending ends with this status, and so does what comes. */
VOID SerialAbort(PSERIAL_PORT Port, NTSTATUS Status);

/* read.c, write.c, wait.c: (L) go on with a queue as far as it gets. */
VOID SerialServeReads(PSERIAL_PORT Port, PLIST_ENTRY Done);
VOID SerialServeWrites(PSERIAL_PORT Port, PLIST_ENTRY Done);
VOID SerialServeImmediates(PSERIAL_PORT Port, PLIST_ENTRY Done);
VOID SerialServeWaits(PSERIAL_PORT Port, PLIST_ENTRY Done);
/* (L) Take back what is to be sent for the current write, or as immediate character. */
VOID SerialWithdrawWrite(PSERIAL_PORT Port);
VOID SerialWithdrawImmediate(PSERIAL_PORT Port);
/* The work of the DPC routines. */
VOID SerialServe(PSERIAL_PORT Port, LONG Work);
VOID SerialReadExpired(PSERIAL_PORT Port);
VOID SerialIntervalExpired(PSERIAL_PORT Port);
VOID SerialWriteExpired(PSERIAL_PORT Port);
VOID SerialToggleExpired(PSERIAL_PORT Port);

NTSTATUS SerialImmediate(PSERIAL_PORT Port, PIRP Irp, UCHAR Character); /* write.c */
NTSTATUS SerialWaitOnMask(PSERIAL_PORT Port, PIRP Irp);                 /* wait.c */

/* settings.c, lines.c, status.c: one control code each.  (L); Buffer is as long as the code's row
 * in control.c says. */
typedef NTSTATUS SERIAL_CONTROL(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done);
SERIAL_CONTROL SerialSetBaud, SerialGetBaud, SerialSetLine, SerialGetLine, SerialSetTimeouts,
    SerialGetTimeouts, SerialSetChars, SerialGetChars, SerialSetHandFlow, SerialGetHandFlow,
    SerialSetFifo, SerialSetQueueSize, SerialSetWaitMask, SerialGetWaitMask;
SERIAL_CONTROL SerialSetDtr, SerialClearDtr, SerialSetRts, SerialClearRts, SerialGetDtrRts,
    SerialGetModemStatus, SerialSetModemControl, SerialGetModemControl, SerialSetXoff, SerialSetXon,
    SerialBreakOn, SerialBreakOff, SerialReset;
SERIAL_CONTROL SerialPurge, SerialGetCommStatus, SerialGetProperties, SerialGetStats,
    SerialClearStats, SerialConfigSize;
/* Settings as every port has them when it opens. */
VOID SerialSetDefaults(PSERIAL_PORT Port);

#endif
