/* SPDX-License-Identifier: MIT */
/*
 * As much of <ntddk.h> as shapes.c needs, on the host: locks and raises write a trace and check
 * that they pair; nothing else happens.
 */
#ifndef HOST_NTDDK_H
#define HOST_NTDDK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VOID void
#define _In_
#define _Inout_
#define TRUE                  1
#define FALSE                 0
#define DECLSPEC_NOINLINE     __attribute__((noinline))
#define DISPATCH_LEVEL        2
#define STATUS_SUCCESS        0
#define STATUS_DELETE_PENDING 86
#define STATUS_CANCELLED      288

typedef uint32_t ULONG, *PULONG;
typedef int32_t NTSTATUS;
typedef uint8_t BOOLEAN, KIRQL;
typedef struct {
    int Held;
} KSPIN_LOCK;
typedef struct {
    KSPIN_LOCK *Lock;
    KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE;
typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY, *PLIST_ENTRY;
typedef struct {
    NTSTATUS Status;
    uintptr_t Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;
typedef struct {
    BOOLEAN Cancel;
} IRP, *PIRP;

#define DbgPrint            printf
#define RtlZeroMemory(p, n) memset(p, 0, n)

static KIRQL CurrentIrql;
static KSPIN_LOCK CancelLock;

static inline void Wrong(const char *What)
{
    printf("WRONG: %s\n", What);
    exit(1);
}

#define PAGED_CODE() (CurrentIrql > 1 ? Wrong("PAGED_CODE") : (void)0)

static inline KIRQL KeAcquireSpinLockRaiseToDpc(KSPIN_LOCK *Lock)
{
    KIRQL Old = CurrentIrql;

    if (Lock->Held) {
        Wrong("acquired twice");
    }
    Lock->Held = 1;
    CurrentIrql = DISPATCH_LEVEL;
    printf("acquire at %u\n", Old);
    return Old;
}

static inline void KeReleaseSpinLock(KSPIN_LOCK *Lock, KIRQL Irql)
{
    if (!Lock->Held || CurrentIrql != DISPATCH_LEVEL) {
        Wrong("not held");
    }
    Lock->Held = 0;
    CurrentIrql = Irql;
    printf("release to %u\n", Irql);
}

static inline void KeAcquireSpinLock(KSPIN_LOCK *Lock, KIRQL *Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(Lock);
}

static inline void KeAcquireInStackQueuedSpinLock(KSPIN_LOCK *Lock, KLOCK_QUEUE_HANDLE *Handle)
{
    Handle->Lock = Lock;
    Handle->OldIrql = KeAcquireSpinLockRaiseToDpc(Lock);
}

static inline void KeReleaseInStackQueuedSpinLock(KLOCK_QUEUE_HANDLE *Handle)
{
    KeReleaseSpinLock(Handle->Lock, Handle->OldIrql);
}

static inline void IoAcquireCancelSpinLock(KIRQL *Irql)
{
    KeAcquireSpinLock(&CancelLock, Irql);
}

static inline void IoReleaseCancelSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&CancelLock, Irql);
}

static inline void KeRaiseIrql(KIRQL New, KIRQL *Old)
{
    *Old = CurrentIrql;
    CurrentIrql = New;
    printf("raise to %u\n", New);
}

static inline void KeLowerIrql(KIRQL New)
{
    CurrentIrql = New;
    printf("lower to %u\n", New);
}

static inline void InitializeListHead(LIST_ENTRY *Head)
{
    Head->Flink = Head->Blink = Head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *Head)
{
    return Head->Flink == Head;
}

static inline void RemoveEntryList(LIST_ENTRY *Entry)
{
    Entry->Blink->Flink = Entry->Flink;
    Entry->Flink->Blink = Entry->Blink;
}

static inline void InsertHeadList(LIST_ENTRY *Head, LIST_ENTRY *Entry)
{
    Entry->Flink = Head->Flink;
    Entry->Blink = Head;
    Head->Flink->Blink = Entry;
    Head->Flink = Entry;
}

static inline void InsertTailList(LIST_ENTRY *Head, LIST_ENTRY *Entry)
{
    InsertHeadList(Head->Blink, Entry);
}

static inline LIST_ENTRY *RemoveHeadList(LIST_ENTRY *Head)
{
    LIST_ENTRY *Entry = Head->Flink;

    RemoveEntryList(Entry);
    return Entry;
}

#endif
