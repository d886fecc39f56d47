/* SPDX-License-Identifier: MIT */
/*
 * String instructions one of whose ends is a port or a register of a device: ins, outs, movs, stos,
 * lods, with or without a repeat count.
 *
 * The end in memory is a driver's access like any other: it pages, and it gives the bug checks that
 * the driver's own instruction gives.  Between two elements the processor takes interrupts; so the
 * instruction is left with rip on it and rcx counted down whenever something waits, and continues
 * when it traps again.
 */
#include "machine/emulate.h"

#include <string.h>

enum { RAX = 0, RCX = 1, RDX = 2, RSI = 6, RDI = 7 };
#define FLAG_DIRECTION 0x400u

static uint64_t address_in(const struct trap *trap, const struct decoded *decoded, unsigned gpr)
{
    return decoded->address_bytes == 4 ? trap->gpr[gpr] & 0xffffffffu : trap->gpr[gpr];
}

static void advance(struct trap *trap, const struct decoded *decoded, unsigned gpr, uint64_t by)
{
    trap->gpr[gpr] += by;
    if (decoded->address_bytes == 4) {
        trap->gpr[gpr] &= 0xffffffffu;
    }
}

/* Make an element accessible, unless it is a device's. */
static void reach(struct trap *trap, uint64_t address, unsigned bytes, enum pager_access access)
{
    if (io_is_mapped(address)) {
        return;
    }
    if (machine_would_fault(address, access)) {
        page_fault_by_driver(trap, address, access);
    }
    if (machine_would_fault(address + bytes - 1, access)) {
        page_fault_by_driver(trap, address + bytes - 1, access);
    }
}

static uint64_t load(const struct trap *trap, uint64_t address, unsigned bytes)
{
    uint64_t value = 0;

    if (io_is_mapped(address)) {
        return io_mapped_read(address, bytes, trap->rip);
    }
    memcpy(&value, machine_pointer(address), bytes);
    return value;
}

static void store(const struct trap *trap, uint64_t address, unsigned bytes, uint64_t value)
{
    if (io_is_mapped(address)) {
        io_mapped_write(address, bytes, value, trap->rip);
    } else {
        memcpy(machine_pointer(address), &value, bytes);
    }
}

static void one_element(struct trap *trap, const struct decoded *decoded)
{
    struct decoded accumulator = {.gpr = RAX, .gpr_bytes = decoded->memory_bytes};
    unsigned bytes = decoded->memory_bytes;
    uint64_t source = address_in(trap, decoded, RSI);
    uint64_t target = address_in(trap, decoded, RDI);
    uint64_t step = (trap->rflags & FLAG_DIRECTION) != 0 ? -(uint64_t)bytes : bytes;
    bool has_source = decoded->string != STRING_INS && decoded->string != STRING_STOS;
    bool has_target = decoded->string != STRING_OUTS && decoded->string != STRING_LODS;
    uint64_t value;

    if (has_target) {
        reach(trap, target, bytes, PAGER_WRITE);
    }
    if (has_source) {
        reach(trap, source, bytes, PAGER_READ);
        value = load(trap, source, bytes);
    } else if (decoded->string == STRING_INS) {
        value = io_port_read((uint16_t)trap->gpr[RDX], bytes, trap->rip);
    } else {
        value = emulate_get_register(trap, &accumulator);
    }
    if (has_target) {
        store(trap, target, bytes, value);
        advance(trap, decoded, RDI, step);
    } else if (decoded->string == STRING_OUTS) {
        io_port_write((uint16_t)trap->gpr[RDX], bytes, value, trap->rip);
    } else {
        emulate_set_register(trap, &accumulator, value);
    }
    if (has_source) {
        advance(trap, decoded, RSI, step);
    }
}

void emulate_string(struct trap *trap, const struct decoded *decoded)
{
    if (!decoded->repeat) {
        one_element(trap, decoded);
        trap->rip += decoded->length;
        return;
    }
    while (address_in(trap, decoded, RCX) != 0) {
        one_element(trap, decoded);
        advance(trap, decoded, RCX, UINT64_MAX);
        if (!processor_is_quiet()) {
            break;
        }
    }
    if (address_in(trap, decoded, RCX) == 0) {
        trap->rip += decoded->length;
    }
}
