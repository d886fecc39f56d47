/* SPDX-License-Identifier: MIT */
/*
 * parallel.sys: a printer port, interrupt driven or polled, that keeps in memory only what it
 * needs.
 *
 *   INIT      DriverEntry and what only it calls: gone when it has returned
 *   PAGE      plug and play, power, create, cleanup and close: run at PASSIVE_LEVEL now and then,
 *             pageable at any time
 *   PAGEPARW  everything that a port needs while it is open: write and device control, the queue,
 * the thread that prints.  Much of it runs at DISPATCH_LEVEL (with the queue's spin lock held, or
 * between the edges of nStrobe), so it must not be paged out then; a port that nobody opened does
 * not need any of it.  Create locks the section, close unlocks it, and the memory manager counts:
 * see open.c .text     resident for good: the interrupt service routine, which may be called for a
 * spurious interrupt or another device on the line even while every port is closed, its DPC, what
 *             it calls, and completion routines
 *
 * A write, and every other request that needs the printer, waits in a cancel-safe queue for the
 * port's thread.  The thread has the hardware (`Hardware`) for at most PAR_PATIENCE at a time, so
 * that plug and play and power can take it between two runs of bytes; a printer that takes nothing
 * is asked again and again, until it does, the request times out, or its owner cancels it.
 */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <ntddk.h>

#include <ntddpar.h>
#include <ntddser.h>

#include "parport.h"

#define PAR_TAG 'lraP'

/* Registers, and their bits.  Names with N are of wires that are active low. */
#define PAR_DATA    0
#define PAR_STATUS  1
#define PAR_CONTROL 2
#define PAR_PORTS   3

#define PAR_STATUS_NIRQ     0x04 /* 0: our interrupt is pending; reading takes it back */
#define PAR_STATUS_NFAULT   0x08
#define PAR_STATUS_SELECT   0x10
#define PAR_STATUS_PERROR   0x20
#define PAR_STATUS_NACK     0x40
#define PAR_STATUS_NOT_BUSY 0x80

#define PAR_CONTROL_STROBE    0x01
#define PAR_CONTROL_AUTOFEED  0x02
#define PAR_CONTROL_NINIT     0x04
#define PAR_CONTROL_SELECT_IN 0x08
#define PAR_CONTROL_IRQ       0x10

/* Times, in milliseconds. */
#define PAR_PATIENCE 100 /* that the thread has the hardware and waits for an interrupt */
/* Between two looks at a printer that takes nothing: longer from one to the next. */
#define PAR_PAUSE     1
#define PAR_PAUSE_MAX 64

#define PAR_LOOKS_MAX                                                                              \
    10 /* at status, a microsecond apart, for a device that is about to answer                     \
        */

#define PAR_NAME 48 /* characters of a name */

/* A run of bytes that the interrupt service routine sends.  Its own while Active is set. */
struct par_run {
    PUCHAR Next;
    ULONG Left;
    ULONG Sent;
    ULONG Acknowledged;
    BOOLEAN Active;
};

struct par_extension {
    PDEVICE_OBJECT Self, Lower, Physical;
    IO_REMOVE_LOCK RemoveLock;
    UNICODE_STRING DeviceName, LinkName, InterfaceName;
    WCHAR DeviceNameBuffer[PAR_NAME], LinkNameBuffer[PAR_NAME];
    BOOLEAN Offered; /* under its names */

    /* The hardware, and who may touch it: whoever has the mutex; the interrupt service routine what
     * comes under KeSynchronizeExecution. */
    FAST_MUTEX Hardware;
    BOOLEAN Started, Powered, Removed;
    KEVENT Available; /* set while Started and Powered, or Removed */
    PUCHAR Base;
    UCHAR Control;         /* what belongs in the register now, but for nStrobe and the interrupt */
    PKINTERRUPT Interrupt; /* NULL: none was given */
    struct par_run Run;
    KEVENT RunDone;
    BOOLEAN Polled; /* the way, as asked for or fallen back to */
    struct parport_statistics Statistics;

    /* The open port.  Create and close are one at a time (ParSection.Mutex). */
    BOOLEAN Open;
    BOOLEAN Closing; /* tells the thread to end */
    BOOLEAN Abandon; /* tells it to cancel what it is at */
    PKTHREAD Thread;
    ULONG WriteTimeout; /* milliseconds */

    IO_CSQ Queue;
    LIST_ENTRY Requests;
    KSPIN_LOCK RequestsLock;
    KSEMAPHORE Work; /* one for each request that was queued, and one for Closing */
    KEVENT Idle;     /* set while the thread has no request */
};

/* What the ports of this driver have in common. */
struct par_section {
    FAST_MUTEX Mutex; /* opening and closing, of any port */
    PVOID Handle;     /* of PAGEPARW; NULL until a port was opened for the first time */
};
extern struct par_section ParSection;

/* From the registry, Parameters of the driver's key. */
struct par_defaults {
    ULONG UseInterrupt; /* 0: poll */
    ULONG WriteTimeout; /* milliseconds, 0: for ever */
};
extern struct par_defaults ParDefaults;

/* ---- INIT (init.c) ---- */
DRIVER_INITIALIZE DriverEntry;
VOID ParReadDefaults(PUNICODE_STRING RegistryPath);

