/* SPDX-License-Identifier: MIT */
/* The registers of a parallel port: see parallel.h. */
#include "device/parallel.h"

#include <stdio.h>

enum { DATA, STATUS, CONTROL };

/* Bits of control. */
enum {
    CONTROL_STROBE = 0x01,
    CONTROL_AUTOFEED = 0x02,
    CONTROL_NINIT = 0x04,
    CONTROL_SELECT_IN = 0x08,
    CONTROL_ENABLE = 0x10,
    CONTROL_UNUSED = 0xe0,
};

/* Bits of status. */
enum { STATUS_NIRQ = 0x04, STATUS_UNUSED = 0x03 };

#define ALL_WIRES                                                                                  \
    (PARALLEL_NFAULT | PARALLEL_SELECT | PARALLEL_PERROR | PARALLEL_NACK | PARALLEL_BUSY)

static void set_pending(struct parallel *parallel, bool pending)
{
    parallel->pending = pending;
    interrupt_pin_set(&parallel->pin, pending);
}

static bool is_enabled(const struct parallel *parallel)
{
    return (parallel->control & CONTROL_ENABLE) != 0;
}

/* Wires without a cable are pulled up. */
static uint8_t levels(struct parallel *parallel)
{
    return parallel->unplugged ? ALL_WIRES : parallel->device.levels(parallel->device.context);
}

static void drive(struct parallel *parallel)
{
    uint8_t control = parallel->unplugged ? CONTROL_NINIT : parallel->control;
    const struct parallel_wires wires = {
        .data = parallel->unplugged ? 0xff : parallel->data,
        .strobe = (control & CONTROL_STROBE) != 0,
        .autofeed = (control & CONTROL_AUTOFEED) != 0,
        .init = (control & CONTROL_NINIT) == 0,
        .select_in = (control & CONTROL_SELECT_IN) != 0,
    };

    parallel->device.drive(parallel->device.context, &wires,
                           !parallel->unplugged && is_enabled(parallel));
}

static uint8_t read_status(struct parallel *parallel)
{
    uint8_t wires = levels(parallel); /* first: this may be when the device gets round to nAck */
    uint8_t value = (uint8_t)((wires ^ PARALLEL_BUSY) | STATUS_UNUSED);

    if (parallel->pending) {
        set_pending(parallel, false);
    } else {
        value |= STATUS_NIRQ;
    }
    return value;
}

static uint8_t read_register(struct parallel *parallel, uint32_t offset)
{
    switch (offset) {
    case DATA:
        return parallel->data;
    case STATUS:
        return read_status(parallel);
    case CONTROL:
        return parallel->control | CONTROL_UNUSED;
    default:
        return 0xff;
    }
}

static void write_control(struct parallel *parallel, uint8_t value)
{
    (void)levels(parallel); /* what happened before happened under the old value */
    parallel->control = value & (uint8_t)~CONTROL_UNUSED;
    if (!is_enabled(parallel)) {
        set_pending(parallel, false);
    }
}

static void write_register(struct parallel *parallel, uint32_t offset, uint8_t value)
{
    if (offset == DATA) {
        parallel->data = value;
    } else if (offset == CONTROL) {
        write_control(parallel, value);
    } else {
        return; /* status cannot be written */
    }
    drive(parallel);
}

/* The bus does wider accesses a byte at a time.  A port that was pulled out answers nothing. */
static uint64_t read_port(void *context, uint32_t offset, unsigned bytes)
{
    struct parallel *parallel = context;
    uint64_t value = 0;

    if (!parallel->hardware.present && parallel->pending) {
        set_pending(parallel, false);
    }
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t byte = parallel->hardware.present ? read_register(parallel, offset + i) : 0xff;

        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static void write_port(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct parallel *parallel = context;

    for (unsigned i = 0; i < bytes && parallel->hardware.present; i++) {
        write_register(parallel, offset + i, (uint8_t)(value >> (8 * i)));
    }
}

void parallel_acknowledge(struct parallel *parallel)
{
    if (is_enabled(parallel) && !parallel->unplugged && parallel->hardware.present) {
        set_pending(parallel, true);
    }
}

void parallel_plug(struct parallel *parallel, bool plugged)
{
    (void)levels(parallel);
    parallel->unplugged = !plugged;
    drive(parallel);
}

bool parallel_start(struct parallel *parallel, const char *name, uint16_t port, uint32_t line,
                    const struct parallel_device *device)
{
    const struct io_range range = {read_port, write_port, parallel};

    if (!machine_ports_claim(port, PARALLEL_PORTS, &range)) {
        return false;
    }
    (void)snprintf(parallel->name, sizeof parallel->name, "%s", name);
    parallel->device = *device;
    parallel->control = CONTROL_NINIT | CONTROL_SELECT_IN; /* as firmware leaves it */
    interrupt_pin_attach(&parallel->pin, line);
    parallel->hardware = (struct hardware){
        .name = parallel->name,
        .ids = "ACPI\\PNP0400\0*PNP0400\0",
        .description = "Printer Port",
        .resources = {{RESOURCE_PORTS, port, PARALLEL_PORTS}, {RESOURCE_INTERRUPT, line, 1}},
        .resource_count = 2,
        .present = true,
    };
    hardware_add(&parallel->hardware);
    drive(parallel);
    return true;
}
