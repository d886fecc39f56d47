/* SPDX-License-Identifier: MIT */
/*
 * nt's own disk driver: what lies below a driver of disks that is under test.
 *
 * Direct I/O, asynchronous: a read, write or flush is handed to the hardware's model, pends, and
 * completes at DISPATCH_LEVEL when the model is done.  The dispatch routines may be called at
 * DISPATCH_LEVEL, as those of a real disk on the paging path.  A request cannot be cancelled once
 * the disk has it.
 */
#include "nt/io_disk.h"

#include <stdio.h>

static struct io_disk *first_disk;

/* ---- read, write, flush ---- */

struct disk_request {
    struct block_request block;
    struct irp *irp;
    uint64_t sequence; /* of the IRP's record: the packet may have been freed in the meantime */
};

/* The buffer of a request is its sender's, who may have freed it too early. */
static void touch(struct block_request *block)
{
    machine_touch((uint64_t)block->data, block->bytes,
                  block->operation == BLOCK_READ ? PAGER_WRITE : PAGER_READ);
}

static void done(struct block_request *block)
{
    struct disk_request *request = (struct disk_request *)block;
    struct irp *irp = request->irp;
    uint64_t sequence = request->sequence;
    ntstatus status = block->status;
    uint32_t bytes = NT_SUCCESS(status) ? block->bytes : 0;
    const struct io_irp *record = io_irp_find(irp);

    ex_heap_give(request);
    if (record == NULL || record->record.sequence != sequence) {
        machine_bugcheck(0x44, (uint64_t)irp, 0, 0, 0,
                         "a packet was freed while a disk was working on it");
    }
    host_complete(irp, status, bytes);
}

static ntstatus submit(const struct io_disk *disk, struct irp *irp, enum block_operation operation,
                       const struct block_request *transfer)
{
    struct disk_request *request = ex_heap_take(sizeof *request);

    request->block = *transfer;
    request->block.operation = operation;
    request->block.touch = touch;
    request->block.done = done;
    request->irp = irp;
    request->sequence = io_irp_find(irp)->record.sequence;
    host_pend(irp);
    disk->hardware->block->submit(disk->hardware->block->context, &request->block);
    return STATUS_PENDING;
}

/* Where the data of a packet is, and that it may be used at any IRQL. */
static uint8_t *data_of(const struct irp *irp, uint32_t bytes)
{
    struct mdl *mdl = irp->MdlAddress;

    if (mdl == NULL) {
        return NULL;
    }
    io_mdl_check(mdl);
    if ((mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) == 0) {
        machine_bugcheck(0x1A, 0x1233, mm_physical(io_mdl_address(mdl)) / NT_PAGE_SIZE, 0, 0,
                         "a disk got an MDL whose pages are not locked");
    }
    return mdl->ByteCount < bytes ? NULL : machine_pointer(io_mdl_address(mdl));
}

