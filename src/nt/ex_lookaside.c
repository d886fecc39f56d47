/* SPDX-License-Identifier: MIT */
/*
 * Lookaside lists.  Taking and giving back entries is inline code of the driver; it works on the
 * members of GENERAL_LOOKASIDE and calls the routines that are put there, which by default are the
 * entry stubs of the pool.
 */
#include "nt/ex.h"

#include <string.h>

#define DEPTH_MINIMUM 4u
#define DEPTH_MAXIMUM 256u
#define BLOCK_MINIMUM 8u /* an entry holds the link while it is in the list */

/* Flags of ExInitializeLookasideListEx. */
enum { LOOKASIDE_RAISE = 1, LOOKASIDE_NO_RAISE = 2 };
/* Pool type bits that they turn into. */
enum { TYPE_QUOTA_FAIL = 8, TYPE_RAISE = 16 };

static void initialize(struct general_lookaside *list, uint64_t allocate, uint64_t release,
                       uint32_t type, size_t size, uint32_t tag)
{
    machine_touch((uint64_t)list, sizeof *list, PAGER_WRITE);
    memset(list, 0, sizeof *list);
    list->Depth = DEPTH_MINIMUM;
    list->MaximumDepth = DEPTH_MAXIMUM;
    list->Type = type;
    list->Tag = tag;
    list->Size = size < BLOCK_MINIMUM ? BLOCK_MINIMUM : (uint32_t)size;
    list->Allocate =
        machine_pointer(allocate != 0 ? allocate : nt_export_address("ExAllocatePoolWithTag"));
    list->Free = machine_pointer(release != 0 ? release : nt_export_address("ExFreePool"));
    nt_list_init(&list->ListEntry);
}

/* Entries go back the way the list gives them back: through its own routine. */
static void flush(struct general_lookaside *list, bool extended)
{
    uint64_t header = (uint64_t)&list->ListHead;
    uint64_t release, entry;

    machine_touch((uint64_t)list, sizeof *list, PAGER_WRITE);
    release = (uint64_t)list->Free;
    while ((entry = call_ExpInterlockedPopEntrySList(&header)) != 0) {
        if (release == nt_export_address("ExFreePool")) {
            ex_pool_free_checked(entry, 0);
        } else if (extended) {
            MACHINE_CALL(release, entry, (uint64_t)list);
        } else {
            MACHINE_CALL(release, entry);
        }
    }
}

static void ExInitializeNPagedLookasideList(struct npaged_lookaside_list *list, uint64_t allocate,
                                            uint64_t release, uint32_t flags, size_t size,
                                            uint32_t tag, uint16_t depth)
{
    (void)depth; /* reserved */
    initialize(&list->L, allocate, release, NonPagedPool | flags, size, tag);
}

static void ExInitializePagedLookasideList(struct paged_lookaside_list *list, uint64_t allocate,
                                           uint64_t release, uint32_t flags, size_t size,
                                           uint32_t tag, uint16_t depth)
{
    (void)depth;
    initialize(&list->L, allocate, release, PagedPool | flags, size, tag);
}

static void ExDeleteNPagedLookasideList(struct npaged_lookaside_list *list)
{
    flush(&list->L, false);
}

static void ExDeletePagedLookasideList(struct paged_lookaside_list *list)
{
    flush(&list->L, false);
}

static ntstatus ExInitializeLookasideListEx(struct general_lookaside *list, uint64_t allocate,
                                            uint64_t release, uint32_t type, uint32_t flags,
                                            size_t size, uint32_t tag, uint16_t depth)
{
    (void)depth;
    if (flags > LOOKASIDE_NO_RAISE) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (size > UINT32_MAX) {
        return STATUS_INVALID_PARAMETER_6;
    }
    if (flags == LOOKASIDE_RAISE) {
        type |= TYPE_RAISE;
    } else if (flags == LOOKASIDE_NO_RAISE) {
        type |= TYPE_QUOTA_FAIL;
    }
    initialize(list, allocate, release, type, size, tag);
    return STATUS_SUCCESS;
}

static void ExFlushLookasideListEx(struct general_lookaside *list)
{
    flush(list, true);
}

static void ExDeleteLookasideListEx(struct general_lookaside *list)
{
    flush(list, true);
}

NT_VOID7(ExInitializeNPagedLookasideList, struct npaged_lookaside_list *, uint64_t, uint64_t,
         uint32_t, size_t, uint32_t, uint16_t)
NT_VOID7(ExInitializePagedLookasideList, struct paged_lookaside_list *, uint64_t, uint64_t,
         uint32_t, size_t, uint32_t, uint16_t)
NT_VOID1(ExDeleteNPagedLookasideList, struct npaged_lookaside_list *)
NT_VOID1(ExDeletePagedLookasideList, struct paged_lookaside_list *)
NT_CALL8(ExInitializeLookasideListEx, struct general_lookaside *, uint64_t, uint64_t, uint32_t,
         uint32_t, size_t, uint32_t, uint16_t)
NT_VOID1(ExFlushLookasideListEx, struct general_lookaside *)
NT_VOID1(ExDeleteLookasideListEx, struct general_lookaside *)
