/* SPDX-License-Identifier: MIT */
/*
 * The isolating rewrite of a file: which routines, which of their regions, and everything around
 * them: prototypes, pragmas, PAGED_CODE, declarations that nobody needs any more.
 *
 * A routine is changed as a whole or not at all: one region that must stay keeps it resident.
 */
#include "source/isolate.h"

#include <string.h>

#include "base/host.h"
#include "source/macros.h"

#define REGIONS_MAX 32u /* of one routine */

static void *list_add(struct arena *arena, struct list *list, size_t size)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        void *rows = arena_array(arena, capacity, size);

        if (rows == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(rows, list->rows, list->count * size);
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    return (char *)list->rows + size * list->count++;
}

const char *session_name_of(struct session *s, const struct function *f)
{
    return arena_copy(&s->result->arena, s->unit.text + f->name.begin, range_length(f->name));
}

static void refuse(struct session *s, const struct function *f, uint32_t line, const char *reason,
                   const char *hint)
{
    struct refusal *row = list_add(&s->result->arena, &s->refusals, sizeof *row);

    if (row != NULL) {
        *row = (struct refusal){session_name_of(s, f), line,
                                arena_print(&s->result->arena, "%s", reason), hint};
    }
}

/* ---- names ---- */

static bool is_taken(const struct session *s, const char *name)
{
    const char *const *names = s->names.rows;

    for (uint32_t i = 0; i < s->names.count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->unit.all_count; i++) {
        if (token_is(&s->unit, &s->unit.all[i], name)) {
            return true;
        }
    }
    return false;
}

static const char *free_name(struct session *s, const char *wanted)
{
    const char *name = wanted;

    for (unsigned n = 2; is_taken(s, name); n++) {
        name = arena_print(&s->result->arena, "%s%u", wanted, n);
    }
    return name;
}

static const char *keep_name(struct session *s, const char *name)
{
    const char **row = list_add(&s->result->arena, &s->names, sizeof *row);

    if (row != NULL) {
        *row = name;
    }
    return name;
}

static const char *routine_name(struct session *s, const struct work *w, const struct region *r)
{
    const char *caller = session_name_of(s, w->function);
    const char *wanted = s->options->name;

    if (wanted == NULL) {
        wanted = arena_print(&s->result->arena, "%s%s", caller,
                             r->acquire->row->raises ? "Raised" : "Locked");
    }
    return keep_name(s, free_name(s, wanted));
}

/* ---- which regions ---- */

static bool is_held(const struct work *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->region_count; i++) {
        if (w->regions[i].held != NULL && w->regions[i].held[node]) {
            return true;
        }
    }
    return false;
}

/* The outermost regions of a routine, in the order of the file.  False: too many. */
static bool find_regions(struct work *w)
{
    w->regions = arena_array(w->arena, REGIONS_MAX, sizeof *w->regions);
    for (;;) {
        const struct lock_call *next = NULL;

        for (uint32_t i = 0; w->regions != NULL && i < w->call_count; i++) {
            const struct lock_call *call = &w->calls[i];

            if (call->row->kind == CALL_ACQUIRE && w->reached[call->node] &&
                !is_held(w, call->node) && (next == NULL || call->at < next->at)) {
                next = call;
            }
        }
        if (next == NULL) {
            return true;
        }
        if (w->region_count == REGIONS_MAX) {
            return false;
        }
        region_read(w, next, &w->regions[w->region_count]);
        if (w->regions[w->region_count].held == NULL) {
            return true; /* no memory */
        }
        w->regions[w->region_count].held[next->node] = true;
        w->region_count++;
    }
}

static bool is_chosen(const struct session *s, const struct region *r)
{
    return s->options->line == 0 ||
           (s->options->line >= r->line_begin && s->options->line <= r->line_end);
}

/* The words `...AtDpcLevel` outside of the regions: the routine runs raised anyway. */
static bool runs_raised(const struct work *w, uint32_t *line)
{
    static const char *const words[] = {"KeAcquireSpinLockAtDpcLevel",
                                        "KeReleaseSpinLockFromDpcLevel",
                                        "KeTryToAcquireSpinLockAtDpcLevel",
                                        "KeAcquireInStackQueuedSpinLockAtDpcLevel",
                                        "KeReleaseInStackQueuedSpinLockFromDpcLevel",
                                        "NdisDprAcquireSpinLock",
                                        NULL};

    for (uint32_t i = w->function->body; i < w->function->body_end; i++) {
        bool moves = false;

        for (uint32_t j = 0; j < w->region_count; j++) {
            moves = moves || region_moves(w, &w->regions[j], i);
        }
        if (!moves && range_in(w->unit, token_range(&w->unit->code[i]), words)) {
            *line = w->unit->code[i].line;
            return true;
        }
    }
    return false;
}

