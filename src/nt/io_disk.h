/* SPDX-License-Identifier: MIT */
/* Private to io_disk*.c: the disks of nt's own disk driver. */
#ifndef PAGABLE_NT_IO_DISK_H
#define PAGABLE_NT_IO_DISK_H

#include "nt/disk.h"
#include "nt/host_driver.h"

/* DEVICE_USAGE_NOTIFICATION_TYPE */
enum io_disk_use { USE_PAGING = 1, USE_HIBERNATION, USE_DUMP, USE_COUNT };

struct io_disk {
    const struct hardware *hardware;
    struct device_object *device;
    uint32_t number;
    uint32_t uses[USE_COUNT];
    struct io_disk *next;
};

/* io_disk_control.c: IRP_MJ_DEVICE_CONTROL */
ntstatus io_disk_control(struct device_object *device, struct irp *irp);

#endif
