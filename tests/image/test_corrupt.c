/* SPDX-License-Identifier: MIT */
/*
 * Damaged files: every byte of the headers of each sample driver changed, bytes anywhere changed at
 * random, each file cut off at every 64th byte.  Opening says no or what it let through can be
 * walked; nothing is read outside of the file (the copies are exact, so that a sanitizer sees it).
 */
#include "walk.h"

#include "pe.h"
#include "support/run.h"

#include <check.h>
#include <dirent.h>

#define SAMPLES 64

static struct {
    char name[256];
    uint8_t *bytes;
    size_t size;
} samples[SAMPLES];
static int sample_count;

static void add_sample(const char *name, const void *bytes, size_t size)
{
    ck_assert_int_lt(sample_count, SAMPLES);
    snprintf(samples[sample_count].name, sizeof(samples[0].name), "%s", name);
    samples[sample_count].bytes = malloc(size);
    samples[sample_count].size = size;
    memcpy(samples[sample_count].bytes, bytes, size);
    sample_count++;
}

static void add_file(const char *name)
{
    static uint8_t bytes[4u << 20];
    char path[1024];
    size_t size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", PAGABLE_DRIVERS, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    size = fread(bytes, 1, sizeof(bytes), file);
    ck_assert(feof(file) && !ferror(file));
    fclose(file);
    add_sample(name, bytes, size);
}

static int is_driver(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".sys") == 0;
}

/* The built images and every sample driver, in the order of their names. */
static void find_samples(void)
{
    struct pe_options flat = {.flat = true, .base = 0x10000};
    struct dirent **entries;
    struct pe pe;
    int count = scandir(PAGABLE_DRIVERS, &entries, is_driver, alphasort);

    ck_assert_msg(count > 0, "no drivers in %s", PAGABLE_DRIVERS);
    pe_build(&pe, NULL);
    add_sample("built", pe.bytes, pe.size);
    pe_build(&pe, &flat);
    add_sample("built, flat", pe.bytes, pe.size);
    for (int i = 0; i < count; i++) {
        add_file(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static size_t header_bytes(const uint8_t *bytes, size_t size)
{
    struct image image;
    struct image_error error;

    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_OK);
    return image.header_size;
}

START_TEST(whole)
{
    for (int i = 0; i < sample_count; i++) {
        ck_assert_msg(walk_bytes_of_file(samples[i].bytes, samples[i].size) == PG_OK, "%s",
                      samples[i].name);
    }
}
END_TEST

/* The headers of the samples are much alike: each byte of each is changed in one way, which another
 * sample changes in another. */
START_TEST(header_bytes_changed)
{
    static const uint8_t changes[] = {0xff, 0x01, 0x80, 0x10};

    for (int i = 0; i < sample_count; i++) {
        size_t headers = header_bytes(samples[i].bytes, samples[i].size);
        int refused = 0;

        for (size_t at = 0; at < headers; at++) {
            uint8_t change = changes[(at + (size_t)i) % sizeof(changes)];

            samples[i].bytes[at] ^= change;
            refused += walk_bytes_of_file(samples[i].bytes, samples[i].size) != PG_OK;
            samples[i].bytes[at] ^= change;
        }
        ck_assert_int_gt(refused, 100);
    }
}
END_TEST

/* Where the last section ends in the file; what follows (names of symbols) is not loaded. */
static size_t loaded_bytes(const uint8_t *bytes, size_t size)
{
    struct image image;
    struct image_error error;
    size_t end = 0;

    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_OK);
    for (uint32_t i = 0; i < image.section_count; i++) {
        size_t section_end = image.sections[i].raw_offset + image.sections[i].raw_size;

        end = section_end > end ? section_end : end;
    }
    return end;
}

START_TEST(cut_off)
{
    for (int i = 0; i < sample_count; i++) {
        size_t size = samples[i].size, loaded = loaded_bytes(samples[i].bytes, size);

        for (size_t length = 0; length < size; length += 64) {
            uint8_t *copy = malloc(length + 1);
            pg_status status;

            memcpy(copy + 1, samples[i].bytes, length); /* not aligned, too */
            status = walk_bytes_of_file(copy + 1, length);
            ck_assert_msg(status != PG_OK || length >= loaded, "%s of %zu bytes opens",
                          samples[i].name, length);
            free(copy);
        }
    }
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A few bytes anywhere, half of the time one that is likely in a table, at places near each other.
 */
START_TEST(bytes_changed_at_random)
{
    uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)_i;

    for (int round = 0; round < 400; round++) {
        int which = (int)(next_random(&state) % (unsigned)sample_count);
        size_t size = samples[which].size;
        uint8_t *copy = malloc(size);
        size_t at = next_random(&state) % size;

        memcpy(copy, samples[which].bytes, size);
        for (unsigned n = 0; n <= next_random(&state) % 8; n++) {
            uint64_t draw = next_random(&state);

            at = draw % 4 == 0 ? draw / 4 % size : (at + draw / 4 % 64) % size;
            copy[at] = draw % 2 == 0 ? (uint8_t)(draw >> 32)
                                     : (uint8_t) "\0\1\2\4\x7f\x80\xff\xfe"[(draw >> 32) % 8];
        }
        walk_bytes_of_file(copy, size);
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image corruption");
    TCase *tests = tcase_create("damaged files");

    tcase_set_timeout(tests, 240);
    tcase_add_unchecked_fixture(tests, find_samples, NULL);
    tcase_add_test(tests, whole);
    tcase_add_test(tests, header_bytes_changed);
    tcase_add_test(tests, cut_off);
    tcase_add_loop_test(tests, bytes_changed_at_random, 0, 8);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
