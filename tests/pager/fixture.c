/* SPDX-License-Identifier: MIT */
/* See fixture.h. */
#include "fixture.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

uint8_t file[PAGES * PG_PAGE_SIZE];
int fd;
struct pager *pager;
struct host_calls saved;
unsigned calls_protect, calls_discard, calls_read, calls_write;
uint64_t discarded_at, discarded_bytes;
unsigned refuse_discards, refuse_protects;

/* Counts, and refuses as often as it was told to. */
static int counting_protect(uint64_t address, uint64_t bytes, unsigned protection)
{
    calls_protect++;
    if (refuse_protects > 0) {
        refuse_protects--;
        return -ENOMEM;
    }
    return saved.protect(address, bytes, protection);
}

static int counting_discard(uint64_t address, uint64_t bytes)
{
    calls_discard++;
    if (refuse_discards > 0) {
        refuse_discards--;
        return -ENOMEM;
    }
    discarded_at = address;
    discarded_bytes = bytes;
    return saved.discard(address, bytes);
}

/* The other back end's: what gives access and what takes memory, counted as the same. */
static int counting_guard(int with, uint64_t address, uint64_t bytes, int guarded)
{
    calls_protect++;
    if (refuse_protects > 0) {
        refuse_protects--;
        return -ENOMEM;
    }
    return saved.missing_guard(with, address, bytes, guarded);
}

static int counting_fill(int with, uint64_t address, const void *content, uint64_t bytes,
                         int guarded)
{
    calls_protect++;
    if (refuse_protects > 0) {
        refuse_protects--;
        return -ENOMEM;
    }
    return saved.missing_fill(with, address, content, bytes, guarded);
}

static int counting_forget(uint64_t address, uint64_t bytes)
{
    calls_discard++;
    if (refuse_discards > 0) {
        refuse_discards--;
        return -ENOMEM;
    }
    discarded_at = address;
    discarded_bytes = bytes;
    return saved.forget(address, bytes);
}

static ssize_t counting_read(int from, void *buffer, size_t bytes, uint64_t offset)
{
    calls_read++;
    return saved.read_at(from, buffer, bytes, offset);
}

static ssize_t counting_write(int to, const void *buffer, size_t bytes, uint64_t offset)
{
    calls_write++;
    return saved.write_at(to, buffer, bytes, offset);
}

void forget_calls(void)
{
    calls_protect = calls_discard = calls_read = calls_write = 0;
}

void setup(void)
{
    saved = host;
    host.protect = counting_protect;
    host.discard = counting_discard;
    host.missing_guard = counting_guard;
    host.missing_fill = counting_fill;
    host.forget = counting_forget;
    host.read_at = counting_read;
    host.write_at = counting_write;
    support_noise(file, sizeof file, 42);
    fd = support_file(file, sizeof file);
    pager = support_pager(8, 64, 256, NULL);
    support_serve(pager);
}

void teardown(void)
{
    ck_assert(pager_is_valid(pager));
    support_serve(NULL);
    support_fini(pager);
    host = saved;
    close(fd);
}

struct pager_region_desc file_desc(uint64_t base, uint32_t first, uint32_t pages,
                                   unsigned protection)
{
    return (struct pager_region_desc){
        .base = base,
        .pages = pages,
        .protection = protection,
        .owner = file,
        .backing = {.fd = fd,
                    .file_offset = (uint64_t)first * PAGE,
                    .file_bytes = pages * PAGE,
                    .rva = first * PAGE},
    };
}

struct pager_region_desc zero_desc(uint64_t base, uint32_t pages)
{
    return (struct pager_region_desc){
        .base = base, .pages = pages, .protection = HOST_READ | HOST_WRITE, .backing = {.fd = -1}};
}

struct pager_region *add(const struct pager_region_desc *desc)
{
    struct pager_region *region = NULL;

    ck_assert_int_eq(pager_add(pager, desc, &region), PG_OK);
    ck_assert(pager_is_valid(pager));
    return region;
}

struct pager_region *add_file(uint32_t pages, unsigned protection)
{
    struct pager_region_desc desc = file_desc(BASE, 0, pages, protection);

    return add(&desc);
}

struct pager_region *add_zero(uint32_t pages)
{
    struct pager_region_desc desc = zero_desc(BASE, pages);

    return add(&desc);
}

uint8_t read_at(uint64_t offset)
{
    uint8_t value = 0;

    ck_assert_msg(support_read(BASE + offset, &value), "read of 0x%lx refused: %d", offset,
                  (int)support_outcome);
    return value;
}

void write_at(uint64_t offset, uint8_t value)
{
    ck_assert_msg(support_write(BASE + offset, value), "write of 0x%lx refused: %d", offset,
                  (int)support_outcome);
}

void read_fails(uint64_t offset, pg_status status, bool paging_file)
{
    uint8_t value;

    ck_assert(!support_read(BASE + offset, &value));
    ck_assert_int_eq(support_outcome, PAGER_FAILED);
    ck_assert_int_eq(support_failure.status, status);
    ck_assert_uint_eq(support_failure.address, BASE + offset / PAGE * PAGE);
    ck_assert_int_eq(support_failure.paging_file, paging_file);
    ck_assert(!pager_is_resident(pager, BASE + offset));
    ck_assert(pager_is_valid(pager));
}

int64_t resident(const struct pager_region *region)
{
    return pager_region_resident_pages(pager, region);
}

unsigned by_backend(unsigned protection, unsigned userfault)
{
    return support_backend == PAGER_PROTECTION ? protection : userfault;
}

int pager_suite(int argc, char **argv, const char *name, void (*add_tests)(TCase *plain),
                void (*more)(Suite *suite))
{
    Suite *suite = suite_create(name);
    TCase *plain = tcase_create(name);

    if (!support_choose_backend(argc, argv)) {
        return SUPPORT_SKIPPED;
    }
    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_set_timeout(plain, 120);
    add_tests(plain);
    suite_add_tcase(suite, plain);
    if (more != NULL) {
        more(suite);
    }
    return run_suite(suite);
}
