/* SPDX-License-Identifier: MIT */
/* What is left: configuration counts, versions, completion routines that hold their driver. */
#include "nt/io.h"

/* CONFIGURATION_INFORMATION: how many devices of a kind drivers have claimed so far. */
struct configuration {
    uint32_t DiskCount, FloppyCount, CdRomCount, TapeCount, ScsiPortCount, SerialCount,
        ParallelCount;
    uint8_t AtDiskPrimaryAddressClaimed, AtDiskSecondaryAddressClaimed;
    uint32_t Version;
    uint32_t MediumChangerCount;
};
_Static_assert(offsetof(struct configuration, Version) == 32, "CONFIGURATION_INFORMATION");

static struct configuration *IoGetConfigurationInformation(void)
{
    if (io_state->configuration == 0) {
        struct configuration *made = machine_pointer(
            ex_pool_allocate(POOL_NONPAGED, sizeof *made, IO_TAG('I', 'o', 'C', 'f')));

        PG_ASSERT(made != NULL);
        made->Version = sizeof *made;
        io_state->configuration = (uint64_t)made;
    }
    return machine_pointer(io_state->configuration);
}

/* WDM stopped counting at 6.0. */
static uint8_t IoIsWdmVersionAvailable(uint8_t major, uint8_t minor)
{
    return major < 6 || (major == 6 && minor == 0);
}

/* What the Ex form adds on Windows, a reference that keeps the image until the routine returned, is
 * not needed: images go only while no thread of the computer runs. */
static ntstatus IoSetCompletionRoutineEx(struct device_object *device, struct irp *irp,
                                         uint64_t routine, uint64_t context, uint8_t success,
                                         uint8_t error, uint8_t cancel)
{
    struct io_stack_location *stack;

    io_device_checked((uint64_t)device);
    io_irp_check(irp);
    stack = io_stack_next(irp);
    stack->CompletionRoutine = machine_pointer(routine);
    stack->Context = machine_pointer(context);
    stack->Control =
        (uint8_t)((success ? SL_INVOKE_ON_SUCCESS : 0) | (error ? SL_INVOKE_ON_ERROR : 0) |
                  (cancel ? SL_INVOKE_ON_CANCEL : 0));
    return STATUS_SUCCESS;
}

/* IoPagingPriorityInvalid (0) for what is no paging request, else IoPagingPriorityNormal (1). */
static uint32_t IoGetPagingIoPriority(const struct irp *irp)
{
    io_irp_check(irp);
    return (irp->Flags & (IRP_PAGING_IO | IRP_NOCACHE)) == (IRP_PAGING_IO | IRP_NOCACHE) ? 1 : 0;
}

/* GENERIC_MAPPING of files. */
struct generic_mapping {
    uint32_t read, write, execute, all;
};

static struct generic_mapping *IoGetFileObjectGenericMapping(void)
{
    if (io_state->generic_mapping == 0) {
        struct generic_mapping *made = machine_pointer(
            ex_pool_allocate(POOL_NONPAGED, sizeof *made, IO_TAG('I', 'o', 'G', 'm')));

        PG_ASSERT(made != NULL);
        *made = (struct generic_mapping){0x120089, 0x120116, 0x1200A0, 0x1F01FF};
        io_state->generic_mapping = (uint64_t)made;
    }
    return machine_pointer(io_state->generic_mapping);
}

/* The lock of all volume parameter blocks. */
static void IoAcquireVpbSpinLock(uint8_t *irql)
{
    machine_touch((uint64_t)irql, sizeof *irql, PAGER_WRITE);
    *irql = ke_acquire_spin_lock(io_state->vpb_lock);
}

static void IoReleaseVpbSpinLock(uint8_t irql)
{
    ke_release_spin_lock(io_state->vpb_lock, irql);
}

NT_CALL0(struct generic_mapping *, IoGetFileObjectGenericMapping)
NT_VOID1(IoAcquireVpbSpinLock, uint8_t *)
NT_VOID1(IoReleaseVpbSpinLock, uint8_t)
NT_CALL0(struct configuration *, IoGetConfigurationInformation)
NT_CALL2(IoIsWdmVersionAvailable, uint8_t, uint8_t)
NT_CALL7(IoSetCompletionRoutineEx, struct device_object *, struct irp *, uint64_t, uint64_t,
         uint8_t, uint8_t, uint8_t)
NT_CALL1(IoGetPagingIoPriority, const struct irp *)
