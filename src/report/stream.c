/* SPDX-License-Identifier: MIT */
/*
 * Records of the channel -> lines of JSON and a picture.  A line is written for exactly those
 * records that the picture accepted, so that what was written can be read.
 */
#include "report/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "report/picture.h"

struct stream {
    FILE *lines; /* NULL: none are wanted */
    struct picture *picture;
    uint64_t findings;
    bool out_of_memory;
};

static json_t *header_json(struct json_build *b, const struct stream_header *header)
{
    json_t *root = json_new_object(b);
    json_t *drivers = json_new_array(b);
    char name[512];

    json_put_text(b, root, "schema", "pagable.trace/1");
    json_put_text(b, root, "pagable", header->version);
    json_put_number(b, root, "seed", header->seed);
    json_put_text(b, root, "trim", header->trim);
    json_put_number(b, root, "frames", header->frames);
    json_put_text(b, root, "scenario", header->scenario);
    json_put_text(b, root, "level", header->everything ? "all" : "paging");
    for (uint32_t i = 0; i < header->driver_count; i++) {
        json_append_to(b, drivers, json_string(CLEAN(name, header->drivers[i])));
    }
    json_put(b, root, "drivers", drivers);
    return root;
}

/* Writes and releases a line.  An error of the file shows when it is closed. */
static void put_line(struct stream *stream, struct json_build *b, json_t *line)
{
    if (b->failed || line == NULL) {
        stream->out_of_memory = true;
    } else if (stream->lines != NULL) {
        (void)json_dumpf(line, stream->lines, JSON_COMPACT);
        (void)fputc('\n', stream->lines);
    }
    json_decref(line);
}

pg_status stream_open(const struct stream_header *header, FILE *lines, struct stream **out)
{
    struct stream *stream = host.allocate(sizeof *stream);
    struct json_build b = {false};
    json_t *root;

    if (stream == NULL) {
        return PG_E_NO_MEMORY;
    }
    root = header_json(&b, header);
    if (b.failed || picture_new(json_incref(root), &stream->picture) != PG_OK) {
        json_decref(root);
        host.release(stream);
        return PG_E_NO_MEMORY;
    }
    stream->lines = lines;
    put_line(stream, &b, root);
    *out = stream;
    return PG_OK;
}

void stream_close(struct stream *stream)
{
    if (stream != NULL) {
        picture_free(stream->picture);
        host.release(stream);
    }
}

const struct picture *stream_picture(const struct stream *stream)
{
    return stream->picture;
}

/* ---- events ---- */

/* No jansson here: there are many of them, and nothing in them needs to be escaped. */
static void write_event(FILE *out, const struct event *event)
{
    const struct event_text *text = event_text(event->kind);

    fprintf(out, "{\"time\":%" PRIu64 ",\"event\":\"%s\",\"irql\":%" PRIu32, event->time,
            text->name, event->irql);
    for (unsigned i = 0; i < 3 && text->values[i] != NULL; i++) {
        /* Small ones are counts and numbers, the others addresses. */
        fprintf(out,
                event->value[i] < 0x100000000u ? ",\"%s\":%" PRIu64 : ",\"%s\":\"0x%" PRIx64 "\"",
                text->values[i], event->value[i]);
    }
    fputs("}\n", out);
}

/* Module and rva of an address, as the picture's table of modules has it. */
static struct code_place place_of(const struct picture *picture, uint64_t address)
{
    struct code_place place = {.rva = address};

    for (uint32_t i = 0; i < picture->module_count; i++) {
        const struct picture_module *module = &picture->modules[i];

        if (address - module->base < module->bytes && module->unloaded == TIME_MAX) {
            (void)snprintf(place.module, sizeof place.module, "%.*s", MODULE_NAME_BYTES - 1,
                           module->name);
            place.rva = address - module->base;
        }
    }
    return place;
}

