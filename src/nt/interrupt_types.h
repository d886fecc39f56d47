/* SPDX-License-Identifier: MIT */
/*
 * What drivers hand to IoConnectInterruptEx and its relatives, as x64 drivers see it; compared with
 * the DDK's at build time like types.h.
 */
#ifndef PAGABLE_NT_INTERRUPT_TYPES_H
#define PAGABLE_NT_INTERRUPT_TYPES_H

#include "nt/types.h"

struct device_object;

enum { LevelSensitive, Latched };

enum {
    CONNECT_FULLY_SPECIFIED = 1,
    CONNECT_LINE_BASED = 2,
    CONNECT_MESSAGE_BASED = 3,
    CONNECT_FULLY_SPECIFIED_GROUP = 4,
    CONNECT_CURRENT_VERSION = 4
};

struct interrupt_fully_specified {
    struct device_object *PhysicalDeviceObject;
    void **InterruptObject;
    void *ServiceRoutine;
    void *ServiceContext;
    kspin_lock *SpinLock;
    uint8_t SynchronizeIrql;
    uint8_t FloatingSave;
    uint8_t ShareVector;
    uint32_t Vector;
    uint8_t Irql;
    uint32_t InterruptMode;
    uint64_t ProcessorEnableMask;
    uint16_t Group;
};

struct interrupt_line_based {
    struct device_object *PhysicalDeviceObject;
    void **InterruptObject;
    void *ServiceRoutine;
    void *ServiceContext;
    kspin_lock *SpinLock;
    uint8_t SynchronizeIrql;
    uint8_t FloatingSave;
};

struct interrupt_message_based {
    struct device_object *PhysicalDeviceObject;
    void **ConnectionContext;
    void *MessageServiceRoutine;
    void *ServiceContext;
    kspin_lock *SpinLock;
    uint8_t SynchronizeIrql;
    uint8_t FloatingSave;
    void *FallBackServiceRoutine;
};

struct interrupt_parameters {
    uint32_t Version;
    union {
        struct interrupt_fully_specified FullySpecified;
        struct interrupt_line_based LineBased;
        struct interrupt_message_based MessageBased;
    };
};

/* Of IoDisconnectInterruptEx and IoReportInterruptActive / Inactive. */
struct interrupt_connection {
    uint32_t Version;
    void *ConnectionContext;
};

#endif
