/* SPDX-License-Identifier: MIT */
/* The pager on real memory, one behaviour at a time; random streams against the model at the end.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/checksum.h"
#include "stream.h"
#include "support.h"

enum { PAGES = 8 };

static uint8_t file[PAGES * PG_PAGE_SIZE];
static int fd;
static struct pager *pager;
static struct host_calls saved;
static unsigned calls_protect, calls_discard, calls_read, calls_write;
static uint64_t discarded_at, discarded_bytes;
static unsigned refuse_discards, refuse_protects;

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

static void forget_calls(void)
{
    calls_protect = calls_discard = calls_read = calls_write = 0;
}

static void setup(void)
{
    saved = host;
    host.protect = counting_protect;
    host.discard = counting_discard;
    host.read_at = counting_read;
    host.write_at = counting_write;
    support_noise(file, sizeof file, 42);
    fd = support_file(file, sizeof file);
    pager = support_pager(8, 64, 256, NULL);
    support_serve(pager);
}

static void teardown(void)
{
    ck_assert(pager_is_valid(pager));
    support_serve(NULL);
    support_fini(pager);
    host = saved;
    close(fd);
}

static struct pager_region_desc file_desc(uint64_t base, uint32_t first, uint32_t pages,
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

static struct pager_region_desc zero_desc(uint64_t base, uint32_t pages)
{
    return (struct pager_region_desc){
        .base = base, .pages = pages, .protection = HOST_READ | HOST_WRITE, .backing = {.fd = -1}};
}

static struct pager_region *add(const struct pager_region_desc *desc)
{
    struct pager_region *region = NULL;

    ck_assert_int_eq(pager_add(pager, desc, &region), PG_OK);
    ck_assert(pager_is_valid(pager));
    return region;
}

static struct pager_region *add_file(uint32_t pages, unsigned protection)
{
    struct pager_region_desc desc = file_desc(BASE, 0, pages, protection);

    return add(&desc);
}

static struct pager_region *add_zero(uint32_t pages)
{
    struct pager_region_desc desc = zero_desc(BASE, pages);

    return add(&desc);
}

static uint8_t read_at(uint64_t offset)
{
    uint8_t value = 0;

    ck_assert_msg(support_read(BASE + offset, &value), "read of 0x%lx refused: %d", offset,
                  (int)support_outcome);
    return value;
}

static void write_at(uint64_t offset, uint8_t value)
{
    ck_assert_msg(support_write(BASE + offset, value), "write of 0x%lx refused: %d", offset,
                  (int)support_outcome);
}

static void read_fails(uint64_t offset, pg_status status, bool paging_file)
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

static int64_t resident(const struct pager_region *region)
{
    return pager_region_resident_pages(pager, region);
}

/* ---- page in ---- */

START_TEST(pages_come_in_one_by_one)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    ck_assert_int_eq(resident(region), 0);
    ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 0);
    forget_calls();
    ck_assert_uint_eq(read_at(3 * PAGE + 7), file[3 * PAGE + 7]);
    ck_assert_uint_eq(calls_read, 1);
    ck_assert_uint_eq(calls_protect, 2);
    ck_assert_int_eq(resident(region), 1);
    ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 4);
    ck_assert(pager_is_resident(pager, BASE + 3 * PAGE) && !pager_is_resident(pager, BASE));
    ck_assert_uint_eq(support_faults, 1);
    ck_assert_uint_eq(read_at(4 * PAGE - 1), file[4 * PAGE - 1]);
    ck_assert_uint_eq(support_faults, 1);
    for (uint32_t i = 0; i < sizeof file; i++) {
        ck_assert_uint_eq(read_at(i), file[i]);
    }
    ck_assert_uint_eq(pager_counters(pager).page_ins, PAGES);
    ck_assert_uint_eq(pager_counters(pager).faults_served, PAGES);
}
END_TEST

START_TEST(protection_is_kept)
{
    struct pager_region *region = add_file(2, HOST_READ);
    int value;

    read_at(0);
    ck_assert(!support_write(BASE, 1));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert(!support_write(BASE + PAGE, 1)); /* out, and not to be written anyway */
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert(!support_call(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert_int_eq(pager_fault(pager, BASE + 2 * PAGE, PAGER_READ, NULL), PAGER_NOT_MINE);
    ck_assert_int_eq(pager_fault(pager, BASE - 1, PAGER_READ, NULL), PAGER_NOT_MINE);
    ck_assert_uint_eq(pager_region_protection(region), HOST_READ);
    ck_assert_ptr_eq(pager_region_owner(region), file);
    ck_assert_ptr_eq(pager_region_at(pager, BASE + 2 * PAGE - 1), region);
    ck_assert_ptr_null(pager_region_at(pager, BASE + 2 * PAGE));
}
END_TEST

START_TEST(code_runs_where_it_was_paged_in)
{
    static const uint8_t code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct pager_region *region;
    int value = 0;

    memcpy(file + PAGE + 16, code, sizeof code);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    region = add_file(2, HOST_READ | HOST_EXECUTE);
    for (int round = 1; round <= 3; round++) {
        ck_assert(support_call(BASE + PAGE + 16, &value));
        ck_assert_int_eq(value, 42);
        ck_assert_uint_eq(support_faults, (unsigned)round);
        ck_assert_uint_eq(pager_trim(pager, NULL), 1);
        ck_assert_int_eq(resident(region), 0);
    }
}
END_TEST

START_TEST(the_end_of_the_file_part_is_zero)
{
    struct pager_region_desc desc = file_desc(BASE, 1, 3, HOST_READ | HOST_WRITE);

    desc.backing.file_bytes = PAGE + 10;
    add(&desc);
    ck_assert_uint_eq(read_at(PAGE + 9), file[2 * PAGE + 9]);
    ck_assert_uint_eq(read_at(PAGE + 10), 0);
    ck_assert_uint_eq(read_at(3 * PAGE - 1), 0);
}
END_TEST

static ssize_t short_read(int from, void *buffer, size_t bytes, uint64_t offset)
{
    return saved.read_at(from, buffer, bytes > 700 ? 700 : bytes, offset);
}

static ssize_t short_write(int to, const void *buffer, size_t bytes, uint64_t offset)
{
    return saved.write_at(to, buffer, bytes > 300 ? 300 : bytes, offset);
}

START_TEST(short_counts_are_no_errors)
{
    host.read_at = short_read;
    host.write_at = short_write;
    add_file(4, HOST_READ | HOST_WRITE);
    write_at(100, 1);
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);
    ck_assert_uint_eq(read_at(100), 1);
    ck_assert_uint_eq(read_at(3 * PAGE), file[3 * PAGE]);
}
END_TEST

/* ---- relocations ---- */

static uint64_t word_at(uint64_t offset)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8; i++) {
        word |= (uint64_t)read_at(offset + i) << (8 * i);
    }
    return word;
}

