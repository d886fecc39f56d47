/* SPDX-License-Identifier: MIT */
/*
 * Lines of a trace -> a picture.  A file may be cut off, damaged or not a trace at all: each of
 * these is told with its line.  Memory is bounded: one line at a time, of limited length.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "report/picture.h"

#define LINE_BYTES_MAX   (64u << 20) /* the result of a run with many findings */
#define LINE_BYTES_FIRST 4096u

struct reader {
    FILE *in;
    struct picture *picture;
    struct stream_error *error;
    char *line; /* `room` bytes, terminated */
    size_t room, length;
};

static pg_status fail(const struct reader *reader, pg_status status, const char *reason)
{
    (void)snprintf(reader->error->reason, sizeof reader->error->reason, "%s", reason);
    return status;
}

/* ---- lines ---- */

static bool grow(struct reader *reader)
{
    size_t room = reader->room == 0 ? LINE_BYTES_FIRST : reader->room * 2;
    char *bigger = host.allocate(room);

    if (bigger == NULL) {
        return false;
    }
    if (reader->length > 0) {
        memcpy(bigger, reader->line, reader->length);
    }
    host.release(reader->line);
    reader->line = bigger;
    reader->room = room;
    return true;
}

/* The next line without its newline.  *ended: there is none; a last line without a newline is one
 * that was cut off. */
static pg_status read_line(struct reader *reader, bool *ended)
{
    int c;

    *ended = false;
    reader->length = 0;
    reader->error->line++;
    while ((c = getc_unlocked(reader->in)) != EOF && c != '\n') {
        if (reader->length == LINE_BYTES_MAX) {
            return fail(reader, PG_E_FORMAT, "the line is too long");
        }
        if (reader->length + 1 >= reader->room && !grow(reader)) {
            return PG_E_NO_MEMORY;
        }
        reader->line[reader->length++] = (char)c;
    }
    if (c == EOF && ferror(reader->in)) {
        return fail(reader, PG_E_IO, strerror(errno));
    }
    if (c == EOF && reader->length > 0) {
        return fail(reader, PG_E_FORMAT, "the line is cut off");
    }
    *ended = c == EOF;
    return reader->room == 0 && !grow(reader) ? PG_E_NO_MEMORY : PG_OK;
}

static pg_status parse(const struct reader *reader, json_t **out)
{
    json_error_t error;
    char reason[160];

    *out = json_loadb(reader->line, reader->length, JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) {
        char clean[sizeof error.text];

        if (json_error_code(&error) == json_error_out_of_memory) {
            return PG_E_NO_MEMORY;
        }
        (void)snprintf(reason, sizeof reason, "no JSON: %.100s at column %d",
                       CLEAN(clean, error.text), error.column);
        return fail(reader, PG_E_FORMAT, reason);
    }
    if (!json_is_object(*out)) {
        json_decref(*out);
        return fail(reader, PG_E_FORMAT, "the line is no JSON object");
    }
    return PG_OK;
}

/* ---- values ---- */

/* A number, or an address as a string "0x...". */
static bool get_number(const json_t *line, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(line, key);
    const char *text = json_string_value(value);
    char *end = NULL;

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (uint64_t)json_integer_value(value);
        return true;
    }
    if (text == NULL || strncmp(text, "0x", 2) != 0 || text[2] == '\0') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &end, 16);
    return errno == 0 && *end == '\0';
}

