/* SPDX-License-Identifier: MIT */
/* Structures of the I/O manager in Windows' x64 layout; part of types.h. */
#ifndef PAGABLE_NT_IO_TYPES_H
#define PAGABLE_NT_IO_TYPES_H

#include "nt/types.h"

/* The Type member of objects of the I/O manager. */
enum {
    IO_TYPE_ADAPTER = 1,
    IO_TYPE_CONTROLLER = 2,
    IO_TYPE_DEVICE = 3,
    IO_TYPE_DRIVER = 4,
    IO_TYPE_FILE = 5,
    IO_TYPE_IRP = 6,
    IO_TYPE_TIMER = 9,
    IO_TYPE_VPB = 10,
    IO_TYPE_DEVICE_OBJECT_EXTENSION = 13
};

struct io_status_block {
    union {
        ntstatus Status;
        void *Pointer;
    };
    uint64_t Information;
};

enum {
    IRP_MJ_CREATE = 0x00,
    IRP_MJ_CREATE_NAMED_PIPE = 0x01,
    IRP_MJ_CLOSE = 0x02,
    IRP_MJ_READ = 0x03,
    IRP_MJ_WRITE = 0x04,
    IRP_MJ_QUERY_INFORMATION = 0x05,
    IRP_MJ_SET_INFORMATION = 0x06,
    IRP_MJ_QUERY_EA = 0x07,
    IRP_MJ_SET_EA = 0x08,
    IRP_MJ_FLUSH_BUFFERS = 0x09,
    IRP_MJ_QUERY_VOLUME_INFORMATION = 0x0a,
    IRP_MJ_SET_VOLUME_INFORMATION = 0x0b,
    IRP_MJ_DIRECTORY_CONTROL = 0x0c,
    IRP_MJ_FILE_SYSTEM_CONTROL = 0x0d,
    IRP_MJ_DEVICE_CONTROL = 0x0e,
    IRP_MJ_INTERNAL_DEVICE_CONTROL = 0x0f,
    IRP_MJ_SHUTDOWN = 0x10,
    IRP_MJ_LOCK_CONTROL = 0x11,
    IRP_MJ_CLEANUP = 0x12,
    IRP_MJ_CREATE_MAILSLOT = 0x13,
    IRP_MJ_QUERY_SECURITY = 0x14,
    IRP_MJ_SET_SECURITY = 0x15,
    IRP_MJ_POWER = 0x16,
    IRP_MJ_SYSTEM_CONTROL = 0x17,
    IRP_MJ_DEVICE_CHANGE = 0x18,
    IRP_MJ_QUERY_QUOTA = 0x19,
    IRP_MJ_SET_QUOTA = 0x1a,
    IRP_MJ_PNP = 0x1b,
    IRP_MJ_MAXIMUM_FUNCTION = 0x1b
};

enum {
    IRP_MN_START_DEVICE = 0x00,
    IRP_MN_QUERY_REMOVE_DEVICE = 0x01,
    IRP_MN_REMOVE_DEVICE = 0x02,
    IRP_MN_CANCEL_REMOVE_DEVICE = 0x03,
    IRP_MN_STOP_DEVICE = 0x04,
    IRP_MN_QUERY_STOP_DEVICE = 0x05,
    IRP_MN_CANCEL_STOP_DEVICE = 0x06,
    IRP_MN_QUERY_DEVICE_RELATIONS = 0x07,
    IRP_MN_QUERY_INTERFACE = 0x08,
    IRP_MN_QUERY_CAPABILITIES = 0x09,
    IRP_MN_QUERY_RESOURCES = 0x0A,
    IRP_MN_QUERY_RESOURCE_REQUIREMENTS = 0x0B,
    IRP_MN_QUERY_DEVICE_TEXT = 0x0C,
    IRP_MN_FILTER_RESOURCE_REQUIREMENTS = 0x0D,
    IRP_MN_READ_CONFIG = 0x0F,
    IRP_MN_WRITE_CONFIG = 0x10,
    IRP_MN_EJECT = 0x11,
    IRP_MN_SET_LOCK = 0x12,
    IRP_MN_QUERY_ID = 0x13,
    IRP_MN_QUERY_PNP_DEVICE_STATE = 0x14,
    IRP_MN_QUERY_BUS_INFORMATION = 0x15,
    IRP_MN_DEVICE_USAGE_NOTIFICATION = 0x16,
    IRP_MN_SURPRISE_REMOVAL = 0x17
};