static void put_word(uint32_t offset, uint64_t word)
{
    memcpy(file + offset, &word, sizeof word);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
}

/* In which order the pages come in must not matter; nor in one region or two. */
START_TEST(words_that_straddle_are_relocated)
{
    static const uint32_t words[] = {0x10, 0xffd, 0x1ff8, 0x2fff};
    static const uint64_t value = UINT64_C(0x00000000ffffffff), delta = UINT64_C(0x1ffffff01);
    bool two = (_i & 1) != 0, downwards = (_i & 2) != 0, pinned = (_i & 4) != 0;

    for (unsigned i = 0; i < 4; i++) {
        put_word(words[i], value);
    }
    for (uint32_t part = 0; part < (two ? 4u : 1u); part++) {
        struct pager_region_desc desc =
            file_desc(BASE + part * PAGE, part, two ? 1 : 4, HOST_READ | HOST_EXECUTE);

        desc.backing.relocations = words;
        desc.backing.relocation_count = 4;
        desc.backing.delta = delta;
        desc.pinned = pinned;
        add(&desc);
    }
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++) {
            read_at((downwards ? 3 - i : i) * PAGE);
        }
        for (unsigned i = 0; i < 4; i++) {
            ck_assert_uint_eq(word_at(words[i]), value + delta);
        }
        ck_assert_uint_eq(read_at(0x18), file[0x18]);
        ck_assert_uint_eq(read_at(0x1005), file[0x1005]);
        pager_trim(pager, NULL);
    }
}
END_TEST

/* The failure of a neighbour names the neighbour's page. */
static void read_fails_below(uint64_t offset, pg_status status)
{
    uint8_t value;

    ck_assert(!support_read(BASE + offset, &value));
    ck_assert_int_eq(support_outcome, PAGER_FAILED);
    ck_assert_int_eq(support_failure.status, status);
    ck_assert_uint_eq(support_failure.address, BASE + offset / PAGE * PAGE - PAGE);
}

START_TEST(the_other_half_comes_from_the_file)
{
    static const uint32_t words[] = {0xffe};
    struct pager_region_desc desc = file_desc(BASE, 0, 2, HOST_READ | HOST_WRITE);

    put_word(0xffe, UINT64_C(0xffff));
    desc.backing.relocations = words;
    desc.backing.relocation_count = 1;
    desc.backing.delta = 1;
    add(&desc);
    write_at(0xffe,
             0x77); /* the low half is the driver's now, in memory and then in the paging file */
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);
    ck_assert_uint_eq(read_at(0x1000), 1); /* the carry all the same */
    ck_assert_uint_eq(read_at(0xffe), 0x77);
    pager_trim(pager, NULL);
    file[0xfff] ^= 1; /* a neighbour that changed cannot be trusted */
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    read_fails_below(0x1000, PG_E_CHANGED);
    ck_assert(!pager_is_resident(pager, BASE + PAGE));
}
END_TEST

START_TEST(a_word_may_begin_below_the_image)
{
    static const uint32_t words[] = {0x0ffc, 0x1ffc};
    struct pager_region_desc desc = file_desc(BASE, 1, 1, HOST_READ);

    put_word(0x0ffc, UINT64_C(0x1111111100000000)); /* 0x0ffc lies in no region: a gap of zeros */
    desc.backing.relocations = words;
    desc.backing.relocation_count = 2;
    desc.backing.delta = UINT64_C(0x100000000);
    add(&desc);
    ck_assert_uint_eq(read_at(0), 0x12);
}
END_TEST

/* ---- page out ---- */

START_TEST(modified_pages_come_back)
{
    struct pager_region *region = add_file(PAGES, HOST_READ | HOST_WRITE);

    for (int round = 1; round <= 4; round++) {
        for (uint32_t i = 0; i < PAGES; i += 2) {
            write_at(i * PAGE + 5u * (unsigned)round, (uint8_t)(i + (unsigned)round));
        }
        ck_assert_int_eq(resident(region), PAGES / 2);
        ck_assert_uint_eq(pager_trim(pager, NULL), PAGES / 2);
        ck_assert_int_eq(resident(region), 0);
        ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 0);
        ck_assert_uint_eq(pager_counters(pager).write_backs, (uint64_t)round * PAGES / 2);
    }
    for (uint32_t i = 0; i < PAGES; i += 2) {
        for (uint32_t round = 1; round <= 4; round++) {
            ck_assert_uint_eq(read_at(i * PAGE + 5 * round), i + round);
        }
        ck_assert_uint_eq(read_at(i * PAGE + 999), file[i * PAGE + 999]);
        ck_assert_uint_eq(read_at((i + 1) * PAGE), file[(i + 1) * PAGE]);
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    ck_assert_uint_eq(calls_write, 0); /* read only since they came back: clean */
    ck_assert_uint_eq(calls_discard, 1);
}
END_TEST

