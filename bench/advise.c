/* SPDX-License-Identifier: MIT */
/*
 * The advisor's speed: the whole analysis of an image against Zydis' plain full decode of the same
 * bytes, one after the other, in processor time of this process, the median of the pairs' ratios;
 * and what it takes of memory.
 */
#include <Zydis/Zydis.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "advise/advise.h"
#include "base/host.h"
#include "bench.h"
#include "large_image.h"

#define RATIO_LIMIT 2.0
#define LIMIT_1MB   150.0 /* ms */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "pagable-bench: advise: %s\n", what);
    exit(EXIT_OURS);
}

static double processor_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- memory: what is allocated at a time, at most ---- */

static void *(*real_allocate)(size_t bytes);
static void (*real_release)(void *memory);
static size_t live, peak;

static void *counting_allocate(size_t bytes)
{
    void *memory = real_allocate(bytes);

    live += memory != NULL ? malloc_usable_size(memory) : 0;
    peak = live > peak ? live : peak;
    return memory;
}

static void counting_release(void *memory)
{
    live -= memory != NULL ? malloc_usable_size(memory) : 0;
    real_release(memory);
}

/* ---- one round ---- */

static volatile uint64_t instructions; /* counted, or all of it would be for nothing */

static double decode_all(const struct large_image *large)
{
    const uint8_t *text = large->bytes + large->text_offset;
    double begun = processor_ms();
    ZydisDecoder decoder;

    (void)ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t at = 0; at < large->text_bytes;) {
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        ZydisDecodedInstruction instruction;
        bool decoded = ZYAN_SUCCESS(ZydisDecoderDecodeFull(
            &decoder, text + at, large->text_bytes - at, &instruction, operands));

        at += decoded ? instruction.length : 1;
        instructions += decoded;
    }
    return processor_ms() - begun;
}

static double advise(const struct image *image, const struct symbols *symbols,
                     struct advice_coverage *coverage)
{
    struct advise_options options = {.rules = RULE_SET_ALL};
    double begun = processor_ms(), ended;
    struct advice *advice;

    if (advise_image("large.sys", image, symbols, &options, &advice) != PG_OK) {
        fail("out of memory");
    }
    ended = processor_ms();
    *coverage = advice->coverage;
    advice_close(advice);
    return ended - begun;
}

static size_t peak_of(const struct image *image, const struct symbols *symbols)
{
    struct advice_coverage coverage;

    real_allocate = host.allocate;
    real_release = host.release;
    host.allocate = counting_allocate;
    host.release = counting_release;
    live = peak = 0;
    (void)advise(image, symbols, &coverage);
    host.allocate = real_allocate;
    host.release = real_release;
    return peak;
}

static void measure(struct bench_result *result, const struct large_image *large, uint32_t rounds)
{
    static double ours[64], theirs[64], ratios[64];
    struct image *image = malloc(sizeof *image);
    struct advice_coverage coverage = {0};
    struct image_error error;
    struct symbols *symbols;

    if (image == NULL || image_open(large->bytes, large->size, image, &error) != PG_OK ||
        symbols_open(NULL, image, &symbols) != PG_OK) {
        fail("the image was not made right");
    }
    for (uint32_t i = 0; i < rounds; i++) {
        ours[i] = advise(image, symbols, &coverage);
        theirs[i] = decode_all(large);
        ratios[i] = ours[i] / theirs[i];
    }
    result->value = bench_median(ours, rounds);
    result->versus_value = bench_median(theirs, rounds);
    result->ratio = bench_median(ratios, rounds);
    result->figures[0] = (struct bench_figure){"text_bytes", (double)large->text_bytes};
    result->figures[1] = (struct bench_figure){"functions", (double)coverage.functions};
    result->figures[2] = (struct bench_figure){"calls", (double)coverage.calls};
    result->figures[3] = (struct bench_figure){"bytes_decoded", (double)coverage.bytes_decoded};
    result->figures[4] = (struct bench_figure){"peak_bytes", (double)peak_of(image, symbols)};
    symbols_close(symbols);
    free(image);
}

void bench_advise(struct bench_result results[BENCH_ADVISE_RESULTS], bool quick)
{
    static const char how[] = "processor time; code of the sample drivers, linked many times over; "
                              "median of pairs";
    struct large_image large = large_image_make(quick ? 1u << 18 : 10u << 20);

    results[0] = (struct bench_result){
        .name = "advise_10mb", .unit = "ms", .versus = "Zydis full decode", .how = how};
    measure(&results[0], &large, quick ? 1 : 7);
    results[0].figures[5] = (struct bench_figure){"ratio_limit", RATIO_LIMIT};
    free(large.bytes);
    large = large_image_make(quick ? 1u << 16 : 1u << 20);
    results[1] = (struct bench_result){
        .name = "advise_1mb", .unit = "ms", .versus = "Zydis full decode", .how = how};
    measure(&results[1], &large, quick ? 1 : 31);
    results[1].figures[5] = (struct bench_figure){"limit_ms", LIMIT_1MB};
    free(large.bytes);
}
