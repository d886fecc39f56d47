/* SPDX-License-Identifier: MIT */
/*
 * NT's structures and constants as x64 drivers see them.
 *
 * Guest and host share one address space, so a pointer in a guest structure is a pointer here; the
 * address of guest code is a void *.  LONG and ULONG have 32 bits.  Members keep NT's names.  Every
 * offset and size is compared at build time with what a compiler for Windows makes of the DDK's
 * headers: see offsets.list.h.  Values: the DDK's public headers.
 */
#ifndef PAGABLE_NT_TYPES_H
#define PAGABLE_NT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nt/status.h"

/* ---- scalars ---- */

typedef uint64_t kspin_lock;
typedef int64_t large_integer;

/* A member that the DDK declares with POINTER_ALIGNMENT. */
#define NT_POINTER_ALIGNED _Alignas(8)

/* ---- lists ---- */

struct list_entry {
    struct list_entry *Flink;
    struct list_entry *Blink;
};

struct single_list_entry {
    struct single_list_entry *Next;
};

struct slist_entry {
    _Alignas(16) struct slist_entry *Next;
};

struct slist_header {
    _Alignas(16) uint64_t Alignment;
    uint64_t Region;
};

static inline void nt_list_init(struct list_entry *head)
{
    head->Flink = head;
    head->Blink = head;
}

static inline bool nt_list_empty(const struct list_entry *head)
{
    return head->Flink == head;
}

static inline void nt_list_append(struct list_entry *head, struct list_entry *entry)
{
    struct list_entry *last = head->Blink;

    entry->Flink = head;
    entry->Blink = last;
    last->Flink = entry;
    head->Blink = entry;
}

static inline void nt_list_prepend(struct list_entry *head, struct list_entry *entry)
{
    nt_list_append(head->Flink, entry);
}

static inline void nt_list_remove(struct list_entry *entry)
{
    entry->Blink->Flink = entry->Flink;
    entry->Flink->Blink = entry->Blink;
}

#define NT_CONTAINER(address, type, member)                                                        \
    ((type *)(void *)((uint8_t *)(address)-offsetof(type, member)))

/* ---- strings ---- */

struct unicode_string {
    uint16_t Length; /* bytes */
    uint16_t MaximumLength;
    uint16_t *Buffer;
};

struct ansi_string {
    uint16_t Length;
    uint16_t MaximumLength;
    char *Buffer;
};

struct guid {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
};

struct object_attributes {
    uint32_t Length;
    void *RootDirectory;
    struct unicode_string *ObjectName;
    uint32_t Attributes;
    void *SecurityDescriptor;
    void *SecurityQualityOfService;
};

#define OBJ_INHERIT          0x00000002u
#define OBJ_PERMANENT        0x00000010u
#define OBJ_EXCLUSIVE        0x00000020u
#define OBJ_CASE_INSENSITIVE 0x00000040u
#define OBJ_OPENIF           0x00000080u
#define OBJ_OPENLINK         0x00000100u
#define OBJ_KERNEL_HANDLE    0x00000200u

struct client_id {
    void *UniqueProcess;
    void *UniqueThread;
};

/* ---- dispatcher objects ---- */

enum {
    EventNotificationObject = 0,
    EventSynchronizationObject = 1,
    MutantObject = 2,
    ProcessObject = 3,
    QueueObject = 4,
    SemaphoreObject = 5,
    ThreadObject = 6,
    TimerNotificationObject = 8,
    TimerSynchronizationObject = 9,
    ApcObject = 18,
    DpcObject = 19,
    DeviceQueueObject = 20,
    ThreadedDpcObject = 24
};

enum { NotificationEvent, SynchronizationEvent };
enum { NotificationTimer, SynchronizationTimer };
enum { WaitAll, WaitAny };
enum { KernelMode, UserMode };
enum { LowImportance, MediumImportance, HighImportance, MediumHighImportance };

