/* SPDX-License-Identifier: MIT */
/*
 * Pool as drivers ask for it: types and flags of three generations of routines, one allocator.
 *
 * Contents of a block are what was there before, unless the caller asks for zeroes.  Session pool
 * is ordinary paged or nonpaged pool: there is one session.  Quota is never charged, since every
 * process has all the pool there is.
 */
#include "nt/ex.h"

enum {
    POOL_TYPE_PAGED = 1,
    POOL_TYPE_CACHE_ALIGNED = 4,
    POOL_TYPE_QUOTA_FAIL = 8, /* POOL_QUOTA_FAIL_INSTEAD_OF_RAISE */
    POOL_TYPE_RAISE = 16,     /* POOL_RAISE_IF_ALLOCATION_FAILURE */
    POOL_TYPE_ZERO = 1024     /* POOL_ZERO_ALLOCATION */
};

enum {
    FLAG_UNINITIALIZED = 0x2,
    FLAG_CACHE_ALIGNED = 0x8,
    FLAG_RAISE = 0x20,
    FLAG_NON_PAGED = 0x40,
    FLAG_NON_PAGED_EXECUTE = 0x80,
    FLAG_PAGED = 0x100,
    FLAGS_KNOWN = 0x1ff
};

#define NO_TAG 0x656e6f4eu /* "None" */

static _Noreturn void exhausted(void)
{
    ex_raise((uint32_t)STATUS_INSUFFICIENT_RESOURCES, 0, 0,
             "pool is exhausted, and the driver asked for an exception instead of NULL");
}

static uint64_t allocate(enum nt_pool pool, size_t bytes, uint32_t tag, unsigned how, bool raise)
{
    uint64_t address;

    machine_counters()->pool_allocations_attempted++;
    address = ex_pool_take(pool, bytes, tag, how);
    if (address != 0) {
        machine_counters()->pool_allocations_succeeded++;
    } else if (raise) {
        exhausted();
    }
    return address;
}

static uint64_t allocate_type(uint32_t type, size_t bytes, uint32_t tag, unsigned how, bool raise)
{
    if (type & POOL_TYPE_CACHE_ALIGNED) {
        how |= EX_POOL_CACHE_ALIGNED;
    }
    if (type & POOL_TYPE_ZERO) {
        how |= EX_POOL_ZERO;
    }
    return allocate(type & POOL_TYPE_PAGED ? POOL_PAGED : POOL_NONPAGED, bytes, tag, how,
                    raise || (type & POOL_TYPE_RAISE));
}

static bool quota_raises(uint32_t type)
{
    return (type & POOL_TYPE_QUOTA_FAIL) == 0;
}

static uint64_t ExAllocatePool(uint32_t type, size_t bytes)
{
    return allocate_type(type, bytes, NO_TAG, 0, false);
}

static uint64_t ExAllocatePoolWithTag(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, 0, false);
}

static uint64_t ExAllocatePoolWithTagPriority(uint32_t type, size_t bytes, uint32_t tag,
                                              uint32_t priority)
{
    (void)priority; /* only says who is refused first when memory is short */
    return allocate_type(type, bytes, tag, 0, false);
}

static uint64_t ExAllocatePoolWithQuota(uint32_t type, size_t bytes)
{
    return allocate_type(type, bytes, NO_TAG, 0, quota_raises(type));
}

static uint64_t ExAllocatePoolWithQuotaTag(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, 0, quota_raises(type));
}

static uint64_t ExAllocatePoolUninitialized(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, 0, false);
}

static uint64_t ExAllocatePoolZero(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, EX_POOL_ZERO, false);
}

static uint64_t ExAllocatePoolQuotaUninitialized(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, 0, quota_raises(type));
}

static uint64_t ExAllocatePoolQuotaZero(uint32_t type, size_t bytes, uint32_t tag)
{
    return allocate_type(type, bytes, tag, EX_POOL_ZERO, quota_raises(type));
}

static uint64_t ExAllocatePoolPriorityUninitialized(uint32_t type, size_t bytes, uint32_t tag,
                                                    uint32_t priority)
{
    return ExAllocatePoolWithTagPriority(type, bytes, tag, priority);
}

