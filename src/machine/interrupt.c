/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines: level-triggered, shared, taken by IRQL.
 *
 * A line is asserted while a pin of its is, or once for a spurious interrupt.  It is masked while
 * no active service is connected to it.  M->interrupts_pending has a bit for each line that is
 * asserted and not masked.  The IRQL falls with the line's number, so its lowest bit is the line to
 * take first: the higher IRQL, then the lower number.
 *
 * Taking a line calls its services in the order of connecting until one says that the interrupt was
 * its own.  A line that is still asserted then is taken again.
 */
#include "machine/hardware.h"
#include "machine/internal.h"

#include <stdio.h>

#define IRQL_DEVICE_LOW  3u
#define IRQL_DEVICE_HIGH 11u
#define DEVICE_IRQLS     (IRQL_DEVICE_HIGH - IRQL_DEVICE_LOW + 1)
/* A line that was taken this often without ever being let go: nobody serves the device. */
#define STORM_DELIVERIES 10000u

struct line {
    struct interrupt_pin *pins;
    uint32_t asserted_pins;
    bool latched; /* a spurious interrupt */
    struct interrupt_service *services;
    uint32_t deliveries; /* since the line was last not asserted */
};

struct interrupts {
    struct line lines[INTERRUPT_LINES];
    uint64_t sequence;
};

void interrupt_start(void)
{
    M->interrupts = machine_allocate(sizeof *M->interrupts);
}

static struct line *line_at(uint32_t number)
{
    PG_ASSERT(number < INTERRUPT_LINES);
    return &M->interrupts->lines[number];
}

uint8_t interrupt_line_irql(uint32_t line)
{
    return (uint8_t)(IRQL_DEVICE_HIGH - line * DEVICE_IRQLS / INTERRUPT_LINES);
}

/* As with a local APIC, the upper half of a vector is its priority. */
uint32_t interrupt_line_vector(uint32_t line)
{
    return (uint32_t)interrupt_line_irql(line) << 4 | (line & 15u);
}

bool interrupt_vector_line(uint32_t vector, uint32_t *line)
{
    for (uint32_t i = 0; i < INTERRUPT_LINES; i++) {
        if (interrupt_line_vector(i) == vector) {
            *line = i;
            return true;
        }
    }
    return false;
}

/* ---- what is pending ---- */

static struct interrupt_service *next_active(const struct line *line, uint64_t after)
{
    struct interrupt_service *service = line->services;

    while (service != NULL && (service->inactive || service->sequence <= after)) {
        service = service->next;
    }
    return service;
}

static void update(uint32_t number)
{
    struct line *line = line_at(number);
    bool masked = next_active(line, 0) == NULL;
    bool asserted = line->asserted_pins > 0 || line->latched;

    if (!asserted) {
        line->deliveries = 0;
    }
    if (masked) {
        line->latched = false; /* an edge on a masked line is lost */
    }
    if (asserted && !masked) {
        M->interrupts_pending |= 1u << number;
    } else {
        M->interrupts_pending &= ~(1u << number);
    }
}

void interrupt_pin_attach(struct interrupt_pin *pin, uint32_t line)
{
    struct interrupt_pin **end = &line_at(line)->pins;

    PG_ASSERT(!pin->attached);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = pin;
    pin->next = NULL;
    pin->line = line;
    pin->attached = true;
    pin->asserted = false;
}

void interrupt_pin_detach(struct interrupt_pin *pin)
{
    struct interrupt_pin **link = &line_at(pin->line)->pins;

    PG_ASSERT(pin->attached);
    interrupt_pin_set(pin, false);
    while (*link != pin) {
        link = &(*link)->next;
    }
    *link = pin->next;
    pin->attached = false;
}

void interrupt_pin_set(struct interrupt_pin *pin, bool asserted)
{
    struct line *line = line_at(pin->line);

    PG_ASSERT(pin->attached);
    if (pin->asserted == asserted) {
        return;
    }
    pin->asserted = asserted;
    line->asserted_pins += asserted ? 1u : -1u;
    update(pin->line);
}