/* ---- one routine ---- */

static void emit_region(struct session *s, struct work *w, struct region *r,
                        struct text *prototypes, struct text *routines)
{
    struct range first = indent_of(&s->unit, s->unit.code[w->body.statements[1].first].begin);
    struct emit e = {.work = w, .region = r, .ending = line_ending(&s->unit), .form = exit_form(r)};
    struct range replaced = emit_replaced(&e);
    struct isolated *row = list_add(&s->result->arena, &s->regions, sizeof *row);

    r->name = routine_name(s, w, r);
    e.unit = range_length(first) > 0
                 ? arena_copy(w->arena, s->unit.text + first.begin, range_length(first))
                 : "    ";
    e.exit_name = e.form == EXIT_CHAIN ? free_name(s, "Exit") : "";
    emit_signature(&e);
    text_add(prototypes, e.text.bytes, e.text.length);
    text_print(prototypes, ";%s", e.ending);
    prototypes->failed = prototypes->failed || e.text.failed;
    e.text.length = 0;
    emit_routine(&e);
    text_put(routines, e.ending);
    text_add(routines, e.text.bytes, e.text.length);
    routines->failed = routines->failed || e.text.failed;
    e.text.length = 0;
    emit_call(&e);
    if (e.text.failed) {
        s->result->arena.failed = true;
    } else {
        edit_add(&s->edits, replaced.begin, replaced.end, e.text.bytes, e.text.length);
    }
    text_free(&e.text);
    if (row != NULL) {
        *row = (struct isolated){.function = session_name_of(s, w->function),
                                 .routine = r->name,
                                 .line_begin = r->line_begin,
                                 .line_end = r->line_end,
                                 .exits = r->exits + (r->falls_through ? 1 : 0),
                                 .result = ""};
        for (uint32_t i = 0; i < r->capture_count; i++) {
            const struct capture *c = &r->captures[i];
            const struct local *l = &w->locals.rows[c->local];

            row->parameters += c->kind == CAPTURE_VALUE || c->kind == CAPTURE_POINTER ||
                               (c->kind == CAPTURE_RESULT && c->value_too);
            if (c->kind == CAPTURE_RESULT) {
                row->result = arena_copy(&s->result->arena, s->unit.text + l->name.begin,
                                         range_length(l->name));
            }
        }
    }
}

static void rewrite(struct session *s, struct work *w, bool all)
{
    bool pageable = all && !section_pageable(&s->unit, w->function->section);
    struct text prototypes = {0}, routines = {0};

    if (s->options->name != NULL && s->regions.count == 0 && is_taken(s, s->options->name)) {
        s->result->isolation.name_taken = true;
        return;
    }
    for (uint32_t i = 0; i < w->region_count; i++) {
        emit_region(s, w, &w->regions[i], &prototypes, &routines);
    }
    surround(s, w, &prototypes, &routines, pageable, all);
    text_free(&prototypes);
    text_free(&routines);
}

/* Its head is compiled under a condition that its body is not. */
static bool is_torn(const struct unit *unit, const struct function *f)
{
    return unit->code[f->first].branch != unit->code[f->body].branch ||
           unit->code[f->body_end].branch != unit->code[f->body].branch;
}

/* What stands against this routine as such; NULL: nothing. */
static const char *unfit(const struct session *s, const struct function *f, const char **hint)
{
    *hint = "put the code with the lock into a routine of its own by hand";
    if (is_torn(&s->unit, f)) {
        return "conditional compilation decides about its head or its braces";
    }
    if (f->method) {
        return "it is a member of a class: what its names mean is not in this file";
    }
    if (range_is(&s->unit, f->section, "INIT")) {
        *hint = "nothing is gained: INIT is discarded after DriverEntry";
        return "it is in section INIT, which is resident while it runs";
    }
    if (range_length(f->section) > 0 && !section_pageable(&s->unit, f->section)) {
        *hint = "name its section PAGE first";
        return "it is in a section that is not pageable";
    }
    if (f->is_inline) {
        *hint = "name the routines that it is inlined into";
        return "it is inline: its code is in its callers";
    }
    return NULL;
}

