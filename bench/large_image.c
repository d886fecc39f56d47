/* SPDX-License-Identifier: MIT */
/*
 * Links copies of the sample drivers' code into one image.
 *
 * Layout: headers; .text, all copies of all executable sections; .rdata and .data, the other
 * sections of each driver once, which its copies share; .pdata of all copies.  What refers to
 * another section is relative to the instruction, so it is found by decoding and given its new
 * distance.  Of the pointers in data only those of imports are: nothing of the image is ever run.
 */
#include "large_image.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define PAGE         4096u
#define HEADER_BYTES 1024u
#define DRIVERS      (sizeof drivers / sizeof *drivers)

static const char *const drivers[] = {"serial",   "parallel", "ftdisk",   "io_probe",
                                      "ex_probe", "hw_probe", "pnp_probe"};

enum area { TEXT, RDATA, DATA, PDATA, AREAS };

struct part {
    uint8_t *bytes; /* NULL while sizes are counted */
    uint32_t rva, used;
};

struct source {
    struct input input;
    uint32_t where[IMAGE_MAX_SECTIONS]; /* rva of each section now; of text, in the present copy */
};

struct linker {
    struct source sources[DRIVERS];
    struct part parts[AREAS];
    uint8_t *imports; /* descriptors, in .rdata */
    uint32_t import_rva, import_bytes;
    uint32_t entry_rva;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "pagable-bench: large image: %s\n", what);
    exit(EXIT_OURS);
}

static void *need(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL) {
        fail("out of memory");
    }
    return memory;
}

static uint32_t aligned(uint32_t value, uint32_t to)
{
    return (value + to - 1) / to * to;
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

static enum area area_of(const struct image_section *section)
{
    return section->executable ? TEXT : section->writable ? DATA : RDATA;
}

/* A section's bytes into its part; where it starts there. */
static uint32_t place(struct linker *linker, const struct image *image,
                      const struct image_section *section)
{
    struct part *part = &linker->parts[area_of(section)];
    uint32_t at = aligned(part->used, 16);
    uint32_t bytes =
        section->raw_size < section->virtual_size ? section->raw_size : section->virtual_size;

    if (part->bytes != NULL) {
        memcpy(part->bytes + at, image->bytes + section->raw_offset, bytes);
    }
    part->used = at + section->virtual_size;
    return part->rva + at;
}

/* Where a place of a driver is now; 0: nowhere (its headers). */
static uint32_t moved(const struct source *source, uint32_t rva)
{
    const struct image *image = &source->input.image;
    const struct image_section *section = image_section_at(image, rva);

    return section == NULL ? 0 : source->where[section - image->sections] + rva - section->rva;
}

/* ---- code ---- */

/* The 32-bit distance in an instruction: its offset, 0 for none. */
static uint8_t distance_at(const ZydisDecodedInstruction *instruction)
{
    if (instruction->raw.imm[0].is_relative && instruction->raw.imm[0].size == 32) {
        return instruction->raw.imm[0].offset;
    }
    return (instruction->attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0 &&
                   instruction->raw.modrm.mod == 0 && instruction->raw.modrm.rm == 5
               ? instruction->raw.disp.offset
               : 0;
}

static void link_code(const struct linker *linker, const struct source *source,
                      const ZydisDecoder *decoder, const struct image_section *section)
{
    uint32_t now = source->where[section - source->input.image.sections];
    uint8_t *code = linker->parts[TEXT].bytes + (now - linker->parts[TEXT].rva);

    for (uint32_t at = 0; at < section->virtual_size;) {
        ZydisDecodedInstruction instruction;
        uint32_t target, end;
        uint8_t offset;

        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder, NULL, code + at,
                                                      section->virtual_size - at, &instruction))) {
            at++;
            continue;
        }
        end = at + instruction.length;
        offset = distance_at(&instruction);
        if (offset != 0) {
            target = moved(source, section->rva + end + get32(code + at + offset));
            put(code + at + offset, target - (now + end), 4);
        }
        at = end;
    }
}

