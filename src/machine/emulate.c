/* SPDX-License-Identifier: MIT */
/*
 * Instructions that drivers contain inline and that trap: privileged ones, ports, and loads and
 * stores on what is no memory.
 */
#include "machine/emulate.h"

#include <string.h>

#define STATUS_ASSERTION_FAILURE 0xC0000420u
#define INTERRUPT_FAST_FAIL      0x29
#define INTERRUPT_ASSERTION      0x2c
#define INTERRUPT_BREAKPOINT     3

/* ---- privileged instructions ---- */

static void write_cr8(struct trap *trap, const struct decoded *decoded)
{
    uint64_t value = trap->gpr[decoded->gpr];
    uint8_t now = machine_irql();

    if (value > HIGH_LEVEL) {
        trap_exception(trap, 0xC0000096u, 0, 0); /* the processor refuses reserved bits */
    }
    if (value >= DISPATCH_LEVEL && now < DISPATCH_LEVEL && M->hooks.raises != NULL) {
        M->hooks.raises(trap->rip, (uint8_t)value);
    }
    /* The instruction is over before anything that its effect leads to. */
    trap->rip += decoded->length;
    if (value >= now) {
        machine_raise((uint8_t)value);
    } else {
        machine_lower((uint8_t)value);
    }
}

static void note_irql_read(uint64_t rip)
{
    if (M->cpu.current != NULL) {
        M->cpu.current->irql_read = rip;
    }
}

static _Noreturn void software_interrupt(struct trap *trap, uint8_t vector)
{
    switch (vector) {
    case INTERRUPT_BREAKPOINT:
        trap_exception(trap, 0x80000003u, 0, 0);
    case INTERRUPT_FAST_FAIL:
        machine_bugcheck(0x139, trap->gpr[1] & 0xffffffffu, trap->rip, 0, 0,
                         "the driver itself found its data corrupt (__fastfail)");
    case INTERRUPT_ASSERTION:
        if (M->hooks.asserts != NULL) {
            M->hooks.asserts(trap->rip);
        }
        trap_exception(trap, STATUS_ASSERTION_FAILURE, 0, 0);
    default:
        trap_exception(trap, 0xC0000005u, 0, UINT64_MAX);
    }
}

static void read_tsc(struct trap *trap, const struct decoded *decoded)
{
    uint64_t value = machine_time() * 100; /* a processor of 1 GHz */

    M->time++; /* a loop that waits for it ends */
    trap->gpr[0] = value & 0xffffffffu;
    trap->gpr[2] = value >> 32;
    if (decoded->has_processor) {
        trap->gpr[1] = M->cpu.number;
    }
}

static uint16_t port_of(const struct trap *trap, const struct decoded *decoded)
{
    return (uint16_t)(decoded->has_immediate ? decoded->immediate : trap->gpr[2]);
}

/* What needs nothing but the machine's own state: may run on a signal's stack. */
static bool emulate_simple(struct trap *trap, const struct decoded *decoded)
{
    switch (decoded->kind) {
    case DECODED_PORT_IN:
        emulate_set_register(trap, decoded,
                             io_port_read(port_of(trap, decoded), decoded->gpr_bytes, trap->rip));
        break;
    case DECODED_PORT_OUT:
        io_port_write(port_of(trap, decoded), decoded->gpr_bytes,
                      emulate_get_register(trap, decoded), trap->rip);
        break;
    case DECODED_READ_CR8:
        note_irql_read(trap->rip);
        note_irql_read(trap->rip);
        trap->gpr[decoded->gpr] = machine_irql();
        break;
    case DECODED_CLI:
        M->cpu.interrupts_enabled = false;
        break;
    case DECODED_STI:
        M->cpu.interrupts_enabled = true;
        break;
    case DECODED_READ_TSC:
        read_tsc(trap, decoded);
        break;
    case DECODED_FLUSH:
        break;
    default:
        return false;
    }
    trap->rip += decoded->length;
    return true;
}

bool emulate_instruction(struct trap *trap)
{
    struct decoded decoded = emulate_decode(trap);

    emulate_patch(trap->rip);
    if (emulate_simple(trap, &decoded)) {
        return true;
    }
    switch (decoded.kind) {
    case DECODED_WRITE_CR8:
        write_cr8(trap, &decoded);
        return true;
    case DECODED_INTERRUPT:
        software_interrupt(trap, (uint8_t)decoded.immediate);
    case DECODED_STRING:
        if (decoded.string != STRING_INS && decoded.string != STRING_OUTS) {
            return false;
        }
        emulate_string(trap, &decoded);
        return true;
    case DECODED_OTHER:
        if (decoded.privileged) {
            emulate_unsupported(trap, "");
        }
        return false;
    default:
        return false;
    }
}

