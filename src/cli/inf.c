/* SPDX-License-Identifier: MIT */
/*
 * The part of an INF file that names hardware:
 *
 *   [Manufacturer]
 *   %Maker% = Models, NTamd64, NTx86          ; sections Models.NTamd64, Models.NTx86
 *   [Models.NTamd64]
 *   %Port% = Install, ACPI\PNP0501, *PNP0501  ; description = section, id, compatible ids
 *   [Strings]
 *   Maker = "Example"
 *
 * The file is UTF-16 with a byte order mark, or UTF-8, or ANSI; characters beyond ASCII become '?',
 * as no id has any.  Every look into it is a walk over all its lines: such files are small, and
 * what a hostile one costs is bounded by the maxima below and the size that the caller reads.
 */
#include "cli/inf.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD_MAX    256u
#define FIELDS_MAX   32u
#define LINE_BYTES   4096u
#define SECTIONS_MAX 64u
#define MODELS_MAX   512u
#define LOOKUPS_MAX  128u

struct inf {
    const char *text;
    size_t size;
    unsigned *lookups; /* of strings, that may still be made */
};

/* A walk over the entries of one section. */
struct cursor {
    const struct inf *inf;
    const char *section;
    size_t at;
    bool inside;
    char line[LINE_BYTES]; /* the entry: comments gone, continuation lines joined */
};

/* key = value, value ... */
struct entry {
    char key[FIELD_MAX];
    char values[FIELDS_MAX][FIELD_MAX];
    unsigned count;
};

/* ---- text ---- */

static size_t decode(const uint8_t *bytes, size_t size, char *text)
{
    bool little = size >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe;
    bool big = size >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff;
    size_t count = 0;

    if (little || big) {
        for (size_t i = 2; i + 1 < size; i += 2) {
            unsigned unit = little ? bytes[i] | bytes[i + 1] << 8u : bytes[i] << 8u | bytes[i + 1];

            text[count++] = unit < 0x80 ? (char)unit : '?';
        }
    } else {
        size_t mark = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        for (size_t i = mark; i < size; i++) {
            text[count++] = bytes[i] < 0x80 ? (char)bytes[i] : '?';
        }
    }
    text[count] = '\0';
    return count;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\0';
}

static void trim(char *text)
{
    size_t count = strlen(text), skip = 0;

    while (count > 0 && blank(text[count - 1])) {
        count--;
    }
    while (skip < count && blank(text[skip])) {
        skip++;
    }
    memmove(text, text + skip, count - skip);
    text[count - skip] = '\0';
}

/* ---- lines ---- */

/* Appends one line of the file without its comment; what does not fit is lost. */
static void read_line(struct cursor *c, size_t *used)
{
    bool quoted = false, comment = false;

    for (; c->at < c->inf->size; c->at++) {
        char ch = c->inf->text[c->at];

        if (ch == '\n' || ch == '\r') {
            c->at++;
            break;
        }
        quoted ^= ch == '"' && !comment;
        comment |= ch == ';' && !quoted;
        if (!comment && *used + 1 < sizeof c->line) {
            c->line[(*used)++] = ch == '\0' ? ' ' : ch;
        }
    }
    while (*used > 0 && blank(c->line[*used - 1])) {
        --*used;
    }
    c->line[*used] = '\0';
}

/* A backslash at the end goes on in the next line; false at the end of the file. */
static bool read_logical_line(struct cursor *c)
{
    size_t used = 0;

    if (c->at >= c->inf->size) {
        return false;
    }
    read_line(c, &used);
    while (used > 0 && c->line[used - 1] == '\\' && c->at < c->inf->size) {
        used--;
        if (c->inf->text[c->at] == '\n' && c->inf->text[c->at - 1] == '\r') {
            c->at++;
        }
        read_line(c, &used);
    }
    trim(c->line);
    return true;
}

static struct cursor walk(const struct inf *inf, const char *section)
{
    return (struct cursor){.inf = inf, .section = section};
}

/* The next line of the section; sections of one name are one. */
static bool next_line(struct cursor *c)
{
    while (read_logical_line(c)) {
        if (c->line[0] == '[') {
            char *end = strchr(c->line, ']');

            if (end != NULL) {
                *end = '\0';
            }
            trim(c->line + 1);
            c->inside = strcasecmp(c->line + 1, c->section) == 0;
        } else if (c->inside && c->line[0] != '\0') {
            return true;
        }
    }
    return false;
}

/* ---- entries ---- */

/* The next field of a line up to a separator outside quotes; quotes go, "" inside them is one. */
static const char *take_field(const char *at, const char *separators, char *out)
{
    bool quoted = false;
    size_t used = 0;

    for (; *at != '\0' && (quoted || strchr(separators, *at) == NULL); at++) {
        if (*at == '"' && quoted && at[1] == '"') {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
            continue;
        }
        if (used + 1 < FIELD_MAX) {
            out[used++] = *at;
        }
    }
    out[used] = '\0';
    trim(out);
    return at;
}

