/* SPDX-License-Identifier: MIT */
/*
 * The disk model.  Its bytes lie in chunks that are made when something is first written there; a
 * chunk that is missing reads as zeros.
 *
 * Invariants: the timer is set exactly while a request is being served, which is the first of the
 * queue; a hung disk serves none.
 */
#include "device/disk.h"

#include <string.h>

#include "base/assert.h"
#include "machine/hardware.h"
#include "machine/machine.h"

#define CHUNK_BYTES 65536u

/* NTSTATUS values of a disk's answers. */
#define ANSWER_SUCCESS   0
#define ANSWER_ERROR     ((int32_t)0xC0000185) /* STATUS_IO_DEVICE_ERROR */
#define ANSWER_BAD_DATA  ((int32_t)0xC000009C) /* STATUS_DEVICE_DATA_ERROR */
#define ANSWER_NO_DEVICE ((int32_t)0xC000000E) /* STATUS_NO_SUCH_DEVICE */

/* Times in units of 100 ns. */
#define COMMAND_TIME   200u   /* of any request */
#define SEEK_TIME      5000u  /* from one place to any other ... */
#define STROKE_TIME    60000u /* ... and this much more from end to end */
#define BYTES_PER_UNIT 20u    /* 200 MB/s */
#define FLUSH_TIME     2000u

struct disk {
    struct hardware hardware;
    struct block_device block;
    uint8_t **chunks;
    struct block_request *first, *last; /* arrived and not yet done */
    struct machine_timer timer;
    uint64_t head; /* where the last transfer ended */
    bool hung;
    enum disk_failure failure;
    uint64_t bad_offset, bad_bytes;
    uint64_t fail_in; /* requests until one fails; 0: none will */
    struct disk_counters counters;
};

/* ---- the platter ---- */

static bool on_disk(const struct disk *disk, uint64_t offset, uint64_t bytes)
{
    return offset <= disk->block.bytes && bytes <= disk->block.bytes - offset;
}

/* How much of a transfer lies in the chunk of its first byte. */
static size_t within_chunk(uint64_t offset, size_t bytes)
{
    size_t room = CHUNK_BYTES - offset % CHUNK_BYTES;

    return bytes < room ? bytes : room;
}

void disk_peek(const struct disk *disk, uint64_t offset, void *to, size_t bytes)
{
    uint8_t *at = to;

    PG_ASSERT(on_disk(disk, offset, bytes));
    while (bytes > 0) {
        const uint8_t *chunk = disk->chunks[offset / CHUNK_BYTES];
        size_t now = within_chunk(offset, bytes);

        if (chunk != NULL) {
            memcpy(at, chunk + offset % CHUNK_BYTES, now);
        } else {
            memset(at, 0, now);
        }
        at += now;
        offset += now;
        bytes -= now;
    }
}

void disk_poke(struct disk *disk, uint64_t offset, const void *from, size_t bytes)
{
    const uint8_t *at = from;

    PG_ASSERT(on_disk(disk, offset, bytes));
    while (bytes > 0) {
        uint8_t **chunk = &disk->chunks[offset / CHUNK_BYTES];
        size_t now = within_chunk(offset, bytes);

        if (*chunk == NULL) {
            *chunk = machine_allocate(CHUNK_BYTES);
        }
        memcpy(*chunk + offset % CHUNK_BYTES, at, now);
        at += now;
        offset += now;
        bytes -= now;
    }
}

/* ---- requests ---- */

static uint64_t service_time(const struct disk *disk, const struct block_request *request)
{
    uint64_t distance;

    if (request->operation == BLOCK_FLUSH) {
        return COMMAND_TIME + FLUSH_TIME;
    }
    distance =
        request->offset > disk->head ? request->offset - disk->head : disk->head - request->offset;
    return COMMAND_TIME + request->bytes / BYTES_PER_UNIT +
           (distance == 0 ? 0 : SEEK_TIME + distance * STROKE_TIME / disk->block.bytes);
}

static void serve_next(struct disk *disk)
{
    if (disk->first != NULL && !disk->hung && disk->timer.heap_index == 0) {
        machine_timer_set(&disk->timer, machine_time() + service_time(disk, disk->first));
    }
}

static bool touches_bad_range(const struct disk *disk, const struct block_request *request)
{
    return request->offset < disk->bad_offset + disk->bad_bytes &&
           disk->bad_offset < request->offset + request->bytes;
}

