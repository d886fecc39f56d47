/* SPDX-License-Identifier: MIT */
/* Mappings of the registers of devices. */
#include "machine/hardware.h"
#include "nt/io.h"

static uint64_t MmMapIoSpace(uint64_t physical, uint64_t bytes, uint32_t caching)
{
    (void)caching; /* every access reaches the device */
    return machine_io_map(physical, bytes);
}

/* Protection is a PAGE_* word.  Registers that a driver wants to execute are not mapped, and a
 * mapping that can only be read would need a fault that nobody relies on: it can be written. */
static uint64_t MmMapIoSpaceEx(uint64_t physical, uint64_t bytes, uint32_t protection)
{
    enum { PAGE_READONLY = 0x02, PAGE_READWRITE = 0x04, PAGE_CACHING = 0x600 };
    uint32_t access = protection & ~(uint32_t)PAGE_CACHING;

    if (access != PAGE_READONLY && access != PAGE_READWRITE) {
        return 0;
    }
    return machine_io_map(physical, bytes);
}

static void MmUnmapIoSpace(uint64_t address, uint64_t bytes)
{
    enum { NEVER_MAPPED = 6 };

    if (!machine_io_unmap(address, bytes)) {
        machine_bugcheck(0xDA, NEVER_MAPPED, address, bytes, 0,
                         "MmUnmapIoSpace of an address and length that MmMapIoSpace did not map");
    }
}

NT_CALL3(MmMapIoSpace, uint64_t, uint64_t, uint32_t)
NT_CALL3(MmMapIoSpaceEx, uint64_t, uint64_t, uint32_t)
NT_VOID2(MmUnmapIoSpace, uint64_t, uint64_t)