static ntstatus read_write(struct device_object *device, struct irp *irp)
{
    const struct io_disk *disk = host_device_context(device);
    const struct block_device *block = disk->hardware->block;
    const struct io_stack_location *stack = io_stack_current(irp);
    uint64_t offset = (uint64_t)stack->Parameters.Read.ByteOffset;
    struct block_request transfer = {.offset = offset, .bytes = stack->Parameters.Read.Length};

    if (offset % block->sector_bytes != 0 || transfer.bytes % block->sector_bytes != 0 ||
        offset > block->bytes || transfer.bytes > block->bytes - offset) {
        return host_complete(irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (transfer.bytes == 0) {
        return host_complete(irp, STATUS_SUCCESS, 0);
    }
    transfer.data = data_of(irp, transfer.bytes);
    if (transfer.data == NULL) {
        return host_complete(irp, STATUS_INVALID_PARAMETER, 0);
    }
    return submit(disk, irp, stack->MajorFunction == IRP_MJ_READ ? BLOCK_READ : BLOCK_WRITE,
                  &transfer);
}

static ntstatus flush(struct device_object *device, struct irp *irp)
{
    static const struct block_request nothing;

    return submit(host_device_context(device), irp, BLOCK_FLUSH, &nothing);
}

/* ---- everything else ---- */

static ntstatus succeed(struct device_object *device, struct irp *irp)
{
    (void)device;
    return host_complete(irp, STATUS_SUCCESS, 0);
}

/* A disk that is not there carries nothing; one use can be taken back as often as it was given. */
static ntstatus usage(struct io_disk *disk, const struct io_stack_location *stack)
{
    uint32_t type = stack->Parameters.UsageNotification.Type;

    if (type < USE_PAGING || type >= USE_COUNT) {
        return STATUS_INVALID_PARAMETER;
    }
    if (stack->Parameters.UsageNotification.InPath) {
        if (!disk->hardware->present) {
            return STATUS_NO_SUCH_DEVICE;
        }
        disk->uses[type]++;
        return STATUS_SUCCESS;
    }
    if (disk->uses[type] == 0) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    disk->uses[type]--;
    return STATUS_SUCCESS;
}

static bool carries_special_file(const struct io_disk *disk)
{
    return disk->uses[USE_PAGING] + disk->uses[USE_HIBERNATION] + disk->uses[USE_DUMP] > 0;
}

/* The bottom of its stack: what it does not know is completed with the status that it came with. */
static ntstatus pnp(struct device_object *device, struct irp *irp)
{
    struct io_disk *disk = host_device_context(device);
    const struct io_stack_location *stack = io_stack_current(irp);

    switch (stack->MinorFunction) {
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return host_complete(irp, usage(disk, stack), 0);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
        return host_complete(
            irp, carries_special_file(disk) ? STATUS_INVALID_DEVICE_STATE : STATUS_SUCCESS, 0);
    case IRP_MN_START_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return host_complete(irp, STATUS_SUCCESS, 0);
    default:
        return host_complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    }
}

/* These disks have nothing to spin down: every state is fine. */
static ntstatus power(struct device_object *device, struct irp *irp)
{
    const struct io_stack_location *stack = io_stack_current(irp);
    struct io_device *record = io_device_find((uint64_t)device);

    if (stack->MinorFunction == IRP_MN_SET_POWER) {
        if (stack->Parameters.Power.Type == DevicePowerState) {
            record->device_power = stack->Parameters.Power.State.DeviceState;
        } else {
            record->system_power = stack->Parameters.Power.State.SystemState;
        }
    } else if (stack->MinorFunction != IRP_MN_QUERY_POWER) {
        return host_complete(irp, irp->IoStatus.Status, 0);
    }
    return host_complete(irp, STATUS_SUCCESS, 0);
}

static ntstatus system_control(struct device_object *device, struct irp *irp)
{
    (void)device;
    return host_complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
}

/* ---- start ---- */

static bool make_directory(const char *path)
{
    uint16_t units[64];
    struct unicode_string name = rtl_unicode(path, units, 64);
    uint64_t object = ob_create(OBJECT_DIRECTORY, 16, NULL);

    return object != 0 && NT_SUCCESS(ob_name(object, &name));
}

static bool make_link(const char *path, const char *to)
{
    uint16_t units[64], target_units[64];
    struct unicode_string name = rtl_unicode(path, units, 64);
    struct unicode_string target = rtl_unicode(to, target_units, 64);

    return NT_SUCCESS(ob_link(&name, &target));
}

static bool add_disk(struct host_driver *driver, const struct hardware *hardware, uint32_t number)
{
    char directory[48], name[64], partition[64], drive[48];
    struct io_disk *disk = machine_allocate(sizeof *disk);
    struct io_disk **end = &first_disk;

    (void)snprintf(directory, sizeof directory, "\\Device\\Harddisk%u", number);
    (void)snprintf(name, sizeof name, "%s\\DR%u", directory, number);
    (void)snprintf(partition, sizeof partition, "%s\\Partition0", directory);
    (void)snprintf(drive, sizeof drive, "\\DosDevices\\PhysicalDrive%u", number);
    *disk = (struct io_disk){.hardware = hardware, .number = number};
    if (!make_directory(directory)) {
        return false;
    }
    disk->device = host_device_new(driver, name, FILE_DEVICE_DISK, DO_DIRECT_IO, disk);
    if (disk->device == NULL || !make_link(partition, name) || !make_link(drive, name)) {
        return false;
    }
    disk->device->SectorSize = (uint16_t)hardware->block->sector_bytes;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = disk;
    return true;
}

bool nt_disks_start(void)
{
    static const host_dispatch dispatch[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
        [IRP_MJ_CREATE] = succeed,
        [IRP_MJ_CLEANUP] = succeed,
        [IRP_MJ_CLOSE] = succeed,
        [IRP_MJ_READ] = read_write,
        [IRP_MJ_WRITE] = read_write,
        [IRP_MJ_FLUSH_BUFFERS] = flush,
        [IRP_MJ_SHUTDOWN] = flush,
        [IRP_MJ_DEVICE_CONTROL] = io_disk_control,
        [IRP_MJ_PNP] = pnp,
        [IRP_MJ_POWER] = power,
        [IRP_MJ_SYSTEM_CONTROL] = system_control,
    };
    struct host_driver *driver = host_driver_new("\\Driver\\Disk", dispatch);
    uint32_t number = 0;

    if (driver == NULL) {
        return false;
    }
    for (struct hardware *h = hardware_next(NULL); h != NULL; h = hardware_next(h)) {
        if (h->block != NULL && !add_disk(driver, h, number++)) {
            return false;
        }
    }
    return true;
}

static const struct io_disk *disk_of(const struct hardware *hardware)
{
    const struct io_disk *disk = first_disk;

    while (disk != NULL && disk->hardware != hardware) {
        disk = disk->next;
    }
    return disk;
}

uint64_t nt_disk_device(const struct hardware *hardware)
{
    const struct io_disk *disk = disk_of(hardware);

    return disk == NULL ? 0 : (uint64_t)disk->device;
}

bool nt_disk_usage(const struct hardware *hardware, struct nt_disk_usage *out)
{
    const struct io_disk *disk = disk_of(hardware);

    if (disk == NULL) {
        return false;
    }
    *out = (struct nt_disk_usage){.paging = disk->uses[USE_PAGING],
                                  .hibernation = disk->uses[USE_HIBERNATION],
                                  .dump = disk->uses[USE_DUMP]};
    return true;
}
