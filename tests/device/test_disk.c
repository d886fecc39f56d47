/* SPDX-License-Identifier: MIT */
/* The disk: bytes, order and time of requests, and every way to fail. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "device/disk.h"
#include "machine/hardware.h"
#include "machine/machine.h"
#include "support/run.h"

#define BYTES  (1u << 20)
#define CHUNK  65536u /* the model's own unit; borders of it are interesting */
#define SECOND 10000000u

#define SUCCESS  0
#define ERROR    ((int32_t)0xC0000185)
#define BAD_DATA ((int32_t)0xC000009C)
#define GONE     ((int32_t)0xC000000E)

static struct disk *disk;
static const struct block_device *block;

/* A request that remembers what happened to it. */
struct request {
    struct block_request block;
    uint8_t data[4 * DISK_SECTOR_BYTES];
    unsigned touched, done;
    uint64_t order, at;
    uint8_t irql;
    struct request *then; /* is submitted when this one is done */
};

static uint64_t finished;
static bool submitting;

static void touch(struct block_request *self)
{
    struct request *request = (struct request *)self;

    ck_assert_uint_eq(request->done, 0);
    request->touched++;
}

static void submit(struct request *request)
{
    submitting = true;
    block->submit(block->context, &request->block);
    submitting = false;
}

static void done(struct block_request *self)
{
    struct request *request = (struct request *)self;

    ck_assert_msg(!submitting, "a request completed inside submit");
    request->done++;
    request->order = ++finished;
    request->at = machine_time();
    request->irql = machine_irql();
    if (request->then != NULL) {
        submit(request->then);
    }
}

static struct request make(enum block_operation operation, uint64_t offset, uint32_t bytes)
{
    return (struct request){.block = {.operation = operation,
                                      .offset = offset,
                                      .bytes = bytes,
                                      .touch = touch,
                                      .done = done}};
}

static void send(struct request *request)
{
    request->block.data = request->data;
    submit(request);
}

static void pass(uint64_t units)
{
    (void)machine_run(NULL, NULL, machine_time() + units);
}

static int32_t perform(struct request *request)
{
    send(request);
    pass(SECOND);
    ck_assert_uint_eq(request->done, 1);
    return request->block.status;
}

/* Of the computer, whose memory a leak checker does not look through. */
static struct channel *channel;

static void start(void)
{
    const struct machine_options options = {.seed = 1, .rules = RULE_SET_ALL};
    const char *what = "";

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    ck_assert_int_eq(machine_start(&options, channel, &what), PG_OK);
    disk = disk_new("disk1", BYTES);
    block = disk_hardware(disk)->block;
}

START_TEST(test_hardware)
{
    const struct hardware *hardware;

    start();
    hardware = hardware_find("disk1");
    ck_assert_ptr_eq(hardware, disk_hardware(disk));
    ck_assert_str_eq(hardware->ids, "GenDisk");
    ck_assert_str_eq(hardware->ids + sizeof "GenDisk", "");
    ck_assert(hardware->present);
    ck_assert_uint_eq(hardware->resource_count, 0);
    ck_assert_uint_eq(block->bytes, BYTES);
    ck_assert_uint_eq(block->sector_bytes, DISK_SECTOR_BYTES);
    ck_assert_uint_eq(disk_bytes(disk), BYTES);
}
END_TEST

/* Behind everybody's back, against plain memory. */
START_TEST(test_bytes)
{
    static uint8_t plain[BYTES], got[BYTES], piece[3 * CHUNK];

    start();
    srand(1);
    for (unsigned i = 0; i < 2000; i++) {
        size_t bytes = (size_t)rand() % (i % 50 == 0 ? sizeof piece : 600);
        size_t offset = i % 3 == 0 ? (1 + (size_t)rand() % 12) * CHUNK - bytes / 2
                                   : (size_t)rand() % (BYTES - bytes);

        memset(piece, (int)i, bytes);
        memcpy(plain + offset, piece, bytes);
        disk_poke(disk, offset, piece, bytes);
        if (i % 100 == 0) {
            disk_peek(disk, 0, got, BYTES);
            ck_assert_mem_eq(got, plain, BYTES);
        }
        disk_peek(disk, offset, got, bytes);
        ck_assert(bytes == 0 || memcmp(got, plain + offset, bytes) == 0);
    }
    disk_peek(disk, BYTES, got, 0);
}
END_TEST