START_TEST(trim_costs_what_came_in)
{
    add_file(PAGES, HOST_READ);
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(calls_discard + calls_protect + calls_read + calls_write, 0);
    read_at(1 * PAGE);
    read_at(2 * PAGE);
    read_at(5 * PAGE);
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 3);
    ck_assert_uint_eq(calls_discard, 1);
    ck_assert_uint_eq(calls_protect + calls_read + calls_write, 0);
    ck_assert_uint_eq(discarded_at, BASE + PAGE);
    ck_assert_uint_eq(discarded_bytes, 5 * PAGE);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(calls_discard, 1);
    ck_assert_uint_eq(pager_counters(pager).trims, 3);
    ck_assert_uint_eq(pager_counters(pager).pages_trimmed, 3);
    ck_assert_uint_eq(pager_counters(pager).page_outs, 3);
}
END_TEST

START_TEST(zero_pages_are_zero_again_and_again)
{
    struct pager_region *region = add_zero(4);

    ck_assert_uint_eq(read_at(17), 0);
    ck_assert_int_eq(resident(region), 1);
    write_at(2 * PAGE, 9);
    ck_assert_int_eq(resident(region), 2);
    ck_assert_uint_eq(pager_trim(pager, NULL), 2);
    ck_assert_uint_eq(pager_counters(pager).write_backs, 1);
    ck_assert_int_eq(resident(region), 0);
    ck_assert_uint_eq(read_at(2 * PAGE), 9);
    ck_assert_uint_eq(read_at(2 * PAGE + 1), 0);
    ck_assert_uint_eq(read_at(17), 0);
}
END_TEST

START_TEST(damage_in_the_paging_file_is_seen)
{
    uint8_t byte;

    add_zero(3);
    write_at(0, 1);
    write_at(PAGE, 2);
    pager_trim(pager, NULL);
    ck_assert_int_eq(pread(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    read_fails(PAGE, PG_E_CORRUPT, true);
    ck_assert_uint_eq(support_failure.file_offset, PAGE);
    ck_assert_uint_ne(support_failure.expected, support_failure.actual);
    ck_assert_uint_eq(read_at(0), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    ck_assert_uint_eq(read_at(PAGE), 2);
    pager_trim(pager, NULL);
    ck_assert_int_eq(ftruncate(pager->swap_fd, PAGE + 1), 0);
    ck_assert_uint_eq(read_at(0), 1);
    read_fails(PAGE + 1, PG_E_TRUNCATED, true);
}
END_TEST

START_TEST(a_changed_image_file_is_seen)
{
    struct pager_failure failure;
    struct pager_region *region = add_file(PAGES, HOST_READ);
    uint8_t byte = file[3 * PAGE + 1] ^ 0x80;

    read_at(2 * PAGE);
    ck_assert_int_eq(pwrite(fd, &byte, 1, 3 * PAGE + 1), 1);
    read_fails(3 * PAGE, PG_E_CHANGED, false);
    ck_assert_uint_eq(support_failure.file_offset, 3 * PAGE);
    ck_assert_uint_eq(support_failure.expected, checksum_page(file + 3 * PAGE));
    ck_assert_uint_ne(support_failure.actual, support_failure.expected);
    ck_assert_uint_eq(read_at(4 * PAGE), file[4 * PAGE]);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_CHANGED);
    ck_assert_uint_eq(failure.address, BASE + 3 * PAGE);
    ck_assert(!pager_region_pinned(region));
    ck_assert_int_eq(ftruncate(fd, 6 * PAGE + 5), 0);
    read_fails(6 * PAGE, PG_E_TRUNCATED, false);
    read_fails(7 * PAGE, PG_E_TRUNCATED, false);
    ck_assert_uint_eq(read_at(5 * PAGE), file[5 * PAGE]);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_OK);
    ck_assert_uint_eq(read_at(3 * PAGE + 1), file[3 * PAGE + 1]);
}
END_TEST

/* ---- pins and discards ---- */

START_TEST(a_pinned_region_comes_in_as_one_run)
{
    struct pager_region_desc desc = file_desc(BASE, 0, PAGES, HOST_READ);
    struct pager_region *region;

    desc.pinned = true;
    forget_calls();
    region = add(&desc);
    ck_assert_uint_eq(calls_read, 1);
    ck_assert_uint_eq(calls_protect, 2);
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 0);
    ck_assert_uint_eq(read_at(PAGE), file[PAGE]);
    ck_assert_uint_eq(support_faults, 0);
    pager_unpin(pager, region);
    pager_unpin(pager, region);
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    ck_assert_int_eq(resident(region), 0);
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert(pager_region_pinned(region));
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(read_at(7 * PAGE), file[7 * PAGE]);
    ck_assert_uint_eq(support_faults, 0);
}
END_TEST

START_TEST(pinned_data_never_faults)
{
    struct pager_region *region = add_file(PAGES, HOST_READ | HOST_WRITE);

    read_at(2 * PAGE);
    write_at(4 * PAGE, 1);
    support_faults = 0;
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    for (uint32_t i = 0; i < PAGES; i++) {
        write_at(i * PAGE + 3, (uint8_t)i);
    }
    ck_assert_uint_eq(support_faults, 0);
    pager_unpin(pager, region);
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    for (uint32_t i = 0; i < PAGES; i++) {
        ck_assert_uint_eq(read_at(i * PAGE + 3), i);
    }
    ck_assert_uint_eq(read_at(4 * PAGE), 1);
}
END_TEST

START_TEST(a_large_region_is_filled_in_chunks)
{
    struct pager_region_desc desc = zero_desc(BASE, 50);
    struct pager_region *region = add(&desc);

    for (uint32_t i = 0; i < 50; i++) {
        write_at(i * PAGE + i, (uint8_t)(i + 1));
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 50);
    ck_assert_uint_eq(calls_write, 4);
    ck_assert_uint_eq(calls_discard, 1);
    forget_calls();
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert_uint_eq(calls_read, 4);
    ck_assert_uint_eq(calls_protect, 1);
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_uint_eq(read_at(i * PAGE + i), i + 1);
    }
}
END_TEST

