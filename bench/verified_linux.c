/* SPDX-License-Identifier: MIT */
/*
 * What verification costs: the same scenario with the default trims and with none, one after the
 * other, in processor time of the computer's process (a busy neighbour does not count), the median
 * of the ratios of the pairs.
 */
#include "bench.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/host.h"

#define LIMIT_RATIO    3.0
#define BUDGET_SECONDS 600u
#define PATIENCE       60u
#define SCRIPT_BYTES   (1u << 20)

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "pagable-bench: %s: %s\n", path, what);
    exit(EXIT_OURS);
}

static double children_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Milliseconds of processor time of one run. */
static double one_run(struct plan *plan, enum trim_policy trim, struct run_counters *counters)
{
    const char *driver = plan->inputs[0].name;
    struct run_report report = {.seed = 1, .drivers = &driver, .driver_count = 1};
    double begun = children_seconds(), ended;

    plan->options = (struct machine_options){
        .seed = 1, .trim = trim, .rules = RULE_SET_ALL, .budget_seconds = BUDGET_SECONDS};
    if (computer_run(plan, &report) != EXIT_CLEAN || report_result(&report) != RESULT_CLEAN) {
        fail("the scenario did not run clean", plan->script_name);
    }
    ended = children_seconds();
    *counters = report.counters;
    report_release(&report);
    return (ended - begun) * 1e3;
}

static void compare(struct plan *plan, struct bench_result *result, uint32_t rounds)
{
    double *with = calloc(3 * (size_t)rounds, sizeof *with);
    double *without, *ratios;
    struct run_counters trimmed = {0}, untrimmed = {0};

    if (with == NULL) {
        fail("out of memory", plan->script_name);
    }
    without = with + rounds;
    ratios = without + rounds;
    for (uint32_t i = 0; i < rounds; i++) {
        with[i] = one_run(plan, TRIM_IRQL, &trimmed);
        without[i] = one_run(plan, TRIM_NONE, &untrimmed);
        ratios[i] = with[i] / without[i];
    }
    result->value = bench_median(with, rounds);
    result->versus_value = bench_median(without, rounds);
    result->ratio = bench_median(ratios, rounds);
    free(with);
    result->figures[0] = (struct bench_figure){"trims", (double)trimmed.trims};
    result->figures[1] = (struct bench_figure){"page_ins", (double)trimmed.page_ins};
    result->figures[2] = (struct bench_figure){"versus_trims", (double)untrimmed.trims};
    result->figures[3] = (struct bench_figure){"versus_page_ins", (double)untrimmed.page_ins};
    result->figures[4] = (struct bench_figure){"ratio_limit", LIMIT_RATIO};
}

void bench_verified(struct bench_result *result, const char *name, const char *driver,
                    const char *script, uint32_t rounds)
{
    struct input input;
    struct plan plan = {.inputs = &input, .count = 1, .script_name = script, .patience = PATIENCE};
    char *text;

    *result = (struct bench_result){
        .name = name,
        .unit = "ms",
        .versus = "--trim none",
        .how = "processor time of the whole run; median of pairs",
    };
    if (input_open(bench_driver(driver), &input) != EXIT_CLEAN ||
        read_file(script, SCRIPT_BYTES, &text, &plan.script_bytes) != 0) {
        fail("cannot be read", script);
    }
    plan.script = text;
    compare(&plan, result, rounds);
    host.release(text);
    input_close(&input);
}