static int32_t answer(struct disk *disk, const struct block_request *request)
{
    if (disk->fail_in > 0 && --disk->fail_in == 0) {
        return ANSWER_ERROR;
    }
    switch (disk->failure) {
    case DISK_SOUND:
        break;
    case DISK_FAILS_ALL:
        return ANSWER_ERROR;
    case DISK_FAILS_READS:
        return request->operation == BLOCK_READ ? ANSWER_ERROR : ANSWER_SUCCESS;
    case DISK_FAILS_WRITES:
        return request->operation == BLOCK_WRITE ? ANSWER_ERROR : ANSWER_SUCCESS;
    case DISK_BAD_RANGE:
        return request->operation == BLOCK_READ && touches_bad_range(disk, request)
                   ? ANSWER_BAD_DATA
                   : ANSWER_SUCCESS;
    case DISK_GONE:
        return ANSWER_NO_DEVICE;
    }
    return ANSWER_SUCCESS;
}

static void transfer(struct disk *disk, struct block_request *request)
{
    if (request->operation == BLOCK_FLUSH) { /* nothing is ever kept back */
        return;
    }
    request->touch(request);
    if (request->operation == BLOCK_READ) {
        disk_peek(disk, request->offset, request->data, request->bytes);
        disk->counters.bytes_read += request->bytes;
    } else {
        disk_poke(disk, request->offset, request->data, request->bytes);
        disk->counters.bytes_written += request->bytes;
    }
    disk->head = request->offset + request->bytes;
}

static void count(struct disk_counters *counters, enum block_operation operation)
{
    counters->outstanding--;
    switch (operation) {
    case BLOCK_READ:
        counters->reads++;
        break;
    case BLOCK_WRITE:
        counters->writes++;
        break;
    case BLOCK_FLUSH:
        counters->flushes++;
        break;
    }
}

/* The first request is done.  The next one is under way before the requester hears of it, which may
 * submit more. */
static void expire(struct machine_timer *timer)
{
    struct disk *disk = timer->context;
    struct block_request *request = disk->first;

    PG_ASSERT(disk->first != NULL && !disk->hung);
    disk->first = request->next;
    request->next = NULL;
    count(&disk->counters, request->operation);
    request->status = answer(disk, request);
    if (request->status == ANSWER_SUCCESS) {
        transfer(disk, request);
    } else {
        disk->counters.failures++;
    }
    serve_next(disk);
    request->done(request);
}

static void submit(void *context, struct block_request *request)
{
    struct disk *disk = context;

    PG_ASSERT(request->operation == BLOCK_FLUSH ||
              (on_disk(disk, request->offset, request->bytes) &&
               request->offset % DISK_SECTOR_BYTES == 0 &&
               request->bytes % DISK_SECTOR_BYTES == 0));
    request->next = NULL;
    if (disk->first == NULL) {
        disk->first = request;
    } else {
        disk->last->next = request;
    }
    disk->last = request;
    if (++disk->counters.outstanding > disk->counters.outstanding_max) {
        disk->counters.outstanding_max = disk->counters.outstanding;
    }
    serve_next(disk);
}

/* ---- from outside ---- */

struct disk *disk_new(const char *name, uint64_t bytes)
{
    struct disk *disk = machine_allocate(sizeof *disk);

    PG_ASSERT(bytes > 0 && bytes % DISK_SECTOR_BYTES == 0 && bytes <= DISK_MAX_BYTES);
    disk->chunks = machine_allocate((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * sizeof *disk->chunks);
    disk->timer = (struct machine_timer){.expire = expire, .context = disk};
    disk->block = (struct block_device){
        .bytes = bytes, .sector_bytes = DISK_SECTOR_BYTES, .submit = submit, .context = disk};
    disk->hardware = (struct hardware){.name = name,
                                       .ids = "GenDisk\0",
                                       .description = "Disk drive",
                                       .block = &disk->block,
                                       .present = true};
    hardware_add(&disk->hardware);
    return disk;
}

const struct hardware *disk_hardware(const struct disk *disk)
{
    return &disk->hardware;
}

uint64_t disk_bytes(const struct disk *disk)
{
    return disk->block.bytes;
}

const struct disk_counters *disk_counters(const struct disk *disk)
{
    return &disk->counters;
}

void disk_fail(struct disk *disk, enum disk_failure failure, uint64_t offset, uint64_t bytes)
{
    PG_ASSERT(failure != DISK_BAD_RANGE || on_disk(disk, offset, bytes));
    disk->failure = failure;
    disk->hardware.present = failure != DISK_GONE;
    disk->bad_offset = offset;
    disk->bad_bytes = bytes;
}

void disk_fail_nth(struct disk *disk, uint64_t n)
{
    disk->fail_in = n;
}

void disk_hang(struct disk *disk)
{
    disk->hung = true;
    (void)machine_timer_cancel(&disk->timer);
}

void disk_resume(struct disk *disk)
{
    disk->hung = false;
    serve_next(disk);
}