START_TEST(discarded_is_for_ever)
{
    struct pager_region_desc desc = file_desc(BASE, 0, 4, HOST_READ | HOST_WRITE);
    struct pager_failure failure = {0};
    struct pager_region *region;
    uint8_t value;

    desc.pinned = _i == 0;
    region = add(&desc);
    write_at(0, 1);
    pager_discard(pager, region);
    pager_discard(pager, region);
    ck_assert(pager_region_discarded(region) && !pager_region_pinned(region));
    ck_assert_int_eq(resident(region), 0);
    ck_assert(!support_read(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DISCARDED);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_DISCARDED);
    ck_assert_int_eq(failure.status, PG_E_DISCARDED);
    ck_assert_int_eq(pager_patch(pager, BASE, "x", 1), PG_E_DISCARDED);
    pager_unpin(pager, region);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 0);
    ck_assert(!pager_is_resident(pager, BASE));
    pager_remove(pager, region);
    ck_assert_int_eq(pager_fault(pager, BASE, PAGER_READ, NULL), PAGER_NOT_MINE);
}
END_TEST

/* ---- patches ---- */

START_TEST(patches_are_there_after_every_page_in)
{
    struct pager_region *region = add_file(4, HOST_READ);
    uint8_t text[3 * PG_PAGE_SIZE];

    support_noise(text, sizeof text, 7);
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE - 3, "abcdefg", 7), PG_OK); /* out */
    ck_assert_int_eq(resident(region), 0);
    read_at(2 * PAGE);
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE - 2, "12345", 5), PG_OK); /* half in */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE - 1, "C", 1), PG_OK);         /* replaces */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE + 3, "GH", 2), PG_OK);        /* overlaps */
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 9; i++) {
            uint8_t expected = i < 8 ? (uint8_t) "abCdefGH"[i] : file[PAGE - 3 + i];

            ck_assert_uint_eq(read_at(PAGE - 3 + i), expected);
        }
        ck_assert_uint_eq(read_at(3 * PAGE - 2), '1');
        ck_assert_uint_eq(read_at(3 * PAGE), '3');
        ck_assert_uint_eq(read_at(3 * PAGE + 3), file[3 * PAGE + 3]);
        ck_assert(!support_write(BASE + 2 * PAGE, 1)); /* still read-only */
        pager_trim(pager, NULL);
    }
    ck_assert_uint_eq(pager_counters(pager).write_backs, 0);
    ck_assert_int_eq(pager_patch(pager, BASE, text, 257), PG_E_LIMIT);
    ck_assert_uint_eq(read_at(0), file[0]);
}
END_TEST

START_TEST(a_patch_meets_pages_in_every_state)
{
    struct pager_region *region = add_file(5, HOST_READ | HOST_WRITE);

    read_at(0 * PAGE);     /* clean */
    write_at(1 * PAGE, 1); /* dirty */
    write_at(2 * PAGE, 2); /* in the paging file and out */
    write_at(3 * PAGE, 3); /* in the paging file, in and clean */
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 4);
    read_at(0 * PAGE);
    write_at(1 * PAGE, 1);
    read_at(3 * PAGE);
    for (uint32_t i = 0; i < 5; i++) { /* page 4 was never in */
        ck_assert_int_eq(pager_patch(pager, BASE + i * PAGE + 8, "patch", 5), PG_OK);
        ck_assert(pager_is_valid(pager));
    }
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5; i++) {
            ck_assert_uint_eq(read_at(i * PAGE + 8), 'p');
            ck_assert_uint_eq(read_at(i * PAGE + 12), 'h');
            ck_assert_uint_eq(read_at(i * PAGE + 13), file[i * PAGE + 13]);
        }
        for (uint32_t i = 1; i < 4; i++) {
            ck_assert_uint_eq(read_at(i * PAGE), i);
        }
        pager_trim(pager, NULL);
    }
    write_at(4 * PAGE + 8, 'w'); /* a later write is not undone by the patch */
    pager_trim(pager, NULL);
    ck_assert_uint_eq(read_at(4 * PAGE + 8), 'w');
}
END_TEST

START_TEST(patches_go_with_their_region)
{
    struct pager_region_desc one = file_desc(BASE, 0, 2, HOST_READ),
                             two = file_desc(BASE + 2 * PAGE, 2, 2, HOST_READ);
    struct pager_region *a = add(&one), *b = add(&two);
    char text[65];

    memset(text, 'z', sizeof text);
    for (uint32_t i = 0; i < 3; i++) { /* records of both, in turn; 192 of 256 bytes */
        ck_assert_int_eq(pager_patch(pager, BASE + i * 100, text, 32), PG_OK);
        ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE + i * 100, text, 32), PG_OK);
    }
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE, text, 65), PG_E_LIMIT);
    pager_remove(pager, a);
    ck_assert(pager_is_valid(pager));
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE, text, 65), PG_OK);
    a = add(&one);
    ck_assert_uint_eq(read_at(0), file[0]);
    ck_assert_uint_eq(read_at(2 * PAGE + 200), 'z');
    ck_assert_uint_eq(read_at(3 * PAGE + 64), 'z');
    pager_remove(pager, b);
    ck_assert_uint_eq(pager->patch_words, 1);
}
END_TEST

START_TEST(patches_are_checked)
{
    add_file(2, HOST_READ);
    ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE, "x", 1), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE - 1, "xy", 2), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE - 1, "xy", 2), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE, "x", 0), PG_OK);
    for (uint32_t i = 0; i < 256; i++) { /* as many as there are bytes, none next to another */
        ck_assert_int_eq(pager_patch(pager, BASE + 2 * i, "x", 1), PG_OK);
    }
    ck_assert_int_eq(pager_patch(pager, BASE + 1, "x", 1), PG_E_LIMIT);
    for (uint32_t i = 0; i < 1000; i++) { /* again at the same place costs nothing */
        ck_assert_int_eq(pager_patch(pager, BASE + 4, i % 2 ? "y" : "z", 1), PG_OK);
    }
    ck_assert_uint_eq(read_at(4), 'y');
    ck_assert_uint_eq(read_at(510), 'x');
    ck_assert_uint_eq(read_at(511), file[511]);
}
END_TEST

