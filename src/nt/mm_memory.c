/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses, and memory that drivers ask for by its properties.
 *
 * A physical address is made up: each range of the arena has a fixed one, so that it is the same in
 * every run, tells pages apart and can be turned back, and nonpaged pool lies below 4 GiB.
 */
#include "nt/ex.h"

#define CONTIGUOUS_TAG 0x74436d4du /* "MmCt" */
#define NONCACHED_TAG  0x634e6d4du /* "MmNc" */

static const struct {
    uint64_t first, bytes, physical;
} ranges[] = {
    {ARENA_NONPAGED, ARENA_NONPAGED_BYTES, 0x000100000ull}, /* begins below 16 MiB, for ISA */
    {ARENA_PAGED, ARENA_PAGED_BYTES, 0x020000000ull},
    {ARENA_STACKS, ARENA_STACKS_BYTES, 0x030000000ull},
    {USER_BASE, USER_END - USER_BASE, 0x060000000ull},
    {ARENA_IMAGES, ARENA_IMAGES_BYTES, 0x100000000ull},
    {ARENA_NT, ARENA_NT_BYTES, 0x0f0000000ull},
};
#define RANGES (sizeof ranges / sizeof *ranges)

uint64_t mm_physical(uint64_t address)
{
    for (size_t i = 0; i < RANGES; i++) {
        if (address >= ranges[i].first && address - ranges[i].first < ranges[i].bytes) {
            return address - ranges[i].first + ranges[i].physical;
        }
    }
    return 0;
}

uint64_t mm_virtual(uint64_t physical)
{
    for (size_t i = 0; i < RANGES; i++) {
        if (physical >= ranges[i].physical && physical - ranges[i].physical < ranges[i].bytes) {
            return physical - ranges[i].physical + ranges[i].first;
        }
    }
    return 0;
}

void mm_start(void)
{
    mm_section_start();
    *(uint64_t *)nt_data("MmHighestUserAddress") = USER_HIGHEST;
    *(uint64_t *)nt_data("MmUserProbeAddress") = USER_END;
    *(uint64_t *)nt_data("MmSystemRangeStart") = ARENA_BASE;
    *(uint8_t *)nt_data("Mm64BitPhysicalAddress") = 1;
}

static uint64_t MmGetPhysicalAddress(uint64_t address)
{
    return machine_is_guest_memory(address, 1) ? mm_physical(address) : 0;
}

static uint64_t MmGetVirtualForPhysical(uint64_t physical)
{
    return mm_virtual(physical);
}

/* ---- contiguous memory ---- */

static uint64_t contiguous(size_t bytes, uint64_t lowest, uint64_t highest, uint64_t boundary)
{
    struct ex_pool_range range = {lowest, highest, boundary};
    uint64_t address;

    machine_counters()->pool_allocations_attempted++;
    address = bytes == 0 ? 0 : ex_pool_take_range(bytes, CONTIGUOUS_TAG, &range);
    if (address != 0) {
        machine_counters()->pool_allocations_succeeded++;
    }
    return address;
}

static uint64_t MmAllocateContiguousMemory(size_t bytes, uint64_t highest)
{
    return contiguous(bytes, 0, highest, 0);
}

static uint64_t MmAllocateContiguousMemorySpecifyCache(size_t bytes, uint64_t lowest,
                                                       uint64_t highest, uint64_t boundary,
                                                       uint32_t cache)
{
    (void)cache;
    return contiguous(bytes, lowest, highest, boundary);
}

static uint64_t MmAllocateContiguousMemorySpecifyCacheNode(size_t bytes, uint64_t lowest,
                                                           uint64_t highest, uint64_t boundary,
                                                           uint32_t cache, uint32_t node)
{
    (void)cache;
    (void)node;
    return contiguous(bytes, lowest, highest, boundary);
}

static void free_contiguous(uint64_t address)
{
    const struct ex_pool_block *block = ex_pool_find(address);

    if (block == NULL || !block->contiguous) {
        machine_bugcheck(0xC2, 0x60, address, 0, 0,
                         "contiguous memory was freed that was not allocated as such");
    }
    ex_pool_free(address);
}

static void MmFreeContiguousMemory(uint64_t address)
{
    free_contiguous(address);
}

static void MmFreeContiguousMemorySpecifyCache(uint64_t address, size_t bytes, uint32_t cache)
{
    (void)bytes;
    (void)cache;
    free_contiguous(address);
}

static uint64_t MmAllocateNonCachedMemory(size_t bytes)
{
    return bytes == 0 ? 0 : ex_pool_take(POOL_NONPAGED, bytes, NONCACHED_TAG, EX_POOL_WHOLE_PAGES);
}

static void MmFreeNonCachedMemory(uint64_t address, size_t bytes)
{
    const struct ex_pool_block *block = ex_pool_find(address);

    if (block == NULL || block->tag != NONCACHED_TAG || block->bytes != bytes) {
        machine_bugcheck(0xDA, 3, address, block == NULL ? 0 : block->bytes, bytes,
                         "noncached memory was freed with an address or size that it was not "
                         "allocated with");
    }
    ex_pool_free(address);
}

NT_CALL1(MmGetPhysicalAddress, uint64_t)
NT_CALL1(MmGetVirtualForPhysical, uint64_t)
NT_CALL2(MmAllocateContiguousMemory, size_t, uint64_t)
NT_CALL5(MmAllocateContiguousMemorySpecifyCache, size_t, uint64_t, uint64_t, uint64_t, uint32_t)
NT_CALL6(MmAllocateContiguousMemorySpecifyCacheNode, size_t, uint64_t, uint64_t, uint64_t, uint32_t,
         uint32_t)
NT_VOID1(MmFreeContiguousMemory, uint64_t)
NT_VOID3(MmFreeContiguousMemorySpecifyCache, uint64_t, size_t, uint32_t)
NT_CALL1(MmAllocateNonCachedMemory, size_t)
NT_VOID2(MmFreeNonCachedMemory, uint64_t, size_t)
