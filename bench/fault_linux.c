/* SPDX-License-Identifier: MIT */
/*
 * How long a driver waits for a trimmed page: a guest routine reads one byte of pageable data.
 *
 * Measured in turn with two bare handlers of SIGSEGV in the same process, on pages that were
 * dropped in the same way: one does the kernel work that a page in cannot do without (mprotect,
 * pread of 4 KB, mprotect), the other one mprotect.  Only the access is timed, not the trimming.
 * The ratio is the median of the ratios of neighbours, so that a slow moment of the machine hits
 * both.
 */
#include "bench.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "nt/nt.h"
#include "nt/requests.h"

#define RING_BYTES (1u << 20)
#define BARE       0x700000000000ull /* a page of the bare handlers */

enum { OURS, SAME_WORK, ONE_MPROTECT, KINDS };

struct rounds {
    uint32_t count;
    double us[KINDS][BENCH_SAMPLES_MAX];
};

static int image_fd;
static uint64_t image_offset;

/* ---- the bare handlers ---- */

static void same_work(int signal, siginfo_t *info, void *context)
{
    void *page = (void *)((uint64_t)info->si_addr & ~4095ull);

    (void)signal;
    (void)context;
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0 ||
        pread(image_fd, page, 4096, (off_t)image_offset) != 4096 ||
        mprotect(page, 4096, PROT_READ) != 0) {
        _exit(EXIT_OURS);
    }
}

static void one_mprotect(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if (mprotect((void *)((uint64_t)info->si_addr & ~4095ull), 4096, PROT_READ) != 0) {
        _exit(EXIT_OURS);
    }
}

static double bare_fault(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction saved;
    uint64_t begun;
    double us;

    (void)sigemptyset(&action.sa_mask);
    if (host.discard(BARE, 4096) != 0 || sigaction(SIGSEGV, &action, &saved) != 0) {
        _exit(EXIT_OURS);
    }
    begun = bench_now();
    (void)*(volatile uint8_t *)BARE;
    us = (double)(bench_now() - begun) / 1e3;
    (void)sigaction(SIGSEGV, &saved, NULL);
    return us;
}

/* ---- ours ---- */

struct guest {
    uint64_t routine, data;
    struct rounds *rounds;
};

static double our_fault(const struct guest *guest)
{
    uint64_t begun;

    (void)machine_trim_now();
    begun = bench_now();
    (void)MACHINE_CALL(guest->routine, guest->data);
    return (double)(bench_now() - begun) / 1e3;
}

/* In a thread of the computer, as a driver's code runs. */
static void measure(void *argument)
{
    const struct guest *guest = argument;
    struct rounds *rounds = guest->rounds;

    for (uint32_t i = 0; i < rounds->count; i++) {
        rounds->us[OURS][i] = our_fault(guest);
        rounds->us[SAME_WORK][i] = bare_fault(same_work);
        rounds->us[ONE_MPROTECT][i] = bare_fault(one_mprotect);
    }
}

static uint64_t address_of(const struct module *module, const char *name)
{
    struct image_export export;

    if (!image_export_find(&module->image, name, &export)) {
        _exit(EXIT_OURS);
    }
    return module->base + export.rva;
}

static uint64_t file_offset_of(const struct module *module, uint64_t address)
{
    uint32_t rva = (uint32_t)(address - module->base);
    const struct image_section *section = image_section_at(&module->image, rva);

    return section->raw_offset + (rva - section->rva);
}

static _Noreturn void be_computer(const struct input *input, struct channel *channel,
                                  struct rounds *rounds, enum machine_pager pager)
{
    const struct machine_options options = {.seed = 1, .rules = RULE_SET_ALL, .pager = pager};
    struct guest guest = {.rounds = rounds};
    const char *what = "";
    struct module *module;
    char why[160];
    int32_t status = -1;

    channel_be_writer(channel);
    if (machine_start(&options, channel, &what) != PG_OK || nt_start() != PG_OK ||
        module_load(input->name, &input->image, input->fd, nt_resolve_import, &module, why,
                    sizeof why) != PG_OK ||
        !nt_driver_start(module, &status) || status < 0 || host.reserve(BARE, 4096) != 0) {
        _exit(EXIT_OURS);
    }
    guest.routine = address_of(module, "TouchByte");
    /* The second page: no relocation, no patch, like nearly every page of code. */
    guest.data = address_of(module, "TouchData") + 4096;
    image_fd = input->fd;
    image_offset = file_offset_of(module, guest.data);
    if (machine_thread_new(measure, &guest) == NULL) {
        _exit(EXIT_OURS);
    }
    (void)machine_run(NULL, NULL, machine_time());
    _exit(0);
}

/* ---- results ---- */

static void compare_kinds(struct bench_result *result, struct rounds *rounds, int kind)
{
    static double ratios[BENCH_SAMPLES_MAX], ours[BENCH_SAMPLES_MAX], other[BENCH_SAMPLES_MAX];

    for (uint32_t i = 0; i < rounds->count; i++) {
        ours[i] = rounds->us[OURS][i];
        other[i] = rounds->us[kind][i];
        ratios[i] = ours[i] / other[i];
    }
    result->value = bench_median(ours, rounds->count);
    result->versus_value = bench_median(other, rounds->count);
    result->ratio = bench_median(ratios, rounds->count);
    result->unit = "us";
}

static void run_computer(const struct input *input, struct rounds *rounds, enum machine_pager pager)
{
    struct channel *channel;
    int status = -1;
    pid_t child;

    if (channel_open(RING_BYTES, &channel) != PG_OK) {
        fprintf(stderr, "pagable-bench: out of memory\n");
        exit(EXIT_OURS);
    }
    child = fork();
    if (child == 0) {
        be_computer(input, channel, rounds, pager);
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "pagable-bench: the page faults could not be measured\n");
        exit(EXIT_OURS);
    }
    channel_close(channel);
}

void bench_fault(struct bench_result results[2], uint32_t count)
{
    struct rounds *rounds = host.map_shared(sizeof *rounds);
    struct input input;
    double by_protection;

    if (rounds == NULL || input_open(bench_driver("touch"), &input) != EXIT_CLEAN) {
        fprintf(stderr, "pagable-bench: the driver cannot be used\n");
        exit(EXIT_OURS);
    }
    rounds->count = count;
    run_computer(&input, rounds, MACHINE_PAGER_PROTECT);
    by_protection = bench_median(rounds->us[OURS], count);
    run_computer(&input, rounds, MACHINE_PAGER_AUTO);
    results[0] = (struct bench_result){
        .name = "fault-in",
        .versus = "bare handler: mprotect, pread, mprotect",
        .how = "a driver reads a byte of a trimmed page; medians of neighbours",
    };
    results[1] = (struct bench_result){
        .name = "fault-in-minimal",
        .versus = "bare handler: mprotect",
        .how = "the same against the cheapest fault that there is",
    };
    compare_kinds(&results[0], rounds, SAME_WORK);
    compare_kinds(&results[1], rounds, ONE_MPROTECT);
    results[0].figures[0] = (struct bench_figure){"by_protection_ns", by_protection * 1e3};
    input_close(&input);
    host.unmap_shared(rounds, sizeof *rounds);
}