START_TEST(test_write_and_read)
{
    struct request write, read;
    uint8_t there[2 * DISK_SECTOR_BYTES];

    start();
    write = make(BLOCK_WRITE, CHUNK - DISK_SECTOR_BYTES, sizeof there);
    read = make(BLOCK_READ, CHUNK - DISK_SECTOR_BYTES, sizeof there);
    memset(write.data, 0xa5, sizeof there);
    ck_assert_int_eq(perform(&write), SUCCESS);
    disk_peek(disk, CHUNK - DISK_SECTOR_BYTES, there, sizeof there);
    ck_assert_mem_eq(there, write.data, sizeof there);
    ck_assert_int_eq(perform(&read), SUCCESS);
    ck_assert_mem_eq(read.data, write.data, sizeof there);
    ck_assert_uint_eq(read.irql, DISPATCH_LEVEL);
    ck_assert_uint_eq(read.touched, 1);
    ck_assert_uint_eq(disk_counters(disk)->reads, 1);
    ck_assert_uint_eq(disk_counters(disk)->writes, 1);
    ck_assert_uint_eq(disk_counters(disk)->bytes_read, sizeof there);
    ck_assert_uint_eq(disk_counters(disk)->bytes_written, sizeof there);
    ck_assert_uint_eq(disk_counters(disk)->failures, 0);
}
END_TEST

START_TEST(test_flush_moves_nothing)
{
    struct request flush;

    start();
    flush = make(BLOCK_FLUSH, 0, 0);
    ck_assert_int_eq(perform(&flush), SUCCESS);
    ck_assert_uint_eq(flush.touched, 0);
    ck_assert_uint_eq(disk_counters(disk)->flushes, 1);
}
END_TEST

/* One head: in the order of arrival, also for what a finished request sends. */
START_TEST(test_order)
{
    struct request requests[5];

    start();
    for (unsigned i = 0; i < 5; i++) {
        requests[i] = make(BLOCK_READ, (uint64_t)(4 - i) * CHUNK, DISK_SECTOR_BYTES);
    }
    requests[4].block.data = requests[4].data;
    requests[0].then = &requests[4];
    for (unsigned i = 0; i < 4; i++) {
        send(&requests[i]);
    }
    ck_assert_uint_eq(disk_counters(disk)->outstanding, 4);
    pass(SECOND);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(requests[i].order, i + 1);
        ck_assert(i == 0 || requests[i].at > requests[i - 1].at);
    }
    ck_assert_uint_eq(disk_counters(disk)->outstanding, 0);
    ck_assert_uint_eq(disk_counters(disk)->outstanding_max, 4);
}
END_TEST

static uint64_t time_of(enum block_operation operation, uint64_t offset, uint32_t bytes)
{
    struct request request = make(operation, offset, bytes);
    uint64_t before = machine_time();

    ck_assert_int_eq(perform(&request), SUCCESS);
    return request.at - before;
}

/* Virtual time: the way to the place, then the bytes. */
START_TEST(test_times)
{
    uint64_t next, near, far;

    start();
    (void)time_of(BLOCK_READ, 0, 512);
    next = time_of(BLOCK_READ, 512, 512);
    near = time_of(BLOCK_READ, 2048, 512);
    far = time_of(BLOCK_READ, BYTES - 512, 512);
    ck_assert_uint_gt(next, 0);
    ck_assert_uint_gt(near, next);
    ck_assert_uint_gt(far, near);
    ck_assert_uint_lt(far, SECOND / 50);
    (void)time_of(BLOCK_READ, 0, 512);
    ck_assert_uint_gt(time_of(BLOCK_READ, 512, 2048), next);
    ck_assert_uint_eq(time_of(BLOCK_READ, 2560, 512), next);
    ck_assert_uint_eq(time_of(BLOCK_FLUSH, 0, 0), time_of(BLOCK_FLUSH, 0, 0));
}
END_TEST

/* ---- failures ---- */

static const struct {
    enum disk_failure failure;
    int32_t read, write, flush;
} answers[] = {
    {DISK_SOUND, SUCCESS, SUCCESS, SUCCESS},      {DISK_FAILS_ALL, ERROR, ERROR, ERROR},
    {DISK_FAILS_READS, ERROR, SUCCESS, SUCCESS},  {DISK_FAILS_WRITES, SUCCESS, ERROR, SUCCESS},
    {DISK_BAD_RANGE, BAD_DATA, SUCCESS, SUCCESS}, {DISK_GONE, GONE, GONE, GONE},
};