/* ---- PAGE ---- */
/* device.c */
DRIVER_UNLOAD ParUnload;
DRIVER_ADD_DEVICE ParAddDevice;
VOID ParAppendNumber(PUNICODE_STRING Name, PCWSTR Text, ULONG Number);
VOID ParAppendPortName(struct par_extension *Port, ULONG Number);
VOID ParInitializeExtension(struct par_extension *Port, PDEVICE_OBJECT Self, ULONG Number);
VOID ParDeleteDevice(struct par_extension *Port);
VOID ParOffer(struct par_extension *Port);
VOID ParWithdraw(struct par_extension *Port);
/* open.c */
DRIVER_DISPATCH ParCreate, ParCleanup, ParClose;
VOID ParLockSection(VOID);
VOID ParUnlockSection(VOID);
NTSTATUS ParOpenPort(struct par_extension *Port);
VOID ParClosePort(struct par_extension *Port);
/* pnp.c */
DRIVER_DISPATCH ParPnp, ParSystemControl;
NTSTATUS ParForwardAndWait(struct par_extension *Port, PIRP Irp);
NTSTATUS ParStartDevice(struct par_extension *Port, PCM_RESOURCE_LIST Resources);
VOID ParStopDevice(struct par_extension *Port);
VOID ParVanish(struct par_extension *Port);
NTSTATUS ParRemoveDevice(struct par_extension *Port, PIRP Irp);
VOID ParConnect(struct par_extension *Port, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt);
VOID ParSetAvailable(struct par_extension *Port);
/* power.c */
DRIVER_DISPATCH ParPower;
NTSTATUS ParSetDevicePower(struct par_extension *Port, PIRP Irp, DEVICE_POWER_STATE State);
NTSTATUS ParSystemPower(struct par_extension *Port, PIRP Irp);

/* ---- PAGEPARW ---- */
/* queue.c */
DRIVER_DISPATCH ParWrite, ParDeviceControl;
VOID ParQueueInsert(PIO_CSQ Queue, PIRP Irp);
VOID ParQueueRemove(PIO_CSQ Queue, PIRP Irp);
PIRP ParQueuePeek(PIO_CSQ Queue, PIRP Irp, PVOID FileObject);
VOID ParQueueAcquire(PIO_CSQ Queue, PKIRQL Irql);
VOID ParQueueRelease(PIO_CSQ Queue, KIRQL Irql);
VOID ParQueueCancelled(PIO_CSQ Queue, PIRP Irp);
VOID ParQueueInitialize(struct par_extension *Port);
VOID ParQueueDrain(struct par_extension *Port, PFILE_OBJECT FileObject);
NTSTATUS ParQueueRequest(struct par_extension *Port, PIRP Irp);
NTSTATUS ParControlNow(struct par_extension *Port, PIRP Irp);
/* print.c */
KSTART_ROUTINE ParThread;
VOID ParServe(struct par_extension *Port, PIRP Irp);
NTSTATUS ParPrint(struct par_extension *Port, PIRP Irp);
NTSTATUS ParSend(struct par_extension *Port, PUCHAR Bytes, ULONG Length, PULONG Sent);
ULONG ParSendByInterrupt(struct par_extension *Port, PUCHAR Bytes, ULONG Length);
ULONG ParSendPolled(struct par_extension *Port, PUCHAR Bytes, ULONG Length);
ULONG ParBurst(struct par_extension *Port, PUCHAR Bytes, ULONG Length);
NTSTATUS ParCondition(UCHAR Status);
BOOLEAN ParTakeHardware(struct par_extension *Port, PIRP Irp, PNTSTATUS Status);
VOID ParSleep(ULONG Milliseconds);
NTSTATUS ParResetPrinter(struct par_extension *Port, PIRP Irp);
NTSTATUS ParQueryStatus(struct par_extension *Port, PUCHAR Flags);
/* ieee1284.c */
NTSTATUS ParDeviceId(struct par_extension *Port, PIRP Irp);
NTSTATUS ParReadDeviceId(struct par_extension *Port, PUCHAR Id, ULONG Size, PULONG Length);
BOOLEAN ParNegotiate(struct par_extension *Port, UCHAR Request);
VOID ParTerminate(struct par_extension *Port);
BOOLEAN ParReadByte(struct par_extension *Port, PUCHAR Byte);
BOOLEAN ParReadNibble(struct par_extension *Port, PUCHAR Nibble);
BOOLEAN ParExpect(struct par_extension *Port, UCHAR Mask, UCHAR Value);

/* ---- resident (transfer.c; completion routines stand beside their dispatch routines) ---- */
KSERVICE_ROUTINE ParInterrupt;
IO_DPC_ROUTINE ParRunDone;
KSYNCHRONIZE_ROUTINE ParBeginRun, ParEndRun;
VOID ParStrobe(struct par_extension *Port, UCHAR Byte, UCHAR Control);
NTSTATUS ParComplete(struct par_extension *Port, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
IO_COMPLETION_ROUTINE ParSignal, ParSystemPowerDone;
REQUEST_POWER_COMPLETE ParDevicePowerDone;

/* Macros, not routines: a routine of one section must not be copied into another one, and these are
 * wanted in all of them. */
#define PAR_WIRES                                                                                  \
    (PAR_STATUS_NOT_BUSY | PAR_STATUS_NACK | PAR_STATUS_PERROR | PAR_STATUS_SELECT |               \
     PAR_STATUS_NFAULT)
#define PAR_IS_READY(Status)             (((Status)&PAR_WIRES) == (PAR_WIRES & ~PAR_STATUS_PERROR))
#define PAR_READ(Port, Register)         READ_PORT_UCHAR((Port)->Base + (Register))
#define PAR_WRITE(Port, Register, Value) WRITE_PORT_UCHAR((Port)->Base + (Register), (UCHAR)(Value))

#endif
