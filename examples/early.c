/* SPDX-License-Identifier: MIT */
/*
 * Much of a program runs once: options, tables, self-tests.  Here that part is in INIT, and its
 * memory is given back before the work begins.  "early late" then calls it again, by mistake.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <pagable/pagable.h>

static uint32_t table[256];

/* A megabyte of data that only the start needs. */
PAGABLE_INIT_DATA static unsigned char noise[1 << 20] = {1};

PAGABLE_INIT static void make_table(void)
{
    for (unsigned i = 1; i < sizeof noise; i++) {
        noise[i] = (unsigned char)(noise[i - 1] * 5 + 3);
    }
    for (unsigned i = 0; i < 256; i++) {
        uint32_t value = i;

        for (int bit = 0; bit < 8; bit++) {
            value = (value >> 1) ^ (0xedb88320u & -(value & 1));
        }
        table[i] = value ^ noise[i * 4096 + 1] ^ noise[i * 4096 + 1];
    }
}

static uint32_t checksum(const char *text)
{
    uint32_t value = 0xffffffffu;

    for (; *text != '\0'; text++) {
        value = table[(value ^ (unsigned char)*text) & 255] ^ (value >> 8);
    }
    return ~value;
}

static void show(const char *when, pg_handle handle)
{
    struct pagable_info info;

    if (pagable_query(handle, &info) == PG_OK) {
        printf("%s: %u of %u pages of %s resident\n", when, info.resident_pages, info.pages,
               info.name);
    }
}

int main(int argc, char **argv)
{
    pg_handle data;

    make_table();
    if (pagable_find(noise, &data) != PG_OK) {
        fprintf(stderr, "early: %s\n", pagable_error());
        return 1;
    }
    show("after initialization", data);
    if (pagable_discard_init((const void *)main) != PG_OK) {
        fprintf(stderr, "early: %s\n", pagable_error());
        return 1;
    }
    show("after the discard", data);
    printf("the work goes on: %08x\n", (unsigned)checksum("123456789"));
    if (argc > 1 && strcmp(argv[1], "late") == 0) {
        make_table();
    }
    return 0;
}