/* ---- frames ---- */

START_TEST(the_clock_spares_what_is_used)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager_set_frames(pager, 3);
    read_at(0 * PAGE);
    read_at(1 * PAGE);
    read_at(2 * PAGE);
    ck_assert_int_eq(resident(region), 3);
    read_at(3 * PAGE); /* all were used: one round, then the first leaves */
    ck_assert_int_eq(resident(region), 3);
    ck_assert(!pager_is_resident(pager, BASE));
    forget_calls();
    read_at(1 * PAGE); /* the hand had passed: a fault that reads nothing */
    ck_assert_uint_eq(calls_read, 0);
    ck_assert_uint_eq(calls_protect, 1);
    read_at(4 * PAGE); /* page 1 was used since, page 2 was not */
    ck_assert(pager_is_resident(pager, BASE + PAGE));
    ck_assert(!pager_is_resident(pager, BASE + 2 * PAGE));
    ck_assert_uint_eq(pager_counters(pager).evictions, 2);
    ck_assert_uint_eq(read_at(2 * PAGE), file[2 * PAGE]);
    ck_assert_int_eq(resident(region), 3);
}
END_TEST

START_TEST(evicted_pages_come_back)
{
    struct pager_region *region = add_zero(40);

    pager_set_policy(pager, (enum pager_policy)_i);
    pager_set_frames(pager, 5);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t page = i * 7 % 40;

            ck_assert_uint_eq(read_at(page * PAGE), round == 0 ? 0 : page + round - 1);
            write_at(page * PAGE, (uint8_t)(page + round));
            ck_assert_int_le(resident(region), 5);
        }
        ck_assert(pager_is_valid(pager));
    }
    ck_assert_uint_ge(pager_counters(pager).evictions, 3 * 40 - 5);
}
END_TEST

START_TEST(fifo_takes_the_oldest)
{
    add_file(PAGES, HOST_READ);
    pager_set_policy(pager, PAGER_FIFO);
    pager_set_frames(pager, 2);
    read_at(5 * PAGE);
    read_at(1 * PAGE);
    read_at(5 * PAGE);
    read_at(2 * PAGE);
    ck_assert(!pager_is_resident(pager, BASE + 5 * PAGE));
    ck_assert(pager_is_resident(pager, BASE + PAGE));
    read_at(5 * PAGE);
    ck_assert(!pager_is_resident(pager, BASE + PAGE));
}
END_TEST

START_TEST(trim_all_takes_everything)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager_set_policy(pager, PAGER_TRIM_ALL);
    pager_set_frames(pager, 4);
    for (uint32_t i = 0; i < 4; i++) {
        read_at(i * PAGE);
    }
    ck_assert_int_eq(resident(region), 4);
    read_at(4 * PAGE);
    ck_assert_int_eq(resident(region), 1);
    ck_assert(pager_is_resident(pager, BASE + 4 * PAGE));
}
END_TEST

START_TEST(limits_and_policies_change_while_pages_are_in)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    for (uint32_t i = 0; i < PAGES; i++) {
        read_at(i * PAGE);
    }
    pager_set_frames(pager, 6);
    ck_assert_int_eq(resident(region), 6);
    pager_set_policy(pager, PAGER_FIFO);
    pager_set_frames(pager, 3);
    ck_assert_int_eq(resident(region), 3);
    ck_assert(pager_is_resident(pager, BASE + 7 * PAGE));
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK); /* pinned pages do not count */
    ck_assert_int_eq(resident(region), PAGES);
    pager_unpin(pager, region);
    ck_assert_int_eq(resident(region), 3);
    pager_set_frames(pager, 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        read_at(i * PAGE);
    }
    ck_assert_int_eq(resident(region), PAGES);
}
END_TEST

static int no_scratch(void)
{
    return -EMFILE;
}

START_TEST(a_page_that_cannot_be_written_stays)
{
    struct pager_failure failure = {0};
    struct pager_region *region = add_zero(6);
    uint8_t value;

    host.open_scratch = no_scratch;
    write_at(0, 1);
    read_at(PAGE);
    write_at(2 * PAGE, 2);
    read_at(5 * PAGE);
    ck_assert_uint_eq(pager_trim(pager, &failure), 2); /* the clean ones */
    ck_assert_int_eq(failure.status, PG_E_IO);
    ck_assert(failure.paging_file);
    ck_assert_int_eq(resident(region), 2);
    ck_assert(pager_is_valid(pager));
    pager_set_policy(pager, (enum pager_policy)_i);
    pager_set_frames(pager, 2);
    ck_assert(!support_read(BASE + 3 * PAGE, &value)); /* nothing can make room */
    ck_assert_int_eq(support_outcome, PAGER_FAILED);
    ck_assert_int_eq(support_failure.status, PG_E_IO);
    ck_assert(support_failure.paging_file);
    host.open_scratch = saved.open_scratch;
    ck_assert_uint_eq(read_at(3 * PAGE), 0);
    ck_assert_uint_eq(read_at(0), 1);
    ck_assert_uint_eq(read_at(2 * PAGE), 2);
    ck_assert_int_le(resident(region), 2);
}
END_TEST

static uint32_t choose_pattern(void *context, uint32_t n)
{
    uint32_t *count = context;

    ck_assert_uint_eq(n, 2);
    return ++*count % 3 != 0;
}

START_TEST(random_trims_ask_for_each_page)
{
    uint32_t asked = 0;
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager->hooks = (struct pager_hooks){.context = &asked, .choose = choose_pattern};
    for (uint32_t i = 0; i < PAGES; i++) {
        if (i != 4) {
            read_at(i * PAGE);
        }
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim_random(pager, NULL),
                      5); /* of 0 1 2 3 5 6 7, not the 3rd and 6th */
    ck_assert_uint_eq(asked, 7);
    ck_assert_uint_eq(calls_discard, 4);
    ck_assert(pager_is_resident(pager, BASE + 2 * PAGE) &&
              pager_is_resident(pager, BASE + 6 * PAGE));
    ck_assert_int_eq(resident(region), 2);
    pager->hooks.choose = NULL;
    ck_assert_uint_eq(pager_trim_random(pager, NULL), 2);
}
END_TEST

