/* SPDX-License-Identifier: MIT */
/* nt's own disk driver: what can be asked of a disk.  Anything else is no request of a disk's. */
#include "nt/io_disk.h"

/* IOCTL_...; buffered, all of them */
enum {
    DISK_GET_DRIVE_GEOMETRY = 0x70000,
    DISK_GET_DRIVE_GEOMETRY_EX = 0x700a0,
    DISK_GET_PARTITION_INFO = 0x74004,
    DISK_GET_LENGTH_INFO = 0x7405c,
    DISK_IS_WRITABLE = 0x70024,
    DISK_CHECK_VERIFY = 0x74800,
    STORAGE_CHECK_VERIFY = 0x2d4800,
    STORAGE_CHECK_VERIFY2 = 0x2d0800,
    STORAGE_GET_DEVICE_NUMBER = 0x2d1080,
    SCSI_GET_ADDRESS = 0x41018
};

/* What Windows says of a disk whose shape nobody remembers. */
#define TRACKS_PER_CYLINDER 255u
#define SECTORS_PER_TRACK   63u
#define MEDIA_FIXED         12u

struct disk_geometry {
    int64_t cylinders;
    uint32_t media_type, tracks_per_cylinder, sectors_per_track, bytes_per_sector;
};

struct disk_geometry_ex {
    struct disk_geometry geometry;
    int64_t disk_bytes;
};

struct partition_information {
    int64_t starting_offset, length;
    uint32_t hidden_sectors, number;
    uint8_t type, boot_indicator, recognized, rewrite;
    uint32_t padding;
};

struct storage_device_number {
    uint32_t device_type, device_number, partition_number;
};

struct scsi_address {
    uint32_t length;
    uint8_t port, path, target, unit;
};

_Static_assert(sizeof(struct disk_geometry) == 24 && sizeof(struct disk_geometry_ex) == 32 &&
                   sizeof(struct partition_information) == 32 &&
                   sizeof(struct storage_device_number) == 12 && sizeof(struct scsi_address) == 8,
               "as the documents have them");

static struct disk_geometry_ex geometry_of(const struct io_disk *disk)
{
    const struct block_device *block = disk->hardware->block;
    struct disk_geometry_ex g = {.geometry = {.media_type = MEDIA_FIXED,
                                              .tracks_per_cylinder = TRACKS_PER_CYLINDER,
                                              .sectors_per_track = SECTORS_PER_TRACK,
                                              .bytes_per_sector = block->sector_bytes},
                                 .disk_bytes = (int64_t)block->bytes};

    g.geometry.cylinders =
        g.disk_bytes / (TRACKS_PER_CYLINDER * SECTORS_PER_TRACK * (int64_t)block->sector_bytes);
    return g;
}

/* The answer to a question whose answer is always as long. */
static ntstatus answer(struct irp *irp, const void *data, uint32_t bytes)
{
    const struct io_stack_location *stack = io_stack_current(irp);

    if (stack->Parameters.DeviceIoControl.OutputBufferLength < bytes) {
        return host_complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    machine_touch((uint64_t)irp->AssociatedIrp.SystemBuffer, bytes, PAGER_WRITE);
    memcpy(irp->AssociatedIrp.SystemBuffer, data, bytes);
    return host_complete(irp, STATUS_SUCCESS, bytes);
}

/* The medium never changes: its count is 0, for whoever has room for it. */
static ntstatus check_verify(struct irp *irp)
{
    static const uint32_t change_count;
    const struct io_stack_location *stack = io_stack_current(irp);

    return stack->Parameters.DeviceIoControl.OutputBufferLength == 0
               ? host_complete(irp, STATUS_SUCCESS, 0)
               : answer(irp, &change_count, sizeof change_count);
}

/* The whole disk, as its Partition0 is. */
static ntstatus partition_info(const struct io_disk *disk, struct irp *irp)
{
    const struct partition_information info = {.length = (int64_t)disk->hardware->block->bytes};

    return answer(irp, &info, sizeof info);
}

static ntstatus device_number(const struct io_disk *disk, struct irp *irp)
{
    const struct storage_device_number number = {FILE_DEVICE_DISK, disk->number, 0};

    return answer(irp, &number, sizeof number);
}

/* One port, one bus, one unit each. */
static ntstatus scsi_address(const struct io_disk *disk, struct irp *irp)
{
    const struct scsi_address address = {sizeof address, 0, 0, (uint8_t)disk->number, 0};

    return answer(irp, &address, sizeof address);
}

ntstatus io_disk_control(struct device_object *device, struct irp *irp)
{
    const struct io_disk *disk = host_device_context(device);
    struct disk_geometry_ex geometry = geometry_of(disk);

    if (!disk->hardware->present) {
        return host_complete(irp, STATUS_NO_SUCH_DEVICE, 0);
    }
    switch (io_stack_current(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case DISK_GET_DRIVE_GEOMETRY:
        return answer(irp, &geometry.geometry, sizeof geometry.geometry);
    case DISK_GET_DRIVE_GEOMETRY_EX:
        return answer(irp, &geometry, sizeof geometry);
    case DISK_GET_LENGTH_INFO:
        return answer(irp, &geometry.disk_bytes, sizeof geometry.disk_bytes);
    case DISK_GET_PARTITION_INFO:
        return partition_info(disk, irp);
    case DISK_IS_WRITABLE:
        return host_complete(irp, STATUS_SUCCESS, 0);
    case DISK_CHECK_VERIFY:
    case STORAGE_CHECK_VERIFY:
    case STORAGE_CHECK_VERIFY2:
        return check_verify(irp);
    case STORAGE_GET_DEVICE_NUMBER:
        return device_number(disk, irp);
    case SCSI_GET_ADDRESS:
        return scsi_address(disk, irp);
    default:
        return host_complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}