enum {
    IRP_MN_WAIT_WAKE = 0x00,
    IRP_MN_POWER_SEQUENCE = 0x01,
    IRP_MN_SET_POWER = 0x02,
    IRP_MN_QUERY_POWER = 0x03
};

#define IRP_MN_LOAD_FILE_SYSTEM 0x04
#define IRP_MN_REGINFO_EX       0x0B

#define DO_VERIFY_VOLUME         0x00000002u
#define DO_BUFFERED_IO           0x00000004u
#define DO_EXCLUSIVE             0x00000008u
#define DO_DIRECT_IO             0x00000010u
#define DO_MAP_IO_BUFFER         0x00000020u
#define DO_DEVICE_HAS_NAME       0x00000040u
#define DO_DEVICE_INITIALIZING   0x00000080u
#define DO_SHUTDOWN_REGISTERED   0x00000800u
#define DO_BUS_ENUMERATED_DEVICE 0x00001000u
#define DO_POWER_PAGABLE         0x00002000u
#define DO_POWER_INRUSH          0x00004000u

#define FILE_DEVICE_DISK        0x07u
#define FILE_DEVICE_FILE_SYSTEM 0x09u
#define FILE_DEVICE_UNKNOWN     0x22u
#define FILE_DEVICE_SECURE_OPEN 0x00000100u

#define DRVO_UNLOAD_INVOKED        0x00000001u
#define DRVO_LEGACY_DRIVER         0x00000002u
#define DRVO_BUILTIN_DRIVER        0x00000004u
#define DRVO_REINIT_REGISTERED     0x00000008u
#define DRVO_INITIALIZED           0x00000010u
#define DRVO_BOOTREINIT_REGISTERED 0x00000020u

/* IO_STACK_LOCATION.Control */
#define SL_PENDING_RETURNED  0x01u
#define SL_ERROR_RETURNED    0x02u
#define SL_INVOKE_ON_CANCEL  0x20u
#define SL_INVOKE_ON_SUCCESS 0x40u
#define SL_INVOKE_ON_ERROR   0x80u

/* IRP.Flags */
#define IRP_NOCACHE             0x00000001u
#define IRP_PAGING_IO           0x00000002u
#define IRP_SYNCHRONOUS_API     0x00000004u
#define IRP_ASSOCIATED_IRP      0x00000008u
#define IRP_BUFFERED_IO         0x00000010u
#define IRP_DEALLOCATE_BUFFER   0x00000020u
#define IRP_INPUT_OPERATION     0x00000040u
#define IRP_CREATE_OPERATION    0x00000080u
#define IRP_READ_OPERATION      0x00000100u
#define IRP_WRITE_OPERATION     0x00000200u
#define IRP_CLOSE_OPERATION     0x00000400u
#define IRP_DEFER_IO_COMPLETION 0x00000800u

/* IRP.AllocationFlags */
#define IRP_QUOTA_CHARGED        0x01u
#define IRP_ALLOCATED_FIXED_SIZE 0x04u

/* FILE_OBJECT.Flags */
#define FO_FILE_OPEN          0x00000001u
#define FO_SYNCHRONOUS_IO     0x00000002u
#define FO_ALERTABLE_IO       0x00000004u
#define FO_DIRECT_DEVICE_OPEN 0x00000800u
#define FO_STREAM_FILE        0x00000100u
#define FO_CLEANUP_COMPLETE   0x00004000u
#define FO_HANDLE_CREATED     0x00040000u

enum { METHOD_BUFFERED, METHOD_IN_DIRECT, METHOD_OUT_DIRECT, METHOD_NEITHER };
#define METHOD_OF(code) ((uint32_t)(code)&3u)
#define CTL_CODE(type, function, method, access)                                                   \
    (((uint32_t)(type) << 16) | ((uint32_t)(access) << 14) | ((uint32_t)(function) << 2) |         \
     (uint32_t)(method))

