/* SPDX-License-Identifier: MIT */
/*
 * Memory descriptor lists: making, describing, mapping, freeing.  Locking: io_mdl_lock.c.
 *
 * Everything in this computer has one address, so a mapping into system space is the address
 * itself: the same memory, never a copy.  What makes it usable at raised IRQL is that its pages are
 * locked.
 */
#include "nt/io.h"

#include <string.h>

#define MDL_TAG   IO_TAG('M', 'd', 'l', ' ')
#define PAGES_TAG IO_TAG('M', 'm', 'P', 'g')

#define BUGCHECK_MEMORY_MANAGEMENT    0x1Au
#define BUGCHECK_SYSTEM_PTE_MISUSE    0xDAu
#define BUGCHECK_TARGET_MDL_TOO_SMALL 0x83u

static uint64_t pages_spanned(uint64_t address, uint64_t bytes)
{
    return ((address & NT_PAGE_MASK) + bytes + NT_PAGE_MASK) / NT_PAGE_SIZE;
}

static uint64_t *frames_of(struct mdl *mdl)
{
    return (uint64_t *)(mdl + 1);
}

uint64_t io_mdl_address(const struct mdl *mdl)
{
    return (uint64_t)mdl->StartVa + mdl->ByteOffset;
}

uint64_t io_mdl_pages(const struct mdl *mdl)
{
    return pages_spanned(mdl->ByteOffset, mdl->ByteCount);
}

/* The MDL's own memory, frame numbers included. */
void io_mdl_check(const struct mdl *mdl)
{
    machine_touch((uint64_t)mdl, sizeof *mdl, PAGER_WRITE);
    machine_touch((uint64_t)mdl, sizeof *mdl + io_mdl_pages(mdl) * sizeof(uint64_t), PAGER_WRITE);
}

void io_mdl_fill_frames(struct mdl *mdl)
{
    uint64_t *frames = frames_of(mdl);

    for (uint64_t i = 0; i < io_mdl_pages(mdl); i++) {
        frames[i] = mm_physical((uint64_t)mdl->StartVa + i * NT_PAGE_SIZE) / NT_PAGE_SIZE;
    }
}

static void describe(struct mdl *mdl, uint64_t address, uint32_t bytes)
{
    uint64_t pages = pages_spanned(address, bytes);

    *mdl = (struct mdl){.Size = (int16_t)(sizeof *mdl + pages * sizeof(uint64_t)),
                        .StartVa = machine_pointer(address & ~NT_PAGE_MASK),
                        .ByteOffset = (uint32_t)(address & NT_PAGE_MASK),
                        .ByteCount = bytes};
}

struct mdl *io_mdl_new(uint64_t address, uint32_t bytes)
{
    uint64_t size = sizeof(struct mdl) + pages_spanned(address, bytes) * sizeof(uint64_t);
    struct mdl *mdl;

    if (size > INT16_MAX) { /* MDL.Size cannot say more */
        return NULL;
    }
    mdl = machine_pointer(ex_pool_allocate(POOL_NONPAGED, size, MDL_TAG));
    if (mdl != NULL) {
        describe(mdl, address, bytes);
    }
    return mdl;
}

void io_mdl_unmap(struct mdl *mdl)
{
    mdl->MdlFlags &= (int16_t) ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED |
                                 MDL_PARENT_MAPPED_SYSTEM_VA);
    mdl->MappedSystemVa = NULL;
}

/* Pages that are still locked stay so, and are reported when the driver unloads. */
void io_mdl_free(struct mdl *mdl)
{
    ex_pool_free_checked((uint64_t)mdl, MDL_TAG);
}

static uint64_t map(struct mdl *mdl, int8_t mode, uint64_t base)
{
    io_mdl_check(mdl);
    if ((mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) == 0) {
        machine_bugcheck(BUGCHECK_MEMORY_MANAGEMENT, 0x1233,
                         mm_physical(io_mdl_address(mdl)) / NT_PAGE_SIZE, 0, 0,
                         "pages of an MDL were mapped that are not locked");
    }
    if (mode == UserMode) {
        if (io_mdl_address(mdl) >= USER_END) {
            machine_unsupported("mapping system memory into the program (MmMapLockedPages with "
                                "UserMode)");
        }
        return base == 0 || base == io_mdl_address(mdl) ? io_mdl_address(mdl) : 0;
    }
    mdl->MappedSystemVa = machine_pointer(io_mdl_address(mdl));
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL) {
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    }
    return (uint64_t)mdl->MappedSystemVa;
}

/* ---- exports ---- */

static struct mdl *IoAllocateMdl(uint64_t address, uint32_t bytes, uint8_t secondary,
                                 uint8_t charge_quota, struct irp *irp)
{
    struct mdl *mdl;

    (void)charge_quota;
    if (irp != NULL) {
        io_irp_check(irp);
    }
    mdl = io_mdl_new(address, bytes);
    if (mdl == NULL || irp == NULL) {
        return mdl;
    }
    if (!secondary) {
        irp->MdlAddress = mdl;
    } else {
        struct mdl **end = &irp->MdlAddress;

        while (*end != NULL) {
            end = &(*end)->Next;
        }
        *end = mdl;
    }
    return mdl;
}

static void IoFreeMdl(struct mdl *mdl)
{
    io_mdl_free(mdl);
}

static uint64_t MmSizeOfMdl(uint64_t address, uint64_t bytes)
{
    return sizeof(struct mdl) + pages_spanned(address, bytes) * sizeof(uint64_t);
}

