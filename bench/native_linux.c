/* SPDX-License-Identifier: MIT */
/*
 * Sections of an ELF program: a trimmed section locked, against mlock of the same pages of the same
 * file, and a resident one trimmed, against one madvise.  Both sides of a pair use the same pages,
 * in the same state: out of the page tables, in the page cache.
 */
#include "bench.h"

#include <pagable/pagable.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096u

/* Code that nobody runs: only its pages are of interest. */
__asm__(".pushsection PAGEb016,\"ax\",@progbits\n\t.p2align 12\n"
        "bench_pages_16: .fill 16 * 4096, 1, 0xcc\n\t.popsection\n\t"
        ".pushsection PAGEb256,\"ax\",@progbits\n\t.p2align 12\n"
        "bench_pages_256: .fill 256 * 4096, 1, 0xcc\n\t.popsection");
extern const volatile uint8_t bench_pages_16[], bench_pages_256[];

struct subject {
    const volatile uint8_t *pages;
    size_t bytes;
    pg_handle handle;
};

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "pagable-bench: %s: %s\n", what, pagable_error());
        exit(EXIT_OURS);
    }
}

static void out(const struct subject *s)
{
    must(madvise((void *)s->pages, s->bytes, MADV_DONTNEED) == 0, "madvise");
}

static void in(const struct subject *s)
{
    for (size_t i = 0; i < s->bytes; i += PAGE) {
        (void)s->pages[i];
    }
}

static double lock_ours(const struct subject *s)
{
    uint64_t begun, ended;

    out(s);
    begun = bench_now();
    must(pagable_lock(s->handle) == PG_OK, "lock");
    ended = bench_now();
    must(pagable_unlock(s->handle) == PG_OK, "unlock");
    return (double)(ended - begun) / 1e3;
}

static double lock_bare(const struct subject *s)
{
    uint64_t begun, ended;

    out(s);
    begun = bench_now();
    must(mlock((const void *)s->pages, s->bytes) == 0, "mlock");
    ended = bench_now();
    must(munlock((const void *)s->pages, s->bytes) == 0, "munlock");
    return (double)(ended - begun) / 1e3;
}

static double trim_ours(const struct subject *s)
{
    uint64_t begun;

    in(s);
    begun = bench_now();
    must(pagable_trim(s->handle, NULL) == PG_OK, "trim");
    return (double)(bench_now() - begun) / 1e3;
}

static double trim_bare(const struct subject *s)
{
    uint64_t begun;

    in(s);
    begun = bench_now();
    out(s);
    return (double)(bench_now() - begun) / 1e3;
}

typedef double way(const struct subject *s);

static void compare(struct bench_result *result, const struct subject *s, way *ours, way *versus,
                    uint32_t rounds)
{
    double *a = calloc(3 * (size_t)rounds, sizeof *a);

    must(a != NULL, "out of memory");
    for (uint32_t i = 0; i < rounds; i++) {
        a[i] = ours(s);
        a[rounds + i] = versus(s);
        a[2 * (size_t)rounds + i] = a[i] / a[rounds + i];
    }
    result->value = bench_median(a, rounds);
    result->versus_value = bench_median(a + rounds, rounds);
    result->ratio = bench_median(a + 2 * (size_t)rounds, rounds);
    free(a);
}

static struct subject subject_of(const volatile uint8_t *pages, size_t count)
{
    struct subject s = {.pages = pages, .bytes = count * PAGE};

    must(pagable_lock_code((const void *)pages, &s.handle) == PG_OK, "lock");
    must(pagable_unlock(s.handle) == PG_OK, "unlock");
    return s;
}

void bench_native(struct bench_result results[NATIVE_RESULTS], bool quick)
{
    struct subject small = subject_of(bench_pages_16, 16), large = subject_of(bench_pages_256, 256);
    uint32_t rounds = quick ? 5 : 501;

    results[0] = (struct bench_result){.name = "cold_lock_16p", .unit = "us", .versus = "mlock"};
    results[1] = (struct bench_result){.name = "cold_lock_256p", .unit = "us", .versus = "mlock"};
    results[2] = (struct bench_result){.name = "trim_256p", .unit = "us", .versus = "madvise"};
    results[0].how = results[1].how =
        "a trimmed section of this program to locked, the same file-backed pages; pairs";
    results[2].how = "a resident section of this program, the same pages; pairs";
    compare(&results[0], &small, lock_ours, lock_bare, rounds);
    compare(&results[1], &large, lock_ours, lock_bare, rounds);
    compare(&results[2], &large, trim_ours, trim_bare, rounds);
}