#define FILE_READ_DATA               0x0001u
#define FILE_WRITE_DATA              0x0002u
#define FILE_READ_ATTRIBUTES         0x0080u
#define FILE_ATTRIBUTE_NORMAL        0x0080u
#define FILE_SHARE_READ              0x01u
#define FILE_SHARE_WRITE             0x02u
#define FILE_SHARE_DELETE            0x04u
#define FILE_OPEN                    0x01u
#define FILE_OPENED                  0x01u
#define FILE_NON_DIRECTORY_FILE      0x40u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20u
#define SYNCHRONIZE                  0x00100000u
#define GENERIC_ALL                  0x10000000u
#define GENERIC_WRITE                0x40000000u
#define GENERIC_READ                 0x80000000u

struct vpb {
    int16_t Type;
    int16_t Size;
    uint16_t Flags;
    uint16_t VolumeLabelLength;
    struct device_object *DeviceObject;
    struct device_object *RealDevice;
    uint32_t SerialNumber;
    uint32_t ReferenceCount;
    uint16_t VolumeLabel[32];
};

struct wait_context_block {
    struct kdevice_queue_entry WaitQueueEntry;
    void *DeviceRoutine;
    void *DeviceContext;
    uint32_t NumberOfMapRegisters;
    void *DeviceObject;
    void *CurrentIrp;
    struct kdpc *BufferChainingDpc;
};

struct device_object {
    int16_t Type;
    uint16_t Size;
    int32_t ReferenceCount;
    struct driver_object *DriverObject;
    struct device_object *NextDevice;
    struct device_object *AttachedDevice;
    struct irp *CurrentIrp;
    struct io_timer *Timer;
    uint32_t Flags;
    uint32_t Characteristics;
    struct vpb *Vpb;
    void *DeviceExtension;
    uint32_t DeviceType;
    int8_t StackSize;
    union {
        struct list_entry ListEntry;
        struct wait_context_block Wcb;
    } Queue;
    uint32_t AlignmentRequirement;
    struct kdevice_queue DeviceQueue;
    struct kdpc Dpc;
    uint32_t ActiveThreadCount;
    void *SecurityDescriptor;
    struct kevent DeviceLock;
    uint16_t SectorSize;
    uint16_t Spare1;
    struct devobj_extension *DeviceObjectExtension;
    void *Reserved;
} __attribute__((aligned(16)));

/* Documented to its third member; the rest is room that no driver may look at. */
struct devobj_extension {
    int16_t Type;
    uint16_t Size;
    struct device_object *DeviceObject;
    uint8_t Opaque[0x60];
};

struct driver_extension {
    struct driver_object *DriverObject;
    void *AddDevice;
    uint32_t Count;
    struct unicode_string ServiceKeyName;
};

struct driver_object {
    int16_t Type;
    int16_t Size;
    struct device_object *DeviceObject;
    uint32_t Flags;
    void *DriverStart;
    uint32_t DriverSize;
    void *DriverSection;
    struct driver_extension *DriverExtension;
    struct unicode_string DriverName;
    struct unicode_string *HardwareDatabase;
    struct fast_io_dispatch *FastIoDispatch;
    void *DriverInit;
    void *DriverStartIo;
    void *DriverUnload;
    void *MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
};

struct fast_io_dispatch {
    uint32_t SizeOfFastIoDispatch;
    void *FastIoCheckIfPossible;
    void *FastIoRead;
    void *FastIoWrite;
    void *FastIoQueryBasicInfo;
    void *FastIoQueryStandardInfo;
    void *FastIoLock;
    void *FastIoUnlockSingle;
    void *FastIoUnlockAll;
    void *FastIoUnlockAllByKey;
    void *FastIoDeviceControl;
    void *AcquireFileForNtCreateSection;
    void *ReleaseFileForNtCreateSection;
    void *FastIoDetachDevice;
};

struct io_completion_context {
    void *Port;
    void *Key;
};