/* ---- arguments and limits ---- */

START_TEST(pager_arguments)
{
    static _Alignas(16) char memory[1 << 18];
    struct pager_limits limits = {2, 4, 8};
    struct pager *out = NULL;
    size_t bytes = pager_bytes(&limits);

    ck_assert_uint_le(bytes, sizeof memory);
    ck_assert_int_eq(pager_init(memory, bytes, &limits, NULL, &out), PG_OK);
    ck_assert(pager_is_valid(out));
    pager_fini(out);
    ck_assert_int_eq(pager_init(memory, bytes - 1, &limits, NULL, &out), PG_E_ARG);
    ck_assert_int_eq(pager_init(memory + 8, bytes, &limits, NULL, &out), PG_E_ARG);
    ck_assert_int_eq(pager_init(NULL, bytes, &limits, NULL, &out), PG_E_ARG);
    for (int i = 0; i < 3; i++) {
        struct pager_limits bad = limits;

        bad.regions = i == 0 ? 0 : 2;
        bad.pages = i == 1 ? 0 : 4;
        bad.patch_bytes = i == 2 ? UINT32_MAX : 8;
        ck_assert_int_eq(pager_init(memory, SIZE_MAX, &bad, NULL, &out), PG_E_ARG);
    }
}
END_TEST

START_TEST(region_arguments)
{
    const struct pager_region_desc good = file_desc(BASE, 0, 2, HOST_READ);
    struct pager_region_desc d;
    struct pager_region *out = NULL;

#define BAD(change)                                                                                \
    (d = good, change, ck_assert_msg(pager_add(pager, &d, &out) == PG_E_ARG, #change))
    BAD(d.pages = 0);
    BAD(d.base = BASE + 1);
    BAD(d.base = UINT64_MAX - PAGE + 1);
    BAD(d.protection = 8);
    BAD(d.protection = HOST_WRITE);
    BAD(d.protection = HOST_EXECUTE);
    BAD(d.backing.file_bytes = 2 * PAGE + 1);
    BAD(d.backing.rva = 1);
    BAD(d.backing.rva = UINT32_MAX - PAGE + 1);
    BAD(d.backing.file_offset = INT64_MAX);
    BAD(d.backing.relocation_count = 1);
#undef BAD
    ck_assert_ptr_null(out);
    d = good;
    d.backing.file_offset = 7 * PAGE;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_TRUNCATED);
    d.pinned = true;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_TRUNCATED);
    d.backing.fd = 999999;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_IO);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(saved.reserve(BASE, 2 * PAGE), 0);            /* nothing was left behind */
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_E_OVERLAP); /* somebody else's memory */
    saved.unreserve(BASE, 2 * PAGE);
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_OK);
    ck_assert_int_eq(pager_add(pager, &good, &out), PG_E_OVERLAP);
    d = zero_desc(BASE - PAGE, 2);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_OVERLAP);
    d = zero_desc(BASE + PAGE, 2);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_OVERLAP);
}
END_TEST

START_TEST(a_region_without_access)
{
    struct pager_region_desc desc = zero_desc(BASE, 2);
    struct pager_region *region;
    uint8_t value;

    desc.protection = HOST_NONE;
    desc.pinned = _i == 1;
    region = add(&desc);
    ck_assert(!support_read(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert_int_eq(pager_patch(pager, BASE, "abc", 3), PG_OK);
    ck_assert_int_eq(resident(region), _i == 1 ? 2 : 0);
    ck_assert(!support_read(BASE, &value));
}
END_TEST

START_TEST(limits_are_kept)
{
    struct pager_region_desc d;
    struct pager_region *regions[8], *out = NULL;

    for (uint32_t i = 0; i < 8; i++) { /* 8 regions, 64 pages: both limits at once */
        d = zero_desc(BASE + (uint64_t)(7 - i) * 8 * PAGE, 8);
        regions[i] = add(&d);
    }
    d = zero_desc(BASE + 0x1000000, 1);
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_LIMIT);
    pager_remove(pager, regions[2]);
    pager_remove(pager, regions[5]);
    d.pages = 9; /* 16 pages are free, but not in a row */
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_E_LIMIT);
    d.pages = 8;
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_OK);
    write_at(0x1000000 + 8 * PAGE - 1, 5);
    pager_trim(pager, NULL);
    ck_assert_uint_eq(read_at(0x1000000 + 8 * PAGE - 1), 5);
    pager_remove(pager, regions[4]);
    pager_remove(pager, out);
    d.pages = 16; /* two neighbours */
    ck_assert_int_eq(pager_add(pager, &d, &out), PG_OK);
    ck_assert_uint_eq(read_at(0x1000000 + 8 * PAGE - 1), 0);
}
END_TEST

/* ---- refused host calls ---- */

/* Runs `body` with the first, the second, ... host call refused, until none is. */
typedef pg_status body_function(struct pager_region *region);

static pg_status body_fault(struct pager_region *region)
{
    struct pager_failure failure;
    enum pager_outcome outcome = pager_fault(pager, region->base + 2 * PAGE, PAGER_WRITE, &failure);

    return outcome == PAGER_SERVED ? PG_OK : failure.status;
}

static pg_status body_reopen(struct pager_region *region)
{
    struct pager_failure failure;
    enum pager_outcome outcome = pager_fault(pager, region->base, PAGER_WRITE, &failure);

    return outcome == PAGER_SERVED ? PG_OK : failure.status;
}

