/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory: one head, requests served one after the other in the order of their arrival,
 * each after the time that the way to its place and its length take.
 *
 * It can be told to fail.  A request fails or not by what is so at the moment of its completion;
 * one that fails has changed nothing, on the disk or in the requester's memory.
 */
#ifndef PAGABLE_DEVICE_DISK_H
#define PAGABLE_DEVICE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR_BYTES  512u
#define DISK_DEFAULT_BYTES (16ull << 20)
#define DISK_MAX_BYTES     (4ull << 30)

struct disk;
struct hardware;

/* Make a disk, all zeros, and add it to the computer's hardware ("GenDisk").  `name` stays the
 * caller's and must stay; `bytes` is a multiple of the sector size, DISK_MAX_BYTES at most.  S. */
struct disk *disk_new(const char *name, uint64_t bytes);

const struct hardware *disk_hardware(const struct disk *disk);
uint64_t disk_bytes(const struct disk *disk);

/* What is on the platter, behind any driver's back; the range lies on the disk. */
void disk_peek(const struct disk *disk, uint64_t offset, void *to, size_t bytes);
void disk_poke(struct disk *disk, uint64_t offset, const void *from, size_t bytes);

enum disk_failure {
    DISK_SOUND,
    DISK_FAILS_ALL,    /* every request: STATUS_IO_DEVICE_ERROR */
    DISK_FAILS_READS,  /* the same, reads only */
    DISK_FAILS_WRITES, /* the same, writes only */
    DISK_BAD_RANGE,    /* reads that touch a range: STATUS_DEVICE_DATA_ERROR */
    DISK_GONE          /* every request: STATUS_NO_SUCH_DEVICE; the hardware is not present */
};

/* From now on; `offset` and `bytes` are for DISK_BAD_RANGE.  DISK_SOUND ends any other. */
void disk_fail(struct disk *disk, enum disk_failure failure, uint64_t offset, uint64_t bytes);
/* The n-th request to complete from now on fails (STATUS_IO_DEVICE_ERROR), once; 0: none does. */
void disk_fail_nth(struct disk *disk, uint64_t n);

/* A hung disk takes requests and completes none.  disk_resume goes on where it stopped. */
void disk_hang(struct disk *disk);
void disk_resume(struct disk *disk);

struct disk_counters {
    uint64_t reads, writes, flushes; /* completed, the failed ones included */
    uint64_t failures;
    uint64_t bytes_read, bytes_written; /* by those that succeeded */
    uint64_t outstanding, outstanding_max;
};
const struct disk_counters *disk_counters(const struct disk *disk);

#endif
