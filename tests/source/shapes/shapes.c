/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * Shapes of code with a lock, each in a pageable routine, all of which can be isolated.  Compiled for
 * Windows, before and after, and for the host with locks that only write a trace (host/ntddk.h).  Laid
 * out by hand, in more ways than one: what does not move must stay.
 */
#include <ntddk.h>

#include "shapes.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, OneOne, Early, GotoOut, Loops, SwitchIn, Nested, Result, TwoResults)
#pragma alloc_text(PAGE, AddressTaken, Queued, TwoRegions, Cancel, LoopAround, Raise, Chain)
#pragma alloc_text(PAGE, Seed, OnlyExits, MultipleNames, Unbraced, Macros)
#endif

// one and one
NTSTATUS OneOne(_In_ PEXT Ext, _Inout_ PULONG Out)
{
    KIRQL Irql;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql); // take
    Ext->Count++;
    *Out = Ext->Count;
    KeReleaseSpinLock(&Ext->Lock, Irql); // give
    return STATUS_SUCCESS;
}

NTSTATUS Early(PEXT Ext)
{
    KIRQL Irql, Other;
    ULONG i = 0;

    PAGED_CODE();
    Other = (KIRQL)i;
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    if (Ext->Flags & 1) {
        KeReleaseSpinLock(&Ext->Lock, Irql);
        return STATUS_DELETE_PENDING;
    }
    if (Ext->Flags & 2) {
        KeReleaseSpinLock(&Ext->Lock, Irql);
        DbgPrint("two %u\n", Other);
        return STATUS_CANCELLED;
    }
    Ext->Count++;
    KeReleaseSpinLock(&Ext->Lock, Irql);
    return STATUS_SUCCESS;
}

NTSTATUS GotoOut(PEXT Ext)
{
    KIRQL Irql;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    if (Ext->Flags & 1) {
        Status = STATUS_DELETE_PENDING;
        goto Out;
    }
    Ext->Count++;
Out:
    KeReleaseSpinLock(&Ext->Lock, Irql);
    return Status;
}

ULONG Loops(PEXT Ext)
{
    KIRQL Irql;
    ULONG i, n = 0;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    for (i = 0; i < 10; i++) {
        if (Ext->Flags == i) {
            break;
        }
        if (Ext->Flags == i * 2) {
            continue;
        }
        n += i;
    }
    KeReleaseSpinLock(&Ext->Lock, Irql);
    return n;
}

VOID LoopAround(PEXT Ext)
{
	PAGED_CODE();
	while (Ext->Count != 0) {
		KIRQL Irql;

		Irql = KeAcquireSpinLockRaiseToDpc(&Ext->Lock);
		if (Ext->Flags == 1) {
			KeReleaseSpinLock(&Ext->Lock, Irql);
			break;
		}
		if (Ext->Flags == 2) {
			Ext->Flags = 1;
			KeReleaseSpinLock(&Ext->Lock, Irql);
			continue;
		}
		Ext->Count--;
		KeReleaseSpinLock(&Ext->Lock, Irql);
		DbgPrint("around\n");
	}
}

NTSTATUS SwitchIn(PEXT Ext, ULONG Code)
{
    KIRQL Irql;
    NTSTATUS Status;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    switch (Code) {
    case 1:
        Ext->Count = 1;
        KeReleaseSpinLock(&Ext->Lock, Irql);
        break;
    case 2:
        KeReleaseSpinLock(&Ext->Lock, Irql);
        DbgPrint("two\n");
        break;
    default:
        KeReleaseSpinLock(&Ext->Lock, Irql);
        DbgPrint("default\n");
        break;
    }
    Status = STATUS_SUCCESS;
    return Status;
}

VOID Nested(PEXT Ext, PEXT Other)
{
    KIRQL Irql, Second;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    KeAcquireSpinLock(&Other->Lock, &Second);
    Ext->Count = Other->Count;
    KeReleaseSpinLock(&Other->Lock, Second);
    KeReleaseSpinLock(&Ext->Lock, Irql);
}

PLIST_ENTRY Result(PEXT Ext)
{
    KIRQL Irql;
    PLIST_ENTRY Entry = NULL;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    if (!IsListEmpty(&Ext->Queue)) {
        Entry = RemoveHeadList(&Ext->Queue);
    }
    KeReleaseSpinLock(&Ext->Lock, Irql);
    if (Entry != NULL) {
        InsertHeadList(&Ext->Queue, Entry);
    }
    return Entry;
}

ULONG TwoResults(PEXT Ext)
{
    KIRQL Irql;
    ULONG a, b;
    PEXT p = Ext;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    a = Ext->Count;
    b = Ext->Flags;
    if (a > b) { p = NULL; a++; }
    KeReleaseSpinLock(&Ext->Lock, Irql);
    return a + b + (p == NULL);
}