static pg_status body_pin(struct pager_region *region)
{
    struct pager_failure failure = {0};
    pg_status status = pager_pin(pager, region, &failure);

    ck_assert_int_eq(status, failure.status);
    ck_assert(pager_region_pinned(region) == (status == PG_OK));
    return status;
}

static pg_status body_trim(struct pager_region *region)
{
    struct pager_failure failure = {0};
    int64_t before = resident(region);
    uint32_t left = pager_trim(pager, &failure);

    ck_assert_int_eq(resident(region), before - left);
    ck_assert((failure.status == PG_OK) == (resident(region) == 0));
    return failure.status;
}

static pg_status body_patch(struct pager_region *region)
{
    return pager_patch(pager, region->base + 3 * PAGE - 2, "word", 4);
}

static pg_status body_add(struct pager_region *region)
{
    struct pager_region_desc desc = file_desc(region->end, 0, 2, HOST_READ | HOST_WRITE);
    struct pager_region *out = NULL;
    pg_status status = pager_add(pager, &desc, &out);

    ck_assert((status == PG_OK) == (out != NULL));
    return status;
}

static pg_status body_add_pinned(struct pager_region *region)
{
    struct pager_region_desc desc = file_desc(region->end, 0, 2, HOST_READ);
    struct pager_region *out = NULL;
    pg_status status;

    desc.pinned = true;
    status = pager_add(pager, &desc, &out);
    ck_assert((status == PG_OK) == (out != NULL));
    return status;
}

/* Discards are never refused in the end: the one call that fails is made again. */
static pg_status body_discard(struct pager_region *region)
{
    pager_discard(pager, region);
    ck_assert_int_eq(resident(region), 0);
    return PG_OK;
}

static const struct {
    const char *name;
    body_function *body;
    bool may_hide; /* success although a call was refused */
} bodies[] = {
    {"fault", body_fault, false},
    {"reopen", body_reopen, false},
    {"pin", body_pin, false},
    {"trim", body_trim, false},
    {"patch", body_patch, true},
    {"add", body_add, false},
    {"add pinned", body_add_pinned, false},
    {"discard", body_discard, true},
};

START_TEST(every_host_call_may_be_refused)
{
    unsigned n;

    for (n = 1; n < 40; n++) {
        struct pager_region *region = add_file(4, HOST_READ | HOST_WRITE);
        pg_status status;
        bool hit;

        read_at(0); /* clean, dirty, and (page 2, page 3) in the paging file and out */
        write_at(PAGE, 1);
        write_at(2 * PAGE, 2);
        write_at(3 * PAGE, 3);
        pager_trim(pager, NULL);
        read_at(0);
        write_at(PAGE, 1);
        read_at(3 * PAGE);
        host_fail_nth(n);
        status = bodies[_i].body(region);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert_msg(pager_is_valid(pager), "%s, call %u", bodies[_i].name, n);
        if (!hit) {
            ck_assert_int_eq(status, PG_OK);
            break;
        }
        ck_assert_msg(status != PG_OK || bodies[_i].may_hide, "%s, call %u", bodies[_i].name, n);
        if (status != PG_OK) { /* nothing was lost, and the same works now */
            ck_assert_int_eq(bodies[_i].body(region), PG_OK);
            ck_assert(pager_is_valid(pager));
        }
        if (!pager_region_discarded(region)) {
            ck_assert_uint_eq(read_at(PAGE), 1);
            ck_assert_uint_eq(read_at(2 * PAGE), 2);
            ck_assert_uint_eq(read_at(3 * PAGE + 9), file[3 * PAGE + 9]);
            ck_assert_uint_eq(read_at(4), file[4]);
        }
        support_serve(NULL); /* a fresh one, with no paging file yet */
        support_fini(pager);
        pager = support_pager(8, 64, 256, NULL);
        support_serve(pager);
    }
    ck_assert_msg(n > 1 && n < 40, "%s made %u host calls", bodies[_i].name, n - 1);
}
END_TEST

/* The kernel refuses to take memory back, again and again: what lies there must never be seen. */
START_TEST(memory_that_cannot_be_given_back_is_not_trusted)
{
    struct pager_region *region = add_zero(4);
    struct pager_failure failure = {0};

    for (uint32_t i = 0; i < 4; i++) {
        write_at(i * PAGE, (uint8_t)(i + 1));
    }
    refuse_discards = 1;
    ck_assert_uint_eq(pager_trim(pager, &failure), 0);
    ck_assert_int_eq(failure.status, PG_E_NO_MEMORY);
    ck_assert_int_eq(resident(region), 4);
    write_at(0, 11); /* after it was written back, before it left */
    ck_assert_uint_eq(pager_trim(pager, NULL), 4);
    ck_assert_uint_eq(read_at(0), 11);
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);

    /* Half of a pin is done when the paging file turns out to be damaged. */
    ck_assert_int_eq(ftruncate(pager->swap_fd, 0), 0);
    refuse_discards = 2;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_TRUNCATED);
    ck_assert_uint_eq(refuse_discards, 2); /* nothing had come in yet */
    refuse_discards = 0;
    ck_assert(pager_is_valid(pager));
    pager_remove(pager, region);

    region = add_zero(20);
    for (uint32_t i = 0; i < 17; i++) {
        write_at(i * PAGE, 0xaa);
    }
    pager_trim(pager, NULL);
    ck_assert_int_eq(ftruncate(pager->swap_fd, 16 * PAGE), 0);
    refuse_discards = 2;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_TRUNCATED);
    ck_assert_uint_eq(failure.address, BASE + 16 * PAGE);
    refuse_discards = 0;
    ck_assert(pager_is_valid(pager));
    ck_assert_int_gt(resident(region), 0); /* soiled, and no page of it is believed */
    ck_assert(!pager_is_resident(pager, BASE));
    ck_assert_uint_eq(read_at(3 * PAGE), 0xaa);
    ck_assert_uint_eq(read_at(19 * PAGE), 0);
    ck_assert_uint_eq(pager_trim(pager, NULL), 2); /* and takes the soiled ones between along */
    ck_assert(pager_is_valid(pager));
    refuse_discards = 2;
    pager_discard(pager, region);
    ck_assert(pager_is_valid(pager));
}
END_TEST

