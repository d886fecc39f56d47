/* SPDX-License-Identifier: MIT */
/*
 * The hardware abstraction layer: bus addresses, bus interrupts and configuration space.
 *
 * The computer has one PCI bus with nothing on it, and an ISA bus whose addresses and interrupt
 * lines are the processor's own.
 */
#include "machine/hardware.h"
#include "nt/ex.h"

#include <string.h>

/* INTERFACE_TYPE, BUS_DATA_TYPE */
enum { INTERFACE_INTERNAL = 0, INTERFACE_ISA = 1, INTERFACE_EISA = 2, INTERFACE_PCI = 5 };
enum { PCI_CONFIGURATION = 4 };

static bool is_our_bus(uint32_t interface, uint32_t bus)
{
    return bus == 0 && (interface == INTERFACE_INTERNAL || interface == INTERFACE_ISA ||
                        interface == INTERFACE_EISA || interface == INTERFACE_PCI);
}

/* ---- configuration space: every slot is empty ---- */

#define VENDOR_NONE 0xffffu

static uint32_t HalGetBusData(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                              uint32_t bytes)
{
    uint16_t vendor = VENDOR_NONE;

    (void)slot;
    if (kind != PCI_CONFIGURATION || bus != 0) {
        return 0; /* no such bus */
    }
    if (bytes < sizeof vendor) {
        return 0;
    }
    machine_touch(buffer, sizeof vendor, PAGER_WRITE);
    memcpy(machine_pointer(buffer), &vendor, sizeof vendor);
    return sizeof vendor; /* the bus is there, and nothing in the slot */
}

static uint32_t HalGetBusDataByOffset(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                                      uint32_t offset, uint32_t bytes)
{
    (void)offset; /* the answer for an empty slot is the same whatever was asked for */
    return HalGetBusData(kind, bus, slot, buffer, bytes);
}

static uint32_t HalSetBusDataByOffset(uint32_t kind, uint32_t bus, uint32_t slot, uint64_t buffer,
                                      uint32_t offset, uint32_t bytes)
{
    (void)kind;
    (void)bus;
    (void)slot;
    (void)buffer;
    (void)offset;
    (void)bytes;
    return 0; /* nothing is there that could take it */
}

/* ---- addresses and interrupts ---- */

static uint8_t HalTranslateBusAddress(uint32_t interface, uint32_t bus, uint64_t address,
                                      uint32_t *space, uint64_t *translated)
{
    machine_touch((uint64_t)space, sizeof *space, PAGER_WRITE);
    machine_touch((uint64_t)translated, sizeof *translated, PAGER_WRITE);
    if (!is_our_bus(interface, bus)) {
        return 0;
    }
    *translated = address; /* in the same space: 0 memory, 1 ports */
    return 1;
}

static uint32_t HalGetInterruptVector(uint32_t interface, uint32_t bus, uint32_t level,
                                      uint32_t vector, uint8_t *irql, uint64_t *affinity)
{
    (void)vector; /* on these buses the same as the level */
    machine_touch((uint64_t)irql, sizeof *irql, PAGER_WRITE);
    machine_touch((uint64_t)affinity, sizeof *affinity, PAGER_WRITE);
    if (!is_our_bus(interface, bus) || level >= INTERRUPT_LINES) {
        return 0;
    }
    *irql = interrupt_line_irql(level);
    *affinity = 1;
    return interrupt_line_vector(level);
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
NT_CALL6(HalGetInterruptVector, uint32_t, uint32_t, uint32_t, uint32_t, uint8_t *, uint64_t *)
NT_CALL1(HalMakeBeep, uint32_t)
