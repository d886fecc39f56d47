/* SPDX-License-Identifier: MIT */
/*
 * Executive resources: one exclusive owner, or many shared ones.
 *
 * What is true of a resource is kept here, by its address; the members of ERESOURCE that debuggers
 * show are kept up to date and never read.  A thread that is woken owns the resource already: it
 * was made an owner by whoever released it.
 *
 *   exclusive release: all shared waiters, or else the first exclusive one
 *   last shared release: the first exclusive waiter
 *
 * An owner is the address of a KTHREAD, or a pointer with its two low bits set
 * (ExSetResourceOwnerPointer).
 */
#include "nt/ex.h"

#include <string.h>

#define RESOURCE_BUCKETS 256u
#define OWNED_EXCLUSIVE  0x0080u /* ERESOURCE.Flag */

struct owner {
    uint64_t id;
    uint32_t count;
    struct owner *next;
};

struct resource {
    uint64_t address;
    bool exclusive;
    struct owner *owners;
    struct ex_wait_queue shared_waiters, exclusive_waiters;
    struct resource *next;
};

struct resource_state {
    struct resource *buckets[RESOURCE_BUCKETS];
};
static struct resource_state *state;

static struct resource **bucket_of(uint64_t address)
{
    if (state == NULL) {
        state = machine_allocate(sizeof *state);
    }
    return &state->buckets[(address / 16) % RESOURCE_BUCKETS];
}

static struct resource **link_of(uint64_t address)
{
    struct resource **link = bucket_of(address);

    while (*link != NULL && (*link)->address != address) {
        link = &(*link)->next;
    }
    return link;
}

/* The driver's memory is touched as the system would touch it.  Memory of zeroes is a free
 * resource, initialized or not. */
static struct resource *resource_of(struct eresource *guest)
{
    struct resource **link;

    machine_touch((uint64_t)guest, sizeof *guest, PAGER_WRITE);
    link = link_of((uint64_t)guest);
    if (*link == NULL) {
        *link = ex_heap_take(sizeof **link);
        (*link)->address = (uint64_t)guest;
    }
    return *link;
}

static void forget_owners(struct resource *resource)
{
    while (resource->owners != NULL) {
        struct owner *owner = resource->owners;

        resource->owners = owner->next;
        ex_heap_give(owner);
    }
    resource->exclusive = false;
}

static void mirror(const struct resource *resource)
{
    struct eresource *guest = machine_pointer(resource->address);
    int16_t active = 0;

    for (const struct owner *o = resource->owners; o != NULL; o = o->next) {
        active++;
    }
    guest->ActiveCount = active;
    guest->ActiveEntries = (uint32_t)active;
    guest->Flag = resource->exclusive ? OWNED_EXCLUSIVE : 0;
    guest->NumberOfSharedWaiters = resource->shared_waiters.count;
    guest->NumberOfExclusiveWaiters = resource->exclusive_waiters.count;
    PG_ASSERT(!resource->exclusive || resource->owners != NULL);
    guest->OwnerEntry.OwnerThread = resource->exclusive ? resource->owners->id : 0;
}

static struct owner *find_owner(const struct resource *resource, uint64_t id)
{
    struct owner *owner = resource->owners;

    while (owner != NULL && owner->id != id) {
        owner = owner->next;
    }
    return owner;
}

static void add_owner(struct resource *resource, uint64_t id)
{
    struct owner *owner = find_owner(resource, id);

    if (owner == NULL) {
        owner = ex_heap_take(sizeof *owner);
        *owner = (struct owner){.id = id, .next = resource->owners};
        resource->owners = owner;
    }
    owner->count++;
    mirror(resource);
}

static void wait_for(struct resource *resource, struct ex_wait_queue *queue)
{
    ((struct eresource *)machine_pointer(resource->address))->ContentionCount++;
    ex_wait(queue, 0);
}

/* ---- acquire ---- */

static uint8_t acquire_exclusive(struct eresource *guest, uint8_t wait)
{
    struct resource *resource = resource_of(guest);
    uint64_t self = ex_current_thread();

    if (resource->owners == NULL || (resource->exclusive && find_owner(resource, self) != NULL)) {
        resource->exclusive = true;
        add_owner(resource, self);
        return 1;
    }
    if (!wait) {
        return 0;
    }
    wait_for(resource, &resource->exclusive_waiters);
    return 1;
}

