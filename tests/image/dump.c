/* SPDX-License-Identifier: MIT */
/*
 * Prints all that the reader says of an image as JSON, for the comparison with other readers
 * (agree.py).
 * `--build FILE` and `--build-flat FILE` write the tests' own images instead.
 */
#include "image/image.h"

#include "pe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_text(const char *text)
{
    if (text == NULL) {
        printf("null");
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static const char *separator(uint32_t index)
{
    return index == 0 ? "" : ",";
}

static void print_headers(const struct image *image)
{
    printf("{\"base\":%" PRIu64 ",\"size\":%u,\"headers\":%u,\"entry\":%u,\"timestamp\":%u,",
           image->preferred_base, image->image_size, image->header_size, image->entry_rva,
           image->timestamp);
    printf("\"checksum\":%u,\"computed\":%u,\"ok\":%s,\"subsystem\":%u,\"characteristics\":%u,",
           image->checksum, image_checksum(image), image_checksum_ok(image) ? "true" : "false",
           image->subsystem, image->characteristics);
    printf("\"cookie\":%u,\"guard_check\":%u,\"guard_dispatch\":%u,\"guard_flags\":%u",
           image->security_cookie_rva, image->guard_check_pointer_rva,
           image->guard_dispatch_pointer_rva, image->guard_flags);
}

static void print_sections(const struct image *image)
{
    printf(",\"sections\":[");
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];

        printf("%s{\"name\":", separator(i));
        print_text(section->name);
        printf(",\"rva\":%u,\"virtual_size\":%u,\"raw_offset\":%u,\"raw_size\":%u,\"flags\":%u,"
               "\"pages\":%u}",
               section->rva, section->virtual_size, section->raw_offset, section->raw_size,
               section->flags, section->pages);
    }
    printf("]");
}

static void print_imports(const struct image *image)
{
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;

    printf(",\"imports\":[");
    for (uint32_t i = 0; image_next_import(image, &cursor, &import); i++) {
        printf("%s[", separator(i));
        print_text(import.module);
        printf(",");
        print_text(import.name);
        printf(",%u,%u]", import.ordinal, import.slot_rva);
    }
    printf("]");
}

static void print_exports(const struct image *image)
{
    struct image_export export;

    printf(",\"exports\":[");
    for (uint32_t i = 0; image_export_at(image, i, &export); i++) {
        printf("%s[", separator(i));
        print_text(export.name);
        printf(",%u,%u,", export.ordinal, export.rva);
        print_text(export.forwarder);
        printf("]");
    }
    printf("]");
}

static void print_relocations(const struct image *image)
{
    uint32_t *rvas = calloc((size_t)image->reloc_count + 1, sizeof(*rvas));

    if (rvas == NULL) {
        exit(2);
    }
    image_relocations(image, rvas);
    printf(",\"relocations\":[");
    for (uint32_t i = 0; i < image->reloc_count; i++) {
        printf("%s%u", separator(i), rvas[i]);
    }
    printf("]");
    free(rvas);
}

/* Each as begin, end, unwind info, handler (0: none), begin of the function it belongs to. */
static void print_functions(const struct image *image)
{
    printf(",\"functions\":[");
    for (uint32_t i = 0; i < image->pdata_count; i++) {
        struct image_function function = image_function_at(image, i);
        struct image_handler handler = {0};

        (void)image_function_handler(image, &function, &handler);
        printf("%s[%u,%u,%u,%u,%u]", separator(i), function.begin_rva, function.end_rva,
               function.unwind_rva, handler.rva,
               image_function_primary(image, &function).begin_rva);
    }
    printf("]");
}

static void print_pdb(const struct image *image)
{
    struct image_pdb pdb;

    printf(",\"pdb\":");
    if (!image_pdb_reference(image, &pdb)) {
        printf("null");
        return;
    }
    printf("{\"guid\":\"");
    for (unsigned i = 0; i < sizeof(pdb.guid); i++) {
        printf("%02x", pdb.guid[i]);
    }
    printf("\",\"age\":%u,\"path\":", pdb.age);
    print_text(pdb.path);
    printf("}");
}

static int build(const char *path, bool flat)
{
    static struct pe pe;
    struct pe_options options = {.flat = flat};
    FILE *file = fopen(path, "wb");
    bool written;

    if (file == NULL) {
        return 2;
    }
    pe_build(&pe, &options);
    written = fwrite(pe.bytes, 1, pe.size, file) == pe.size;
    return fclose(file) == 0 && written ? 0 : 2;
}

static int dump(const char *path)
{
    static uint8_t bytes[16u << 20];
    static struct image image;
    struct image_error error;
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 2;
    }
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    if (image_open(bytes, size, &image, &error) != PG_OK) {
        fprintf(stderr, "%s: %s at 0x%" PRIx64 ": %s\n", path, error.structure, error.offset,
                error.reason);
        return 2;
    }
    print_headers(&image);
    print_sections(&image);
    print_imports(&image);
    print_exports(&image);
    print_relocations(&image);
    print_functions(&image);
    print_pdb(&image);
    printf("}\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strncmp(argv[1], "--build", 7) == 0) {
        return build(argv[2], strcmp(argv[1], "--build-flat") == 0);
    }
    return argc == 2 ? dump(argv[1]) : 2;
}