struct file_object {
    int16_t Type;
    int16_t Size;
    struct device_object *DeviceObject;
    struct vpb *Vpb;
    void *FsContext;
    void *FsContext2;
    void *SectionObjectPointer;
    void *PrivateCacheMap;
    ntstatus FinalStatus;
    struct file_object *RelatedFileObject;
    uint8_t LockOperation;
    uint8_t DeletePending;
    uint8_t ReadAccess;
    uint8_t WriteAccess;
    uint8_t DeleteAccess;
    uint8_t SharedRead;
    uint8_t SharedWrite;
    uint8_t SharedDelete;
    uint32_t Flags;
    struct unicode_string FileName;
    large_integer CurrentByteOffset;
    uint32_t Waiters;
    uint32_t Busy;
    void *LastLock;
    struct kevent Lock;
    struct kevent Event;
    struct io_completion_context *CompletionContext;
    kspin_lock IrpListLock;
    struct list_entry IrpList;
    void *FileObjectExtension;
};

struct io_security_context {
    void *SecurityQos;
    void *AccessState;
    uint32_t DesiredAccess;
    uint32_t FullCreateOptions;
};

enum {
    PowerSystemUnspecified,
    PowerSystemWorking,
    PowerSystemSleeping1,
    PowerSystemSleeping2,
    PowerSystemSleeping3,
    PowerSystemHibernate,
    PowerSystemShutdown,
    PowerSystemMaximum
};
enum {
    PowerDeviceUnspecified,
    PowerDeviceD0,
    PowerDeviceD1,
    PowerDeviceD2,
    PowerDeviceD3,
    PowerDeviceMaximum
};
enum { SystemPowerState, DevicePowerState };

union power_state {
    uint32_t SystemState;
    uint32_t DeviceState;
};

struct device_capabilities {
    uint16_t Size;
    uint16_t Version;
    uint32_t Flags; /* the DDK's bit fields */
    uint32_t Address;
    uint32_t UINumber;
    uint32_t DeviceState[PowerSystemMaximum];
    uint32_t SystemWake;
    uint32_t DeviceWake;
    uint32_t D1Latency;
    uint32_t D2Latency;
    uint32_t D3Latency;
};

struct device_relations {
    uint32_t Count;
    struct device_object *Objects[1];
};

struct io_stack_location {
    uint8_t MajorFunction;
    uint8_t MinorFunction;
    uint8_t Flags;
    uint8_t Control;
    union {
        struct {
            struct io_security_context *SecurityContext;
            uint32_t Options;
            NT_POINTER_ALIGNED uint16_t FileAttributes;
            uint16_t ShareAccess;
            NT_POINTER_ALIGNED uint32_t EaLength;
        } Create;
        struct {
            uint32_t Length;
            NT_POINTER_ALIGNED uint32_t Key;
            uint32_t Flags;
            large_integer ByteOffset;
        } Read, Write;
        struct {
            uint32_t Length;
            NT_POINTER_ALIGNED uint32_t FileInformationClass;
        } QueryFile;
        struct {
            uint32_t OutputBufferLength;
            NT_POINTER_ALIGNED uint32_t InputBufferLength;
            NT_POINTER_ALIGNED uint32_t IoControlCode;
            void *Type3InputBuffer;
        } DeviceIoControl;
        struct {
            uint32_t OutputBufferLength;
            NT_POINTER_ALIGNED uint32_t InputBufferLength;
            NT_POINTER_ALIGNED uint32_t FsControlCode;
            void *Type3InputBuffer;
        } FileSystemControl;
        struct {
            struct vpb *Vpb;
            struct device_object *DeviceObject;
        } MountVolume;
        struct {
            void *Srb;
        } Scsi;
        struct {
            uint32_t Type;
        } QueryDeviceRelations;
        struct {
            const struct guid *InterfaceType;
            uint16_t Size;
            uint16_t Version;
            void *Interface;
            void *InterfaceSpecificData;
        } QueryInterface;
        struct {
            struct device_capabilities *Capabilities;
        } DeviceCapabilities;
        struct {
            uint32_t IdType;
        } QueryId;
        struct {
            uint32_t DeviceTextType;
            NT_POINTER_ALIGNED uint32_t LocaleId;
        } QueryDeviceText;
        struct {
            uint8_t InPath;
            uint8_t Reserved[3];
            NT_POINTER_ALIGNED uint32_t Type;
        } UsageNotification;
        struct {
            uint32_t PowerState;
        } WaitWake;
        struct {
            uint32_t SystemContext;
            NT_POINTER_ALIGNED uint32_t Type;
            NT_POINTER_ALIGNED union power_state State;
            NT_POINTER_ALIGNED uint32_t ShutdownType;
        } Power;
        struct {
            void *AllocatedResources;
            void *AllocatedResourcesTranslated;
        } StartDevice;
        struct {
            uint64_t ProviderId;
            void *DataPath;
            uint32_t BufferSize;
            void *Buffer;
        } WMI;
        struct {
            void *Argument1;
            void *Argument2;
            void *Argument3;
            void *Argument4;
        } Others;
    } Parameters;
    struct device_object *DeviceObject;
    struct file_object *FileObject;
    void *CompletionRoutine;
    void *Context;
};

