/* SPDX-License-Identifier: MIT */
/* Structures of the plug and play manager in Windows' x64 layout; part of types.h. */
#ifndef PAGABLE_NT_PNP_TYPES_H
#define PAGABLE_NT_PNP_TYPES_H

#include "nt/types.h"

/* ---- resources: Windows packs these to 4 bytes ---- */

enum { CmResourceTypePort = 1, CmResourceTypeInterrupt = 2, CmResourceTypeMemory = 3 };
enum { CmResourceShareDeviceExclusive = 1, CmResourceShareShared = 3 };
enum { InterfaceTypeInternal = 0, InterfaceTypeIsa = 1 };

#define CM_RESOURCE_PORT_IO                   0x0001u
#define CM_RESOURCE_PORT_16_BIT_DECODE        0x0010u
#define CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE 0x0000u
#define CM_RESOURCE_MEMORY_READ_WRITE         0x0000u

#define PNP_PACKED __attribute__((packed, aligned(4)))

struct cm_partial_resource {
    uint8_t Type;
    uint8_t ShareDisposition;
    uint16_t Flags;
    union {
        struct {
            uint64_t Start;
            uint32_t Length;
        } PNP_PACKED Generic;
        struct {
            uint32_t Level, Vector;
            uint64_t Affinity;
        } PNP_PACKED Interrupt;
    } PNP_PACKED u;
} PNP_PACKED;

struct cm_partial_resource_list {
    uint16_t Version, Revision;
    uint32_t Count;
    struct cm_partial_resource PartialDescriptors[1];
} PNP_PACKED;

struct cm_full_resource {
    uint32_t InterfaceType, BusNumber;
    struct cm_partial_resource_list PartialResourceList;
} PNP_PACKED;

struct cm_resource_list {
    uint32_t Count;
    struct cm_full_resource List[1];
} PNP_PACKED;

struct io_resource {
    uint8_t Option, Type, ShareDisposition, Spare1;
    uint16_t Flags, Spare2;
    union {
        struct {
            uint32_t Length, Alignment;
            uint64_t MinimumAddress, MaximumAddress;
        } Generic;
        struct {
            uint32_t MinimumVector, MaximumVector;
        } Interrupt;
    } u;
};

struct io_resource_list {
    uint16_t Version, Revision;
    uint32_t Count;
    struct io_resource Descriptors[1];
};

struct io_resource_requirements {
    uint32_t ListSize, InterfaceType, BusNumber, SlotNumber, Reserved[3], AlternativeLists;
    struct io_resource_list List[1];
};

/* ---- answers ---- */

enum {
    BusQueryDeviceID,
    BusQueryHardwareIDs,
    BusQueryCompatibleIDs,
    BusQueryInstanceID,
    BusQueryDeviceSerialNumber,
    BusQueryContainerID
};
enum { DeviceTextDescription, DeviceTextLocationInformation };
enum {
    BusRelations,
    EjectionRelations,
    PowerRelations,
    RemovalRelations,
    TargetDeviceRelation,
};

enum {
    DeviceUsageTypeUndefined,
    DeviceUsageTypePaging,
    DeviceUsageTypeHibernation,
    DeviceUsageTypeDumpFile
};

#define PNP_DEVICE_FAILED  0x00000004u
#define PNP_DEVICE_REMOVED 0x00000008u

#define CAPABILITY_UNIQUE_ID 0x00000040u /* bits of device_capabilities.Flags */

struct pnp_bus_information {
    struct guid BusTypeGuid;
    uint32_t LegacyBusType, BusNumber;
};

/* ---- notifications ---- */

struct pnp_notification_header {
    uint16_t Version, Size;
    struct guid Event;
};

struct device_interface_change {
    uint16_t Version, Size;
    struct guid Event, InterfaceClassGuid;
    struct unicode_string *SymbolicLinkName;
};

struct target_device_removal {
    uint16_t Version, Size;
    struct guid Event;
    struct file_object *FileObject;
};

struct target_device_custom {
    uint16_t Version, Size;
    struct guid Event;
    struct file_object *FileObject;
    int32_t NameBufferOffset;
    uint8_t CustomDataBuffer[1];
};

#endif