static void add_functions(struct linker *linker, const struct source *source)
{
    const struct image *image = &source->input.image;
    struct part *part = &linker->parts[PDATA];

    for (uint32_t i = 0; i < image->pdata_count; i++) {
        const uint8_t *entry = image_at(image, image->pdata_rva + 12 * i, 12);

        if (part->bytes != NULL && entry != NULL) {
            uint32_t begin = moved(source, get32(entry));

            put(part->bytes + part->used, begin, 4);
            put(part->bytes + part->used + 4, begin + get32(entry + 4) - get32(entry), 4);
            put(part->bytes + part->used + 8, moved(source, get32(entry + 8)), 4);
        }
        part->used += 12;
    }
}

/* One more copy of a driver's code. */
static void add_code(struct linker *linker, struct source *source, const ZydisDecoder *decoder)
{
    const struct image *image = &source->input.image;

    for (uint32_t i = 0; i < image->section_count; i++) {
        if (area_of(&image->sections[i]) == TEXT) {
            source->where[i] = place(linker, image, &image->sections[i]);
        }
    }
    for (uint32_t i = 0; i < image->section_count && linker->parts[TEXT].bytes != NULL; i++) {
        if (area_of(&image->sections[i]) == TEXT) {
            link_code(linker, source, decoder, &image->sections[i]);
        }
    }
    add_functions(linker, source);
}

/* ---- data ---- */

/* Where the linker's copy of a place of data is in memory. */
static uint8_t *data_at(const struct linker *linker, uint32_t rva)
{
    const struct part *part = &linker->parts[rva >= linker->parts[DATA].rva ? DATA : RDATA];

    return part->bytes + (rva - part->rva);
}

/* A list of 8-byte entries that hold places of names, up to the one that is zero. */
static void link_thunks(const struct linker *linker, const struct source *source, uint32_t rva)
{
    for (; rva != 0; rva += 8) {
        uint8_t *entry = data_at(linker, rva);
        uint64_t value;

        memcpy(&value, entry, sizeof value);
        if (value == 0) {
            return;
        }
        if (value >> 63 == 0) {
            put(entry, moved(source, (uint32_t)value), 8);
        }
    }
}

static void link_imports(struct linker *linker, const struct source *source)
{
    const struct image *image = &source->input.image;

    for (uint32_t rva = image->import_rva; rva != 0; rva += 20) {
        const uint8_t *from = image_at(image, rva, 20);
        uint8_t *to = linker->imports + linker->import_bytes;

        if (from == NULL || get32(from + 12) == 0) {
            return;
        }
        linker->import_bytes += 20;
        if (linker->parts[RDATA].bytes == NULL) {
            continue;
        }
        put(to, moved(source, get32(from)), 4);
        put(to + 12, moved(source, get32(from + 12)), 4);
        put(to + 16, moved(source, get32(from + 16)), 4);
        if (get32(from) != 0 && get32(from) != get32(from + 16)) {
            link_thunks(linker, source, get32(to));
        }
        link_thunks(linker, source, get32(to + 16));
    }
}

static void add_data(struct linker *linker)
{
    for (size_t k = 0; k < DRIVERS; k++) {
        struct source *source = &linker->sources[k];
        const struct image *image = &source->input.image;

        for (uint32_t i = 0; i < image->section_count; i++) {
            if (area_of(&image->sections[i]) != TEXT) {
                source->where[i] = place(linker, image, &image->sections[i]);
            }
        }
    }
}

static void add_imports(struct linker *linker)
{
    struct part *part = &linker->parts[RDATA];

    part->used = aligned(part->used, 16);
    linker->import_rva = part->rva + part->used;
    linker->imports = part->bytes == NULL ? NULL : part->bytes + part->used;
    linker->import_bytes = 0;
    for (size_t k = 0; k < DRIVERS; k++) {
        link_imports(linker, &linker->sources[k]);
    }
    linker->import_bytes += 20; /* the last one is zero */
    part->used += linker->import_bytes;
}

/* ---- the image ---- */

