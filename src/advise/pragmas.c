/* SPDX-License-Identifier: MIT */
/*
 * `--emit alloc-text`: pragmas that put the savings into effect.
 *
 * What has a C name is a pragma to compile, proven or not; a comment above those that are not says
 * what is to be looked at or done first.  The rest is a comment that says what is to be done
 * instead: alloc_text does not take C++ names, and a routine without symbols has none.
 */
#include "advise/savings.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"

#define LINE_BYTES 96u

/* Text that grows; `failed` once there is no memory. */
struct text {
    char *bytes;
    size_t length, room;
    bool failed;
};

static void append(struct text *text, const char *more)
{
    size_t length = strlen(more);

    if (text->failed) {
        return;
    }
    if (text->length + length + 1 > text->room) {
        size_t room = 2 * (text->length + length + 1);
        char *bytes = host.allocate(room);

        if (bytes == NULL) {
            text->failed = true;
            return;
        }
        if (text->bytes != NULL) {
            memcpy(bytes, text->bytes, text->length);
            host.release(text->bytes);
        }
        text->bytes = bytes;
        text->room = room;
    }
    memcpy(text->bytes + text->length, more, length + 1);
    text->length += length;
}

/* What is to be written of a routine. */
enum part {
    PART_PRAGMA,   /* proven */
    PART_EVIDENCE, /* a pragma, after a look at its callers */
    PART_ASSUMED,  /* a pragma, when the driver is no exception */
    PART_ISOLATE,  /* a pragma, after the region has been moved out */
    PART_DECORATED,
    PART_NAMELESS, /* counted */
};

static enum part part_of(const struct audit *audit, const struct candidate *one)
{
    const struct function *body = &audit->program->functions[one->function];
    const char *name = body->name;

    if (strncmp(name, "sub_", 4) == 0 && (body->sources & (FROM_SYMBOL | FROM_EXPORT)) == 0) {
        return PART_NAMELESS;
    }
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] !=
            '\0' ||
        strncmp(name, "_Z", 2) == 0) {
        return PART_DECORATED;
    }
    if (one->kind == SAVING_ISOLATE) {
        return PART_ISOLATE;
    }
    switch (one->class) {
    case ADVICE_PROVEN:
        return PART_PRAGMA;
    case ADVICE_ASSUMED:
        return PART_ASSUMED;
    default:
        return PART_EVIDENCE;
    }
}

/* Pragmas of one part and target; lines are filled. */
static void write_names(const struct audit *audit, const struct candidates *candidates,
                        const char *target, enum part part, struct text *text)
{
    size_t column = 0;

    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct candidate *one = &candidates->items[i];
        const char *name = audit->program->functions[one->function].name;

        if (!one->kept || strcmp(one->target, target) != 0 || part_of(audit, one) != part) {
            continue;
        }
        if (column != 0 && column + strlen(name) + 3 > LINE_BYTES) {
            append(text, ")\n");
            column = 0;
        }
        if (column == 0) {
            append(text, "#pragma alloc_text(");
            append(text, target);
            column = 19 + strlen(target);
        }
        append(text, ", ");
        append(text, name);
        column += strlen(name) + 2;
    }
    append(text, column != 0 ? ")\n" : "");
}

static void write_decorated(const struct audit *audit, const struct candidate *one,
                            struct text *text)
{
    append(text, "/* __declspec(code_seg(\"");
    append(text, one->target);
    append(text, "\")): ");
    append(text, audit->program->functions[one->function].name);
    append(text, " */\n");
}

static bool has_part(const struct audit *audit, const struct candidates *candidates,
                     const char *target, enum part part)
{
    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct candidate *one = &candidates->items[i];

        if (one->kept && strcmp(one->target, target) == 0 && part_of(audit, one) == part) {
            return true;
        }
    }
    return false;
}

static void write_target(const struct audit *audit, const struct candidates *candidates,
                         const char *target, struct text *text)
{
    static const char *const heads[] = {
        [PART_PRAGMA] = "/* Proven: every caller is at <= APC_LEVEL. */\n",
        [PART_EVIDENCE] = "/* By evidence: look at who calls these first. */\n",
        [PART_ASSUMED] = "/* Only if the driver serves no paging I/O, no driver above calls it "
                         "raised, its devices have\n"
                         " * DO_POWER_PAGABLE, and calls through pointers do not raise, as the "
                         "report tells of each. */\n",
        [PART_ISOLATE] =
            "/* After their locked regions have been moved out (pagable isolate). */\n",
    };

    for (unsigned part = PART_PRAGMA; part <= PART_ISOLATE; part++) {
        if (has_part(audit, candidates, target, (enum part)part)) {
            append(text, heads[part]);
            write_names(audit, candidates, target, (enum part)part, text);
        }
    }
}

/* Whether an earlier candidate that is kept has the same target. */
static bool target_done(const struct candidates *candidates, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (candidates->items[i].kept &&
            strcmp(candidates->items[i].target, candidates->items[index].target) == 0) {
            return true;
        }
    }
    return false;
}

pg_status savings_pragmas(const struct audit *audit, const struct candidates *candidates)
{
    struct advice *draft = advice_draft(audit->builder);
    struct text text = {.bytes = NULL};
    uint32_t nameless = 0;
    char count[80];

    for (uint32_t i = 0; i < candidates->count; i++) {
        if (candidates->items[i].kept && !target_done(candidates, i)) {
            write_target(audit, candidates, candidates->items[i].target, &text);
        }
    }
    for (uint32_t i = 0; i < candidates->count; i++) {
        if (candidates->items[i].kept) {
            enum part part = part_of(audit, &candidates->items[i]);

            nameless += part == PART_NAMELESS;
            if (part == PART_DECORATED) {
                write_decorated(audit, &candidates->items[i], &text);
            }
        }
    }
    if (nameless != 0) {
        snprintf(count, sizeof count, "/* %u more routines have no name without symbols. */\n",
                 nameless);
        append(&text, count);
    }
    draft->alloc_text = text.bytes != NULL ? advice_lines(audit->builder, text.bytes) : "";
    host.release(text.bytes);
    return text.failed ? PG_E_NO_MEMORY : PG_OK;
}
