/* SPDX-License-Identifier: MIT */
#include "pe.h"

#include <string.h>

static const struct {
    const char *name;
    uint32_t virtual_size, flags;
    bool in_file;
} shapes[PE_SECTIONS] = {
    [PE_TEXT] = {".text", 0x180, 0x68000020, true},
    [PE_PAGE] = {"PAGEABCD", 0x1800, 0x60000020, true},
    [PE_INIT] = {"INIT", 0x100, 0x62000020, true},
    [PE_RDATA] = {".rdata", 0x600, 0x48000040, true},
    [PE_DATA] = {".data", 0x1100, 0xc8000040, true},
    [PE_BSS] = {".bss", 0x300, 0xc8000080, false},
    [PE_PDATA] = {".pdata", 0x3c, 0x48000040, true},
    [PE_RELOC] = {".reloc", 0x40, 0x42000040, true},
};

void pe_put(struct pe *pe, size_t place, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++) {
        pe->bytes[place + i] = (uint8_t)(value >> (8 * i));
    }
}

uint64_t pe_get(const struct pe *pe, size_t place, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)pe->bytes[place + i] << (8 * i);
    }
    return value;
}

static void put32(struct pe *pe, size_t place, uint32_t value)
{
    pe_put(pe, place, 4, value);
}

static void put_text(struct pe *pe, size_t place, const char *text)
{
    memcpy(pe->bytes + place, text, strlen(text) + 1);
}

static void put_headers(struct pe *pe, uint32_t section_alignment, uint32_t file_alignment)
{
    put_text(pe, 0, "MZ");
    put32(pe, 0x3c, PE_SIGNATURE);
    put_text(pe, PE_SIGNATURE, "PE");
    pe_put(pe, PE_FILE, 2, 0x8664);
    pe_put(pe, PE_FILE + 2, 2, PE_SECTIONS);
    put32(pe, PE_FILE + 4, 0x12345678);
    pe_put(pe, PE_FILE + 16, 2, 240);
    pe_put(pe, PE_FILE + 18, 2, 0x22);
    pe_put(pe, PE_OPTIONAL, 2, 0x20b);
    put32(pe, PE_OPTIONAL + 16, pe->rva[PE_INIT] + 0x10);
    pe_put(pe, PE_OPTIONAL + 24, 8, pe->base);
    put32(pe, PE_OPTIONAL + 32, section_alignment);
    put32(pe, PE_OPTIONAL + 36, file_alignment);
    put32(pe, PE_OPTIONAL + 60, PE_HEADERS);
    pe_put(pe, PE_OPTIONAL + 68, 2, 1);
    put32(pe, PE_OPTIONAL + 108, 16);
}

static void put_sections(struct pe *pe)
{
    for (unsigned i = 0; i < PE_SECTIONS; i++) {
        size_t place = PE_SECTION(i);

        memcpy(pe->bytes + place, shapes[i].name, strlen(shapes[i].name));
        put32(pe, place + 8, shapes[i].virtual_size);
        put32(pe, place + 12, pe->rva[i]);
        put32(pe, place + 16, shapes[i].in_file ? PE_RAW : 0);
        put32(pe, place + 20, pe->raw[i]);
        put32(pe, place + 36, shapes[i].flags);
    }
}

static void put_directory(struct pe *pe, unsigned index, uint32_t rva, uint32_t size)
{
    put32(pe, PE_DIRECTORY(index), rva);
    put32(pe, PE_DIRECTORY(index) + 4, size);
}

/* rva of a place in .rdata. */
static uint32_t at(const struct pe *pe, uint32_t offset)
{
    return pe->rva[PE_RDATA] + offset;
}

static void put_imports(struct pe *pe)
{
    size_t r = pe->raw[PE_RDATA];
    const uint64_t names[] = {at(pe, PE_HINT_KESET), at(pe, PE_HINT_DBGPRINT), 1ull << 63 | 7};

    put32(pe, r + PE_IMPORTS, at(pe, PE_NAMES_0));
    put32(pe, r + PE_IMPORTS + 12, at(pe, PE_MODULE_0));
    put32(pe, r + PE_IMPORTS + 16, at(pe, PE_SLOTS_0));
    put32(pe, r + PE_IMPORTS + 32, at(pe, PE_MODULE_1));
    put32(pe, r + PE_IMPORTS + 36, at(pe, PE_SLOTS_1));
    for (unsigned i = 0; i < 3; i++) {
        pe_put(pe, r + PE_NAMES_0 + 8 * i, 8, names[i]);
        pe_put(pe, r + PE_SLOTS_0 + 8 * i, 8, names[i]);
    }
    pe_put(pe, r + PE_SLOTS_1, 8, at(pe, PE_HINT_HAL));
    put_text(pe, r + PE_HINT_KESET + 2, "KeSetEvent");
    put_text(pe, r + PE_HINT_DBGPRINT + 2, "DbgPrint");
    put_text(pe, r + PE_HINT_HAL + 2, "HalMakeBeep");
    put_text(pe, r + PE_MODULE_0, "ntoskrnl.exe");
    put_text(pe, r + PE_MODULE_1, "HAL.dll");
    put_directory(pe, 1, at(pe, PE_IMPORTS), 60);
}