enum shared_rule {
    SHARED_PLAIN,   /* behind exclusive waiters, unless the thread is an owner already */
    SHARED_STARVE,  /* before exclusive waiters */
    SHARED_WAIT_FOR /* behind exclusive waiters, owner or not */
};

static bool may_share(const struct resource *resource, uint64_t self, enum shared_rule rule)
{
    bool owner = find_owner(resource, self) != NULL;

    if (resource->owners == NULL) {
        return true;
    }
    if (resource->exclusive) {
        return owner;
    }
    return resource->exclusive_waiters.count == 0 || rule == SHARED_STARVE ||
           (rule == SHARED_PLAIN && owner);
}

static uint8_t acquire_shared(struct eresource *guest, uint8_t wait, enum shared_rule rule)
{
    struct resource *resource = resource_of(guest);
    uint64_t self = ex_current_thread();

    if (may_share(resource, self, rule)) {
        add_owner(resource, self);
        return 1;
    }
    if (!wait) {
        return 0;
    }
    wait_for(resource, &resource->shared_waiters);
    return 1;
}

/* ---- release ---- */

static void grant(struct resource *resource, struct ex_wait_queue *queue)
{
    uint64_t id = ke_thread_object(queue->first->thread);

    ex_wake(queue);
    add_owner(resource, id);
}

static void grant_shared(struct resource *resource)
{
    while (resource->shared_waiters.count > 0) {
        grant(resource, &resource->shared_waiters);
    }
}

static void pass_on(struct resource *resource, bool was_exclusive)
{
    if (was_exclusive && resource->shared_waiters.count > 0) {
        grant_shared(resource);
    } else if (resource->exclusive_waiters.count > 0) {
        resource->exclusive = true;
        grant(resource, &resource->exclusive_waiters);
    } else {
        grant_shared(resource);
    }
}

static struct owner *checked_owner(const struct resource *resource, uint64_t id, const char *words)
{
    struct owner *owner = find_owner(resource, id);

    if (owner == NULL) {
        machine_bugcheck(0xE3, resource->address, id, 0, 0, words);
    }
    return owner;
}

static void release(struct eresource *guest, uint64_t id)
{
    struct resource *resource = resource_of(guest);
    struct owner *owner =
        checked_owner(resource, id, "a resource was released by a thread that does not own it");
    struct owner **link = &resource->owners;
    bool was_exclusive = resource->exclusive;

    if (--owner->count > 0) {
        return;
    }
    while (*link != owner) {
        link = &(*link)->next;
    }
    *link = owner->next;
    ex_heap_give(owner);
    if (resource->owners == NULL) {
        resource->exclusive = false;
        pass_on(resource, was_exclusive);
    }
    mirror(resource);
}

/* ---- exports ---- */

static ntstatus ExInitializeResourceLite(struct eresource *guest)
{
    struct resource *resource = resource_of(guest);

    memset(guest, 0, sizeof *guest);
    forget_owners(resource);
    memset(&resource->shared_waiters, 0, sizeof resource->shared_waiters);
    memset(&resource->exclusive_waiters, 0, sizeof resource->exclusive_waiters);
    return STATUS_SUCCESS;
}

static ntstatus ExReinitializeResourceLite(struct eresource *guest)
{
    return ExInitializeResourceLite(guest);
}

static ntstatus ExDeleteResourceLite(struct eresource *guest)
{
    struct resource *resource = resource_of(guest);

    forget_owners(resource);
    *link_of((uint64_t)guest) = resource->next;
    ex_heap_give(resource);
    return STATUS_SUCCESS;
}

static uint8_t ExAcquireResourceExclusiveLite(struct eresource *guest, uint8_t wait)
{
    return acquire_exclusive(guest, wait);
}

static uint8_t ExAcquireResourceSharedLite(struct eresource *guest, uint8_t wait)
{
    return acquire_shared(guest, wait, SHARED_PLAIN);
}

static uint8_t ExAcquireSharedStarveExclusive(struct eresource *guest, uint8_t wait)
{
    return acquire_shared(guest, wait, SHARED_STARVE);
}

static uint8_t ExAcquireSharedWaitForExclusive(struct eresource *guest, uint8_t wait)
{
    return acquire_shared(guest, wait, SHARED_WAIT_FOR);
}