static void MmBuildMdlForNonPagedPool(struct mdl *mdl)
{
    io_mdl_check(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->MappedSystemVa = machine_pointer(io_mdl_address(mdl));
    io_mdl_fill_frames(mdl);
}

static void IoBuildPartialMdl(struct mdl *source, struct mdl *target, uint64_t address,
                              uint32_t bytes)
{
    uint64_t first = io_mdl_address(source);
    struct mdl *next;

    io_mdl_check(source);
    machine_touch((uint64_t)target, sizeof *target, PAGER_WRITE);
    if (bytes == 0) {
        bytes = (uint32_t)(first + source->ByteCount - address);
    }
    if (target->Size < (int64_t)MmSizeOfMdl(address, bytes)) {
        machine_bugcheck(BUGCHECK_TARGET_MDL_TOO_SMALL, (uint64_t)target, 0, 0, 0,
                         "the target MDL of IoBuildPartialMdl is too small for the range");
    }
    if (address < first || address - first > source->ByteCount ||
        bytes > source->ByteCount - (address - first)) {
        machine_bugcheck(BUGCHECK_MEMORY_MANAGEMENT, 0x1236, (uint64_t)source, 0, 0,
                         "IoBuildPartialMdl asks for a range that its source does not describe");
    }
    next = target->Next;
    describe(target, address, bytes);
    target->Next = next;
    target->Process = source->Process;
    target->MdlFlags = (int16_t)(MDL_PARTIAL | (source->MdlFlags & MDL_IO_PAGE_READ));
    if (source->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        target->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
        target->MappedSystemVa = machine_pointer(address);
    } else if (source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        target->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA | MDL_MAPPED_TO_SYSTEM_VA;
        target->MappedSystemVa =
            machine_pointer((uint64_t)source->MappedSystemVa + address - first);
    }
    memcpy(frames_of(target),
           frames_of(source) +
               ((uint64_t)target->StartVa - (uint64_t)source->StartVa) / NT_PAGE_SIZE,
           io_mdl_pages(target) * sizeof(uint64_t));
}

static uint64_t MmMapLockedPagesSpecifyCache(struct mdl *mdl, int8_t mode, uint32_t cache,
                                             uint64_t base, uint32_t bugcheck, uint32_t priority)
{
    (void)cache;
    (void)bugcheck; /* a mapping never fails for want of addresses */
    (void)priority;
    return map(mdl, mode, base);
}

static uint64_t MmMapLockedPages(struct mdl *mdl, int8_t mode)
{
    return map(mdl, mode, 0);
}

static void MmUnmapLockedPages(uint64_t address, struct mdl *mdl)
{
    io_mdl_check(mdl);
    if (address < USER_END) { /* from the program's space */
        return;
    }
    if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) {
        machine_bugcheck(BUGCHECK_SYSTEM_PTE_MISUSE, 6, address, (uint64_t)mdl, 0,
                         "an MDL was unmapped that is not mapped");
    }
    if (address != (uint64_t)mdl->MappedSystemVa) {
        machine_bugcheck(BUGCHECK_SYSTEM_PTE_MISUSE, 3, address, (uint64_t)mdl->MappedSystemVa,
                         (uint64_t)mdl, "an MDL was unmapped at an address where it is not mapped");
    }
    io_mdl_unmap(mdl);
}

static struct mdl *MmAllocatePagesForMdl(uint64_t low, uint64_t high, uint64_t skip, uint64_t bytes)
{
    struct ex_pool_range range = {low, high, 0};
    uint64_t memory;
    struct mdl *mdl;

    (void)skip;
    bytes = (bytes + NT_PAGE_MASK) & ~NT_PAGE_MASK;
    mdl = bytes == 0 || bytes > UINT32_MAX ? NULL : io_mdl_new(0, (uint32_t)bytes);
    if (mdl == NULL) {
        return NULL;
    }
    memory = ex_pool_take_range(bytes, PAGES_TAG, &range);
    if (memory == 0) {
        io_mdl_free(mdl);
        return NULL;
    }
    memset(machine_pointer(memory), 0, bytes);
    describe(mdl, memory, (uint32_t)bytes);
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    io_mdl_fill_frames(mdl);
    return mdl;
}

static struct mdl *MmAllocatePagesForMdlEx(uint64_t low, uint64_t high, uint64_t skip,
                                           uint64_t bytes, uint32_t cache, uint32_t flags)
{
    (void)cache;
    (void)flags;
    return MmAllocatePagesForMdl(low, high, skip, bytes);
}

/* The MDL itself is the driver's to free, with ExFreePool. */
static void MmFreePagesFromMdl(struct mdl *mdl)
{
    io_mdl_check(mdl);
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        io_mdl_unmap(mdl);
    }
    mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
    ex_pool_free_checked((uint64_t)mdl->StartVa, PAGES_TAG);
}

NT_CALL5(IoAllocateMdl, uint64_t, uint32_t, uint8_t, uint8_t, struct irp *)
NT_VOID1(IoFreeMdl, struct mdl *)
NT_CALL2(MmSizeOfMdl, uint64_t, uint64_t)
NT_VOID1(MmBuildMdlForNonPagedPool, struct mdl *)
NT_VOID4(IoBuildPartialMdl, struct mdl *, struct mdl *, uint64_t, uint32_t)
NT_CALL6(MmMapLockedPagesSpecifyCache, struct mdl *, int8_t, uint32_t, uint64_t, uint32_t, uint32_t)
NT_CALL2(MmMapLockedPages, struct mdl *, int8_t)
NT_VOID2(MmUnmapLockedPages, uint64_t, struct mdl *)
NT_CALL4(MmAllocatePagesForMdl, uint64_t, uint64_t, uint64_t, uint64_t)
NT_CALL6(MmAllocatePagesForMdlEx, uint64_t, uint64_t, uint64_t, uint64_t, uint32_t, uint32_t)
NT_VOID1(MmFreePagesFromMdl, struct mdl *)
