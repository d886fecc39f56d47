/* SPDX-License-Identifier: MIT */
/* Builds a program: what the parts of program_private.h share, and their order. */
#include "advise/program_private.h"

#include "base/assert.h"
#include "base/host.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

bool list_grow(struct builder *builder, struct list *list, size_t size)
{
    uint32_t room = list->room < 16 ? 16 : list->room + list->room / 2;
    void *items = host.allocate(room * size);

    if (items == NULL) {
        builder->no_memory = true;
        return false;
    }
    if (list->count != 0) {
        memcpy(items, list->items, list->count * size);
    }
    host.release(list->items);
    list->items = items;
    list->room = room;
    return true;
}

bool list_reserve(struct builder *builder, struct list *list, uint32_t count, size_t size)
{
    list->items = host.allocate(count * size);
    list->room = list->items != NULL ? count : 0;
    builder->no_memory |= list->items == NULL;
    return list->items != NULL;
}

void list_release(struct list *list)
{
    host.release(list->items);
    *list = (struct list){0};
}

void *program_array(struct builder *builder, uint32_t count, size_t size)
{
    void *items = host.allocate((count != 0 ? (size_t)count : 1) * size);

    builder->no_memory |= items == NULL;
    return items;
}

/* ---- places ---- */

const struct area *program_area(const struct builder *builder, uint32_t place)
{
    const struct area *area = builder->areas;

    PG_ASSERT(place < builder->bytes);
    while (place - area->place >= area->bytes) {
        area++;
    }
    return area;
}

uint32_t program_place(const struct builder *builder, uint32_t rva)
{
    for (uint32_t i = 0; i < builder->area_count; i++) {
        const struct area *area = &builder->areas[i];

        if (rva - area->rva < area->bytes) {
            return area->place + (rva - area->rva);
        }
    }
    return NO_PLACE;
}

/* Sections may claim the same bytes of the file; all together are looked at no more often than the
 * file is long. */
static void find_areas(struct builder *builder)
{
    const struct image *image = builder->image;

    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];
        uint32_t bytes =
            section->raw_size < section->virtual_size ? section->raw_size : section->virtual_size;
        const uint8_t *code;

        if (!section->executable || bytes == 0 || bytes > image->size - builder->bytes) {
            continue;
        }
        code = image_at(image, section->rva, bytes);
        if (code != NULL) {
            builder->areas[builder->area_count++] = (struct area){.rva = section->rva,
                                                                  .bytes = bytes,
                                                                  .place = builder->bytes,
                                                                  .code = code,
                                                                  .section = (uint8_t)i};
            builder->bytes += bytes;
        }
    }
}

/* ---- what the image imports, and where it has addresses ---- */

static int compare_imports(const void *a, const void *b)
{
    const struct program_import *left = a, *right = b;

    return (left->slot_rva > right->slot_rva) - (left->slot_rva < right->slot_rva);
}

static void add_imports(struct builder *builder)
{
    struct image_import_cursor cursor = {0};
    struct image_import import;
    struct list imports = {0};

    while (image_next_import(builder->image, &cursor, &import)) {
        struct program_import *added = list_add(builder, &imports, sizeof(*added));

        if (added == NULL) {
            break;
        }
        *added = (struct program_import){
            .name = import.name,
            .slot_rva = import.slot_rva,
            .contract = import.name != NULL ? contract_find(import.name) : NULL,
        };
    }
    if (imports.count != 0) {
        qsort(imports.items, imports.count, sizeof(struct program_import), compare_imports);
    }
    builder->out->imports = imports.items;
    builder->out->import_count = imports.count;
}

static int compare_rvas(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void add_relocations(struct builder *builder)
{
    uint32_t count = builder->image->reloc_count;
    uint32_t *pointers = program_array(builder, count, sizeof(*pointers));

    builder->out->pointers = pointers;
    if (pointers == NULL) {
        return;
    }
    builder->out->pointer_count = count;
    if (count != 0) {
        image_relocations(builder->image, pointers);
    }
    for (uint32_t i = 1; i < count; i++) {
        if (pointers[i - 1] > pointers[i]) {
            qsort(pointers, count, sizeof(*pointers), compare_rvas);
            break;
        }
    }
}

/* ---- the whole ---- */

/* Most code has fewer instructions than a third of its bytes; memory that is never written to costs
 * nothing. */
static bool begin(struct builder *builder)
{
    uint32_t chunks = builder->bytes / CHUNK_BYTES + 1;

    builder->marks = program_array(builder, builder->bytes + MARKS_BEYOND, 1);
    builder->sources = program_array(builder, builder->bytes, 1);
    builder->chunk_flows = program_array(builder, chunks, sizeof(*builder->chunk_flows));
    if (builder->no_memory ||
        !list_reserve(builder, &builder->found, builder->bytes / 3 + 16, sizeof(struct micro))) {
        return false;
    }
    memset(builder->chunk_flows, 0xff, chunks * sizeof(*builder->chunk_flows));
    return true;
}

static void discover(struct builder *builder)
{
    program_find_starts(builder);
    program_walk(builder);
    program_walk_gaps(builder);
}

static void run(struct builder *builder)
{
    static void (*const steps[])(struct builder *) = {
        add_imports,         add_relocations,        discover,           program_sort_tables,
        program_make_blocks, program_make_functions, program_make_calls,
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !builder->no_memory; i++) {
        steps[i](builder);
    }
}

static void release_builder(struct builder *builder)
{
    host.release(builder->marks);
    host.release(builder->sources);
    host.release(builder->chunks);
    host.release(builder->chunk_flows);
    list_release(&builder->found);
    list_release(&builder->flows);
    list_release(&builder->pending);
    list_release(&builder->labels);
    list_release(&builder->pointed);
    list_release(&builder->spans);
    list_release(&builder->parts);
    list_release(&builder->tables);
    list_release(&builder->ranges);
}

pg_status program_build(const struct image *image, const struct symbols *symbols,
                        struct program *out)
{
    struct builder builder = {.out = out, .image = image};

    *out = (struct program){.image = image, .symbols = symbols};
    micro_decoder_init(&builder.decoder);
    find_areas(&builder);
    if (begin(&builder)) {
        run(&builder);
    }
    release_builder(&builder);
    if (builder.no_memory) {
        program_release(out);
        return PG_E_NO_MEMORY;
    }
    out->wdf_table_rva = program_find_wdf_table(out);
    return PG_OK;
}

void program_release(struct program *program)
{
    host.release(program->functions);
    host.release(program->blocks);
    host.release(program->micros);
    host.release(program->successors);
    host.release(program->calls);
    host.release(program->callers);
    host.release(program->imports);
    host.release(program->ranges);
    host.release(program->pointers);
    host.release(program->names);
    *program = (struct program){0};
}