static uint64_t ExAllocatePoolPriorityZero(uint32_t type, size_t bytes, uint32_t tag,
                                           uint32_t priority)
{
    (void)priority;
    return allocate_type(type, bytes, tag, EX_POOL_ZERO, false);
}

/* Exactly one kind of pool, and nothing unknown below the flags that may be ignored. */
static bool flags_are_valid(uint64_t flags)
{
    uint64_t kinds = flags & (FLAG_NON_PAGED | FLAG_NON_PAGED_EXECUTE | FLAG_PAGED);

    return kinds != 0 && (kinds & (kinds - 1)) == 0 && (flags & 0xffffffffu & ~FLAGS_KNOWN) == 0;
}

static uint64_t ExAllocatePool2(uint64_t flags, size_t bytes, uint32_t tag)
{
    unsigned how = 0;

    if (!flags_are_valid(flags) || tag == 0) {
        if (flags & FLAG_RAISE) {
            ex_raise((uint32_t)STATUS_INVALID_PARAMETER, 0, 0, "ExAllocatePool2: bad flags or tag");
        }
        return 0;
    }
    if (!(flags & FLAG_UNINITIALIZED)) {
        how |= EX_POOL_ZERO;
    }
    if (flags & FLAG_CACHE_ALIGNED) {
        how |= EX_POOL_CACHE_ALIGNED;
    }
    return allocate(flags & FLAG_PAGED ? POOL_PAGED : POOL_NONPAGED, bytes, tag, how,
                    (flags & FLAG_RAISE) != 0);
}

/* POOL_EXTENDED_PARAMETER: type in the low byte, bit 8 says that it may be ignored. */
struct pool_extended_parameter {
    uint64_t type;
    uint64_t value;
};

enum { PARAMETER_PRIORITY = 1, PARAMETER_NUMA_NODE = 3, PARAMETER_OPTIONAL = 0x100 };

static uint64_t ExAllocatePool3(uint64_t flags, size_t bytes, uint32_t tag,
                                const struct pool_extended_parameter *parameters, uint32_t count)
{
    if (parameters == NULL) {
        count = 0;
    }
    machine_touch((uint64_t)parameters, count * sizeof *parameters, PAGER_READ);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t type = parameters[i].type & 0xff;

        if (type != PARAMETER_PRIORITY && type != PARAMETER_NUMA_NODE &&
            !(parameters[i].type & PARAMETER_OPTIONAL)) {
            return 0;
        }
    }
    return ExAllocatePool2(flags, bytes, tag);
}

static void ExFreePool(uint64_t address)
{
    ex_pool_free_checked(address, 0);
}

static void ExFreePoolWithTag(uint64_t address, uint32_t tag)
{
    ex_pool_free_checked(address, tag);
}

NT_CALL2(ExAllocatePool, uint32_t, size_t)
NT_CALL3(ExAllocatePoolWithTag, uint32_t, size_t, uint32_t)
NT_CALL4(ExAllocatePoolWithTagPriority, uint32_t, size_t, uint32_t, uint32_t)
NT_CALL2(ExAllocatePoolWithQuota, uint32_t, size_t)
NT_CALL3(ExAllocatePoolWithQuotaTag, uint32_t, size_t, uint32_t)
NT_CALL3(ExAllocatePoolUninitialized, uint32_t, size_t, uint32_t)
NT_CALL3(ExAllocatePoolZero, uint32_t, size_t, uint32_t)
NT_CALL3(ExAllocatePoolQuotaUninitialized, uint32_t, size_t, uint32_t)
NT_CALL3(ExAllocatePoolQuotaZero, uint32_t, size_t, uint32_t)
NT_CALL4(ExAllocatePoolPriorityUninitialized, uint32_t, size_t, uint32_t, uint32_t)
NT_CALL4(ExAllocatePoolPriorityZero, uint32_t, size_t, uint32_t, uint32_t)
NT_CALL3(ExAllocatePool2, uint64_t, size_t, uint32_t)
NT_CALL5(ExAllocatePool3, uint64_t, size_t, uint32_t, const struct pool_extended_parameter *,
         uint32_t)
NT_VOID1(ExFreePool, uint64_t)
NT_VOID2(ExFreePoolWithTag, uint64_t, uint32_t)