static void ExReleaseResourceLite(struct eresource *guest)
{
    release(guest, ex_current_thread());
}

static void ExReleaseResourceForThreadLite(struct eresource *guest, uint64_t id)
{
    release(guest, id);
}

static void ExConvertExclusiveToSharedLite(struct eresource *guest)
{
    struct resource *resource = resource_of(guest);

    if (!resource->exclusive || find_owner(resource, ex_current_thread()) == NULL) {
        machine_bugcheck(0xE3, (uint64_t)guest, ex_current_thread(), 0, 0,
                         "a resource was converted to shared by a thread that does not own it "
                         "exclusively");
    }
    resource->exclusive = false;
    grant_shared(resource);
    mirror(resource);
}

static uint8_t ExIsResourceAcquiredExclusiveLite(struct eresource *guest)
{
    const struct resource *resource = resource_of(guest);

    return resource->exclusive && find_owner(resource, ex_current_thread()) != NULL;
}

static uint32_t ExIsResourceAcquiredSharedLite(struct eresource *guest)
{
    const struct owner *owner = find_owner(resource_of(guest), ex_current_thread());

    return owner == NULL ? 0 : owner->count;
}

static uint32_t ExGetExclusiveWaiterCount(struct eresource *guest)
{
    return resource_of(guest)->exclusive_waiters.count;
}

static uint32_t ExGetSharedWaiterCount(struct eresource *guest)
{
    return resource_of(guest)->shared_waiters.count;
}

static void ExSetResourceOwnerPointer(struct eresource *guest, uint64_t pointer)
{
    struct resource *resource = resource_of(guest);
    struct owner *owner =
        checked_owner(resource, ex_current_thread(),
                      "the owner of a resource was set by a thread that does not own it");

    if ((pointer & 3) != 3) {
        machine_bugcheck(0xE3, (uint64_t)guest, ex_current_thread(), pointer, 0,
                         "the owner of a resource was set to a pointer without its two low bits");
    }
    owner->id = pointer;
    mirror(resource);
}

static void *ExEnterCriticalRegionAndAcquireResourceExclusive(struct eresource *guest)
{
    call_KeEnterCriticalRegion(NULL);
    acquire_exclusive(guest, 1);
    return NULL; /* the thread's Win32 part: system threads have none */
}

static void *ExEnterCriticalRegionAndAcquireResourceShared(struct eresource *guest)
{
    call_KeEnterCriticalRegion(NULL);
    acquire_shared(guest, 1, SHARED_PLAIN);
    return NULL;
}

static void ExReleaseResourceAndLeaveCriticalRegion(struct eresource *guest)
{
    release(guest, ex_current_thread());
    call_KeLeaveCriticalRegion(NULL);
}

NT_CALL1(ExInitializeResourceLite, struct eresource *)
NT_CALL1(ExReinitializeResourceLite, struct eresource *)
NT_CALL1(ExDeleteResourceLite, struct eresource *)
NT_CALL2(ExAcquireResourceExclusiveLite, struct eresource *, uint8_t)
NT_CALL2(ExAcquireResourceSharedLite, struct eresource *, uint8_t)
NT_CALL2(ExAcquireSharedStarveExclusive, struct eresource *, uint8_t)
NT_CALL2(ExAcquireSharedWaitForExclusive, struct eresource *, uint8_t)
NT_VOID1(ExReleaseResourceLite, struct eresource *)
NT_VOID2(ExReleaseResourceForThreadLite, struct eresource *, uint64_t)
NT_VOID1(ExConvertExclusiveToSharedLite, struct eresource *)
NT_CALL1(ExIsResourceAcquiredExclusiveLite, struct eresource *)
NT_CALL1(ExIsResourceAcquiredSharedLite, struct eresource *)
NT_CALL1(ExGetExclusiveWaiterCount, struct eresource *)
NT_CALL1(ExGetSharedWaiterCount, struct eresource *)
NT_VOID2(ExSetResourceOwnerPointer, struct eresource *, uint64_t)
NT_CALL1(ExEnterCriticalRegionAndAcquireResourceExclusive, struct eresource *)
NT_CALL1(ExEnterCriticalRegionAndAcquireResourceShared, struct eresource *)
NT_VOID1(ExReleaseResourceAndLeaveCriticalRegion, struct eresource *)