static bool get_small(const json_t *line, const char *key, uint32_t *out)
{
    uint64_t value;

    if (!get_number(line, key, &value) || value > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* A string that fits. */
static bool get_text(const json_t *line, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(line, key));

    if (text == NULL || strlen(text) >= size) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool is_word(const json_t *line, const char *key, const char *word)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text != NULL && strcmp(text, word) == 0;
}

/* ---- one kind of line each: NULL, or what is wrong ---- */

static const char *const missing = "a value is missing or of the wrong kind";

static const char *take_module(struct picture *picture, const json_t *line)
{
    struct module_layout layout = {.time = 0};

    if (!get_number(line, "time", &layout.time) || !get_small(line, "module", &layout.module) ||
        !get_text(line, "name", layout.name, sizeof layout.name) ||
        !get_number(line, "base", &layout.base) || !get_number(line, "bytes", &layout.bytes)) {
        return missing;
    }
    return picture_layout(picture, RECORD_MODULE_LAYOUT, &layout);
}

static const char *take_section(struct picture *picture, const json_t *line)
{
    struct section_layout layout = {.section = 0};

    if (!get_small(line, "section", &layout.section) ||
        !get_small(line, "module", &layout.module) ||
        !get_text(line, "name", layout.name, sizeof layout.name) ||
        !get_small(line, "rva", &layout.rva) || !get_small(line, "bytes", &layout.bytes) ||
        !get_small(line, "pages", &layout.pages)) {
        return missing;
    }
    layout.class = is_word(line, "class", "resident")      ? PG_RESIDENT
                   : is_word(line, "class", "pageable")    ? PG_PAGEABLE
                   : is_word(line, "class", "discardable") ? PG_DISCARDABLE
                                                           : UINT32_MAX;
    return picture_layout(picture, RECORD_SECTION_LAYOUT, &layout);
}

static const char *take_device(struct picture *picture, const json_t *line)
{
    struct device_layout layout = {.device = 0};

    if (!get_small(line, "device", &layout.device) ||
        !get_text(line, "name", layout.name, sizeof layout.name) ||
        !get_text(line, "driver", layout.driver, sizeof layout.driver)) {
        return missing;
    }
    return picture_layout(picture, RECORD_DEVICE_LAYOUT, &layout);
}

static const char *take_place(struct picture *picture, const json_t *line)
{
    struct picture_site site = {.caller = 0};
    bool has_file = !json_is_null(json_object_get(line, "file"));
    char symbol[sizeof site.text], file[sizeof site.file] = "";

    if (!get_number(line, "caller", &site.caller) ||
        !get_text(line, "symbol", symbol, sizeof symbol) ||
        (has_file &&
         (!get_text(line, "file", file, sizeof file) || !get_small(line, "line", &site.line)))) {
        return missing;
    }
    (void)CLEAN(site.text, symbol);
    (void)CLEAN(site.file, file);
    return picture_site(picture, &site);
}

static const char *take_finding(struct picture *picture, const json_t *line)
{
    uint64_t time, index;

    if (!get_number(line, "time", &time) || !get_number(line, "finding", &index)) {
        return missing;
    }
    return picture_finding(picture, time, index);
}

static const char *take_bugcheck(struct picture *picture, const json_t *line)
{
    uint64_t time, code;

    if (!get_number(line, "time", &time) || !get_number(line, "code", &code)) {
        return missing;
    }
    return picture_bugcheck(picture, time, code);
}

static const char *take_mark(struct picture *picture, const json_t *line)
{
    struct run_mark mark = {.time = 0};

    if (!get_number(line, "time", &mark.time) ||
        !get_text(line, "label", mark.label, sizeof mark.label)) {
        return missing;
    }
    return picture_named(picture, &mark);
}

static const char *take_result(struct picture *picture, const json_t *line)
{
    json_t *run = json_object_get(line, "run");

    if (!json_is_object(run) || !is_word(run, "schema", "pagable.run/1")) {
        return "the result is not of schema pagable.run/1";
    }
    return picture_end(picture, json_incref(run));
}

static const char *take_event(struct picture *picture, const json_t *line, uint32_t kind)
{
    const struct event_text *text = event_text(kind);
    struct event event = {.kind = kind};

    if (!get_number(line, "time", &event.time) || !get_small(line, "irql", &event.irql)) {
        return missing;
    }
    for (unsigned i = 0; i < 3 && text->values[i] != NULL; i++) {
        if (!get_number(line, text->values[i], &event.value[i])) {
            return missing;
        }
    }
    return picture_event(picture, &event);
}

static const char *take(struct picture *picture, const json_t *line)
{
    static const struct {
        const char *name;
        const char *(*take)(struct picture *picture, const json_t *line);
    } kinds[] = {
        {"module", take_module},     {"section", take_section}, {"device", take_device},
        {"place", take_place},       {"finding", take_finding}, {"mark", take_mark},
        {"bugcheck", take_bugcheck}, {"result", take_result},
    };
    const char *name = json_string_value(json_object_get(line, "event"));

    if (name == NULL) {
        return "the line is no event";
    }
    for (uint32_t kind = 0; event_text(kind) != NULL; kind++) {
        if (strcmp(event_text(kind)->name, name) == 0) {
            return take_event(picture, line, kind);
        }
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].take(picture, line);
        }
    }
    return "there is no such event";
}

/* ---- the whole ---- */

static pg_status read_header(struct reader *reader)
{
    json_t *header = NULL;
    bool ended = false;
    pg_status status = read_line(reader, &ended);

    if (status == PG_OK && ended) {
        return fail(reader, PG_E_FORMAT, "the file is empty");
    }
    if (status == PG_OK) {
        status = parse(reader, &header);
    }
    if (status != PG_OK) {
        return status;
    }
    if (!is_word(header, "schema", "pagable.trace/1")) {
        json_decref(header);
        return fail(reader, PG_E_FORMAT, "the file is no trace of schema pagable.trace/1");
    }
    return picture_new(header, &reader->picture);
}

static pg_status read_events(struct reader *reader)
{
    for (;;) {
        json_t *line = NULL;
        const char *wrong;
        bool ended;
        pg_status status = read_line(reader, &ended);

        if (status == PG_OK && ended) {
            return reader->picture->run != NULL
                       ? PG_OK
                       : fail(reader, PG_E_FORMAT, "the trace ends without a result");
        }
        if (status == PG_OK) {
            status = parse(reader, &line);
        }
        if (status != PG_OK) {
            return status;
        }
        wrong = take(reader->picture, line);
        json_decref(line);
        if (wrong != NULL) {
            return fail(reader, PG_E_FORMAT, wrong);
        }
        if (reader->picture->out_of_memory) {
            return PG_E_NO_MEMORY;
        }
    }
}

pg_status picture_read(FILE *in, struct picture **out, struct stream_error *error)
{
    struct reader reader = {.in = in, .error = error};
    pg_status status;

    error->line = 0;
    error->reason[0] = '\0';
    status = read_header(&reader);
    if (status == PG_OK) {
        status = read_events(&reader);
    }
    host.release(reader.line);
    if (status != PG_OK) {
        picture_free(reader.picture);
        return status;
    }
    *out = reader.picture;
    return PG_OK;
}
