/* SPDX-License-Identifier: MIT */
/* What the parts of the hardware probe share. */
#ifndef PAGABLE_TESTS_NT_HW_PROBE_H
#define PAGABLE_TESTS_NT_HW_PROBE_H

#define _WIN32_WINNT 0x0601
#include <ntddk.h>

#include "toy.h"

/* Not in the headers: too old for x64, or newer. */
NTSYSAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE Interface, ULONG Bus, ULONG Level,
                                           ULONG BusVector, PKIRQL Irql, PKAFFINITY Affinity);
NTSYSAPI ULONG NTAPI HalGetBusData(BUS_DATA_TYPE Kind, ULONG Bus, ULONG Slot, PVOID Buffer,
                                   ULONG Length);
struct report_state {
    ULONG Version;
    PVOID ConnectionContext;
};
NTSYSAPI VOID NTAPI IoReportInterruptActive(struct report_state *State);
NTSYSAPI VOID NTAPI IoReportInterruptInactive(struct report_state *State);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

struct toy {
    USHORT Port;
    PKINTERRUPT Interrupt;
    ULONG Called, Served;
    KIRQL Irql;         /* at which the service routine ran last */
    PKINTERRUPT Passed; /* what it was given */
    BOOLEAN KeepsLine;  /* its service routine forgets to let the device go */
    BOOLEAN ReturnsHigh;
    BOOLEAN Requests; /* ... and asks for the DPC */
};

extern PDEVICE_OBJECT ProbeDevice, ProbePhysical;
extern ULONG Vector;
extern KIRQL LineIrql;
extern KAFFINITY Affinity;
extern struct toy First, Second;
extern KSPIN_LOCK OwnLock;

/* What the DPC saw. */
struct dpc_seen {
    KEVENT Ran;
    KIRQL Irql;
    ULONG Count;
    PVOID Context;
    ULONG NestedAt; /* 1: let the device interrupt the DPC, and say how often it was served then */
};
extern struct dpc_seen DpcSeen;

UCHAR In(const struct toy *Toy, USHORT Register);
VOID Out(const struct toy *Toy, USHORT Register, UCHAR Value);
KSERVICE_ROUTINE Service;
NTSTATUS Connect(struct toy *Toy, PKSPIN_LOCK Lock, KIRQL SynchronizeIrql, BOOLEAN Share);

struct inside {
    KIRQL Irql;
    ULONG Served;
    BOOLEAN Answer;
};
KSYNCHRONIZE_ROUTINE Synchronized;

/* Each answers with the line of the first check that failed, 0 when none did. */
typedef ULONG probe_order(void);
probe_order CheckVector;
probe_order CheckConnect;
probe_order CheckInterrupt;
probe_order CheckShared;
probe_order CheckNested;
probe_order CheckSynchronize;
probe_order CheckSpinLock;
probe_order CheckStrings;
probe_order CheckRegisters;
probe_order CheckInactive;
probe_order CheckExtended;
probe_order CheckLineBased;
probe_order CheckPoll;
probe_order CheckBus;
probe_order DisconnectTwice;
probe_order SynchronizeTooHigh;
probe_order Deadlock;
probe_order ReturnsHigh;
probe_order UnmapOther;
probe_order Storm;
probe_order Leave;
probe_order PagedLock;

#endif
