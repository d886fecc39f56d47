/* SPDX-License-Identifier: MIT */
/*
 * Interlocked lists and numbers under a spin lock.
 *
 * Windows takes the lock with interrupts disabled: whatever is touched in between must be resident.
 * So it is here, at HIGH_LEVEL, with everything trimmed first that may be trimmed: a list entry in
 * pageable memory is found on the first try.
 */
#include "nt/ex.h"

static uint8_t lock(kspin_lock *spin_lock)
{
    uint8_t old = machine_irql();

    if (old < DISPATCH_LEVEL) {
        machine_raise(DISPATCH_LEVEL);
    } else {
        machine_trim_by_policy();
    }
    machine_raise_quietly(HIGH_LEVEL);
    machine_counters()->spin_locks_acquired++;
    machine_touch((uint64_t)spin_lock, sizeof *spin_lock, PAGER_WRITE);
    if (*spin_lock != 0) {
        machine_bugcheck(0x0F, (uint64_t)spin_lock, 0, 0, 0,
                         "an interlocked routine was called with a spin lock that is held already: "
                         "on real hardware the processor spins for ever");
    }
    return old;
}

static void touch_entry(struct list_entry *entry)
{
    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
}

static struct list_entry *ExInterlockedInsertHeadList(struct list_entry *head,
                                                      struct list_entry *entry, kspin_lock *spin)
{
    uint8_t old = lock(spin);
    struct list_entry *first;

    touch_entry(head);
    touch_entry(entry);
    first = head->Flink;
    touch_entry(first);
    nt_list_prepend(head, entry);
    machine_lower(old);
    return first == head ? NULL : first;
}

static struct list_entry *ExInterlockedInsertTailList(struct list_entry *head,
                                                      struct list_entry *entry, kspin_lock *spin)
{
    uint8_t old = lock(spin);
    struct list_entry *last;

    touch_entry(head);
    touch_entry(entry);
    last = head->Blink;
    touch_entry(last);
    nt_list_append(head, entry);
    machine_lower(old);
    return last == head ? NULL : last;
}

static struct list_entry *ExInterlockedRemoveHeadList(struct list_entry *head, kspin_lock *spin)
{
    uint8_t old = lock(spin);
    struct list_entry *first;

    touch_entry(head);
    first = head->Flink;
    if (first == head) {
        first = NULL;
    } else {
        touch_entry(first);
        touch_entry(first->Flink);
        nt_list_remove(first);
    }
    machine_lower(old);
    return first;
}

static struct single_list_entry *ExInterlockedPushEntryList(struct single_list_entry *head,
                                                            struct single_list_entry *entry,
                                                            kspin_lock *spin)
{
    uint8_t old = lock(spin);
    struct single_list_entry *first;

    machine_touch((uint64_t)head, sizeof *head, PAGER_WRITE);
    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    first = head->Next;
    entry->Next = first;
    head->Next = entry;
    machine_lower(old);
    return first;
}

static struct single_list_entry *ExInterlockedPopEntryList(struct single_list_entry *head,
                                                           kspin_lock *spin)
{
    uint8_t old = lock(spin);
    struct single_list_entry *first;

    machine_touch((uint64_t)head, sizeof *head, PAGER_WRITE);
    first = head->Next;
    if (first != NULL) {
        machine_touch((uint64_t)first, sizeof *first, PAGER_READ);
        head->Next = first->Next;
    }
    machine_lower(old);
    return first;
}

static int64_t ExInterlockedAddLargeInteger(int64_t *addend, int64_t increment, kspin_lock *spin)
{
    uint8_t old = lock(spin);
    int64_t before;

    machine_touch((uint64_t)addend, sizeof *addend, PAGER_WRITE);
    before = *addend;
    *addend = (int64_t)((uint64_t)before + (uint64_t)increment);
    machine_lower(old);
    return before;
}

static uint32_t ExInterlockedAddUlong(uint32_t *addend, uint32_t increment, kspin_lock *spin)
{
    uint8_t old = lock(spin);
    uint32_t before;

    machine_touch((uint64_t)addend, sizeof *addend, PAGER_WRITE);
    before = *addend;
    *addend = before + increment;
    machine_lower(old);
    return before;
}

NT_CALL3(ExInterlockedInsertHeadList, struct list_entry *, struct list_entry *, kspin_lock *)
NT_CALL3(ExInterlockedInsertTailList, struct list_entry *, struct list_entry *, kspin_lock *)
NT_CALL2(ExInterlockedRemoveHeadList, struct list_entry *, kspin_lock *)
NT_CALL3(ExInterlockedPushEntryList, struct single_list_entry *, struct single_list_entry *,
         kspin_lock *)
NT_CALL2(ExInterlockedPopEntryList, struct single_list_entry *, kspin_lock *)
NT_CALL3(ExInterlockedAddLargeInteger, int64_t *, int64_t, kspin_lock *)
NT_CALL3(ExInterlockedAddUlong, uint32_t *, uint32_t, kspin_lock *)
