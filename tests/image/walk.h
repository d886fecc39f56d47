/* SPDX-License-Identifier: MIT */
/*
 * Calls every accessor with everything that it accepts and checks that the answers hold together.
 * For the corruption tests and the fuzzer: whatever image_open let through must survive this.
 */
#ifndef TESTS_IMAGE_WALK_H
#define TESTS_IMAGE_WALK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "image/unwind.h"

#define WALK_REQUIRE(e)                                                                            \
    do {                                                                                           \
        if (!(e)) {                                                                                \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #e);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void walk_text(const struct image *image, const char *text)
{
    const char *bytes = (const char *)image->bytes;

    WALK_REQUIRE(text >= bytes && text < bytes + image->size);
    WALK_REQUIRE(*text != '\0' && strlen(text) <= IMAGE_MAX_NAME);
}

static void walk_sections(const struct image *image)
{
    uint64_t end = image->header_size;

    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];

        WALK_REQUIRE(section->rva >= end && section->virtual_size > 0 && section->pages > 0);
        end = (uint64_t)section->rva + section->virtual_size;
        WALK_REQUIRE(end <= image->image_size);
        WALK_REQUIRE((uint64_t)section->raw_offset + section->raw_size <= image->size);
        WALK_REQUIRE(image_section_at(image, section->rva) == section);
        WALK_REQUIRE(image_section_at(image, (uint32_t)end - 1) == section);
        WALK_REQUIRE(strlen(section->name) <= 8);
        WALK_REQUIRE(section->flags_disagree == (image_section_note(image, section) != NULL));
    }
}

/* Each byte that image_at shows is the one that image_copy copies. */
static void walk_bytes(const struct image *image)
{
    uint32_t step = image->image_size / 64 + 1;

    for (uint64_t rva = 0; rva <= UINT32_MAX; rva += rva < image->image_size ? step : 0x7ff00001u) {
        uint8_t page[256];
        const uint8_t *present = image_at(image, (uint32_t)rva, sizeof(page));

        image_copy(image, (uint32_t)rva, page, sizeof(page));
        WALK_REQUIRE(present == NULL || memcmp(present, page, sizeof(page)) == 0);
    }
}

static void walk_imports(const struct image *image)
{
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;
    uint32_t count = 0;

    while (image_next_import(image, &cursor, &import)) {
        walk_text(image, import.module);
        if (import.name != NULL) {
            walk_text(image, import.name);
        }
        WALK_REQUIRE(image_section_at(image, import.slot_rva) != NULL);
        WALK_REQUIRE(++count <= IMAGE_MAX_IMPORTS);
    }
    WALK_REQUIRE(!image_next_import(image, &cursor, &import));
}

static void walk_exports(const struct image *image)
{
    uint32_t count = image_export_count(image);
    struct image_export export, found;

    for (uint32_t i = 0; i < count; i++) {
        WALK_REQUIRE(image_export_at(image, i, &export));
        WALK_REQUIRE(export.rva != 0 && export.rva < image->image_size);
        WALK_REQUIRE(image_export_find_ordinal(image, export.ordinal, &found));
        WALK_REQUIRE(found.rva == export.rva && found.forwarder == export.forwarder);
        if (export.name != NULL) {
            walk_text(image, export.name);
            WALK_REQUIRE(image_export_find(image, export.name, &found));
            WALK_REQUIRE(strcmp(found.name, export.name) == 0);
        }
        if (export.forwarder != NULL) {
            walk_text(image, export.forwarder);
        }
    }
    WALK_REQUIRE(!image_export_at(image, count, &export));
    WALK_REQUIRE(!image_export_find(image, "no such export\x7f", &found));
}

static void walk_relocations(const struct image *image)
{
    uint32_t *rvas = malloc((size_t)image->reloc_count * sizeof(*rvas) + 1);

    WALK_REQUIRE(rvas != NULL);
    image_relocations(image, rvas);
    for (uint32_t i = 0; i < image->reloc_count; i++) {
        WALK_REQUIRE(image_section_at(image, rvas[i]) != NULL);
        WALK_REQUIRE(image_section_at(image, rvas[i] + 7) != NULL);
    }
    free(rvas);
}

/* A stack of which one word in 16 cannot be read. */
static bool walk_read(void *context, uint64_t address, uint64_t *word)
{
    const struct image *image = context;

    *word = image->preferred_base + address % image->image_size;
    return address % 128 != 0;
}

static void walk_unwind(const struct image *image, uint32_t rva)
{
    struct unwind_registers before, after;
    struct unwind_frame frame;
    enum unwind_result result;

    for (unsigned i = 0; i < 16; i++) {
        before.gpr[i] = 0x10000u + 0x1008u * i;
    }
    before.rip = image->preferred_base + rva;
    after = before;
    result =
        image_unwind_frame(image, image->preferred_base, &after, walk_read, (void *)image, &frame);
    WALK_REQUIRE(result != UNWIND_NOT_HERE);
    WALK_REQUIRE(result == UNWIND_OK || result == UNWIND_MACHINE_FRAME ||
                 memcmp(&before, &after, sizeof(before)) == 0);
}

static void walk_functions(const struct image *image)
{
    uint32_t end = 0;

    for (uint32_t i = 0; i < image->pdata_count; i++) {
        struct image_function function = image_function_at(image, i), found;
        struct image_handler handler;
        uint32_t bytes = function.end_rva - function.begin_rva;

        WALK_REQUIRE(function.begin_rva >= end && function.begin_rva < function.end_rva);
        end = function.end_rva;
        WALK_REQUIRE(image_function_find(image, function.begin_rva, &found));
        WALK_REQUIRE(found.begin_rva == function.begin_rva);
        WALK_REQUIRE(image_function_find(image, end - 1, &found));
        WALK_REQUIRE(found.begin_rva == function.begin_rva);
        found = image_function_primary(image, &function);
        WALK_REQUIRE(found.end_rva <= image->image_size);
        (void)image_function_handler(image, &function, &handler);
        for (uint32_t at = 0; at < 64; at++) {
            walk_unwind(image,
                        function.begin_rva + (at < 48 ? at % bytes : bytes - 1 - at % bytes));
        }
    }
    walk_unwind(image, 0);
    walk_unwind(image, image->image_size - 1);
}

static void walk_image(const struct image *image)
{
    struct image_pdb pdb;

    walk_sections(image);
    walk_bytes(image);
    walk_imports(image);
    walk_exports(image);
    walk_relocations(image);
    walk_functions(image);
    (void)image_checksum_ok(image);
    if (image_pdb_reference(image, &pdb)) {
        WALK_REQUIRE(memchr(pdb.path, 0, image->bytes + image->size - (const uint8_t *)pdb.path));
    }
}

/* Open and, if that worked, walk; an error must say where and why. */
static pg_status walk_bytes_of_file(const void *bytes, size_t size)
{
    static struct image image;
    struct image_error error;
    pg_status status = image_open(bytes, size, &image, &error);

    WALK_REQUIRE(status == error.status);
    if (status == PG_OK) {
        walk_image(&image);
    } else {
        WALK_REQUIRE(status == PG_E_TRUNCATED || status == PG_E_FORMAT ||
                     status == PG_E_UNSUPPORTED);
        WALK_REQUIRE(error.structure[0] != '\0' && error.reason[0] != '\0');
        WALK_REQUIRE(error.offset <= size);
    }
    return status;
}

#endif