START_TEST(a_protection_that_cannot_be_set_is_undone)
{
    struct pager_region *region = add_file(4, HOST_READ);
    struct pager_failure failure = {0};

    refuse_protects = 1;
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_NO_MEMORY);
    ck_assert_int_eq(resident(region), 0);
    read_at(PAGE);
    refuse_protects = 3; /* patch: open, then close twice */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE, "q", 1), PG_E_NO_MEMORY);
    ck_assert_uint_eq(read_at(PAGE), file[PAGE]);
    refuse_protects = 0;
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE, "q", 1), PG_OK);
    ck_assert_uint_eq(read_at(PAGE), 'q');
}
END_TEST

START_TEST(the_validator_sees_damage)
{
    struct pager_region *region = add_zero(4);
    struct page *page = &pager->pages[region->slot];

    write_at(0, 1);
    read_at(PAGE);
    for (unsigned bit = 0; bit < 8; bit++) {
        uint8_t flag = (uint8_t)(1u << bit);

        if ((flag & (PAGE_IN | PAGE_STUCK)) != 0) {
            page[0].flags ^= flag;
            ck_assert(!pager_is_valid(pager));
            page[0].flags ^= flag;
        }
        if ((flag & (PAGE_IN | PAGE_OPEN | PAGE_DIRTY)) != 0) {
            page[2].flags ^= flag; /* a page that is out */
            ck_assert(!pager_is_valid(pager));
            page[2].flags ^= flag;
        }
    }
    pager->evictable_count++;
    ck_assert(!pager_is_valid(pager));
    pager->evictable_count--;
    ck_assert_int_eq(saved.discard(BASE + PAGE, PAGE), 0); /* the kernel disagrees */
    ck_assert(!pager_is_valid(pager));
    pager_trim(pager, NULL);
    ck_assert(pager_is_valid(pager));
}
END_TEST

START_TEST(checksums_notice_every_bit)
{
    uint8_t page[PG_PAGE_SIZE];
    uint64_t sum;

    support_noise(page, sizeof page, 3);
    sum = checksum_page(page);
    for (uint32_t bit = 0; bit < sizeof page * 8; bit++) {
        page[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        ck_assert_uint_ne(checksum_page(page), sum);
        page[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ck_assert_uint_eq(checksum_page(page), sum);
    for (uint32_t i = 0; i + 16 <= sizeof page; i += 8) { /* words that changed places */
        uint8_t copy[PG_PAGE_SIZE];

        memcpy(copy, page, sizeof page);
        memcpy(copy + i, page + i + 8, 8);
        memcpy(copy + i + 8, page + i, 8);
        ck_assert_uint_ne(checksum_page(copy), sum);
    }
}
END_TEST

START_TEST(random_streams_agree_with_the_model)
{
    uint8_t bytes[3000];

    for (uint64_t seed = 0; seed < 20; seed++) {
        support_noise(bytes, sizeof bytes, (uint64_t)_i * 1000 + seed);
        pager_stream_run(bytes, sizeof bytes);
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, pages_come_in_one_by_one);
    tcase_add_test(t, protection_is_kept);
    tcase_add_test(t, code_runs_where_it_was_paged_in);
    tcase_add_test(t, the_end_of_the_file_part_is_zero);
    tcase_add_test(t, short_counts_are_no_errors);
    tcase_add_loop_test(t, words_that_straddle_are_relocated, 0, 8);
    tcase_add_test(t, the_other_half_comes_from_the_file);
    tcase_add_test(t, a_word_may_begin_below_the_image);
    tcase_add_test(t, modified_pages_come_back);
    tcase_add_test(t, trim_costs_what_came_in);
    tcase_add_test(t, zero_pages_are_zero_again_and_again);
    tcase_add_test(t, damage_in_the_paging_file_is_seen);
    tcase_add_test(t, a_changed_image_file_is_seen);
    tcase_add_test(t, a_pinned_region_comes_in_as_one_run);
    tcase_add_test(t, pinned_data_never_faults);
    tcase_add_test(t, a_large_region_is_filled_in_chunks);
    tcase_add_loop_test(t, discarded_is_for_ever, 0, 2);
    tcase_add_test(t, patches_are_there_after_every_page_in);
    tcase_add_test(t, a_patch_meets_pages_in_every_state);
    tcase_add_test(t, patches_go_with_their_region);
    tcase_add_test(t, patches_are_checked);
    tcase_add_test(t, the_clock_spares_what_is_used);
    tcase_add_loop_test(t, evicted_pages_come_back, 0, 3);
    tcase_add_test(t, fifo_takes_the_oldest);
    tcase_add_test(t, trim_all_takes_everything);
    tcase_add_test(t, limits_and_policies_change_while_pages_are_in);
    tcase_add_loop_test(t, a_page_that_cannot_be_written_stays, 0, 3);
    tcase_add_test(t, random_trims_ask_for_each_page);
    tcase_add_test(t, pager_arguments);
    tcase_add_test(t, region_arguments);
    tcase_add_loop_test(t, a_region_without_access, 0, 2);
    tcase_add_test(t, limits_are_kept);
    tcase_add_loop_test(t, every_host_call_may_be_refused, 0, 8);
    tcase_add_test(t, memory_that_cannot_be_given_back_is_not_trusted);
    tcase_add_test(t, a_protection_that_cannot_be_set_is_undone);
    tcase_add_test(t, the_validator_sees_damage);
    tcase_add_test(t, checksums_notice_every_bit);
}

int main(void)
{
    Suite *suite = suite_create("pager");
    TCase *plain = tcase_create("pager"), *streams = tcase_create("streams");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_set_timeout(plain, 120);
    tcase_set_timeout(streams, 240);
    add_tests(plain);
    tcase_add_loop_test(streams, random_streams_agree_with_the_model, 0, 8);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, streams);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