/* A routine of this file that comes back with a lock: it acquires, and releases nothing. */
static bool leaves_raised(const struct unit *unit, const struct function *f)
{
    bool acquires = false;

    for (uint32_t i = f->body; f->body_end != NONE && i < f->body_end; i++) {
        const struct call_row *row = code_word(unit, i) && code_punct(unit, i + 1, PUNCT('('))
                                         ? call_named(unit, token_range(&unit->code[i]))
                                         : NULL;

        if (row != NULL && row->kind == CALL_RELEASE) {
            return false;
        }
        acquires = acquires || (row != NULL && row->kind == CALL_ACQUIRE && !row->raises);
    }
    return acquires;
}

/* The answer to a question about a row of a table, asked once. */
enum answer { UNKNOWN, NO, YES };

static bool ask_macro(struct session *s, const struct macro *macro)
{
    uint8_t *answer = &s->macro_locks[macro - s->unit.macros];

    if (*answer == UNKNOWN) {
        *answer = macro_locks(&s->unit, macro) ? YES : NO;
    }
    return *answer == YES;
}

static bool ask_function(struct session *s, const struct function *f)
{
    uint8_t *answer = &s->leaves_raised[f - s->unit.functions];

    if (*answer == UNKNOWN) {
        *answer = leaves_raised(&s->unit, f) ? YES : NO;
    }
    return *answer == YES;
}

/* A lock that is taken or given back where this file does not say so in the routine itself: NULL,
 * or how. */
static const char *hidden_lock(struct session *s, const struct function *f, uint32_t *line)
{
    const struct unit *unit = &s->unit;

    for (uint32_t i = f->body; f->body_end != NONE && i < f->body_end; i++) {
        const struct macro *macro = macro_used(unit, i);
        struct range name = token_range(&unit->code[i]);
        const struct function *callee = code_word(unit, i) && code_punct(unit, i + 1, PUNCT('('))
                                            ? function_named(unit, name)
                                            : NULL;

        *line = unit->code[i].line;
        if (macro != NULL && ask_macro(s, macro)) {
            return arena_print(&s->unit.arena,
                               "the macro %.*s in line %u acquires or releases a lock",
                               (int)range_length(name), unit->text + name.begin, *line);
        }
        if (callee != NULL && callee != f && call_named(unit, name) == NULL &&
            ask_function(s, callee)) {
            return arena_print(&s->unit.arena, "%.*s, called in line %u, returns with a lock held",
                               (int)range_length(name), unit->text + name.begin, *line);
        }
    }
    return NULL;
}

/* Keep the chosen regions only, and say whether none is left behind. */
static bool choose(struct session *s, struct work *w)
{
    uint32_t kept = 0;
    bool all = true;

    for (uint32_t i = 0; i < w->region_count; i++) {
        if (is_chosen(s, &w->regions[i])) {
            w->regions[kept++] = w->regions[i];
        } else {
            all = false;
        }
    }
    w->region_count = kept;
    return all;
}

static void isolate_function(struct session *s, const struct function *f)
{
    struct work w;
    const char *hint, *why = unfit(s, f, &hint), *hidden;
    uint32_t line;
    bool all, refused = false;

    hidden = hidden_lock(s, f, &line);
    if (hidden != NULL) {
        refuse(s, f, line, hidden, "write it out in the routine that holds the lock");
        return;
    }
    if (!work_read(&s->unit, f, &s->unit.arena, &w)) {
        if (w.body.why != NULL) {
            refuse(s, f, w.body.why_line,
                   arena_print(&s->unit.arena, "the routine has %s", w.body.why),
                   "write it out plainly, or isolate by hand");
        }
        return;
    }
    if (!find_regions(&w)) {
        refuse(s, f, f->line, "it takes locks in more places than are looked at",
               "split the routine");
        return;
    }
    all = choose(s, &w);
    if (w.region_count == 0) {
        return;
    }
    if (why != NULL) {
        refuse(s, f, w.regions[0].line_begin, why, hint);
        return;
    }
    for (uint32_t i = 0; i < w.region_count; i++) {
        if (w.regions[i].why != NULL) {
            refuse(s, f, w.regions[i].why_line, w.regions[i].why, w.regions[i].hint);
            refused = true;
        }
    }
    if (!refused && all && runs_raised(&w, &line)) {
        refuse(s, f, line, "the routine runs at DISPATCH_LEVEL outside of the region too",
               "it cannot be pageable");
        refused = true;
    }
    if (!refused && !s->unit.arena.failed) {
        rewrite(s, &w, all);
    }
}