static void parse(const char *line, struct entry *out)
{
    const char *at = take_field(line, "=", out->key);

    out->count = 0;
    if (*at != '=') { /* a line of values only */
        at = line;
        out->key[0] = '\0';
    } else {
        at++;
    }
    for (;;) {
        at = take_field(at, ",", out->values[out->count++]);
        if (*at != ',' || out->count == FIELDS_MAX) {
            return;
        }
        at++;
    }
}

static bool find_string(const struct inf *inf, const char *name, char *out)
{
    struct cursor c = walk(inf, "Strings");
    struct entry entry;

    if (*inf->lookups == 0) {
        return false;
    }
    --*inf->lookups;
    while (next_line(&c)) {
        parse(c.line, &entry);
        if (entry.key[0] != '\0' && strcasecmp(entry.key, name) == 0) {
            memcpy(out, entry.values[0], FIELD_MAX);
            return true;
        }
    }
    return false;
}

/* Replaces %name% by its string and %% by one %; a name that is not there stays as it is. */
static void expand(const struct inf *inf, char *field)
{
    char out[FIELD_MAX], name[FIELD_MAX], value[FIELD_MAX];
    size_t used = 0;

    for (const char *at = field; *at != '\0'; at++) {
        const char *end = *at == '%' ? strchr(at + 1, '%') : NULL;
        const char *piece = at;
        size_t bytes = 1;

        if (end != NULL && end > at + 1) {
            (void)snprintf(name, sizeof name, "%.*s", (int)(end - at - 1), at + 1);
            if (find_string(inf, name, value)) {
                piece = value;
                bytes = strlen(value);
                at = end;
            }
        } else if (end != NULL) {
            at = end;
        }
        if (used + bytes >= sizeof out) {
            break;
        }
        memcpy(&out[used], piece, bytes);
        used += bytes;
    }
    out[used] = '\0';
    memcpy(field, out, used + 1);
}

/* ---- what they say ---- */

static bool good_id(const char *id)
{
    size_t count = strlen(id);

    for (size_t i = 0; i < count; i++) {
        if (!isgraph((unsigned char)id[i]) || id[i] == ',') {
            return false;
        }
    }
    return count > 0 && count <= INF_ID_MAX;
}

static void add_id(struct inf_ids *out, const char *id)
{
    char *at = out->list;

    for (; *at != '\0'; at += strlen(at) + 1) {
        if (strcasecmp(at, id) == 0) {
            return;
        }
    }
    if ((size_t)(at - out->list) + strlen(id) + 2 <= sizeof out->list) {
        memcpy(at, id, strlen(id) + 1);
        at[strlen(id) + 1] = '\0';
        out->count++;
    }
}

static void read_models(const struct inf *inf, const char *section, unsigned *left,
                        struct inf_ids *out)
{
    struct cursor c = walk(inf, section);
    struct entry entry;

    while (*left > 0 && next_line(&c)) {
        --*left;
        parse(c.line, &entry);
        for (unsigned i = 1; i < entry.count; i++) {
            expand(inf, entry.values[i]);
            if (good_id(entry.values[i])) {
                add_id(out, entry.values[i]);
            }
        }
    }
}

/* How well a section's decoration fits this computer: 2 for NTamd64, 1 for any NT, 0 for none; -1
 * for another processor's. */
static int fit(const char *decoration)
{
    if (strncasecmp(decoration, "NTamd64", 7) == 0) {
        return 2;
    }
    return strcasecmp(decoration, "NT") == 0 || strncasecmp(decoration, "NT.", 3) == 0 ? 1 : -1;
}

/* The models of a manufacturer in its sections that fit best. */
static void read_manufacturer(const struct inf *inf, struct entry *entry, unsigned *left,
                              struct inf_ids *out)
{
    char section[2 * FIELD_MAX + 1];
    int best = 0;

    for (unsigned i = 0; i < entry->count; i++) {
        expand(inf, entry->values[i]);
    }
    for (unsigned i = 1; i < entry->count; i++) {
        best = fit(entry->values[i]) > best ? fit(entry->values[i]) : best;
    }
    if (best == 0) {
        read_models(inf, entry->values[0], left, out);
        return;
    }
    for (unsigned i = 1; i < entry->count; i++) {
        if (fit(entry->values[i]) == best) {
            (void)snprintf(section, sizeof section, "%s.%s", entry->values[0], entry->values[i]);
            read_models(inf, section, left, out);
        }
    }
}

void inf_read(const uint8_t *bytes, size_t size, char *text, struct inf_ids *out)
{
    unsigned sections = SECTIONS_MAX, models = MODELS_MAX, lookups = LOOKUPS_MAX;
    const struct inf inf = {text, decode(bytes, size, text), &lookups};
    struct cursor c = walk(&inf, "Manufacturer");
    struct entry entry;

    memset(out, 0, sizeof *out);
    out->why = "it has no [Manufacturer] section";
    while (sections > 0 && next_line(&c)) {
        sections--;
        out->why = "no model of it for x64 has a hardware id";
        parse(c.line, &entry);
        read_manufacturer(&inf, &entry, &models, out);
    }
    if (out->count > 0) {
        out->why = NULL;
    }
}
