/* SPDX-License-Identifier: MIT */
/*
 * The channel between two processes: order, wrap-around, a full ring, the end of either side, and a
 * writer that scribbles over the ring.  The tables of events and counters.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "event/channel.h"
#include "event/event.h"
#include "support/run.h"

#define SMALL_RING 16384u
#define FOREVER    (-1)

static struct channel *open_small(void)
{
    struct channel *channel = NULL;

    ck_assert_int_eq(channel_open(SMALL_RING, &channel), PG_OK);
    return channel;
}

/* Run `body` as the writer in a process of its own; the caller is the reader. */
static pid_t start_writer(struct channel *channel, void (*body)(struct channel *channel))
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        channel_be_writer(channel);
        body(channel);
        _exit(0);
    }
    channel_be_reader(channel);
    return pid;
}

static int reap(pid_t pid)
{
    int status = -1;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* Lengths and contents that both sides can compute. */
static uint32_t pattern(uint32_t i, uint8_t *bytes)
{
    uint32_t length = (i * 977u) % (CHANNEL_RECORD_MAX + 1);

    for (uint32_t j = 0; j < length; j++) {
        bytes[j] = (uint8_t)(i + 31 * j);
    }
    return length;
}

#define PATTERNS 2000u

static void put_patterns(struct channel *channel)
{
    uint8_t bytes[CHANNEL_RECORD_MAX];

    for (uint32_t i = 0; i < PATTERNS; i++) {
        uint32_t length = pattern(i, bytes);

        channel_put(channel, (enum record_kind)(i % (RECORD_END + 1)), bytes, length);
    }
}

/* About 4 MB through 16 KB: the ring fills and wraps all the time. */
START_TEST(records_arrive_whole_and_in_order)
{
    struct channel *channel = open_small();
    pid_t pid = start_writer(channel, put_patterns);
    uint8_t got[CHANNEL_RECORD_MAX], expected[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    for (uint32_t i = 0; i < PATTERNS; i++) {
        uint32_t length = pattern(i, expected);

        ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_RECORD);
        ck_assert_int_eq(kind, (enum record_kind)(i % (RECORD_END + 1)));
        ck_assert_uint_eq(bytes, length);
        ck_assert_int_eq(memcmp(got, expected, length), 0);
    }
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_ENDED);
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_ENDED);
    ck_assert_int_eq(reap(pid), 0);
    channel_close(channel);
}
END_TEST

static void put_and_die(struct channel *channel)
{
    channel_put(channel, RECORD_TEXT, "last words", 10);
    raise(SIGKILL);
}

START_TEST(what_was_put_outlives_its_writer)
{
    struct channel *channel = open_small();
    pid_t pid = start_writer(channel, put_and_die);
    char got[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    ck_assert_int_eq(WTERMSIG(reap(pid)), SIGKILL);
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_RECORD);
    ck_assert_uint_eq(bytes, 10);
    ck_assert_int_eq(memcmp(got, "last words", 10), 0);
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_ENDED);
    channel_close(channel);
}
END_TEST

START_TEST(an_empty_channel_says_so)
{
    struct channel *channel = open_small();
    char got[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    /* The writer's end is still open in this process: not ended, just empty. */
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, 0), CHANNEL_EMPTY);
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, 1), CHANNEL_EMPTY);
    channel_close(channel);
}
END_TEST

/* More than the ring holds, and nobody reads: the writer waits, then finds out and gives up. */
static void put_too_much(struct channel *channel)
{
    char bytes[CHANNEL_RECORD_MAX] = {0};

    for (unsigned i = 0; i < 64; i++) {
        channel_put(channel, RECORD_TEXT, bytes, sizeof bytes);
    }
}

START_TEST(a_writer_outlives_its_reader)
{
    struct channel *channel = open_small();
    pid_t pid = start_writer(channel, put_too_much);
    char got[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_RECORD);
    channel_close(channel);
    ck_assert_int_eq(reap(pid), 0);
}
END_TEST

/* The ring is the only shared mapping of its size: a driver could find and overwrite it as well. */
static void scribble(struct channel *channel, int value)
{
    void **fields = (void **)channel; /* the first field is the shared memory */

    memset(fields[0], value, 4096);
}

static void scribble_ones(struct channel *channel)
{
    channel_put(channel, RECORD_TEXT, "x", 1);
    scribble(channel, 0xff);
}

static void scribble_noise(struct channel *channel)
{
    for (unsigned i = 0; i < 64; i++) {
        channel_put(channel, RECORD_TEXT, "x", 1);
    }
    scribble(channel, 0x5a);
}

/* Records whose headers lie, with positions that are right. */
static void scribble_headers(struct channel *channel)
{
    uint8_t *shared = ((uint8_t **)(void *)channel)[0];

    channel_put(channel, RECORD_TEXT, "x", 1);
    memset(shared + 128 + 4, 0xff, 4); /* `bytes` of the first record */
}

static void scribble_kind(struct channel *channel)
{
    uint8_t *shared = ((uint8_t **)(void *)channel)[0];

    channel_put(channel, RECORD_TEXT, "x", 1);
    shared[128] = 0x7f;
}

