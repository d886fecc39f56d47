/* SPDX-License-Identifier: MIT */
#include "tiny_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS    0x400u
#define OPTIONAL   0x98u
#define DIRECTORY  (OPTIONAL + 112u)
#define SECTIONS   (OPTIONAL + 240u)
#define PAGE       0x1000u
#define PDATA      0x4000u
#define RELOC      0x5000u
#define DESCRIPTOR 0x2800u
#define NAMES      0x2840u
#define SLOTS      0x2880u
#define MODULE     0x28c0u
#define TEXTS      0x2900u

static uint8_t *at(struct tiny *tiny, uint32_t rva)
{
    uint32_t place = rva < PAGE ? rva : rva - PAGE + HEADERS;

    if (place >= TINY_FILE) {
        abort();
    }
    return tiny->bytes + place;
}

static void store(uint8_t *bytes, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

void tiny_put32(struct tiny *tiny, uint32_t rva, uint32_t value)
{
    store(at(tiny, rva), 4, value);
}

void tiny_put(struct tiny *tiny, uint32_t rva, const char *hex)
{
    int used;

    for (unsigned byte; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used) {
        *at(tiny, rva++) = (uint8_t)byte;
    }
}

void tiny_relative(struct tiny *tiny, uint32_t rva, uint32_t target_rva)
{
    tiny_put32(tiny, rva, target_rva - (rva + 4));
}

uint32_t tiny_slot(enum tiny_import import)
{
    return SLOTS + 8u * import;
}

void tiny_pointer(struct tiny *tiny, uint32_t rva, uint32_t target_rva)
{
    store(at(tiny, rva), 8, TINY_BASE + (uint64_t)target_rva);
    /* A block for each: the order of relocations is free then. */
    tiny_put32(tiny, RELOC + 12 * tiny->relocations, rva & ~(PAGE - 1));
    tiny_put32(tiny, RELOC + 12 * tiny->relocations + 4, 12);
    store(at(tiny, RELOC + 12 * tiny->relocations + 8), 2, 0xa000u | (rva & (PAGE - 1)));
    tiny->relocations++;
}

void tiny_function(struct tiny *tiny, uint32_t begin_rva, uint32_t end_rva, uint32_t unwind_rva)
{
    uint32_t entry = PDATA + 12 * tiny->pdata++;

    tiny_put32(tiny, entry, begin_rva);
    tiny_put32(tiny, entry + 4, end_rva);
    tiny_put32(tiny, entry + 8, unwind_rva);
}

void tiny_guard(struct tiny *tiny, uint32_t check_rva, uint32_t dispatch_rva, uint32_t table_rva,
                uint32_t count)
{
    tiny_put32(tiny, DIRECTORY + 80, TINY_CONFIG);
    tiny_put32(tiny, DIRECTORY + 84, 0x94);
    tiny_put32(tiny, TINY_CONFIG, 0x94);
    store(at(tiny, TINY_CONFIG + 0x70), 8, TINY_BASE + (uint64_t)check_rva);
    store(at(tiny, TINY_CONFIG + 0x78), 8, TINY_BASE + (uint64_t)dispatch_rva);
    store(at(tiny, TINY_CONFIG + 0x80), 8, TINY_BASE + (uint64_t)table_rva);
    store(at(tiny, TINY_CONFIG + 0x88), 8, count);
}

static void put_headers(struct tiny *tiny)
{
    uint8_t *bytes = tiny->bytes;

    memcpy(bytes, "MZ", 2);
    store(bytes + 60, 4, 0x80);
    memcpy(bytes + 0x80, "PE", 2);
    store(bytes + 0x84, 2, 0x8664);
    store(bytes + 0x86, 2, 5);
    store(bytes + 0x94, 2, 240);
    store(bytes + 0x96, 2, 0x22);
    store(bytes + OPTIONAL, 2, 0x20b);
    store(bytes + OPTIONAL + 24, 8, TINY_BASE);
    store(bytes + OPTIONAL + 32, 4, PAGE);
    store(bytes + OPTIONAL + 36, 4, 0x200);
    store(bytes + OPTIONAL + 56, 4, 0x6000);
    store(bytes + OPTIONAL + 60, 4, HEADERS);
    store(bytes + OPTIONAL + 68, 2, 1);
    store(bytes + OPTIONAL + 108, 4, 16);
}

static void put_sections(struct tiny *tiny)
{
    static const struct {
        char name[8];
        uint32_t flags;
    } sections[] = {{".text", 0x68000020},
                    {".rdata", 0x48000040},
                    {".data", 0xc8000040},
                    {".pdata", 0x48000040},
                    {".reloc", 0x42000040}};

    for (uint32_t i = 0; i < 5; i++) {
        uint8_t *entry = tiny->bytes + SECTIONS + 40 * i;

        memcpy(entry, sections[i].name, 8);
        store(entry + 8, 4, PAGE);
        store(entry + 12, 4, PAGE * (i + 1));
        store(entry + 16, 4, PAGE);
        store(entry + 20, 4, HEADERS + PAGE * i);
        store(entry + 36, 4, sections[i].flags);
    }
}

static void put_imports(struct tiny *tiny)
{
    static const char *const names[TINY_IMPORTS] = {"KeSetEvent", "KeReleaseMutex", "KeBugCheckEx",
                                                    "WdfVersionBind"};

    tiny_put32(tiny, DIRECTORY + 8, DESCRIPTOR);
    tiny_put32(tiny, DIRECTORY + 12, 40);
    tiny_put32(tiny, DESCRIPTOR, NAMES);
    tiny_put32(tiny, DESCRIPTOR + 12, MODULE);
    tiny_put32(tiny, DESCRIPTOR + 16, SLOTS);
    memcpy(at(tiny, MODULE), "ntoskrnl.exe", 13);
    for (uint32_t i = 0; i < TINY_IMPORTS; i++) {
        tiny_put32(tiny, NAMES + 8 * i, TEXTS + 32 * i);
        tiny_put32(tiny, SLOTS + 8 * i, TEXTS + 32 * i);
        memcpy(at(tiny, TEXTS + 32 * i + 2), names[i], strlen(names[i]));
    }
}

void tiny_begin(struct tiny *tiny)
{
    memset(tiny, 0, sizeof(*tiny));
    memset(at(tiny, TINY_TEXT), 0xcc, PAGE);
    put_headers(tiny);
    put_sections(tiny);
    put_imports(tiny);
    tiny_put(tiny, TINY_UNWIND, "01 01 01 00 01 30 00 00");
    tiny_put(tiny, TINY_CHAINED, "21 00 00 00");
}

void tiny_end(struct tiny *tiny)
{
    if (tiny->pdata != 0) {
        tiny_put32(tiny, DIRECTORY + 24, PDATA);
        tiny_put32(tiny, DIRECTORY + 28, 12 * tiny->pdata);
    }
    if (tiny->relocations != 0) {
        tiny_put32(tiny, DIRECTORY + 40, RELOC);
        tiny_put32(tiny, DIRECTORY + 44, 12 * tiny->relocations);
    }
}
