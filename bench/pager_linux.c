/* SPDX-License-Identifier: MIT */
/*
 * What a lock of a trimmed driver section and a trim cost, through the section core and the pager.
 *
 * A lock does not return before the section's bytes were read, checked and are executable; against
 * it stands one pread of the same bytes into memory that is there already.  Against a trim stands
 * one mmap(MAP_FIXED), without which no memory leaves.  Ours and the other in turn; the ratio is
 * the median of the ratios of neighbours.  The image file is in the page cache all the while.
 * Ours is the back end that `pagable run` takes by itself; how long the one by protection takes, in
 * the same rounds, is told beside it.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagable/section.h>

#include "base/host.h"
#include "pager/pager.h"

#define OURS_AT       0x200000000000ull
#define PROTECTION_AT 0x210000000000ull
#define BARE_AT       0x700000000000ull

struct rig {
    uint64_t at;
    uint32_t pages;
    size_t bytes;
    int fd;
    uint8_t *warm; /* `bytes` of ordinary memory */
    void *pager_memory, *space_memory;
    struct pager *pager;
    struct pager_region *region;
    struct pg_space *space;
    struct pg_section_desc section;
    pg_handle handle;
};

static void require(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "pagable-bench: %s\n", what);
        exit(EXIT_OURS);
    }
}

/* ---- the section core's services: one region ---- */

static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    struct rig *rig = context;

    (void)image;
    (void)section;
    return pager_pin(rig->pager, rig->region, NULL);
}

static void allow_out(void *context, struct pg_image *image, uint32_t section)
{
    struct rig *rig = context;

    (void)image;
    (void)section;
    pager_unpin(rig->pager, rig->region);
}

static void discard(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    (void)section;
}

/* ---- the rig ---- */

static void make_file(struct rig *rig)
{
    uint64_t x = 88172645463325252u;

    for (size_t i = 0; i + sizeof x <= rig->bytes; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(rig->warm + i, &x, sizeof x);
    }
    rig->fd = host.open_scratch();
    require(rig->fd >= 0 && host.write_at(rig->fd, rig->warm, rig->bytes, 0) == (ssize_t)rig->bytes,
            "the section's file cannot be written");
}

static void make_section(struct rig *rig, enum pager_backend backend)
{
    const struct pager_limits limits = {.regions = 1, .pages = rig->pages, .patch_bytes = 1};
    const struct pager_region_desc desc = {
        .base = rig->at,
        .pages = rig->pages,
        .protection = HOST_READ | HOST_EXECUTE,
        .backing = {.fd = rig->fd, .file_bytes = (uint32_t)rig->bytes},
    };
    const struct pg_services services = {
        .context = rig, .page_in = page_in, .allow_out = allow_out, .discard = discard};
    size_t pager_size = pager_bytes(&limits), space_size = pg_space_bytes(1, 1);
    struct pg_image *image;

    rig->pager_memory = host.allocate(pager_size);
    rig->space_memory = host.allocate(space_size);
    rig->section = (struct pg_section_desc){
        .name = "PAGEcold", .class = PG_PAGEABLE, .base = rig->at, .pages = rig->pages};
    require(rig->pager_memory != NULL && rig->space_memory != NULL, "out of memory");
    require(pager_init(rig->pager_memory, pager_size, &limits, NULL, &rig->pager) == PG_OK,
            "the pager cannot be made");
    (void)pager_set_backend(rig->pager, backend); /* refused: by protection, as in a run */
    require(pager_add(rig->pager, &desc, &rig->region) == PG_OK &&
                pg_space_init(rig->space_memory, space_size, 1, 1, &services, &rig->space) ==
                    PG_OK &&
                pg_image_add(rig->space, rig->at, rig->bytes, &rig->section, 1, NULL, &image) ==
                    PG_OK &&
                pg_lock_address(rig->space, rig->at, &rig->handle) == PG_OK &&
                pg_unlock(rig->space, rig->handle) == PG_OK,
            "the section cannot be made");
}

static void rig_make(struct rig *rig, uint32_t pages, uint64_t at, enum pager_backend backend)
{
    *rig = (struct rig){.at = at, .pages = pages, .bytes = (size_t)pages * PG_PAGE_SIZE};
    rig->warm = host.allocate(rig->bytes);
    require(rig->warm != NULL, "out of memory");
    make_file(rig);
    make_section(rig, backend);
}

