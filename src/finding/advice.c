/* SPDX-License-Identifier: MIT */
/*
 * Making advice: memory, text, order, fingerprints.
 *
 * Text and witness paths lie in blocks that only grow; the lists are arrays of their own.  The
 * advice is the first member of its builder and stays where it is when the builder is finished, so
 * that nothing has to be copied.
 *
 * Invariant: once `failed` is set it stays, nothing more is added, and advice_finish tells.
 */
#include "finding/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/host.h"

#define BLOCK_BYTES ((size_t)16384)

struct block {
    struct block *next;
    size_t used, room;
    _Alignas(8) char bytes[];
};

struct advice_builder {
    struct advice advice; /* first: see advice_finish */
    struct block *blocks; /* the one being filled comes first */
    uint32_t finding_room, saving_room, set_room, limit_room;
    bool failed;
};

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_DEFINITE] = "definite",
        [VERDICT_POSSIBLE] = "possible",
        [VERDICT_UNKNOWN] = "unknown",
    };

    return (unsigned)verdict < VERDICT_COUNT ? names[verdict] : "unknown";
}

/* ---- memory ---- */

/* Zeroed memory for as long as the advice lives; NULL: none, and the builder has failed. */
static void *take(struct advice_builder *builder, size_t bytes)
{
    struct block *block = builder->blocks;

    bytes = (bytes + 7) & ~(size_t)7;
    if (builder->failed) {
        return NULL;
    }
    if (block == NULL || block->room - block->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

        block = host.allocate(sizeof *block + room);
        if (block == NULL) {
            builder->failed = true;
            return NULL;
        }
        block->room = room;
        block->next = builder->blocks;
        builder->blocks = block;
    }
    block->used += bytes;
    return block->bytes + block->used - bytes;
}

/* The next element of a list, which is made larger where needed; NULL as above. */
static void *append(struct advice_builder *builder, void **items, uint32_t *count, uint32_t *room,
                    size_t size)
{
    if (builder->failed) {
        return NULL;
    }
    if (*count == *room) {
        uint32_t larger = *room == 0 ? 16 : *room * 2;
        void *moved = larger > *room ? host.allocate(larger * size) : NULL;

        if (moved == NULL) {
            builder->failed = true;
            return NULL;
        }
        if (*count != 0) {
            memcpy(moved, *items, *count * size);
        }
        host.release(*items);
        *items = moved;
        *room = larger;
    }
    return (char *)*items + (*count)++ * size;
}

#define APPEND(builder, list)                                                                      \
    append((builder), (void **)&(builder)->advice.list##s, &(builder)->advice.list##_count,        \
           &(builder)->list##_room, sizeof *(builder)->advice.list##s)

static void release(struct advice_builder *builder)
{
    struct block *next;

    for (struct block *block = builder->blocks; block != NULL; block = next) {
        next = block->next;
        host.release(block);
    }
    host.release(builder->advice.findings);
    host.release(builder->advice.savings);
    host.release(builder->advice.sets);
    host.release((void *)builder->advice.limits);
    host.release(builder);
}

/* ---- text ---- */

/* A terminal must not take it for a command, nor a reader for something else: controls of C0 and
 * C1, separators of lines, and what turns the direction of writing. */
static bool printable(uint32_t code)
{
    return code >= 0x20 && (code < 0x7f || code >= 0xa0) && !(code >= 0x200b && code <= 0x200f) &&
           !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069) &&
           code != 0xfeff && !(code >= 0xd800 && code <= 0xdfff) && code <= 0x10ffff;
}

/* Bytes of the character at `text`, which is terminated; 0: not UTF-8, or in a longer form than
 * needed. */
static size_t decode(const char *text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc0 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf8 ? 4
                                   : 0;

    *code = length < 2 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | ((uint8_t)text[i] & 0x3f);
    }
    return length != 0 && *code >= least[length] ? length : 0;
}