/* Everything once: first for the sizes, then, with memory, in earnest. */
static void add_all(struct linker *linker, const ZydisDecoder *decoder, size_t text_bytes)
{
    for (unsigned area = 0; area < AREAS; area++) {
        linker->parts[area].used = 0;
    }
    add_data(linker);
    add_imports(linker);
    for (size_t k = 0; linker->parts[TEXT].used < text_bytes; k = (k + 1) % DRIVERS) {
        struct source *source = &linker->sources[k];
        bool first = linker->parts[TEXT].used == 0;

        add_code(linker, source, decoder);
        if (first) {
            linker->entry_rva = moved(source, source->input.image.entry_rva);
        }
    }
}

static void put_headers(const struct linker *linker, uint8_t *bytes, uint32_t image_size)
{
    static const char names[AREAS][8] = {".text", ".rdata", ".data", ".pdata"};
    static const uint32_t flags[AREAS] = {0x68000020, 0x48000040, 0xc8000040, 0x48000040};
    uint8_t *pe = bytes + 0x40, *optional = pe + 24, *section = optional + 240;
    uint32_t offset = HEADER_BYTES;

    memcpy(bytes, "MZ", 2);
    put(bytes + 0x3c, 0x40, 4);
    memcpy(pe, "PE\0\0", 4);
    put(pe + 4, 0x8664, 2);
    put(pe + 6, AREAS, 2);
    put(pe + 20, 240, 2);
    put(pe + 22, 0x23, 2); /* executable, large addresses, no relocations */
    put(optional, 0x20b, 2);
    put(optional + 16, linker->entry_rva, 4);
    put(optional + 24, 0x140000000u, 8);
    put(optional + 32, PAGE, 4);
    put(optional + 36, 512, 4);
    put(optional + 40, 10, 2); /* versions of the system and of the subsystem */
    put(optional + 48, 10, 2);
    put(optional + 56, image_size, 4);
    put(optional + 60, HEADER_BYTES, 4);
    put(optional + 68, 1, 2); /* native */
    put(optional + 108, 16, 4);
    put(optional + 112 + 8, linker->import_rva, 4);
    put(optional + 112 + 12, linker->import_bytes, 4);
    put(optional + 112 + 24, linker->parts[PDATA].rva, 4);
    put(optional + 112 + 28, linker->parts[PDATA].used, 4);
    for (unsigned area = 0; area < AREAS; area++, section += 40) {
        uint32_t raw = aligned(linker->parts[area].used, 512);

        memcpy(section, names[area], 8);
        put(section + 8, linker->parts[area].used, 4);
        put(section + 12, linker->parts[area].rva, 4);
        put(section + 16, raw, 4);
        put(section + 20, offset, 4);
        put(section + 36, flags[area], 4);
        offset += raw;
    }
}

/* Addresses and memory for parts whose sizes are known; the size of the image. */
static uint32_t lay_out(struct linker *linker, struct large_image *out)
{
    uint32_t rva = PAGE;

    out->size = HEADER_BYTES;
    for (unsigned area = 0; area < AREAS; area++) {
        out->size += aligned(linker->parts[area].used, 512);
    }
    out->bytes = need(out->size);
    for (unsigned area = 0, offset = HEADER_BYTES; area < AREAS; area++) {
        struct part *part = &linker->parts[area];

        part->rva = rva;
        part->bytes = out->bytes + offset;
        offset += aligned(part->used, 512);
        rva = aligned(rva + part->used, PAGE);
    }
    return rva;
}

struct large_image large_image_make(size_t text_bytes)
{
    struct linker *linker = need(sizeof *linker);
    struct large_image out = {0};
    ZydisDecoder decoder;
    uint32_t image_size;

    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) {
        fail("no decoder");
    }
    for (size_t k = 0; k < DRIVERS; k++) {
        if (input_open(bench_driver(drivers[k]), &linker->sources[k].input) != EXIT_CLEAN) {
            fail("no sample driver");
        }
    }
    add_all(linker, &decoder, text_bytes);
    image_size = lay_out(linker, &out);
    add_all(linker, &decoder, text_bytes);
    put_headers(linker, out.bytes, image_size);
    out.text_offset = HEADER_BYTES;
    out.text_bytes = linker->parts[TEXT].used;
    for (size_t k = 0; k < DRIVERS; k++) {
        input_close(&linker->sources[k].input);
    }
    free(linker);
    return out;
}
