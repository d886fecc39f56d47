/* SPDX-License-Identifier: MIT */
/*
 * Sequenced singly linked lists, as x64 Windows has them: the first word of the header is a depth
 * of 16 bits and a sequence number of 48, the second the address of the first entry.  Headers and
 * entries lie at multiples of 16.  No lock and no change of IRQL: one wide compare-and-exchange.
 */
#include "nt/ex.h"

#define DEPTH_MASK    0xffffull
#define SEQUENCE_STEP 0x10000ull
#define NEXT_MASK     (~15ull)

static void touch_header(struct slist_header *header)
{
    if ((uint64_t)header % 16 != 0) {
        ex_raise((uint32_t)STATUS_DATATYPE_MISALIGNMENT, 0, (uint64_t)header,
                 "the header of an SList does not lie at a multiple of 16");
    }
    machine_touch((uint64_t)header, sizeof *header, PAGER_WRITE);
}

static struct slist_entry *first_of(const struct slist_header *header)
{
    return machine_pointer(header->Region & NEXT_MASK);
}

static void set(struct slist_header *header, uint64_t depth, const struct slist_entry *first)
{
    uint64_t sequence = (header->Alignment & ~DEPTH_MASK) + SEQUENCE_STEP;

    header->Alignment = sequence | (depth & DEPTH_MASK);
    header->Region = (uint64_t)first | 1; /* low bits: a header of 16 bytes */
}

static void InitializeSListHead(struct slist_header *header)
{
    touch_header(header);
    header->Alignment = 0;
    header->Region = 0;
}

static struct slist_entry *ExpInterlockedPushEntrySList(struct slist_header *header,
                                                        struct slist_entry *entry)
{
    struct slist_entry *first;

    touch_header(header);
    if ((uint64_t)entry % 16 != 0) {
        ex_raise((uint32_t)STATUS_DATATYPE_MISALIGNMENT, 0, (uint64_t)entry,
                 "an entry of an SList does not lie at a multiple of 16");
    }
    machine_touch((uint64_t)entry, sizeof entry->Next, PAGER_WRITE);
    first = first_of(header);
    entry->Next = first;
    set(header, (header->Alignment & DEPTH_MASK) + 1, entry);
    return first;
}

static struct slist_entry *ExpInterlockedPopEntrySList(struct slist_header *header)
{
    struct slist_entry *first;

    touch_header(header);
    first = first_of(header);
    if (first != NULL) {
        machine_touch((uint64_t)first, sizeof first->Next, PAGER_READ);
        set(header, (header->Alignment & DEPTH_MASK) - 1, first->Next);
    }
    return first;
}

static struct slist_entry *ExpInterlockedFlushSList(struct slist_header *header)
{
    struct slist_entry *first;

    touch_header(header);
    first = first_of(header);
    if (first != NULL) {
        set(header, 0, NULL);
    }
    return first;
}

static uint16_t ExQueryDepthSList(struct slist_header *header)
{
    touch_header(header);
    return (uint16_t)(header->Alignment & DEPTH_MASK);
}

NT_VOID1(InitializeSListHead, struct slist_header *)
NT_CALL2(ExpInterlockedPushEntrySList, struct slist_header *, struct slist_entry *)
NT_CALL1(ExpInterlockedPopEntrySList, struct slist_header *)
NT_CALL1(ExpInterlockedFlushSList, struct slist_header *)
NT_CALL1(ExQueryDepthSList, struct slist_header *)