START_TEST(a_damaged_ring_is_broken_and_nothing_worse)
{
    static void (*const damages[])(struct channel *) = {scribble_ones, scribble_noise,
                                                        scribble_headers, scribble_kind};
    struct channel *channel = open_small();
    pid_t pid = start_writer(channel, damages[_i]);
    char got[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    ck_assert_int_eq(reap(pid), 0);
    ck_assert_int_eq(channel_take(channel, &kind, got, &bytes, FOREVER), CHANNEL_BROKEN);
    channel_close(channel);
}
END_TEST

static void scribble_tail(struct channel *channel)
{
    uint8_t *shared = ((uint8_t **)(void *)channel)[0];

    memset(shared + 64, 0xff, 8);
    put_too_much(channel);
}

/* The writer's own view: a tail that cannot be is "no room", until the reader is gone. */
START_TEST(a_damaged_tail_does_not_send_the_writer_astray)
{
    struct channel *channel = open_small();
    pid_t pid = start_writer(channel, scribble_tail);

    channel_close(channel);
    ck_assert_int_eq(reap(pid), 0);
}
END_TEST

START_TEST(bad_sizes_are_refused)
{
    static const size_t sizes[] = {0, 1, 4096, 8192, SMALL_RING + 1, 3 * SMALL_RING};
    struct channel *channel = NULL;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(channel_open(sizes[i], &channel), PG_E_ARG);
        ck_assert_ptr_null(channel);
    }
}
END_TEST

START_TEST(every_host_failure_is_reported_and_leaks_nothing)
{
    for (unsigned n = 1;; n++) {
        struct channel *channel = NULL;
        pg_status status;

        host_fail_nth(n);
        status = channel_open(SMALL_RING, &channel);
        if (!host_fail_hit()) {
            host_fail_nth(0);
            ck_assert_int_eq(status, PG_OK);
            channel_close(channel);
            ck_assert_uint_eq(n, 4); /* three calls can fail */
            return;
        }
        ck_assert_int_ne(status, PG_OK);
        ck_assert_ptr_null(channel);
    }
}
END_TEST

START_TEST(a_record_that_is_too_long_is_our_defect)
{
    static const char bytes[CHANNEL_RECORD_MAX + 1];

    channel_put(open_small(), RECORD_TEXT, bytes, sizeof bytes);
}
END_TEST

START_TEST(events_have_names)
{
    for (uint32_t i = 0; i < EVENT_KIND_COUNT; i++) {
        ck_assert_ptr_nonnull(event_text(i));
        ck_assert_uint_gt(strlen(event_text(i)->name), 0);
    }
    ck_assert_ptr_null(event_text(EVENT_KIND_COUNT));
    ck_assert_ptr_null(event_text(UINT32_MAX));
    ck_assert_str_eq(event_text(EVENT_LOCK)->name, "lock");
    ck_assert_str_eq(event_text(EVENT_LOCK)->values[1], "count");
    ck_assert_ptr_null(event_text(EVENT_UNLOAD)->values[1]);
    ck_assert_int_eq(event_text(EVENT_IRQL)->level, TRACE_ALL);
    ck_assert_int_eq(event_text(EVENT_PAGE_OUT)->level, TRACE_PAGING);
}
END_TEST

START_TEST(counters_are_read_in_order)
{
    struct run_counters counters = {.irql_raises = 7, .virtual_time = 9};
    const char *name;
    uint64_t value;
    unsigned i;

    ck_assert(run_counter_at(&counters, 0, &name, &value));
    ck_assert_str_eq(name, "irql_raises");
    ck_assert_uint_eq(value, 7);
    for (i = 0; run_counter_at(&counters, i, &name, &value); i++) {
    }
    ck_assert_uint_eq(i, sizeof counters / sizeof(uint64_t));
    ck_assert_str_eq(name, "virtual_time");
    ck_assert_uint_eq(value, 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *channel = tcase_create("channel");
    TCase *tables = tcase_create("tables");

    tcase_set_timeout(channel, 60);
    tcase_add_test(channel, records_arrive_whole_and_in_order);
    tcase_add_test(channel, what_was_put_outlives_its_writer);
    tcase_add_test(channel, an_empty_channel_says_so);
    tcase_add_test(channel, a_writer_outlives_its_reader);
    tcase_add_loop_test(channel, a_damaged_ring_is_broken_and_nothing_worse, 0, 4);
    tcase_add_test(channel, a_damaged_tail_does_not_send_the_writer_astray);
    tcase_add_test(channel, bad_sizes_are_refused);
    tcase_add_test(channel, every_host_failure_is_reported_and_leaks_nothing);
    tcase_add_exit_test(channel, a_record_that_is_too_long_is_our_defect, 4);
    tcase_add_test(tables, events_have_names);
    tcase_add_test(tables, counters_are_read_in_order);
    suite_add_tcase(suite, channel);
    suite_add_tcase(suite, tables);
    return run_suite(suite);
}