static void put_exports(struct pe *pe)
{
    static const char *const names[] = {"Alpha", "Beta", "Gamma", "Zeta"};
    static const uint16_t indices[] = {0, 3, 4, 4};
    size_t r = pe->raw[PE_RDATA];
    const uint32_t slots[] = {pe->rva[PE_TEXT] + PE_FN_PLAIN, 0, pe->rva[PE_DATA] + 0x20,
                              at(pe, PE_FORWARDER), pe->rva[PE_TEXT] + PE_FN_HANDLER};

    put32(pe, r + PE_EXPORTS + 12, at(pe, PE_EXPORT_TEXT));
    put32(pe, r + PE_EXPORTS + 16, 5);
    put32(pe, r + PE_EXPORTS + 20, 5);
    put32(pe, r + PE_EXPORTS + 24, 4);
    put32(pe, r + PE_EXPORTS + 28, at(pe, PE_EXPORT_SLOTS));
    put32(pe, r + PE_EXPORTS + 32, at(pe, PE_EXPORT_NAMES));
    put32(pe, r + PE_EXPORTS + 36, at(pe, PE_EXPORT_INDICES));
    for (unsigned i = 0; i < 5; i++) {
        put32(pe, r + PE_EXPORT_SLOTS + 4 * i, slots[i]);
    }
    put_text(pe, r + PE_EXPORT_TEXT, "test.sys");
    for (unsigned i = 0; i < 4; i++) {
        put_text(pe, r + PE_EXPORT_TEXT + 10 + 7 * i, names[i]);
        put32(pe, r + PE_EXPORT_NAMES + 4 * i, at(pe, PE_EXPORT_TEXT + 10 + 7 * i));
        pe_put(pe, r + PE_EXPORT_INDICES + 2 * i, 2, indices[i]);
    }
    put_text(pe, r + PE_FORWARDER, "other.Target");
    put_directory(pe, 0, at(pe, PE_EXPORTS), PE_EXPORT_BYTES);
}

static void put_code(struct pe *pe, size_t place, const uint8_t *code, size_t bytes)
{
    memcpy(pe->bytes + place, code, bytes);
}

static void put_unwind(struct pe *pe)
{
    static const uint8_t plain[] = {0x01, 5, 2, 0, 5, 0x32, 1, 0x30};
    static const uint8_t handler[] = {0x19, 4, 1, 0, 4, 0x42, 0, 0};
    static const uint8_t chained[] = {0x21, 5, 2, 0, 5, 0x74, 6, 0};
    static const uint8_t frame[] = {0x01, 16, 4, 0x85, 16, 0x03, 8, 0x01, 0x00, 0x02, 1, 0x50};
    static const uint8_t machine[] = {0x01, 1, 2, 0, 1, 0x00, 0, 0x1a};
    static const uint8_t push_rbx_sub[] = {0x53, 0x48, 0x83, 0xec, 0x20};
    static const uint8_t add_pop_ret[] = {0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3};
    size_t r = pe->raw[PE_RDATA], text = pe->raw[PE_TEXT];
    const uint32_t table[PE_FUNCTIONS][3] = {
        {PE_FN_PLAIN, PE_FN_HANDLER, PE_UNWIND_PLAIN},
        {PE_FN_HANDLER, PE_FN_CHAINED, PE_UNWIND_HANDLER},
        {PE_FN_CHAINED, PE_FN_MACHINE, PE_UNWIND_CHAINED},
        {PE_FN_MACHINE, 0xc0, PE_UNWIND_MACHINE},
        {PE_FN_FRAME, PE_FN_FRAME + 0x40, PE_UNWIND_FRAME},
    };

    put_code(pe, r + PE_UNWIND_PLAIN, plain, sizeof(plain));
    put_code(pe, r + PE_UNWIND_HANDLER, handler, sizeof(handler));
    put32(pe, r + PE_UNWIND_HANDLER + 8, pe->rva[PE_TEXT] + PE_FN_PLAIN);
    put_code(pe, r + PE_UNWIND_CHAINED, chained, sizeof(chained));
    put32(pe, r + PE_UNWIND_CHAINED + 8, pe->rva[PE_TEXT] + PE_FN_PLAIN);
    put32(pe, r + PE_UNWIND_CHAINED + 12, pe->rva[PE_TEXT] + PE_FN_HANDLER);
    put32(pe, r + PE_UNWIND_CHAINED + 16, at(pe, PE_UNWIND_PLAIN));
    put_code(pe, r + PE_UNWIND_FRAME, frame, sizeof(frame));
    put_code(pe, r + PE_UNWIND_MACHINE, machine, sizeof(machine));
    memset(pe->bytes + text, 0x90, 0x180);
    memset(pe->bytes + pe->raw[PE_PAGE], 0x90, PE_RAW);
    put_code(pe, text + PE_FN_PLAIN, push_rbx_sub, sizeof(push_rbx_sub));
    put_code(pe, text + PE_FN_HANDLER - sizeof(add_pop_ret), add_pop_ret, sizeof(add_pop_ret));
    for (unsigned i = 0; i < PE_FUNCTIONS; i++) {
        uint32_t start = pe->rva[i < 4 ? PE_TEXT : PE_PAGE];
        size_t place = pe->raw[PE_PDATA] + 12 * i;

        put32(pe, place, start + table[i][0]);
        put32(pe, place + 4, start + table[i][1]);
        put32(pe, place + 8, at(pe, table[i][2]));
    }
    put_directory(pe, 3, pe->rva[PE_PDATA], 12 * PE_FUNCTIONS);
}