struct dispatcher_header {
    union {
        struct {
            uint8_t Type;
            union {
                uint8_t TimerControlFlags;
                uint8_t Abandoned;
                uint8_t Signalling;
            };
            union {
                uint8_t ThreadControlFlags;
                uint8_t Size;
                uint8_t Hand;
            };
            union {
                uint8_t TimerMiscFlags;
                uint8_t DebugActive;
                uint8_t DpcActive;
            };
        };
        int32_t Lock;
    };
    int32_t SignalState;
    struct list_entry WaitListHead;
};

struct kevent {
    struct dispatcher_header Header;
};

struct ksemaphore {
    struct dispatcher_header Header;
    int32_t Limit;
};

struct kmutant {
    struct dispatcher_header Header;
    struct list_entry MutantListEntry;
    struct kthread *OwnerThread;
    uint8_t Abandoned;
    uint8_t ApcDisable;
};

struct ktimer {
    struct dispatcher_header Header;
    uint64_t DueTime;
    struct list_entry TimerListEntry;
    struct kdpc *Dpc;
    uint32_t Processor;
    uint32_t Period;
};

struct kdpc {
    uint8_t Type;
    uint8_t Importance;
    uint16_t Number;
    struct list_entry DpcListEntry;
    void *DeferredRoutine;
    void *DeferredContext;
    void *SystemArgument1;
    void *SystemArgument2;
    void *DpcData;
};

struct kapc {
    uint8_t Type;
    uint8_t SpareByte0;
    uint8_t Size;
    uint8_t SpareByte1;
    uint32_t SpareLong0;
    struct kthread *Thread;
    struct list_entry ApcListEntry;
    void *KernelRoutine;
    void *RundownRoutine;
    void *NormalRoutine;
    void *NormalContext;
    void *SystemArgument1;
    void *SystemArgument2;
    int8_t ApcStateIndex;
    int8_t ApcMode;
    uint8_t Inserted;
};

struct kspin_lock_queue {
    struct kspin_lock_queue *Next;
    kspin_lock *Lock;
};

struct klock_queue_handle {
    struct kspin_lock_queue LockQueue;
    uint8_t OldIrql;
};

struct kgate {
    struct dispatcher_header Header;
};

struct kguarded_mutex {
    int32_t Count;
    struct kthread *Owner;
    uint32_t Contention;
    struct kgate Gate;
    uint32_t CombinedApcDisable;
};

struct fast_mutex {
    int32_t Count;
    struct kthread *Owner;
    uint32_t Contention;
    struct kevent Event;
    uint32_t OldIrql;
};

/* Opaque to drivers but for the header; the size of Windows 10's. */
struct kthread {
    struct dispatcher_header Header;
    uint8_t Opaque[0x600 - sizeof(struct dispatcher_header)];
};

struct ethread {
    struct kthread Tcb;
    uint8_t Opaque[0x300];
};

struct kprocess {
    struct dispatcher_header Header;
    uint8_t Opaque[0x438 - sizeof(struct dispatcher_header)];
};

struct eprocess {
    struct kprocess Pcb;
    uint8_t Opaque[0x500];
};

struct kdevice_queue_entry {
    struct list_entry DeviceListEntry;
    uint32_t SortKey;
    uint8_t Inserted;
};

struct kdevice_queue {
    int16_t Type;
    int16_t Size;
    struct list_entry DeviceListHead;
    kspin_lock Lock;
    union {
        uint8_t Busy;
        int64_t BusyAndHint;
    };
};

/* ---- executive ---- */

struct owner_entry {
    uint64_t OwnerThread;
    union {
        struct {
            uint32_t IoPriorityBoosted : 1;
            uint32_t OwnerReferenced : 1;
            uint32_t OwnerCount : 30;
        };
        uint32_t TableSize;
    };
};

