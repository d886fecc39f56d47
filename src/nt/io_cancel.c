/* SPDX-License-Identifier: MIT */
/* The cancel spin lock and cancelling. */
#include "nt/io.h"

void io_cancel_start(void)
{
    kspin_lock *locks = machine_pointer(
        ex_pool_allocate(POOL_NONPAGED, 2 * sizeof *locks, IO_TAG('I', 'o', 'L', 'k')));

    PG_ASSERT(locks != NULL);
    io_state->cancel_lock = &locks[0];
    io_state->vpb_lock = &locks[1];
}

uint8_t io_cancel_lock(void)
{
    return ke_acquire_spin_lock(io_state->cancel_lock);
}

void io_cancel_unlock(uint8_t irql)
{
    ke_release_spin_lock(io_state->cancel_lock, irql);
}

/* The driver's cancel routine releases the cancel spin lock. */
bool io_cancel_irp(struct irp *irp)
{
    uint8_t irql;
    void *routine;

    io_irp_check(irp);
    irql = io_cancel_lock();
    irp->Cancel = 1;
    routine = irp->CancelRoutine;
    irp->CancelRoutine = NULL;
    if (routine == NULL) {
        io_cancel_unlock(irql);
        return false;
    }
    if (irp->CurrentLocation > irp->StackCount + 1) {
        machine_bugcheck(0x48, (uint64_t)irp, (uint64_t)routine, 0, 0,
                         "a completed IRP still had a cancel routine and was cancelled");
    }
    irp->CancelIrql = irql;
    MACHINE_CALL_CHANGING_IRQL((uint64_t)routine, (uint64_t)io_stack_current(irp)->DeviceObject,
                               (uint64_t)irp);
    return true;
}

static void IoAcquireCancelSpinLock(uint8_t *irql)
{
    machine_touch((uint64_t)irql, sizeof *irql, PAGER_WRITE);
    *irql = io_cancel_lock();
}

static void IoReleaseCancelSpinLock(uint8_t irql)
{
    io_cancel_unlock(irql);
}

static uint8_t IoCancelIrp(struct irp *irp)
{
    return io_cancel_irp(irp);
}

NT_VOID1(IoAcquireCancelSpinLock, uint8_t *)
NT_VOID1(IoReleaseCancelSpinLock, uint8_t)
NT_CALL1(IoCancelIrp, struct irp *)
