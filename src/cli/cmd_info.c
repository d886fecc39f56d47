/* SPDX-License-Identifier: MIT */
/* `pagable info`: what is in a driver file, and what of it may be paged. */
#include <argp.h>
#include <string.h>
#include <strings.h>

#include "base/host.h"
#include "cli/cli.h"
#include "nt/nt.h"

struct info_options {
    const char *path;
    bool json, quiet;
};

enum { KEY_JSON = 0x100 };

static const struct argp_option option_table[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON document, schema pagable.info/1", 0},
    {"quiet", 'q', NULL, 0, "Leave out functions and imports", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct info_options *options = state->input;

    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->path != NULL) {
            argp_error(state, "one file at a time, and '%s' is the second", argument);
        }
        options->path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no file given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "FILE.sys",
    "Show the sections of a driver with their paging class, the functions in each, and the imports "
    "with what pagable provides.\v"
    "Exit status: 0 shown, 2 wrong usage, 3 the file cannot be read or is not an x64 driver, 4 a "
    "defect of pagable or of the host.",
    seed_option,
    NULL,
    NULL,
};

/* Everything that the report points to. */
struct gathered {
    struct info_section sections[IMAGE_MAX_SECTIONS];
    struct info_function *functions; /* of all sections, section by section */
    struct info_import *imports;
    uint32_t import_count;
};

static enum info_class class_of(enum pg_class class)
{
    switch (class) {
    case PG_PAGEABLE:
        return INFO_PAGEABLE;
    case PG_DISCARDABLE:
        return INFO_DISCARDABLE;
    case PG_RESIDENT:
        break;
    }
    return INFO_RESIDENT;
}

static void gather_sections(const struct image *image, struct gathered *g)
{
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];

        g->sections[i] = (struct info_section){
            .name = section->name,
            .class = class_of(section->class),
            .rva = section->rva,
            .virtual_size = section->virtual_size,
            .raw_size = section->raw_size,
            .pages = section->pages,
            .flags = section->flags,
            .note = image_section_note(image, section),
        };
    }
}

/* Functions come in ascending order, and so do sections: one pass sorts them out. */
static bool gather_functions(const struct image *image, const struct symbols *symbols,
                             struct gathered *g)
{
    uint32_t count = symbols_count(symbols), kept = 0;

    g->functions = host.allocate(((size_t)count + 1) * sizeof *g->functions);
    if (g->functions == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct symbol_function function = symbols_at(symbols, i);
        const struct image_section *section = image_section_at(image, function.rva);
        struct info_section *to;

        if (section == NULL) {
            continue;
        }
        to = &g->sections[section - image->sections];
        if (to->function_count == 0) {
            to->functions = &g->functions[kept];
        }
        to->function_count++;
        g->functions[kept++] = (struct info_function){function.name, function.rva, function.size};
    }
    return true;
}

static enum info_import_state import_state(const struct image_import *import)
{
    const struct nt_export *export;

    if (import->name == NULL || !nt_is_system_module(import->module)) {
        return INFO_MISSING;
    }
    export = nt_export_find(import->name);
    if (export == NULL) {
        return INFO_MISSING;
    }
    return export->state == EXPORT_DONE ? INFO_DONE : INFO_STUB;
}

static bool gather_imports(const struct image *image, struct gathered *g)
{
    struct image_import_cursor cursor = {0};
    struct image_import import;
    uint32_t count = 0;

    while (image_next_import(image, &cursor, &import)) {
        count++;
    }
    g->imports = host.allocate(((size_t)count + 1) * sizeof *g->imports);
    if (g->imports == NULL) {
        return false;
    }
    memset(&cursor, 0, sizeof cursor);
    while (g->import_count < count && image_next_import(image, &cursor, &import)) {
        g->imports[g->import_count++] =
            (struct info_import){import.module, import.name, import.ordinal, import_state(&import)};
    }
    return true;
}

static int print(const struct info_options *options, const struct info_report *report)
{
    struct report_style style = {.colour = wants_colour(stdout), .quiet = options->quiet};
    pg_status status = PG_OK;

    if (options->json) {
        status = report_info_json(stdout, report);
    } else {
        report_info_text(stdout, report, &style);
    }
    if (status == PG_E_NO_MEMORY) {
        complain(NULL, "%s", pg_status_text(status));
        return EXIT_OURS;
    }
    return finish_output(EXIT_CLEAN);
}

static int show(const struct info_options *options, struct input *input, struct gathered *g)
{
    const struct image *image = &input->image;
    const struct symbols *symbols = input_symbols(input);
    struct symbol_place entry;
    struct info_report report = {
        .file = input->name,
        .preferred_base = image->preferred_base,
        .image_size = image->image_size,
        .entry_rva = image->entry_rva,
        .pageable = image->pageable,
        .relocations_stripped = image->relocations_stripped,
        .relocations = image->reloc_count,
        .sections = g->sections,
        .section_count = image->section_count,
    };

    gather_sections(image, g);
    if (symbols == NULL || !gather_functions(image, symbols, g) || !gather_imports(image, g)) {
        complain(NULL, "%s: %s", input->path, pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    if (symbols_lookup(symbols, image->entry_rva, &entry)) {
        report.entry = entry.function;
    }
    report.symbols = symbols_kind(symbols);
    report.symbols_note = symbols_note(symbols);
    report.imports = g->imports;
    report.import_count = g->import_count;
    return print(options, &report);
}

int cmd_info(int argc, char **argv)
{
    struct info_options options = {0};
    struct gathered *g;
    struct input input;
    int code;

    argp_parse(&parser, argc, argv, 0, NULL, &options);
    code = input_open(options.path, &input);
    if (code != EXIT_CLEAN) {
        return code;
    }
    g = host.allocate(sizeof *g);
    if (g == NULL) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        input_close(&input);
        return EXIT_OURS;
    }
    code = show(&options, &input, g);
    host.release(g->functions);
    host.release(g->imports);
    host.release(g);
    input_close(&input);
    return code;
}