/* ---- the file ---- */

/* It calls something that acquires or raises. */
static bool acquires(struct session *s, const struct function *f)
{
    const struct unit *unit = &s->unit;
    uint32_t line;

    for (uint32_t i = f->body; f->body_end != NONE && i < f->body_end; i++) {
        const struct call_row *row = code_word(unit, i) && code_punct(unit, i + 1, PUNCT('('))
                                         ? call_named(unit, token_range(&unit->code[i]))
                                         : NULL;

        if (row != NULL && row->kind == CALL_ACQUIRE) {
            return true;
        }
    }
    return f->body_end != NONE && hidden_lock(s, f, &line) != NULL;
}

/*
 * It runs where its section may be out of memory.  A section PAGExxxx is there to be locked while
 * its routines are needed at raised IRQL, so one of those counts only when it says PAGED_CODE.
 */
static bool is_never_locked(const struct unit *unit, const struct function *f)
{
    return says_paged_code(unit, f, false) || range_is(unit, f->section, "PAGE");
}

static bool is_wanted(const struct session *s, const struct function *f)
{
    const struct unit *unit = &s->unit;
    uint32_t line = s->options->line;

    if (s->options->function != NULL) {
        return range_is(unit, f->name, s->options->function);
    }
    if (line > 0) {
        return line >= unit->code[f->body].line && line <= unit->code[f->body_end].line;
    }
    return is_never_locked(unit, f);
}

static pg_status finish(struct session *s, const char *text, size_t bytes)
{
    struct isolation *out = &s->result->isolation;

    if (s->unit.arena.failed || s->result->arena.failed ||
        !edits_apply(&s->edits, text, (uint32_t)bytes, &s->result->text)) {
        return PG_E_NO_MEMORY;
    }
    out->text = s->result->text.bytes != NULL ? s->result->text.bytes : "";
    out->bytes = s->result->text.length;
    out->regions = s->regions.rows;
    out->region_count = s->regions.count;
    out->refusals = s->refusals.rows;
    out->refusal_count = s->refusals.count;
    return PG_OK;
}

pg_status source_isolate(const char *file, const char *text, size_t bytes,
                         const struct isolate_options *options, struct isolation **out)
{
    struct session s = {.options = options, .result = host.allocate(sizeof *s.result)};
    pg_status status;

    *out = NULL;
    if (s.result == NULL) {
        return PG_E_NO_MEMORY;
    }
    status = unit_read(file, text, bytes, &s.unit);
    s.edits.arena = &s.unit.arena;
    s.macro_locks =
        arena_array(&s.unit.arena, (size_t)s.unit.macro_count + 1, sizeof *s.macro_locks);
    s.leaves_raised =
        arena_array(&s.unit.arena, (size_t)s.unit.function_count + 1, sizeof *s.leaves_raised);
    if (status == PG_OK && s.unit.arena.failed) {
        status = PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; status == PG_OK && i < s.unit.function_count; i++) {
        const struct function *f = &s.unit.functions[i];

        if (acquires(&s, f)) {
            s.result->isolation.candidates++;
            if (is_wanted(&s, f)) {
                isolate_function(&s, f);
            }
        }
    }
    if (status == PG_OK) {
        status = finish(&s, text, bytes);
    }
    unit_free(&s.unit);
    if (status == PG_OK) {
        *out = &s.result->isolation;
    } else {
        text_free(&s.result->text);
        arena_free(&s.result->arena);
        host.release(s.result);
    }
    return status;
}

void source_isolation_close(struct isolation *isolation)
{
    struct result *result = (struct result *)isolation;

    if (result != NULL) {
        text_free(&result->text);
        arena_free(&result->arena);
        host.release(result);
    }
}