/* In place; it never becomes longer. */
static void clean(char *text, bool lines)
{
    char *to = text;

    while (*text != '\0') {
        uint32_t code;
        size_t length;

        if (*text >= ' ' && *text <= '~') { /* nearly all of it */
            *to++ = *text++;
            continue;
        }
        length = decode(text, &code);
        if (length != 0 && (printable(code) || (lines && code == '\n'))) {
            memmove(to, text, length);
            to += length;
        } else {
            *to++ = '?';
        }
        text += length == 0 ? 1 : length;
    }
    *to = '\0';
}

const char *advice_text(struct advice_builder *builder, const char *format, ...)
{
    va_list arguments;
    char *text, most[256]; /* texts that are longer are formatted twice */
    int length;

    va_start(arguments, format);
    length = vsnprintf(most, sizeof(most), format, arguments);
    va_end(arguments);
    if (length <= 0) {
        builder->failed |= length < 0;
        return "";
    }
    text = take(builder, (size_t)length + 1);
    if (text == NULL) {
        return "";
    }
    if ((size_t)length < sizeof(most)) {
        memcpy(text, most, (size_t)length + 1);
    } else {
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    clean(text, false);
    return text;
}

const char *advice_lines(struct advice_builder *builder, const char *text)
{
    size_t length = strlen(text);
    char *copy = length == 0 ? NULL : take(builder, length + 1);

    if (copy == NULL) {
        return "";
    }
    memcpy(copy, text, length + 1);
    clean(copy, true);
    return copy;
}

/* ---- what is added ---- */

struct advice_builder *advice_begin(const char *file, const char *kind)
{
    struct advice_builder *builder = host.allocate(sizeof *builder);

    if (builder == NULL) {
        return NULL;
    }
    builder->advice.file = advice_text(builder, "%s", file);
    builder->advice.kind = advice_text(builder, "%s", kind);
    builder->advice.symbols = "";
    builder->advice.alloc_text = "";
    return builder;
}

void advice_add_finding(struct advice_builder *builder, const struct advice_finding *finding)
{
    size_t bytes = finding->path_count * sizeof *finding->path;
    struct advice_step *path = bytes == 0 ? NULL : take(builder, bytes);
    struct advice_finding *added = APPEND(builder, finding);

    if (added == NULL) {
        return;
    }
    if (bytes != 0) {
        memcpy(path, finding->path, bytes);
    }
    *added = *finding;
    added->path = path;
    added->severity = rule_text(finding->rule)->severity;
    added->fingerprint = builder->advice.finding_count; /* until it is known: the order of coming */
}

void advice_add_saving(struct advice_builder *builder, const struct advice_saving *saving)
{
    struct advice_saving *added = APPEND(builder, saving);

    if (added != NULL) {
        *added = *saving;
    }
}

uint32_t advice_add_set(struct advice_builder *builder, const struct advice_set *set)
{
    struct advice_set *added = APPEND(builder, set);

    if (added == NULL) {
        return ADVICE_NO_SET;
    }
    *added = *set;
    return builder->advice.set_count - 1;
}

void advice_add_limit(struct advice_builder *builder, const char *sentence)
{
    const char **added = APPEND(builder, limit);

    if (added != NULL) {
        *added = sentence;
    }
}

void advice_fail(struct advice_builder *builder)
{
    builder->failed = true;
}

struct advice *advice_draft(struct advice_builder *builder)
{
    return &builder->advice;
}

/* ---- order ---- */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Of source, by lines: there the section is only what a pragma says. */
static int compare_places(const struct advice_place *a, const struct advice_place *b)
{
    int order = ORDER(a->rva != 0, b->rva != 0);

    order = order != 0 || a->rva != 0 ? order : ORDER(a->line, b->line);
    order = order != 0 ? order : strcmp(a->section, b->section);
    order = order != 0 ? order : ORDER(a->rva, b->rva);
    return order != 0 ? order : ORDER(a->line, b->line);
}

static int compare_findings(const void *left, const void *right)
{
    const struct advice_finding *a = left, *b = right;
    int order = ORDER(a->rule, b->rule);

    order = order != 0 ? order : compare_places(&a->place, &b->place);
    return order != 0 ? order : ORDER(a->fingerprint, b->fingerprint);
}

static int compare_savings(const void *left, const void *right)
{
    const struct advice_saving *a = left, *b = right;
    int order = ORDER(b->bytes, a->bytes);

    order = order != 0 ? order : compare_places(&a->place, &b->place);
    order = order != 0 ? order : ORDER(a->kind, b->kind);
    return order != 0 ? order : ORDER(a->region_begin.rva, b->region_begin.rva);
}

/* ---- fingerprints: FNV-1a ---- */

#define FNV_BEGIN 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

/* The digits of "0x1040" and of a name made of an address, "sub_1040", change with every build. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    static const char *const before[] = {"0x", "sub_"};

    while (*text != '\0') {
        size_t length = 0;

        for (size_t i = 0; i < sizeof before / sizeof *before && length == 0; i++) {
            length = strncmp(text, before[i], strlen(before[i])) == 0 ? strlen(before[i]) : 0;
        }
        for (size_t i = 0; i < (length == 0 ? 1 : length); i++) {
            hash = hash_byte(hash, (uint8_t)text[i]);
        }
        text += length == 0 ? 1 : length + strspn(text + length, "0123456789abcdefABCDEF");
    }
    return hash_byte(hash, 0);
}

struct same {
    uint64_t hash;
    uint32_t index;
};

static int compare_same(const void *left, const void *right)
{
    const struct same *a = left, *b = right;
    int order = ORDER(a->hash, b->hash);

    return order != 0 ? order : ORDER(a->index, b->index);
}

/* Findings that read alike are told apart by their order in the file. */
static void fill_fingerprints(struct advice_builder *builder)
{
    struct advice *advice = &builder->advice;
    struct same *same = host.allocate((advice->finding_count + 1u) * sizeof *same);
    uint32_t ordinal = 0;

    if (same == NULL) {
        builder->failed = true;
        return;
    }
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *finding = &advice->findings[i];
        uint64_t hash = hash_text(FNV_BEGIN, rule_text(finding->rule)->id);

        hash = hash_text(hash, finding->place.function);
        same[i] = (struct same){hash_text(hash, finding->message), i};
    }
    qsort(same, advice->finding_count, sizeof *same, compare_same);
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        uint64_t hash = same[i].hash;

        ordinal = i != 0 && hash == same[i - 1].hash ? ordinal + 1 : 0;
        for (unsigned byte = 0; byte < 4; byte++) {
            hash = hash_byte(hash, (uint8_t)(ordinal >> (8 * byte)));
        }
        advice->findings[same[i].index].fingerprint = hash;
    }
    host.release(same);
}

/* ---- the end ---- */

struct advice *advice_finish(struct advice_builder *builder)
{
    struct advice *advice = &builder->advice;

    if (!builder->failed && advice->finding_count != 0) {
        qsort(advice->findings, advice->finding_count, sizeof *advice->findings, compare_findings);
        fill_fingerprints(builder);
    }
    if (builder->failed) {
        release(builder);
        return NULL;
    }
    if (advice->saving_count != 0) {
        qsort(advice->savings, advice->saving_count, sizeof *advice->savings, compare_savings);
    }
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        PG_ASSERT(advice->savings[i].set == ADVICE_NO_SET ||
                  advice->savings[i].set < advice->set_count);
    }
    return advice;
}

void advice_abandon(struct advice_builder *builder)
{
    if (builder != NULL) {
        release(builder);
    }
}

void advice_close(struct advice *advice)
{
    if (advice != NULL) {
        release((struct advice_builder *)advice);
    }
}
