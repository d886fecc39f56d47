/* SPDX-License-Identifier: MIT */
/*
 * IRPs: making, initializing and freeing them.
 *
 *   CurrentLocation   StackCount + 1: nobody has it yet;  n: the driver at location n has it;
 *                     StackCount + 2: completed to the end
 *
 * A freed IRP loses its type, so that using it again is noticed as on Windows: bug check 0x44.
 */
#include "nt/io.h"

#include <string.h>

#define IRP_TAG   IO_TAG('I', 'r', 'p', ' ')
#define STACK_MAX 127

static uint16_t size_of(int8_t stack_size)
{
    return (uint16_t)(sizeof(struct irp) + (size_t)stack_size * sizeof(struct io_stack_location));
}

struct io_irp *io_irp_find(const struct irp *irp)
{
    return io_table_find(&io_state->irps, (uint64_t)irp);
}

struct io_irp *io_irp_next(const struct io_irp *after)
{
    return (struct io_irp *)(after == NULL ? io_state->irps.first : after->record.next);
}

void io_irp_init(struct irp *irp, uint16_t bytes, int8_t stack_size)
{
    struct io_stack_location *stack = (struct io_stack_location *)(irp + 1);

    memset(irp, 0, bytes);
    irp->Type = IO_TYPE_IRP;
    irp->Size = bytes;
    irp->StackCount = stack_size;
    irp->CurrentLocation = (int8_t)(stack_size + 1);
    nt_list_init(&irp->ThreadListEntry);
    irp->Tail.Overlay.CurrentStackLocation = stack + stack_size;
}

void io_irp_check(const struct irp *irp)
{
    machine_touch((uint64_t)irp, sizeof *irp, PAGER_WRITE);
    if (irp->Type != IO_TYPE_IRP) {
        machine_bugcheck(0x44, (uint64_t)irp, 0, 0, 0,
                         "an IRP was used that was freed or never initialized");
    }
}

struct irp *io_irp_new(int8_t stack_size, enum io_irp_kind kind)
{
    uint16_t bytes = size_of(stack_size);
    struct irp *irp = machine_pointer(ex_pool_allocate(POOL_NONPAGED, bytes, IRP_TAG));
    struct io_irp *record;

    if (irp == NULL) {
        return NULL;
    }
    io_irp_init(irp, bytes, stack_size);
    record = ex_heap_take(sizeof *record);
    record->record.address = (uint64_t)irp;
    record->kind = kind;
    record->bytes = bytes;
    record->caller = machine_caller();
    io_table_add(&io_state->irps, &record->record);
    machine_counters()->irps++;
    return irp;
}

void io_irp_free(struct irp *irp)
{
    struct io_irp *record = io_irp_find(irp);

    irp->Type = 0;
    if (record != NULL) {
        io_table_remove(&io_state->irps, &record->record);
        ex_pool_free((uint64_t)irp);
    }
}

/* ---- exports ---- */

static struct irp *IoAllocateIrp(int8_t stack_size, uint8_t charge_quota)
{
    (void)charge_quota;
    return stack_size <= 0 ? NULL : io_irp_new(stack_size, IO_IRP_DRIVER);
}

static struct irp *IoAllocateIrpEx(struct device_object *device, int8_t stack_size,
                                   uint8_t charge_quota)
{
    (void)device;
    return IoAllocateIrp(stack_size, charge_quota);
}

static void IoInitializeIrp(struct irp *irp, uint16_t bytes, int8_t stack_size)
{
    machine_touch((uint64_t)irp, bytes, PAGER_WRITE);
    if (stack_size < 0 || bytes < size_of(stack_size)) {
        machine_bugcheck(0x0A, (uint64_t)irp + bytes, machine_irql(), 1, machine_caller(),
                         "IoInitializeIrp got a packet too small for its stack locations");
    }
    io_irp_init(irp, bytes, stack_size);
}

/* A packet that the driver made itself is the driver's to free. */
static void IoFreeIrp(struct irp *irp)
{
    const struct io_irp *record;

    io_irp_check(irp);
    record = io_irp_find(irp);
    if (record == NULL) {
        irp->Type = 0;
        ex_pool_free_checked((uint64_t)irp, 0);
        return;
    }
    io_irp_free(irp);
}

static void IoReuseIrp(struct irp *irp, ntstatus status)
{
    struct io_irp *record;
    uint8_t allocation;

    io_irp_check(irp);
    record = io_irp_find(irp);
    if (record != NULL && record->kind == IO_IRP_THREADED) {
        machine_bugcheck(
            0xC9, 0x00, (uint64_t)irp, 0, 0,
            "IoReuseIrp on an IRP that belongs to a thread and is freed by the system");
    }
    allocation = irp->AllocationFlags;
    io_irp_init(irp, irp->Size, irp->StackCount);
    irp->AllocationFlags = allocation;
    irp->IoStatus.Status = status;
    if (record != NULL) {
        record->completing = false;
        record->holder = 0;
    }
}

static struct irp *IoMakeAssociatedIrp(struct irp *master, int8_t stack_size)
{
    struct irp *irp;

    io_irp_check(master);
    irp = stack_size <= 0 ? NULL : io_irp_new(stack_size, IO_IRP_ASSOCIATED);
    if (irp == NULL) {
        return NULL;
    }
    irp->Flags = IRP_ASSOCIATED_IRP;
    irp->AssociatedIrp.MasterIrp = master;
    irp->Tail.Overlay.Thread = master->Tail.Overlay.Thread;
    return irp;
}

NT_CALL2(IoAllocateIrp, int8_t, uint8_t)
NT_CALL3(IoAllocateIrpEx, struct device_object *, int8_t, uint8_t)
NT_VOID3(IoInitializeIrp, struct irp *, uint16_t, int8_t)
NT_VOID1(IoFreeIrp, struct irp *)
NT_VOID2(IoReuseIrp, struct irp *, ntstatus)
NT_CALL2(IoMakeAssociatedIrp, struct irp *, int8_t)
