/* SPDX-License-Identifier: MIT */
/*
 * nt's own disk driver, seen from outside: \Driver\Disk gives each block device of the computer a
 * device \Device\HarddiskN\DRN, with the links \Device\HarddiskN\Partition0 and
 * \??\PhysicalDriveN; N counts from 0 in the order of the hardware.
 */
#ifndef PAGABLE_NT_DISK_H
#define PAGABLE_NT_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/hardware.h"

/* After nt_start and when the hardware is there, before any driver.  False: no memory.  S. */
bool nt_disks_start(void);

/* How many special files lie on a disk, as IRP_MN_DEVICE_USAGE_NOTIFICATION said; false when no
 * driver has that disk. */
struct nt_disk_usage {
    uint32_t paging, hibernation, dump;
};
bool nt_disk_usage(const struct hardware *hardware, struct nt_disk_usage *out);

/* The device that the disk driver made for a piece of hardware; 0: none. */
uint64_t nt_disk_device(const struct hardware *hardware);

#endif
