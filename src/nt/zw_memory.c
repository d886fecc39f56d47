/* SPDX-License-Identifier: MIT */
/*
 * User memory that drivers allocate.  It lies where the simulated program's buffers lie; a base
 * that the caller chooses is refused, and so is reserving without committing: there is memory or
 * there is none.
 */
#include "nt/ex.h"

#define MEM_COMMIT  0x1000u
#define MEM_RELEASE 0x8000u

struct user_region {
    uint64_t base;
    size_t bytes;
    struct user_region *next;
};
static struct user_region **regions; /* one pointer, in the arena */

static struct user_region **link_of(uint64_t base)
{
    struct user_region **link;

    if (regions == NULL) {
        regions = machine_allocate(sizeof *regions);
    }
    for (link = regions; *link != NULL && (*link)->base != base;) {
        link = &(*link)->next;
    }
    return link;
}

static bool is_process(uint64_t handle)
{
    return ob_type(ob_from_handle(handle)) == OBJECT_PROCESS;
}

static ntstatus ZwAllocateVirtualMemory(uint64_t process, uint64_t *base, uint64_t zero_bits,
                                        size_t *bytes, uint32_t kind, uint32_t protection)
{
    struct user_region **link;
    uint64_t address;
    size_t size;

    (void)zero_bits; /* everything lies below 2 GiB */
    (void)protection;
    machine_touch((uint64_t)base, sizeof *base, PAGER_WRITE);
    machine_touch((uint64_t)bytes, sizeof *bytes, PAGER_WRITE);
    if (!is_process(process)) {
        return STATUS_INVALID_HANDLE;
    }
    if (*bytes == 0 || !(kind & MEM_COMMIT)) {
        return *bytes == 0 ? STATUS_INVALID_PARAMETER_4 : STATUS_NOT_SUPPORTED;
    }
    if (*base != 0) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (*bytes > USER_END) {
        return STATUS_NO_MEMORY;
    }
    size = (*bytes + PG_PAGE_SIZE - 1) & ~(size_t)(PG_PAGE_SIZE - 1);
    address = machine_user_allocate(size);
    if (address == 0) {
        return STATUS_NO_MEMORY;
    }
    link = link_of(0);
    *link = ex_heap_take(sizeof **link);
    (*link)->base = address;
    (*link)->bytes = size;
    *base = address;
    *bytes = size;
    return STATUS_SUCCESS;
}

static ntstatus ZwFreeVirtualMemory(uint64_t process, uint64_t *base, size_t *bytes, uint32_t kind)
{
    struct user_region **link;
    struct user_region *region;

    machine_touch((uint64_t)base, sizeof *base, PAGER_WRITE);
    machine_touch((uint64_t)bytes, sizeof *bytes, PAGER_WRITE);
    if (!is_process(process)) {
        return STATUS_INVALID_HANDLE;
    }
    link = link_of(*base);
    region = *link;
    if (region == NULL || *base == 0) {
        return STATUS_MEMORY_NOT_ALLOCATED;
    }
    if (kind != MEM_RELEASE || *bytes != 0) {
        return kind == MEM_RELEASE ? STATUS_UNABLE_TO_FREE_VM : STATUS_NOT_SUPPORTED;
    }
    *bytes = region->bytes;
    machine_user_release(region->base, region->bytes);
    *link = region->next;
    ex_heap_give(region);
    return STATUS_SUCCESS;
}

NT_CALL6(ZwAllocateVirtualMemory, uint64_t, uint64_t *, uint64_t, size_t *, uint32_t, uint32_t)
NT_CALL4(ZwFreeVirtualMemory, uint64_t, uint64_t *, size_t *, uint32_t)
