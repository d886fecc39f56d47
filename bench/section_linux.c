/* SPDX-License-Identifier: MIT */
/*
 * The section core: lock and unlock of a locked section by its handle, against bare atomics, alone
 * and with a second thread on the same section, and against mlock; and the core's size.
 */
#include "section.h"

#include <elf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- a space full of sections ---- */

static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    (void)section;
    return PG_OK;
}

static void no_matter(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    (void)section;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "pagable-bench: out of memory\n");
        exit(EXIT_OURS);
    }
    return memory;
}

struct section_field *field_make(uint32_t images)
{
    static const struct pg_services services = {
        .page_in = page_in, .allow_out = no_matter, .discard = no_matter};
    struct section_field *field = must(calloc(1, sizeof *field));
    uint32_t sections = images * SECTIONS_EACH;
    size_t bytes = (pg_space_bytes(images, sections) + 127) & ~(size_t)127;
    struct pg_section_desc *desc = must(calloc(sections, sizeof *desc));
    struct pg_image *image;

    field->sections = sections;
    field->random = 88172645463325252u;
    field->handles = must(calloc(sections, sizeof *field->handles));
    if (pg_space_init(must(aligned_alloc(128, bytes)), bytes, images, sections, &services,
                      &field->space) != PG_OK) {
        exit(EXIT_OURS);
    }
    for (uint32_t i = 0; i < sections; i++) {
        desc[i] = (struct pg_section_desc){"PAGE", PG_PAGEABLE, field_address(i, 0), SECTION_PAGES};
        if (i % SECTIONS_EACH == SECTIONS_EACH - 1 &&
            pg_image_add(field->space, field_image_base(i / SECTIONS_EACH), 0x100000,
                         &desc[i + 1 - SECTIONS_EACH], SECTIONS_EACH, desc, &image) != PG_OK) {
            exit(EXIT_OURS);
        }
    }
    for (uint32_t i = 0; i < sections; i++) {
        if (pg_lock_address(field->space, field_address(i, 0), &field->handles[i]) != PG_OK) {
            exit(EXIT_OURS);
        }
    }
    return field;
}

void field_free(struct section_field *field)
{
    free(pg_image_owner(pg_image_find(field->space, field_image_base(0)))); /* descriptions */
    free(field->space);
    free(field->handles);
    free(field);
}

void section_compare(struct bench_result *result, struct section_field *field, section_way *ours,
                     section_way *versus, uint32_t count, uint32_t rounds)
{
    double a[256], b[256], ratio[256];

    for (uint32_t i = 0; i < rounds; i++) {
        a[i] = ours(field, count) / count;
        b[i] = versus(field, count) / count;
        ratio[i] = a[i] / b[i];
    }
    result->unit = "ns";
    result->value = bench_median(a, rounds);
    result->versus_value = bench_median(b, rounds);
    result->ratio = bench_median(ratio, rounds);
}

/* ---- by handle ---- */

static double by_handle(struct section_field *field, uint32_t count)
{
    pg_handle handle = field->handles[SECTIONS_EACH / 2];
    uint64_t begun = bench_now();

    for (uint32_t i = 0; i < count; i++) {
        if (pg_lock_handle(field->space, handle) != PG_OK ||
            pg_unlock(field->space, handle) != PG_OK) {
            exit(EXIT_OURS);
        }
    }
    return (double)(bench_now() - begun);
}

static _Alignas(64) _Atomic uint64_t bare;

static double bare_atomics(struct section_field *field, uint32_t count)
{
    uint64_t begun = bench_now();

    (void)field;
    for (uint32_t i = 0; i < count; i++) {
        atomic_fetch_add(&bare, 1);
        atomic_fetch_sub(&bare, 1);
    }
    return (double)(bench_now() - begun);
}

