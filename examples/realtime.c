/* SPDX-License-Identifier: MIT */
/*
 * A loop that must not wait for memory.
 *
 * Its code and its data are in sections of their own.  Run once locked and once not, under the same
 * pressure: before each cycle everything that is not locked is taken away (pagable_trim_all), as
 * the kernel does when memory is short.  The kernel counts the page faults inside of the cycles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <pagable/pagable.h>

#define CYCLES  1000
#define SAMPLES 4096

/* Read-only coefficients: three pages that a filter walks through in each cycle. */
PAGABLE_DATA("PAGErtcf") static const float coefficients[3 * 1024] = {0.5f, 0.25f, 0.125f};
PAGABLE_DATA("PAGErtdt") static float samples[SAMPLES];

PAGABLE_CODE("PAGErt") static float filter(unsigned cycle)
{
    float sum = 0;

    for (unsigned i = 0; i < SAMPLES; i++) {
        samples[i] = samples[i] * 0.5f + (float)(cycle + i);
        sum += samples[i] * coefficients[i % (3 * 1024)];
    }
    return sum;
}

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static void must(pg_status status)
{
    if (status != PG_OK) {
        fprintf(stderr, "realtime: %s\n", pagable_error());
        exit(1);
    }
}

static long run(const char *how)
{
    volatile float result = 0;
    long inside = 0;

    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        long before;

        must(pagable_trim_all(NULL));
        before = faults();
        result = result + filter(cycle);
        inside += faults() - before;
    }
    printf("%s: %d cycles, %ld page faults in them\n", how, CYCLES, inside);
    return inside;
}

int main(void)
{
    pg_handle code, data, constants, rodata;
    long locked, unlocked;

    must(pagable_lock_code((const void *)filter, &code));
    must(pagable_lock_data(samples, &data));
    must(pagable_lock_data(coefficients, &constants));
    /* What the compiler adds by itself, vector constants and jump tables, is in .rodata, like this
     * empty string.  Any section can be locked. */
    must(pagable_lock_data("", &rodata));
    locked = run("locked  ");

    must(pagable_unlock(code));
    must(pagable_unlock(data));
    must(pagable_unlock(constants));
    must(pagable_unlock(rodata));
    unlocked = run("unlocked");
    return locked == 0 && unlocked > 0 ? 0 : 1;
}