static const struct operand_space registers = {io_mapped_read, io_mapped_write};

bool emulate_registers(struct trap *trap)
{
    struct decoded decoded;

    if (!io_is_mapped(trap->address) || trap->access == PAGER_EXECUTE) {
        return false;
    }
    decoded = emulate_decode(trap);
    switch (decoded.kind) {
    case DECODED_MEMORY:
        return emulate_memory(trap, &decoded, trap->address, &registers);
    case DECODED_STRING:
        emulate_string(trap, &decoded);
        return true;
    default:
        emulate_unsupported(trap, " on the registers of a device");
    }
}

bool emulate_in_place(struct trap *trap)
{
    const struct decoded *decoded;

    switch (trap->cause) {
    case TRAP_BREAKPOINT:
        if (!emulate_is_patched(trap->rip - 1)) {
            return false;
        }
        trap->rip--;
        decoded = emulate_known(trap->rip);
        return decoded != NULL && emulate_simple(trap, decoded);
    case TRAP_PROTECTION:
        decoded = emulate_known(trap->rip);
        return decoded != NULL && emulate_simple(trap, decoded);
    case TRAP_PAGE:
        if (trap->access == PAGER_EXECUTE || !io_is_mapped(trap->address)) {
            return false;
        }
        decoded = emulate_known(trap->rip);
        return decoded != NULL && decoded->kind == DECODED_MEMORY &&
               emulate_memory(trap, decoded, trap->address, &registers);
    default:
        return false;
    }
}

/* ---- the page that the system shares with user mode ---- */

enum {
    SHARED_TICK_LOW = 0x000,
    SHARED_TICK_MULTIPLIER = 0x004,
    SHARED_INTERRUPT_TIME = 0x008,
    SHARED_SYSTEM_TIME = 0x014,
    SHARED_MAJOR = 0x26c,
    SHARED_MINOR = 0x270,
    SHARED_TICK_COUNT = 0x320
};
#define TICK_UNITS      156250u /* 15.625 ms */
#define TICK_MULTIPLIER 0x0fa00000u

/* KSYSTEM_TIME: low, high, high again. */
static void put_time(uint8_t *page, uint32_t offset, uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32);

    memcpy(page + offset, &value, 8);
    memcpy(page + offset + 8, &high, 4);
}

static void put32(uint8_t *page, uint32_t offset, uint32_t value)
{
    memcpy(page + offset, &value, sizeof value);
}

static void shared_page(uint8_t page[SHARED_PAGE_BYTES])
{
    uint64_t ticks = machine_time() / TICK_UNITS;

    memset(page, 0, SHARED_PAGE_BYTES);
    put32(page, SHARED_TICK_LOW, (uint32_t)ticks);
    put32(page, SHARED_TICK_MULTIPLIER, TICK_MULTIPLIER);
    put_time(page, SHARED_INTERRUPT_TIME, machine_time());
    put_time(page, SHARED_SYSTEM_TIME, MACHINE_BOOT_SYSTEM_TIME + machine_time());
    put32(page, SHARED_MAJOR, 10);
    put32(page, SHARED_MINOR, 0);
    put_time(page, SHARED_TICK_COUNT, ticks);
}

static uint64_t read_shared(uint64_t address, unsigned bytes, uint64_t rip)
{
    uint8_t page[SHARED_PAGE_BYTES];
    uint64_t value = 0;

    (void)rip;
    M->time++; /* a loop that waits for it ends */
    shared_page(page);
    memcpy(&value, page + (address - SHARED_PAGE), bytes);
    return value;
}

bool emulate_shared_page(struct trap *trap)
{
    static const struct operand_space shared = {read_shared, NULL};
    uint64_t offset = trap->address - SHARED_PAGE;
    struct decoded decoded;

    if (trap->address < SHARED_PAGE || offset >= SHARED_PAGE_BYTES || trap->access != PAGER_READ) {
        return false;
    }
    decoded = emulate_decode(trap);
    if (decoded.kind != DECODED_MEMORY) {
        emulate_unsupported(trap, " on the shared user page");
    }
    return offset + decoded.memory_bytes <= SHARED_PAGE_BYTES &&
           emulate_memory(trap, &decoded, trap->address, &shared);
}
