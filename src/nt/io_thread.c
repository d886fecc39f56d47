/* SPDX-License-Identifier: MIT */
/* What the I/O manager keeps of a thread, and what drivers ask about threads and their stacks. */
#include "nt/io.h"

/* Records of threads that are gone are dropped when a new one is made. */
static void drop_dead(void)
{
    struct io_record *next;

    for (struct io_record *r = io_state->threads.first; r != NULL; r = next) {
        next = r->next;
        if (ke_thread_of(r->address) == NULL) {
            io_table_remove(&io_state->threads, r);
        }
    }
}

static struct io_thread *io_thread_of(uint64_t object)
{
    struct io_thread *thread = io_table_find(&io_state->threads, object);

    if (thread == NULL) {
        drop_dead();
        thread = ex_heap_take(sizeof *thread);
        thread->record.address = object;
        io_table_add(&io_state->threads, &thread->record);
    }
    return thread;
}

/* ---- exports ---- */

static uint64_t IoGetCurrentProcess(void)
{
    return ps_system_process();
}

static uint64_t IoGetRequestorProcess(const struct irp *irp)
{
    io_irp_check(irp);
    return irp->Tail.Overlay.Thread == NULL ? 0 : ps_system_process();
}

static uint64_t IoThreadToProcess(uint64_t thread)
{
    (void)thread;
    return ps_system_process();
}

static uint8_t IoIsSystemThread(uint64_t object)
{
    const struct thread *thread = ke_thread_of(object);

    return thread != NULL && !ps_is_user_thread(thread);
}

static uint8_t IoIs32bitProcess(const struct irp *irp)
{
    (void)irp;
    return 0;
}

static void IoGetStackLimits(uint64_t *low, uint64_t *high)
{
    const struct thread *thread = machine_thread();

    machine_touch((uint64_t)low, sizeof *low, PAGER_WRITE);
    machine_touch((uint64_t)high, sizeof *high, PAGER_WRITE);
    *low = thread->stack_low;
    *high = thread->stack_high;
}

static uint64_t IoGetInitialStack(void)
{
    return machine_thread()->stack_high;
}

static uint64_t IoGetTopLevelIrp(void)
{
    return io_thread_of(ex_current_thread())->top_level_irp;
}

static void IoSetTopLevelIrp(uint64_t irp)
{
    io_thread_of(ex_current_thread())->top_level_irp = irp;
}

static uint64_t IoGetDeviceToVerify(uint64_t thread)
{
    return io_thread_of(thread)->device_to_verify;
}

static void IoSetDeviceToVerify(uint64_t thread, uint64_t device)
{
    io_thread_of(thread)->device_to_verify = device;
}

static void IoSetHardErrorOrVerifyDevice(const struct irp *irp, uint64_t device)
{
    io_irp_check(irp);
    if (irp->Tail.Overlay.Thread != NULL) {
        io_thread_of((uint64_t)irp->Tail.Overlay.Thread)->device_to_verify = device;
    }
}

/* Nobody sees a pop-up either way; the mode is kept as drivers restore what they got. */
static uint8_t IoSetThreadHardErrorMode(uint8_t on)
{
    struct io_thread *thread = io_thread_of(ex_current_thread());
    uint8_t old = !thread->hard_errors_off;

    thread->hard_errors_off = !on;
    return old;
}

NT_CALL0(uint64_t, IoGetCurrentProcess)
NT_CALL1(IoGetRequestorProcess, const struct irp *)
NT_CALL1(IoThreadToProcess, uint64_t)
NT_CALL1(IoIsSystemThread, uint64_t)
NT_CALL1(IoIs32bitProcess, const struct irp *)
NT_VOID2(IoGetStackLimits, uint64_t *, uint64_t *)
NT_CALL0(uint64_t, IoGetInitialStack)
NT_CALL0(uint64_t, IoGetTopLevelIrp)
NT_VOID1(IoSetTopLevelIrp, uint64_t)
NT_CALL1(IoGetDeviceToVerify, uint64_t)
NT_VOID2(IoSetDeviceToVerify, uint64_t, uint64_t)
NT_VOID2(IoSetHardErrorOrVerifyDevice, const struct irp *, uint64_t)
NT_CALL1(IoSetThreadHardErrorMode, uint8_t)