struct irp {
    int16_t Type;
    uint16_t Size;
    struct mdl *MdlAddress;
    uint32_t Flags;
    union {
        struct irp *MasterIrp;
        int32_t IrpCount;
        void *SystemBuffer;
    } AssociatedIrp;
    struct list_entry ThreadListEntry;
    struct io_status_block IoStatus;
    int8_t RequestorMode;
    uint8_t PendingReturned;
    int8_t StackCount;
    int8_t CurrentLocation; /* 1..StackCount; StackCount + 1: not sent yet */
    uint8_t Cancel;
    uint8_t CancelIrql;
    int8_t ApcEnvironment;
    uint8_t AllocationFlags;
    struct io_status_block *UserIosb;
    struct kevent *UserEvent;
    union {
        struct {
            union {
                void *UserApcRoutine;
                void *IssuingProcess;
            };
            void *UserApcContext;
        } AsynchronousParameters;
        large_integer AllocationSize;
    } Overlay;
    void *CancelRoutine;
    void *UserBuffer;
    union {
        struct {
            union {
                struct kdevice_queue_entry DeviceQueueEntry;
                void *DriverContext[4];
            };
            struct ethread *Thread;
            char *AuxiliaryBuffer;
            struct list_entry ListEntry;
            union {
                struct io_stack_location *CurrentStackLocation;
                uint32_t PacketType;
            };
            struct file_object *OriginalFileObject;
        } Overlay;
        struct kapc Apc;
        void *CompletionKey;
    } Tail;
} __attribute__((aligned(16)));

struct io_remove_lock_common_block {
    uint8_t Removed;
    uint8_t Reserved[3];
    int32_t IoCount;
    struct kevent RemoveEvent;
};

struct io_remove_lock {
    struct io_remove_lock_common_block Common;
};

/* What a checked build of a driver appends to its remove lock. */
struct io_remove_lock_dbg_block {
    int32_t Signature;
    int32_t HighWatermark;
    int64_t MaxLockedTicks;
    int32_t AllocateTag;
    struct list_entry LockList;
    kspin_lock Spin;
    int32_t LowMemoryCount;
    uint32_t Reserved1[4];
    void *Reserved2;
    void *Blocks;
};

struct io_csq {
    uint32_t Type;
    void *CsqInsertIrp;
    void *CsqRemoveIrp;
    void *CsqPeekNextIrp;
    void *CsqAcquireLock;
    void *CsqReleaseLock;
    void *CsqCompleteCanceledIrp;
    void *ReservePointer;
};

struct io_csq_irp_context {
    uint32_t Type;
    struct irp *Irp;
    struct io_csq *Csq;
};

struct share_access {
    uint32_t OpenCount;
    uint32_t Readers;
    uint32_t Writers;
    uint32_t Deleters;
    uint32_t SharedRead;
    uint32_t SharedWrite;
    uint32_t SharedDelete;
};

struct io_error_log_packet {
    uint8_t MajorFunctionCode;
    uint8_t RetryCount;
    uint16_t DumpDataSize;
    uint16_t NumberOfStrings;
    uint16_t StringOffset;
    uint16_t EventCategory;
    ntstatus ErrorCode;
    uint32_t UniqueErrorValue;
    ntstatus FinalStatus;
    uint32_t SequenceNumber;
    uint32_t IoControlCode;
    large_integer DeviceOffset;
    uint32_t DumpData[1];
};

/* Opaque to drivers; IoSizeofWorkItem tells its size. */
struct io_workitem {
    struct work_queue_item Item;
    void *Routine;
    void *IoObject; /* device or driver object */
    void *Context;
    uint32_t Type; /* 1: the routine takes the work item too (IoQueueWorkItemEx) */
    uint32_t Queued;
};

#endif