static void put_relocations(struct pe *pe)
{
    /* Three in the page of .data (one that straddles its two pages), then one in .rdata. */
    static const uint16_t data[] = {0xa000, 0xa008, 0xaffc, 0x0000};
    size_t r = pe->raw[PE_RELOC];

    put32(pe, r, pe->rva[PE_DATA]);
    put32(pe, r + 4, 16);
    for (unsigned i = 0; i < 4; i++) {
        pe_put(pe, r + 8 + 2 * i, 2, data[i]);
    }
    put32(pe, r + 16, pe->rva[PE_RDATA]);
    put32(pe, r + 20, 12);
    pe_put(pe, r + 24, 2, 0xa000 | (PE_LOAD_CONFIG + 0x58));
    put_directory(pe, 5, pe->rva[PE_RELOC], 28);
}

static void put_load_config(struct pe *pe)
{
    size_t r = pe->raw[PE_RDATA] + PE_LOAD_CONFIG;

    put32(pe, r, 0x94);
    pe_put(pe, r + 0x58, 8, pe->base + pe->rva[PE_DATA] + 0x40);
    pe_put(pe, r + 0x70, 8, pe->base + at(pe, 0x500));
    pe_put(pe, r + 0x78, 8, pe->base + at(pe, 0x508));
    put32(pe, r + 0x90, 0x100);
    put_directory(pe, 10, at(pe, PE_LOAD_CONFIG), 0x94);
}

static void put_debug(struct pe *pe)
{
    size_t d = pe->raw[PE_RDATA] + PE_DEBUG, r = pe->raw[PE_RDATA] + PE_RSDS;

    put32(pe, d + 12, 13); /* of another kind, first */
    put32(pe, d + 28 + 12, 2);
    put32(pe, d + 28 + 16, 24 + 9);
    put32(pe, d + 28 + 20, at(pe, PE_RSDS));
    put32(pe, d + 28 + 24, (uint32_t)r);
    put_text(pe, r, "RSDS");
    for (unsigned i = 0; i < 16; i++) {
        pe->bytes[r + 4 + i] = (uint8_t)(0xa0 + i);
    }
    put32(pe, r + 20, 3);
    put_text(pe, r + 24, "test.pdb");
    put_directory(pe, 6, at(pe, PE_DEBUG), 56);
}

void pe_build(struct pe *pe, const struct pe_options *options)
{
    bool flat = options != NULL && options->flat;
    uint32_t alignment = flat ? 0x200 : 0x1000;
    uint32_t rva = flat ? PE_HEADERS : 0x1000, raw = PE_HEADERS;

    memset(pe, 0, sizeof(*pe));
    pe->base = options != NULL && options->base != 0 ? options->base : 0x140000000u;
    for (unsigned i = 0; i < PE_SECTIONS; i++) {
        uint32_t size = shapes[i].virtual_size > PE_RAW ? shapes[i].virtual_size : PE_RAW;

        pe->rva[i] = rva;
        pe->raw[i] = shapes[i].in_file ? raw : 0;
        rva += (size + alignment - 1) / alignment * alignment;
        raw += shapes[i].in_file ? PE_RAW : 0;
        if (flat) {
            raw = rva;
        }
    }
    put_headers(pe, alignment, 0x200);
    put32(pe, PE_OPTIONAL + 56, flat ? pe->rva[PE_RELOC] + 0x200 : rva);
    put_sections(pe);
    put_imports(pe);
    put_exports(pe);
    put_unwind(pe);
    put_relocations(pe);
    put_load_config(pe);
    put_debug(pe);
    pe->size = pe->raw[PE_RELOC] + PE_RAW;
}
