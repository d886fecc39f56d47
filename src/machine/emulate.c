/* SPDX-License-Identifier: MIT */
/* Privileged instructions that drivers contain inline. */
#include "machine/internal.h"

#include "decode/decode.h"

#include <string.h>

#define STATUS_ASSERTION_FAILURE 0xC0000420u
#define INTERRUPT_FAST_FAIL      0x29
#define INTERRUPT_ASSERTION      0x2c
#define INTERRUPT_BREAKPOINT     3

/* The bytes of the instruction at rip, as far as they can be read without a fault. */
static size_t fetch(const struct trap *trap, uint8_t bytes[DECODE_LENGTH_MAX])
{
    size_t n = DECODE_LENGTH_MAX;
    uint64_t page_end = (trap->rip | (PG_PAGE_SIZE - 1)) + 1;

    if (trap->rip + n > page_end && machine_would_fault(page_end, PAGER_READ)) {
        n = page_end - trap->rip;
    }
    memcpy(bytes, (const void *)trap->rip, n);
    return n;
}

static void write_cr8(struct trap *trap, const struct decoded *decoded)
{
    uint64_t value = trap->gpr[decoded->gpr];
    uint8_t now = machine_irql();

    if (value > HIGH_LEVEL) {
        trap_exception(trap, 0xC0000096u, 0, 0); /* the processor refuses reserved bits */
    }
    /* The instruction is over before anything that its effect leads to. */
    trap->rip += decoded->length;
    if (value >= now) {
        machine_raise((uint8_t)value);
    } else {
        machine_lower((uint8_t)value);
    }
}

static void software_interrupt(struct trap *trap, uint8_t vector)
{
    switch (vector) {
    case INTERRUPT_BREAKPOINT:
        trap_exception(trap, 0x80000003u, 0, 0);
    case INTERRUPT_FAST_FAIL:
        machine_bugcheck(0x139, trap->gpr[1] & 0xffffffffu, trap->rip, 0, 0,
                         "the driver itself found its data corrupt (__fastfail)");
    case INTERRUPT_ASSERTION:
        trap_exception(trap, STATUS_ASSERTION_FAILURE, 0, 0);
    default:
        trap_exception(trap, 0xC0000005u, 0, UINT64_MAX);
    }
}

static void read_tsc(struct trap *trap, const struct decoded *decoded)
{
    uint64_t value = machine_time() * 100; /* a processor of 1 GHz */

    trap->gpr[0] = value & 0xffffffffu;
    trap->gpr[2] = value >> 32;
    if (decoded->has_processor) {
        trap->gpr[1] = M->cpu.number;
    }
}

bool emulate_instruction(struct trap *trap)
{
    uint8_t bytes[DECODE_LENGTH_MAX];
    struct decoded decoded;

    decode_instruction(bytes, fetch(trap, bytes), trap->rip, &decoded);
    switch (decoded.kind) {
    case DECODED_READ_CR8:
        trap->gpr[decoded.gpr] = machine_irql();
        break;
    case DECODED_WRITE_CR8:
        write_cr8(trap, &decoded);
        return true;
    case DECODED_CLI:
        M->cpu.interrupts_enabled = false;
        break;
    case DECODED_STI:
        M->cpu.interrupts_enabled = true;
        break;
    case DECODED_READ_TSC:
        read_tsc(trap, &decoded);
        break;
    case DECODED_INTERRUPT:
        software_interrupt(trap, decoded.immediate);
        break;
    case DECODED_FLUSH:
        break;
    case DECODED_LOAD:
    case DECODED_INVALID:
        return false;
    case DECODED_OTHER:
        if (!decoded.privileged) {
            return false;
        }
        machine_unsupported("the instruction \"%s\"", decoded.text);
    }
    trap->rip += decoded.length;
    return true;
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

static uint64_t extend(uint64_t value, const struct decoded *decoded)
{
    unsigned unused = 64u - 8u * decoded->memory_bytes;

    if (unused == 0 || !decoded->sign_extend) {
        return value;
    }
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

static void set_register(struct trap *trap, const struct decoded *decoded, uint64_t value)
{
    uint64_t *gpr = &trap->gpr[decoded->gpr];

    switch (decoded->gpr_bytes) {
    case 8:
        *gpr = value;
        break;
    case 4: /* the upper half becomes zero */
        *gpr = value & 0xffffffffu;
        break;
    case 2:
        *gpr = (*gpr & ~0xffffull) | (value & 0xffffu);
        break;
    default:
        if (decoded->gpr_high) {
            *gpr = (*gpr & ~0xff00ull) | ((value & 0xffu) << 8);
        } else {
            *gpr = (*gpr & ~0xffull) | (value & 0xffu);
        }
        break;
    }
}

bool emulate_shared_page(struct trap *trap)
{
    uint8_t page[SHARED_PAGE_BYTES];
    uint8_t bytes[DECODE_LENGTH_MAX];
    struct decoded decoded;
    uint64_t offset = trap->address - SHARED_PAGE;
    uint64_t value = 0;

    if (trap->address < SHARED_PAGE || offset >= SHARED_PAGE_BYTES || trap->access != PAGER_READ) {
        return false;
    }
    decode_instruction(bytes, fetch(trap, bytes), trap->rip, &decoded);
    if (decoded.kind != DECODED_LOAD) {
        machine_unsupported("the instruction \"%s\" on the shared user page", decoded.text);
    }
    if (offset + decoded.memory_bytes > SHARED_PAGE_BYTES) {
        return false;
    }
    shared_page(page);
    memcpy(&value, page + offset, decoded.memory_bytes);
    set_register(trap, &decoded, extend(value, &decoded));
    trap->rip += decoded.length;
    return true;
}
