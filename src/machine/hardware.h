/* SPDX-License-Identifier: MIT */
/*
 * What lies outside the processor: ports, physical memory, interrupt lines, and the list of the
 * hardware that is there.  Models (src/device) claim and drive them; the processor's side (`in`,
 * `out`, loads and stores on mapped registers, delivery of interrupts) is the machine's.
 *
 * Everything here is called on the computer's host thread: by a model from the scheduler's stack
 * (S), from a thread that just touched it (T), or from a timer's expiry.
 *
 * Hardware works whatever the IRQL is.  So a model sets `hardware` in its machine_timers: they
 * expire as soon as virtual time has come to them, at any IRQL, also while a driver polls or
 * stalls.  Such an expiry, and `read` and `write` of a range, may run on the stack of a signal:
 * they change the model's own state, pins and timers, and neither call guest code or nt nor touch
 * guest memory.  (A timer without `hardware` expires at DISPATCH_LEVEL on a thread, as NT's do:
 * that is where the `done` of a block_request belongs.)
 *
 * Each access to a port or a register takes 1 us of virtual time (10 units).  When time jumps (a
 * stall), a timer may expire later than it was due: go on from timer->due, not from machine_time().
 */
#ifndef PAGABLE_MACHINE_HARDWARE_H
#define PAGABLE_MACHINE_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- ports and memory-mapped registers (io_space.c) ---- */

/* One access at `offset` bytes from the start of the range; `bytes` is 1, 2, 4 (memory: also 8). */
struct io_range {
    uint64_t (*read)(void *context, uint32_t offset, unsigned bytes);
    void (*write)(void *context, uint32_t offset, unsigned bytes, uint64_t value);
    void *context;
};

/* False when part of the range is claimed already, or the table is full.  The first access to a
 * port that nobody claimed is a notice; it reads as ones, and writes to it are lost. */
bool machine_ports_claim(uint16_t first, uint32_t count, const struct io_range *range);
bool machine_memory_claim(uint64_t physical, uint32_t bytes, const struct io_range *range);
/* Take claims of these ranges back (a device was pulled out). */
void machine_ports_release(uint16_t first, uint32_t count);
void machine_memory_release(uint64_t physical, uint32_t bytes);

/* A virtual address for physical registers (MmMapIoSpace), never resident to the processor: every
 * access of a driver is decoded and given to whoever claimed the range.  0 when the space for such
 * mappings is used up. */
uint64_t machine_io_map(uint64_t physical, size_t bytes);
/* False when nothing is mapped there with that length. */
bool machine_io_unmap(uint64_t address, size_t bytes);

/* ---- interrupt lines (interrupt.c) ---- */

#define INTERRUPT_LINES 24u

/* What an interrupt of a line is to the processor: device IRQLs 3..11. */
uint8_t interrupt_line_irql(uint32_t line);
uint32_t interrupt_line_vector(uint32_t line);
/* False when no line has that vector. */
bool interrupt_vector_line(uint32_t vector, uint32_t *line);

/* A model's output to a line.  Zeroed memory at a stable address.  A line is asserted while any of
 * its pins is. */
struct interrupt_pin {
    uint32_t line;
    bool asserted, attached;
    struct interrupt_pin *next;
};
void interrupt_pin_attach(struct interrupt_pin *pin, uint32_t line);
void interrupt_pin_detach(struct interrupt_pin *pin);
/* The interrupt is taken at the next choice point at which the processor's IRQL and interrupt flag
 * let it through; not before this returns. */
void interrupt_pin_set(struct interrupt_pin *pin, bool asserted);
/* One interrupt of the line without a cause. */
void interrupt_spurious(uint32_t line);

/* A service routine's connection to a line, zeroed memory at a stable address. */
struct interrupt_service {
    uint32_t line;
    uint8_t irql; /* at which `service` runs; not below the line's */
    bool (*service)(struct interrupt_service *self); /* true: it was ours */
    void *context;
    uint64_t routine; /* guest address of the service routine, for reports; 0: none */
    bool connected;
    bool inactive;     /* connected, but not called for now */
    uint64_t sequence; /* the machine's: order of connecting */
    struct interrupt_service *next;
};
void interrupt_connect(struct interrupt_service *service);
void interrupt_disconnect(struct interrupt_service *service);
/* A line none of whose services is active is masked. */
void interrupt_set_active(struct interrupt_service *service, bool active);
/* The i-th service of a line in order of connecting; NULL beyond the last. */
struct interrupt_service *interrupt_service_at(uint32_t line, uint32_t index);

/* ---- the hardware that is there (hardware.c) ---- */

enum resource_kind { RESOURCE_PORTS, RESOURCE_MEMORY, RESOURCE_INTERRUPT };

struct hardware_resource {
    enum resource_kind kind;
    uint64_t start;  /* port, physical address or line */
    uint32_t length; /* ports or bytes */
};

/* Block devices: what nt's own disk driver asks of a model. */
enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };
struct block_request {
    enum block_operation operation;
    uint64_t offset; /* bytes; a multiple of the sector size, as `bytes` is */
    uint32_t bytes;
    uint8_t *data;  /* of the requester, stays until done */
    int32_t status; /* NTSTATUS, set before done */
    /* Called right before the data moves: checks that `data` is still there, or does not return. */
    void (*touch)(struct block_request *self);
    void (*done)(struct block_request *self); /* at DISPATCH_LEVEL, never inside submit */
    void *context;
    struct block_request *next; /* the model's */
};
struct block_device {
    uint64_t bytes;
    uint32_t sector_bytes;
    void (*submit)(void *context, struct block_request *request);
    void *context;
};

#define HARDWARE_RESOURCES 8u
struct hardware {
    const char *name; /* "uart1", "lpt1", "disk0": what scenarios call it */
    /* Hardware and compatible ids, each terminated, the list with an empty one: "ACPI\\PNP0501\0"
     */
    const char *ids;
    const char *description;
    struct hardware_resource resources[HARDWARE_RESOURCES];
    uint32_t resource_count;
    const struct block_device *block; /* NULL: none */
    bool present;                     /* false once it was pulled out */
    void *nt;                         /* nt's own: the device node */
    struct hardware *next;
};

/* Memory of the caller's, at a stable address.  Order of adding is the order of finding. */
void hardware_add(struct hardware *hardware);
struct hardware *hardware_next(const struct hardware *after); /* NULL first */
struct hardware *hardware_find(const char *name);

#endif