/* A place from which sections are locked is named before its first use. */
static void name_site(struct stream *stream, const struct resolver *resolver, uint64_t caller)
{
    struct picture_site site = {.caller = caller};
    struct code_place place;
    struct resolved_place known;
    struct json_build b = {false};
    json_t *line;

    if (picture_site_at(stream->picture, caller) != NULL ||
        stream->picture->site_count == SITES_MAX) {
        return;
    }
    place = place_of(stream->picture, caller);
    (void)report_symbol(site.text, sizeof site.text, resolver, &place, true, &known);
    if (known.file != NULL) {
        (void)CLEAN(site.file, known.file);
        site.line = known.line;
    }
    if (picture_site(stream->picture, &site) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_text(&b, line, "event", "place");
    json_put(&b, line, "caller", json_hex(caller));
    json_put_text(&b, line, "symbol", site.text);
    json_put_text(&b, line, "file", site.file[0] != '\0' ? site.file : NULL);
    json_put(&b, line, "line", site.file[0] != '\0' ? json_integer(site.line) : json_null());
    put_line(stream, &b, line);
}

static void take_event(struct stream *stream, const struct resolver *resolver,
                       const struct event *event)
{
    if (event->kind == EVENT_LOCK || event->kind == EVENT_LOCK_HANDLE) {
        name_site(stream, resolver, event->value[2]);
    }
    if (picture_event(stream->picture, event) == NULL && stream->lines != NULL) {
        write_event(stream->lines, event);
    }
}

/* ---- layouts ---- */

/* A name as it is written and drawn: what was cleaned may be longer, and is cut. */
static void clean_field(char *field, size_t size)
{
    char clean[256];

    field[size - 1] = '\0';
    (void)snprintf(field, size, "%s", report_clean(clean, size, field));
}
#define CLEAN_FIELD(array) clean_field((array), sizeof(array))

static void take_module(struct stream *stream, struct module_layout *layout)
{
    struct json_build b = {false};
    json_t *line;

    CLEAN_FIELD(layout->name);
    if (picture_layout(stream->picture, RECORD_MODULE_LAYOUT, layout) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_number(&b, line, "time", layout->time);
    json_put_text(&b, line, "event", "module");
    json_put_number(&b, line, "module", layout->module);
    json_put_text(&b, line, "name", layout->name);
    json_put(&b, line, "base", json_hex(layout->base));
    json_put_number(&b, line, "bytes", layout->bytes);
    put_line(stream, &b, line);
}

static void take_section(struct stream *stream, struct section_layout *layout)
{
    static const char *const classes[] = {
        [PG_RESIDENT] = "resident", [PG_PAGEABLE] = "pageable", [PG_DISCARDABLE] = "discardable"};
    struct json_build b = {false};
    json_t *line;

    CLEAN_FIELD(layout->name);
    if (picture_layout(stream->picture, RECORD_SECTION_LAYOUT, layout) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_text(&b, line, "event", "section");
    json_put_number(&b, line, "section", layout->section);
    json_put_number(&b, line, "module", layout->module);
    json_put_text(&b, line, "name", layout->name);
    json_put_text(&b, line, "class", classes[layout->class]);
    json_put_number(&b, line, "rva", layout->rva);
    json_put_number(&b, line, "bytes", layout->bytes);
    json_put_number(&b, line, "pages", layout->pages);
    put_line(stream, &b, line);
}

static void take_device(struct stream *stream, struct device_layout *layout)
{
    struct json_build b = {false};
    json_t *line;

    CLEAN_FIELD(layout->name);
    CLEAN_FIELD(layout->driver);
    if (picture_layout(stream->picture, RECORD_DEVICE_LAYOUT, layout) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_text(&b, line, "event", "device");
    json_put_number(&b, line, "device", layout->device);
    json_put_text(&b, line, "name", layout->name);
    json_put_text(&b, line, "driver", layout->driver);
    put_line(stream, &b, line);
}

/* ---- what the run found ---- */

static void take_finding(struct stream *stream, const struct finding *finding)
{
    struct json_build b = {false};
    json_t *line;

    if ((unsigned)finding->rule >= RULE_COUNT ||
        picture_finding(stream->picture, finding->time, stream->findings) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_number(&b, line, "time", finding->time);
    json_put_text(&b, line, "event", "finding");
    json_put_number(&b, line, "finding", stream->findings++);
    json_put_text(&b, line, "rule", rule_text(finding->rule)->id);
    put_line(stream, &b, line);
}

static void take_bugcheck(struct stream *stream, const struct bugcheck_report *bugcheck)
{
    struct json_build b = {false};
    json_t *line;

    if (picture_bugcheck(stream->picture, bugcheck->time, bugcheck->code) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_number(&b, line, "time", bugcheck->time);
    json_put_text(&b, line, "event", "bugcheck");
    json_put(&b, line, "code", json_hex(bugcheck->code));
    put_line(stream, &b, line);
}

static void take_mark(struct stream *stream, struct run_mark *mark)
{
    struct json_build b = {false};
    json_t *line;

    CLEAN_FIELD(mark->label);
    if (picture_named(stream->picture, mark) != NULL) {
        return;
    }
    line = json_new_object(&b);
    json_put_number(&b, line, "time", mark->time);
    json_put_text(&b, line, "event", "mark");
    json_put_text(&b, line, "label", mark->label);
    put_line(stream, &b, line);
}

union record {
    struct event event;
    struct module_layout module;
    struct section_layout section;
    struct device_layout device;
    struct finding finding;
    struct bugcheck_report bugcheck;
    struct run_mark mark;
};

/* 0: a kind that is no part of the stream. */
static size_t bytes_of(enum record_kind kind)
{
    static const size_t sizes[RECORD_KIND_COUNT] = {
        [RECORD_EVENT] = sizeof(struct event),
        [RECORD_MODULE_LAYOUT] = sizeof(struct module_layout),
        [RECORD_SECTION_LAYOUT] = sizeof(struct section_layout),
        [RECORD_DEVICE_LAYOUT] = sizeof(struct device_layout),
        [RECORD_FINDING] = sizeof(struct finding),
        [RECORD_BUGCHECK] = sizeof(struct bugcheck_report),
        [RECORD_MARK] = sizeof(struct run_mark),
    };

    return (unsigned)kind < RECORD_KIND_COUNT ? sizes[kind] : 0;
}

void stream_take(struct stream *stream, const struct resolver *resolver, enum record_kind kind,
                 const void *payload, uint32_t bytes)
{
    union record record;

    if (bytes_of(kind) == 0 || bytes != bytes_of(kind)) {
        return;
    }
    memcpy(&record, payload, bytes);
    switch (kind) {
    case RECORD_EVENT:
        take_event(stream, resolver, &record.event);
        break;
    case RECORD_MODULE_LAYOUT:
        take_module(stream, &record.module);
        break;
    case RECORD_SECTION_LAYOUT:
        take_section(stream, &record.section);
        break;
    case RECORD_DEVICE_LAYOUT:
        take_device(stream, &record.device);
        break;
    case RECORD_FINDING:
        take_finding(stream, &record.finding);
        break;
    case RECORD_MARK:
        take_mark(stream, &record.mark);
        break;
    default:
        take_bugcheck(stream, &record.bugcheck);
        break;
    }
}

pg_status stream_finish(struct stream *stream, const struct run_report *report,
                        const struct resolver *resolver)
{
    struct json_build b = {false};
    json_t *line = json_new_object(&b);
    json_t *run = report_run_object(&b, report, resolver);

    json_put_text(&b, line, "event", "result");
    json_put(&b, line, "run", json_incref(run));
    if (b.failed || stream->picture->out_of_memory) {
        json_decref(run);
        stream->out_of_memory = true;
    } else {
        (void)picture_end(stream->picture, run);
    }
    put_line(stream, &b, line);
    return stream->out_of_memory ? PG_E_NO_MEMORY : PG_OK;
}