void interrupt_spurious(uint32_t line)
{
    line_at(line)->latched = true;
    update(line);
}

/* ---- services ---- */

void interrupt_connect(struct interrupt_service *service)
{
    struct interrupt_service **end = &line_at(service->line)->services;

    PG_ASSERT(!service->connected && service->irql >= interrupt_line_irql(service->line));
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = service;
    service->next = NULL;
    service->connected = true;
    service->inactive = false;
    service->sequence = ++M->interrupts->sequence;
    update(service->line);
}

void interrupt_disconnect(struct interrupt_service *service)
{
    struct interrupt_service **link = &line_at(service->line)->services;

    PG_ASSERT(service->connected);
    while (*link != service) {
        link = &(*link)->next;
    }
    *link = service->next;
    service->connected = false;
    update(service->line);
}

void interrupt_set_active(struct interrupt_service *service, bool active)
{
    PG_ASSERT(service->connected);
    service->inactive = !active;
    update(service->line);
}

struct interrupt_service *interrupt_service_at(uint32_t line, uint32_t index)
{
    struct interrupt_service *service = line_at(line)->services;

    while (service != NULL && index-- > 0) {
        service = service->next;
    }
    return service;
}

/* ---- delivery ---- */

bool interrupt_is_due(void)
{
    return M->interrupts_pending != 0 && M->cpu.interrupts_enabled &&
           interrupt_line_irql((uint32_t)__builtin_ctz(M->interrupts_pending)) > M->cpu.irql;
}

static _Noreturn void storm(uint32_t number)
{
    const struct interrupt_service *service = next_active(line_at(number), 0);
    char reason[120];

    machine_finding(RULE_BUDGET_EXHAUSTED, service->routine,
                    "interrupt line %u stayed asserted while its service routines ran %u times: "
                    "none of them makes the device let go of it",
                    number, STORM_DELIVERIES);
    snprintf(reason, sizeof reason, "interrupt line %u is never let go", number);
    machine_stop(RUN_STOPPED, reason);
}

static bool call_service(struct interrupt_service *service)
{
    uint64_t routine = service->routine;
    uint8_t irql = service->irql;
    uint8_t line_irql = M->cpu.irql;
    bool claimed;

    processor_set_irql(irql);
    claimed = service->service(service);
    if (M->cpu.irql != irql) {
        machine_bugcheck(0xC8, (uint64_t)M->cpu.irql << 16 | (uint64_t)irql << 8 | 3, routine, 0, 0,
                         "an interrupt service routine returned at another IRQL than it was "
                         "called at");
    }
    processor_set_irql(line_irql);
    return claimed;
}

static void take(uint32_t number)
{
    struct line *line = line_at(number);
    uint8_t old = M->cpu.irql;
    uint64_t last = 0;
    bool claimed = false;

    if (line->deliveries++ == STORM_DELIVERIES) {
        storm(number);
    }
    M->counters.interrupts++;
    line->latched = false;
    update(number);
    processor_set_irql(interrupt_line_irql(number));
    while (!claimed) {
        /* By number: a service may have left the list while another ran. */
        struct interrupt_service *service = next_active(line, last);

        if (service == NULL) {
            break;
        }
        last = service->sequence;
        claimed = call_service(service);
        interrupt_deliver();
    }
    machine_event(EVENT_INTERRUPT, number, claimed, 0);
    processor_set_irql(old);
}

void interrupt_deliver(void)
{
    uint8_t irql = M->cpu.irql;

    if (M->cpu.current == NULL) {
        return;
    }
    while (interrupt_is_due()) {
        take((uint32_t)__builtin_ctz(M->interrupts_pending));
        if (irql < DISPATCH_LEVEL && M->cpu.dpc_count > 0) {
            processor_set_irql(DISPATCH_LEVEL);
            dpc_run_all();
            processor_set_irql(irql);
        }
    }
}