struct eresource {
    struct list_entry SystemResourcesList;
    struct owner_entry *OwnerTable;
    int16_t ActiveCount;
    uint16_t Flag;
    struct ksemaphore *SharedWaiters;
    struct kevent *ExclusiveWaiters;
    struct owner_entry OwnerEntry;
    uint32_t ActiveEntries;
    uint32_t ContentionCount;
    uint32_t NumberOfSharedWaiters;
    uint32_t NumberOfExclusiveWaiters;
    void *Reserved2;
    union {
        void *Address;
        uint64_t CreatorBackTraceIndex;
    };
    kspin_lock SpinLock;
};

struct work_queue_item {
    struct list_entry List;
    void *WorkerRoutine;
    void *Parameter;
};

struct ex_rundown_ref {
    union {
        uint64_t Count;
        void *Ptr;
    };
};

struct general_lookaside {
    _Alignas(64) union {
        struct slist_header ListHead;
        struct single_list_entry SingleListHead;
    };
    uint16_t Depth;
    uint16_t MaximumDepth;
    uint32_t TotalAllocates;
    union {
        uint32_t AllocateMisses;
        uint32_t AllocateHits;
    };
    uint32_t TotalFrees;
    union {
        uint32_t FreeMisses;
        uint32_t FreeHits;
    };
    uint32_t Type;
    uint32_t Tag;
    uint32_t Size;
    union {
        void *AllocateEx;
        void *Allocate;
    };
    union {
        void *FreeEx;
        void *Free;
    };
    struct list_entry ListEntry;
    uint32_t LastTotalAllocates;
    union {
        uint32_t LastAllocateMisses;
        uint32_t LastAllocateHits;
    };
    uint32_t Future[2];
};

struct paged_lookaside_list {
    struct general_lookaside L;
};

struct npaged_lookaside_list {
    _Alignas(64) struct general_lookaside L;
};

enum {
    NonPagedPool = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2,
    NonPagedPoolCacheAligned = 4,
    PagedPoolCacheAligned = 5,
    NonPagedPoolCacheAlignedMustS = 6,
    NonPagedPoolSession = 32,
    PagedPoolSession = 33,
    NonPagedPoolNx = 512,
    NonPagedPoolNxCacheAligned = 516
};

enum {
    CriticalWorkQueue,
    DelayedWorkQueue,
    HyperCriticalWorkQueue,
    NormalWorkQueue,
    BackgroundWorkQueue,
    RealTimeWorkQueue,
    SuperCriticalWorkQueue,
    MaximumWorkQueue,
    CustomPriorityWorkQueue = 32
};

/* ---- memory descriptor lists ---- */

struct mdl {
    struct mdl *Next;
    int16_t Size; /* bytes, with the page frame numbers behind it */
    int16_t MdlFlags;
    struct eprocess *Process;
    void *MappedSystemVa;
    void *StartVa; /* page-aligned */
    uint32_t ByteCount;
    uint32_t ByteOffset;
};

#define MDL_MAPPED_TO_SYSTEM_VA     0x0001
#define MDL_PAGES_LOCKED            0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE    0x0008
#define MDL_PARTIAL                 0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED 0x0020
#define MDL_IO_PAGE_READ            0x0040
#define MDL_WRITE_OPERATION         0x0080
#define MDL_PARENT_MAPPED_SYSTEM_VA 0x0100
#define MDL_FREE_EXTRA_PTES         0x0200
#define MDL_DESCRIBES_AWE           0x0400
#define MDL_IO_SPACE                0x0800
#define MDL_NETWORK_HEADER          0x1000
#define MDL_MAPPING_CAN_FAIL        0x2000
#define MDL_ALLOCATED_MUST_SUCCEED  0x4000

enum { IoReadAccess, IoWriteAccess, IoModifyAccess };
enum { MmNonCached, MmCached, MmWriteCombined };

#define NT_PAGE_SIZE 4096u
#define NT_PAGE_MASK 4095ull

#include "nt/io_types.h"

#endif
