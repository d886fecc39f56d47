/* SPDX-License-Identifier: MIT */
/*
 * Which requests a thread is dispatching, and where the hooks of requests and sections lead.
 *
 * A thread's requests form a chain, innermost first: a dispatch routine that calls IoCallDriver is
 * the outer one of what it calls.
 */
#include "nt/io.h"
#include "verify/private.h"

static void begins(struct device_object *device, struct irp *irp, uint64_t routine)
{
    struct thread *thread = machine_thread();
    struct dispatch *dispatch = ex_heap_take(sizeof *dispatch);

    (void)routine;
    *dispatch = (struct dispatch){device, irp, thread->verify};
    thread->verify = dispatch;
    paging_path_dispatched(device, irp);
}

static void ended(struct device_object *device, struct irp *irp)
{
    struct thread *thread = machine_thread();
    struct dispatch *dispatch = thread->verify;

    PG_ASSERT(dispatch->device == device && dispatch->irp == irp);
    thread->verify = dispatch->outer;
    ex_heap_give(dispatch);
    outstanding_returned(irp);
}

static void completed(struct irp *irp)
{
    paging_path_completed(irp);
}

static void attached(struct device_object *device)
{
    paging_path_attached(device);
}

static void released(pg_handle handle)
{
    outstanding_released(handle);
    paging_path_changed();
}

static void driver_paged(uint64_t address)
{
    (void)address;
    paging_path_changed();
}

void requests_start(void)
{
    paging_path_start();
    outstanding_start();
    nt_hooks.dispatch_begins = begins;
    nt_hooks.dispatch_ended = ended;
    nt_hooks.completed = completed;
    nt_hooks.attached = attached;
    nt_hooks.section_locked = outstanding_locked;
    nt_hooks.section_released = released;
    nt_hooks.driver_paged = driver_paged;
}
