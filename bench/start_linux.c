/* SPDX-License-Identifier: MIT */
/*
 * How long from a file name to DriverEntry done: read and check the file, make the process and the
 * computer, load, relocate, bind, run DriverEntry, give INIT back.  What `pagable run` does,
 * without starting the program.
 */
#include "bench.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nt/nt.h"
#include "nt/requests.h"

#define LIMIT_MS   2.0
#define RING_BYTES (1u << 20)

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "pagable-bench: %s\n", what);
    exit(EXIT_OURS);
}

/* In the computer's process; the end of DriverEntry goes through the pipe. */
static _Noreturn void start_driver(const struct input *input, struct channel *channel, int fd)
{
    const struct machine_options options = {.seed = 1, .rules = RULE_SET_ALL};
    const char *what = "";
    struct module *module;
    char why[160];
    int32_t status = -1;
    uint64_t done;

    channel_be_writer(channel);
    if (machine_start(&options, channel, &what) != PG_OK || nt_start() != PG_OK ||
        module_load(input->name, &input->image, input->fd, nt_resolve_import, &module, why,
                    sizeof why) != PG_OK ||
        !nt_driver_start(module, &status) || status < 0) {
        _exit(EXIT_OURS);
    }
    done = bench_now();
    _exit(write(fd, &done, sizeof done) == (ssize_t)sizeof done ? 0 : EXIT_OURS);
}

static double one_start(const char *path)
{
    uint64_t begun = bench_now(), done = 0;
    struct channel *channel;
    struct input input;
    int fds[2], status;
    pid_t child;

    if (input_open(path, &input) != EXIT_CLEAN || channel_open(RING_BYTES, &channel) != PG_OK ||
        pipe(fds) != 0) {
        fail("the sample driver cannot be used");
    }
    child = fork();
    if (child == 0) {
        start_driver(&input, channel, fds[1]);
    }
    (void)close(fds[1]);
    if (read(fds[0], &done, sizeof done) != (ssize_t)sizeof done ||
        waitpid(child, &status, 0) != child || status != 0) {
        fail("the sample driver did not start");
    }
    (void)close(fds[0]);
    channel_close(channel);
    input_close(&input);
    return (double)(done - begun) / 1e6;
}

void bench_start(struct bench_result *result, uint32_t rounds)
{
    double *ms = calloc(rounds, sizeof *ms);
    const char *path = bench_driver("isolate_split");

    if (ms == NULL) {
        fail("out of memory");
    }
    for (uint32_t i = 0; i < rounds; i++) {
        ms[i] = one_start(path);
    }
    *result = (struct bench_result){
        .name = "driver-entry",
        .value = bench_median(ms, rounds),
        .unit = "ms",
        .versus = "limit",
        .versus_value = LIMIT_MS,
        .how = "isolate_split.sys, file name to DriverEntry done in a new process; median",
    };
    result->ratio = result->value / LIMIT_MS;
    free(ms);
}