static double mlock_munlock(struct section_field *field, uint32_t count)
{
    size_t bytes = 16 * PG_PAGE_SIZE;
    uint64_t begun = bench_now();

    for (uint32_t i = 0; i < count; i++) {
        if (mlock(field->extra, bytes) != 0 || munlock(field->extra, bytes) != 0) {
            perror("pagable-bench: mlock of 16 pages");
            exit(EXIT_OURS);
        }
    }
    return (double)(bench_now() - begun);
}

/* ---- two threads at once ---- */

struct second {
    struct section_field *field;
    section_way *way;
    pthread_barrier_t *start;
    uint32_t count;
};

static void *second_run(void *argument)
{
    struct second *second = argument;

    (void)pthread_barrier_wait(second->start);
    (void)second->way(second->field, second->count);
    return NULL;
}

/* How long the slower one of two threads takes, that begin together. */
static double twice(struct section_field *field, section_way *way, uint32_t count)
{
    pthread_barrier_t start;
    struct second second = {field, way, &start, count};
    pthread_t thread;
    uint64_t begun;

    if (pthread_barrier_init(&start, NULL, 2) != 0 ||
        pthread_create(&thread, NULL, second_run, &second) != 0) {
        fprintf(stderr, "pagable-bench: a second thread cannot be started\n");
        exit(EXIT_OURS);
    }
    (void)pthread_barrier_wait(&start);
    begun = bench_now();
    (void)way(field, count);
    (void)pthread_join(thread, NULL);
    (void)pthread_barrier_destroy(&start);
    return (double)(bench_now() - begun);
}

static double by_handle_twice(struct section_field *field, uint32_t count)
{
    return twice(field, by_handle, count);
}

static double bare_atomics_twice(struct section_field *field, uint32_t count)
{
    return twice(field, bare_atomics, count);
}

/* ---- the size of the freestanding object ---- */

static double object_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    Elf64_Ehdr header;
    double bytes = 0;

    if (file == NULL || fread(&header, sizeof header, 1, file) != 1) {
        perror(path);
        exit(EXIT_OURS);
    }
    for (unsigned i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;

        if (fseek(file, (long)(header.e_shoff + i * sizeof section), SEEK_SET) != 0 ||
            fread(&section, sizeof section, 1, file) != 1) {
            perror(path);
            exit(EXIT_OURS);
        }
        bytes += (section.sh_flags & SHF_ALLOC) != 0 ? (double)section.sh_size : 0;
    }
    (void)fclose(file);
    return bytes;
}

void bench_section(struct bench_result results[SECTION_RESULTS], bool quick)
{
    struct section_field *field = field_make(10);
    uint32_t rounds = quick ? 2 : 101;

    for (uint32_t i = 0; i < 3; i++) {
        results[i].how = "lock and unlock of a locked section, medians of pairs";
    }
    results[0].name = "lock_by_handle";
    results[0].versus = "bare atomic increment and decrement";
    section_compare(&results[0], field, by_handle, bare_atomics, 20000, rounds);
    results[1].name = "lock_by_handle_2_threads";
    results[1].versus = "the same atomics, two threads";
    section_compare(&results[1], field, by_handle_twice, bare_atomics_twice, 20000, rounds);
    field->extra = mmap(NULL, 16 * PG_PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    results[2].name = "lock_by_handle_mlock";
    results[2].versus = "mlock and munlock of 16 pages";
    section_compare(&results[2], field, by_handle, mlock_munlock, 1000, rounds);
    (void)munmap(field->extra, 16 * PG_PAGE_SIZE);
    field_free(field);
    bench_section_address(&results[3], quick);
    results[8] = (struct bench_result){.name = "freestanding_size",
                                       .value = object_bytes(PAGABLE_SECTION_OBJECT),
                                       .unit = "bytes",
                                       .versus = "one page",
                                       .versus_value = PG_PAGE_SIZE,
                                       .how = "code and data of the section core's object"};
    results[8].ratio = results[8].value / results[8].versus_value;
}
