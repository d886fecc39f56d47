/* SPDX-License-Identifier: MIT */
/* What is in a driver file, schema pagable.info/1. */
#include "report/json.h"

static json_t *functions_json(struct json_build *b, const struct info_section *section)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < section->function_count; i++) {
        const struct info_function *function = &section->functions[i];
        json_t *object = json_new_object(b);

        json_put_text(b, object, "name", function->name);
        json_put_number(b, object, "rva", function->rva);
        json_put(b, object, "size",
                 function->size != 0 ? json_integer(function->size) : json_null());
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *sections_json(struct json_build *b, const struct info_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->section_count; i++) {
        const struct info_section *section = &report->sections[i];
        json_t *object = json_new_object(b);

        json_put_text(b, object, "name", section->name);
        json_put_text(b, object, "class", report_info_class_name(section->class));
        json_put_number(b, object, "rva", section->rva);
        json_put_number(b, object, "virtual_size", section->virtual_size);
        json_put_number(b, object, "pages", section->pages);
        json_put_number(b, object, "raw_size", section->raw_size);
        json_put(b, object, "flags", json_hex(section->flags));
        json_put_text(b, object, "note", section->note);
        json_put(b, object, "functions", functions_json(b, section));
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *imports_json(struct json_build *b, const struct info_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->import_count; i++) {
        const struct info_import *import = &report->imports[i];
        json_t *object = json_new_object(b);
        char ordinal[8];

        (void)snprintf(ordinal, sizeof ordinal, "#%u", import->ordinal);
        json_put_text(b, object, "module", import->module);
        json_put_text(b, object, "name", import->name != NULL ? import->name : ordinal);
        json_put_text(b, object, "state", report_info_state_name(import->state));
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *totals_json(struct json_build *b, const struct info_report *report)
{
    json_t *object = json_new_object(b);

    for (unsigned class = 0; class < INFO_CLASS_COUNT; class ++) {
        json_t *total = json_new_object(b);
        uint64_t bytes = 0, pages = 0;

        for (uint32_t i = 0; i < report->section_count; i++) {
            if ((unsigned)report->sections[i].class == class) {
                bytes += report->sections[i].virtual_size;
                pages += report->sections[i].pages;
            }
        }
        json_put_number(b, total, "bytes", bytes);
        json_put_number(b, total, "pages", pages);
        json_put(b, object, report_info_class_name((enum info_class) class), total);
    }
    return object;
}

pg_status report_info_json(FILE *out, const struct info_report *report)
{
    struct json_build b = {false};
    json_t *root = json_new_object(&b);
    json_t *entry = report->entry_rva != 0 ? json_new_object(&b) : json_null();

    json_put_text(&b, root, "schema", "pagable.info/1");
    json_put_text(&b, root, "file", report->file);
    json_put(&b, root, "preferred_base", json_hex(report->preferred_base));
    json_put_number(&b, root, "image_size", report->image_size);
    if (report->entry_rva != 0) {
        json_put_text(&b, entry, "name", report->entry);
        json_put_number(&b, entry, "rva", report->entry_rva);
    }
    json_put(&b, root, "entry", entry);
    json_put(&b, root, "pageable", json_boolean(report->pageable));
    json_put(&b, root, "relocations",
             report->relocations_stripped ? json_null() : json_integer(report->relocations));
    json_put_text(&b, root, "symbols", report->symbols);
    json_put_text(&b, root, "symbols_note", report->symbols_note);
    json_put(&b, root, "sections", sections_json(&b, report));
    json_put(&b, root, "totals", totals_json(&b, report));
    json_put(&b, root, "imports", imports_json(&b, report));
    return json_finish(&b, root, out, JSON_INDENT(2));
}
