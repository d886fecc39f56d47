/* SPDX-License-Identifier: MIT */
/*
 * pagable-bench [--json] [--quick]: what is claimed about speed, measured side by side in one run.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The scenarios whose verification is timed. */
static const struct {
    const char *name, *driver, *script;
} verified[] = {
    {"verified-ftdisk", "ftdisk", PAGABLE_SOURCE "/scenarios/ftdisk.lua"},
    {"verified-serial", "serial", PAGABLE_SOURCE "/scenarios/serial.lua"},
    {"verified-parallel", "parallel", PAGABLE_SOURCE "/scenarios/parallel.lua"},
};
#define VERIFIED    (sizeof verified / sizeof *verified)
#define RESULTS     (3u + BENCH_PAGER_RESULTS + VERIFIED)
#define OTHERS      (RESULTS + SECTION_RESULTS + NATIVE_RESULTS)
#define ALL_RESULTS (OTHERS + BENCH_ADVISE_RESULTS)

uint64_t bench_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

const char *bench_driver(const char *name)
{
    static char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s.sys", PAGABLE_DRIVERS, name);
    return path;
}

static void print_text(const struct bench_result *results)
{
    for (uint32_t i = 0; i < ALL_RESULTS; i++) {
        const struct bench_result *r = &results[i];

        printf("%-25s %9.3f %s   %s: %.3f %s   ratio %.2f\n                 (%s)\n", r->name,
               r->value, r->unit, r->versus, r->versus_value, r->unit, r->ratio, r->how);
        for (uint32_t k = 0; k < BENCH_FIGURES && r->figures[k].name != NULL; k++) {
            printf("%s%s %.0f%s", k == 0 ? "                 " : ", ", r->figures[k].name,
                   r->figures[k].value,
                   k + 1 < BENCH_FIGURES && r->figures[k + 1].name != NULL ? "" : "\n");
        }
    }
}

int main(int argc, char **argv)
{
    struct bench_result results[ALL_RESULTS] = {0};
    bool json = false, quick = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else {
            fprintf(stderr, "usage: pagable-bench [--json] [--quick]\n");
            return EXIT_USAGE;
        }
    }
    bench_section(&results[RESULTS], quick);
    bench_native(&results[RESULTS + SECTION_RESULTS], quick);
    bench_advise(&results[OTHERS], quick);
    bench_start(&results[0], quick ? 3 : 201);
    bench_fault(&results[1], quick ? 50 : 5000);
    bench_pager(&results[3], quick ? 5 : 501);
    for (uint32_t i = 0; i < VERIFIED; i++) {
        bench_verified(&results[3 + BENCH_PAGER_RESULTS + i], verified[i].name, verified[i].driver,
                       verified[i].script, quick ? 1 : 11);
    }
    if (!json) {
        print_text(results);
    } else if (report_bench_json(stdout, results, ALL_RESULTS) != PG_OK) {
        fprintf(stderr, "pagable-bench: the results could not be written\n");
        return EXIT_OURS;
    }
    return finish_output(EXIT_CLEAN);
}
