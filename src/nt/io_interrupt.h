/* SPDX-License-Identifier: MIT */
/* Private to io_*.c: what nt keeps of interrupts that drivers connected. */
#ifndef PAGABLE_NT_IO_INTERRUPT_H
#define PAGABLE_NT_IO_INTERRUPT_H

#include "machine/hardware.h"
#include "nt/interrupt_types.h"
#include "nt/io.h"

/* A connected interrupt; found by the address of its KINTERRUPT. */
struct io_interrupt {
    struct io_record record;
    struct interrupt_service service; /* service.irql is the synchronize IRQL */
    uint64_t routine, context;
    kspin_lock *lock; /* the driver's, or one in the object */
    uint32_t mode;
    bool share;
};

/* Disconnects what is left of a driver's interrupts; how many, and a routine of one. */
uint32_t io_interrupts_abandon(const struct module *module, uint64_t *routine);

#endif