START_TEST(test_failures)
{
    struct request read, write, flush;
    uint8_t there[512];
    uint64_t failures;

    start();
    read = make(BLOCK_READ, 1024, 512);
    write = make(BLOCK_WRITE, 1024, 512);
    flush = make(BLOCK_FLUSH, 0, 0);
    memset(write.data, 1, 512);
    memset(read.data, 2, 512);
    disk_fail(disk, answers[_i].failure, 1024, 512);
    ck_assert_int_eq(disk_hardware(disk)->present, answers[_i].failure != DISK_GONE);
    ck_assert_int_eq(perform(&read), answers[_i].read);
    ck_assert_uint_eq(read.data[0], answers[_i].read == SUCCESS ? 0 : 2);
    ck_assert_int_eq(perform(&write), answers[_i].write);
    disk_peek(disk, 1024, there, 512);
    ck_assert_uint_eq(there[511], answers[_i].write == SUCCESS ? 1 : 0);
    ck_assert_uint_eq(write.touched, answers[_i].write == SUCCESS);
    ck_assert_int_eq(perform(&flush), answers[_i].flush);
    failures = (answers[_i].read != SUCCESS) + (answers[_i].write != SUCCESS) +
               (answers[_i].flush != SUCCESS);
    ck_assert_uint_eq(disk_counters(disk)->failures, failures);
    disk_fail(disk, DISK_SOUND, 0, 0);
    ck_assert(disk_hardware(disk)->present);
    read = make(BLOCK_READ, 1024, 512);
    ck_assert_int_eq(perform(&read), SUCCESS);
}
END_TEST

START_TEST(test_bad_range_borders)
{
    static const struct {
        uint64_t offset;
        uint32_t bytes;
        int32_t status;
    } reads[] = {
        {0, 1024, SUCCESS},   {512, 1024, BAD_DATA},  {1024, 512, BAD_DATA}, {1536, 512, BAD_DATA},
        {2048, 512, SUCCESS}, {1536, 1024, BAD_DATA}, {512, 2048, BAD_DATA},
    };

    start();
    disk_fail(disk, DISK_BAD_RANGE, 1024, 1024);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct request read = make(BLOCK_READ, reads[i].offset, reads[i].bytes);

        ck_assert_int_eq(perform(&read), reads[i].status);
    }
}
END_TEST

/* What counts is the moment of completion. */
START_TEST(test_failure_of_a_request_under_way)
{
    struct request first, second;

    start();
    first = make(BLOCK_READ, 0, 512);
    second = make(BLOCK_READ, BYTES / 2, 512);
    send(&first);
    send(&second);
    pass(1000);
    ck_assert_uint_eq(first.done, 1);
    ck_assert_uint_eq(second.done, 0);
    disk_fail(disk, DISK_GONE, 0, 0);
    pass(SECOND);
    ck_assert_int_eq(first.block.status, SUCCESS);
    ck_assert_int_eq(second.block.status, GONE);
}
END_TEST

START_TEST(test_fail_nth)
{
    start();
    disk_fail_nth(disk, (uint64_t)_i);
    for (int n = 1; n <= 4; n++) {
        struct request request = make(n % 2 ? BLOCK_WRITE : BLOCK_READ, 0, 512);

        ck_assert_int_eq(perform(&request), n == _i ? ERROR : SUCCESS);
    }
}
END_TEST

START_TEST(test_hang)
{
    struct request before, first, second;

    start();
    before = make(BLOCK_READ, 0, 512);
    first = make(BLOCK_READ, 0, 512);
    second = make(BLOCK_READ, 0, 512);
    send(&before);
    disk_hang(disk);
    disk_hang(disk);
    send(&first);
    pass(100 * (uint64_t)SECOND);
    ck_assert_uint_eq(before.done + first.done, 0);
    ck_assert_uint_eq(disk_counters(disk)->outstanding, 2);
    disk_resume(disk);
    disk_resume(disk);
    send(&second);
    pass(SECOND);
    ck_assert_uint_eq(before.order, 1);
    ck_assert_uint_eq(first.order, 2);
    ck_assert_uint_eq(second.order, 3);
}
END_TEST

/* A model that hangs in the middle of its queue does not serve the next one by itself. */
static void done_and_hang(struct block_request *self)
{
    done(self);
    disk_hang(disk);
}

START_TEST(test_hang_from_completion)
{
    struct request first, second;

    start();
    first = make(BLOCK_READ, 0, 512);
    second = make(BLOCK_READ, 0, 512);
    first.block.done = done_and_hang;
    send(&first);
    send(&second);
    pass(SECOND);
    ck_assert_uint_eq(first.done, 1);
    ck_assert_uint_eq(second.done, 0);
    disk_resume(disk);
    pass(SECOND);
    ck_assert_uint_eq(second.done, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disk");
    TCase *tcase = tcase_create("disk");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_hardware);
    tcase_add_test(tcase, test_bytes);
    tcase_add_test(tcase, test_write_and_read);
    tcase_add_test(tcase, test_flush_moves_nothing);
    tcase_add_test(tcase, test_order);
    tcase_add_test(tcase, test_times);
    tcase_add_loop_test(tcase, test_failures, 0, sizeof answers / sizeof *answers);
    tcase_add_test(tcase, test_bad_range_borders);
    tcase_add_test(tcase, test_failure_of_a_request_under_way);
    tcase_add_loop_test(tcase, test_fail_nth, 0, 6);
    tcase_add_test(tcase, test_hang);
    tcase_add_test(tcase, test_hang_from_completion);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