static void rig_end(struct rig *rig)
{
    pager_fini(rig->pager);
    host.close(rig->fd);
    host.release(rig->pager_memory);
    host.release(rig->space_memory);
    host.release(rig->warm);
}

/* ---- what is timed ---- */

static double our_lock(struct rig *rig)
{
    uint64_t begun, ended;

    (void)pager_trim(rig->pager, NULL);
    begun = bench_now();
    require(pg_lock_handle(rig->space, rig->handle) == PG_OK, "the section cannot be locked");
    ended = bench_now();
    require(pg_unlock(rig->space, rig->handle) == PG_OK, "the section cannot be unlocked");
    return (double)(ended - begun) / 1e3;
}

static double bare_read(struct rig *rig)
{
    uint64_t begun = bench_now();

    require(pread(rig->fd, rig->warm, rig->bytes, 0) == (ssize_t)rig->bytes,
            "the section's file cannot be read");
    return (double)(bench_now() - begun) / 1e3;
}

static double our_trim(struct rig *rig)
{
    uint64_t begun;

    require(pg_lock_handle(rig->space, rig->handle) == PG_OK &&
                pg_unlock(rig->space, rig->handle) == PG_OK,
            "the section cannot be locked");
    begun = bench_now();
    require(pager_trim(rig->pager, NULL) == rig->pages, "the section does not leave");
    return (double)(bench_now() - begun) / 1e3;
}

static double bare_map(struct rig *rig)
{
    uint64_t begun;
    void *at;

    require(host.protect(BARE_AT, rig->bytes, HOST_READ | HOST_WRITE) == 0, "no memory");
    memcpy((void *)BARE_AT, rig->warm, rig->bytes);
    require(host.protect(BARE_AT, rig->bytes, HOST_READ | HOST_EXECUTE) == 0, "no memory");
    begun = bench_now();
    at = mmap((void *)BARE_AT, rig->bytes, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    require(at == (void *)BARE_AT, "no memory");
    return (double)(bench_now() - begun) / 1e3;
}

static void compare(struct bench_result *result, uint32_t pages, uint32_t rounds,
                    double (*ours)(struct rig *), double (*bare)(struct rig *))
{
    double *us = calloc(4 * (size_t)rounds, sizeof *us);
    double *other, *ratios, *protection;
    struct rig rig, protected_rig;

    require(us != NULL, "out of memory");
    other = us + rounds;
    ratios = other + rounds;
    protection = ratios + rounds;
    rig_make(&rig, pages, OURS_AT, PAGER_USERFAULT);
    rig_make(&protected_rig, pages, PROTECTION_AT, PAGER_PROTECTION);
    require(host.reserve(BARE_AT, rig.bytes) == 0, "the range to compare with is taken");
    for (uint32_t i = 0; i < rounds; i++) {
        protection[i] = ours(&protected_rig);
        us[i] = ours(&rig);
        other[i] = bare(&rig);
        ratios[i] = us[i] / other[i];
    }
    (void)host.unreserve(BARE_AT, rig.bytes);
    rig_end(&protected_rig);
    rig_end(&rig);
    result->unit = "us";
    result->value = bench_median(us, rounds);
    result->versus_value = bench_median(other, rounds);
    result->ratio = bench_median(ratios, rounds);
    result->figures[0] = (struct bench_figure){"pages", pages};
    result->figures[1] =
        (struct bench_figure){"by_protection_us", bench_median(protection, rounds)};
    free(us);
}

void bench_pager(struct bench_result results[BENCH_PAGER_RESULTS], uint32_t rounds)
{
    static const char read_once[] = "one pread of the same bytes into warm memory";

    results[0] = (struct bench_result){
        .name = "cold_lock_pe_16p",
        .versus = read_once,
        .how = "a trimmed section of a driver is locked: read, checked, executable; pairs",
    };
    results[1] = (struct bench_result){
        .name = "cold_lock_pe_256p",
        .versus = read_once,
        .how = "the same, sixteen times as large",
    };
    results[2] = (struct bench_result){
        .name = "trim_pe_256p",
        .versus = "one mmap(MAP_FIXED) over as many resident pages",
        .how = "a clean section that was unlocked leaves; pairs",
    };
    compare(&results[0], 16, rounds, our_lock, bare_read);
    compare(&results[1], 256, rounds, our_lock, bare_read);
    compare(&results[2], 256, rounds, our_trim, bare_map);
}