ULONG AddressTaken(PEXT Ext, PIO_STATUS_BLOCK Out)
{
    KIRQL Irql;
    LIST_ENTRY List;
    ULONG Table[4], Length = 0;
    IO_STATUS_BLOCK Block;

    PAGED_CODE();
    InitializeListHead(&List);
    RtlZeroMemory(Table, sizeof(Table));
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    InsertTailList(&List, &Ext->Queue);
    Table[Ext->Count & 3] = Length;
    Block.Status = 0;
    Block.Information = Ext->Count;
    Length++;
    Ext->Flags = List.Flink == &Ext->Queue;
    KeReleaseSpinLock(&Ext->Lock, Irql);
    RemoveEntryList(&Ext->Queue);
    InitializeListHead(&Ext->Queue);
    *Out = Block;
    DbgPrint("%u\n", *(&Length));
    return Table[1];
}

VOID Queued(PEXT Ext)
{
    KLOCK_QUEUE_HANDLE Handle;

    PAGED_CODE();
    KeAcquireInStackQueuedSpinLock(&Ext->Lock, &Handle);
    Ext->Count = 0;
    KeReleaseInStackQueuedSpinLock(&Handle);
}

VOID TwoRegions(PEXT Ext)
{
    KIRQL Irql;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    Ext->Count = 0;
    KeReleaseSpinLock(&Ext->Lock, Irql);
    DbgPrint("between\n");
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    Ext->Count = 1;
    KeReleaseSpinLock(&Ext->Lock, Irql);
}

VOID Cancel(PIRP Irp)
{
    KIRQL Irql;

    PAGED_CODE();
    IoAcquireCancelSpinLock(&Irql);
    Irp->Cancel = TRUE; /* nobody looks */
    IoReleaseCancelSpinLock(Irql);
}

VOID Raise(PEXT Ext)
{
    KIRQL Old;

    PAGED_CODE();
    KeRaiseIrql(DISPATCH_LEVEL, &Old);
    Ext->Count++;
    KeLowerIrql(Old);
}

VOID Chain(PEXT Ext)
{
    KIRQL Irql;

    PAGED_CODE();
    for (;;) {
        KeAcquireSpinLock(&Ext->Lock, &Irql);
        if (Ext->Flags & 1) {
            if (Ext->Flags & 2) {
                KeReleaseSpinLock(&Ext->Lock, Irql);
                DbgPrint("inner\n");
            } else {
                KeReleaseSpinLock(&Ext->Lock, Irql);
            }
            DbgPrint("outer\n");
            Ext->Flags >>= 1;
        } else {
            KeReleaseSpinLock(&Ext->Lock, Irql);
            break;
        }
    }
}

/* The documents' fragment: one branch releases, the other releases and does more. */
NTSTATUS Seed(PEXT Ext)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL Irql; /* before the lock */

    //  PAGED_CODE();

    DbgPrint("wait\n");

    KeAcquireSpinLock(&Ext->Lock, &Irql);
    // Code inside spin lock ...
    Ext->Count--;

    if (!Ext->Count && !(Ext->Flags & 4)) {
        KeReleaseSpinLock(&Ext->Lock, Irql);
        // Unload the driver
        DbgPrint("unload %d\n", (int)Status);
        Ext->Flags |= 4;
    } else {
        KeReleaseSpinLock(&Ext->Lock, Irql);
    }
    return Status;
}

/* Every way through the region ends in a return. */
NTSTATUS OnlyExits(PEXT Ext)
{
    KIRQL Irql;
    NTSTATUS Status;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    if (Ext->Flags & 1) {
        Status = STATUS_CANCELLED;
        KeReleaseSpinLock(&Ext->Lock, Irql);
        return Status;
    } else {
        ULONG Before = Ext->Count;

        Ext->Count += 2;
        Status = (NTSTATUS)Before;
        KeReleaseSpinLock(&Ext->Lock, Irql);
        return Status;
    }
}

ULONG MultipleNames(PEXT Ext)
{
    ULONG a = 1, b = 2, i, c;
    KIRQL Irql, Unused = 0;

    PAGED_CODE();
    DbgPrint("%u %u\n", a, Unused);
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    for (i = 0; i < b; i++)
        Ext->Count += i;
    c = Ext->Count;
    KeReleaseSpinLock(&Ext->Lock, Irql);
    return a + c;
}

ULONG Unbraced(PEXT Ext)
{
    KIRQL Irql;
    ULONG Seen = 0;

    PAGED_CODE();
    do {
        KeAcquireSpinLock(&Ext->Lock, &Irql);
        if (Ext->Count > 3)
            Seen++;
        else if (Ext->Count == 2)
            Seen += 2;
        Ext->Count++;
        KeReleaseSpinLock(&Ext->Lock, Irql);
    } while (Seen < 2);
    return Seen;
}

#define FIRST(queue) ((queue)->Flink)
#define BUMP(ext)                                                                                  \
    do {                                                                                           \
        (ext)->Count++;                                                                            \
    } while (0)

VOID Macros(PEXT Ext)
{
    KIRQL Irql;

    PAGED_CODE();
    KeAcquireSpinLock(&Ext->Lock, &Irql);
    BUMP(Ext);
#ifdef SHAPES_MORE
    BUMP(Ext);
#endif
    Ext->Flags = FIRST(&Ext->Queue) == &Ext->Queue ? 8 : 0;
    KeReleaseSpinLock(&Ext->Lock, Irql);
}
