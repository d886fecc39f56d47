/* SPDX-License-Identifier: MIT */
/*
 * The hardware abstraction layer, as far as there is hardware: none.  Buses that do not exist have
 * no configuration space, and addresses on them no translation; that is what these answer.
 */
#include "nt/ex.h"

static uint32_t HalGetBusData(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                              uint32_t bytes)
{
    (void)kind;
    (void)bus;
    (void)slot;
    (void)buffer;
    (void)bytes;
    return 0; /* the bus does not exist */
}

static uint32_t HalGetBusDataByOffset(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                                      uint32_t offset, uint32_t bytes)
{
    (void)offset;
    return HalGetBusData(kind, bus, slot, buffer, bytes);
}

static uint32_t HalSetBusDataByOffset(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                                      uint32_t offset, uint32_t bytes)
{
    (void)offset;
    return HalGetBusData(kind, bus, slot, buffer, bytes);
}

static uint8_t HalTranslateBusAddress(uint32_t interface, uint32_t bus, uint64_t address,
                                      uint32_t *space, uint64_t *translated)
{
    (void)interface;
    (void)bus;
    (void)address;
    machine_touch((uint64_t)space, sizeof *space, PAGER_WRITE);
    machine_touch((uint64_t)translated, sizeof *translated, PAGER_WRITE);
    return 0;
}

/* The speaker: told whether it could beep. */
static uint8_t HalMakeBeep(uint32_t frequency)
{
    (void)frequency;
    return 0;
}

NT_CALL5(HalGetBusData, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t)
NT_CALL6(HalGetBusDataByOffset, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t, uint32_t)
NT_CALL6(HalSetBusDataByOffset, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t, uint32_t)
NT_CALL5(HalTranslateBusAddress, uint32_t, uint32_t, uint64_t, uint32_t *, uint64_t *)
NT_CALL1(HalMakeBeep, uint32_t)
