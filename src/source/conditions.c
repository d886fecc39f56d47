/* SPDX-License-Identifier: MIT */
/*
 * Conditional compilation: which branch each token is in, and which branches shape the file.
 *
 * Without the headers no condition is known, so both branches are read, one after the other.  That
 * fails where each opens the same brace (`if (a) {` in one, `if (b) {` in the other): then the
 * first branch stands for all of its group.
 */
#include "source/unit.h"

/* A conditional that is open. */
struct group {
    uint32_t first, last; /* of its branches */
};

/* What a directive is about: the first words of it. */
struct directive {
    struct range word, operand;
    bool negated; /* #ifndef, #if !X */
};

static struct directive read_directive(const struct unit *unit, const struct token *token)
{
    struct directive d = {0};
    struct lexer lexer;
    struct token t;

    lexer_start(&lexer, unit->text, token->begin + 1, token->end, token->line, false);
    lexer_next(&lexer, &t);
    d.word = token_range(&t);
    d.negated = range_is(unit, d.word, "ifndef");
    lexer_next(&lexer, &t);
    while (t.kind == TOKEN_PUNCTUATION && (t.code == PUNCT('!') || t.code == PUNCT('('))) {
        d.negated = d.negated || t.code == PUNCT('!');
        lexer_next(&lexer, &t);
    }
    if (token_is(unit, &t, "defined")) {
        lexer_next(&lexer, &t);
        if (t.code == PUNCT('(')) {
            lexer_next(&lexer, &t);
        }
    }
    d.operand = token_range(&t);
    return d;
}

/* Branches that no compiler of this file sees. */
static bool never_compiled(const struct unit *unit, const struct directive *d)
{
    if (range_is(unit, d->operand, "__cplusplus")) {
        return unit->cplusplus == d->negated;
    }
    return range_is(unit, d->word, "if") && !d->negated && range_is(unit, d->operand, "0");
}

static uint32_t open_branch(struct unit *unit, uint32_t parent, uint32_t group)
{
    uint32_t index = unit->branch_count++;
    const struct branch *above = &unit->branches[parent];

    unit->branches[index] = (struct branch){
        .parent = parent, .group = group, .depth = above->depth + 1, .hidden = above->hidden};
    return index;
}

/* The group is complete: one branch may have to stand for all.  What is left counts for the parent.
 */
static void close_group(struct unit *unit, const struct group *group)
{
    uint32_t parent = unit->branches[group->first].parent, shown = NONE, count = 0;
    bool unbalanced = false;

    for (uint32_t i = group->first; i != 0; i = unit->branches[i].next) {
        struct branch *branch = &unit->branches[i];

        if (!branch->hidden) {
            shown = shown == NONE ? i : shown;
            unbalanced = unbalanced || branch->braces != 0;
            count++;
        }
    }
    for (uint32_t i = group->first; i != 0; i = unit->branches[i].next) {
        struct branch *branch = &unit->branches[i];

        if (branch->hidden) {
            continue;
        }
        if (unbalanced && count > 1 && i != shown) {
            branch->hidden = true;
        } else {
            unit->branches[parent].braces += branch->braces;
        }
    }
}

/* A directive: moves `current` to the branch in which the next token is. */
static void take_directive(struct unit *unit, const struct token *token, struct group *groups,
                           uint32_t *depth, uint32_t *current)
{
    struct directive d = read_directive(unit, token);
    struct group *group = *depth > 0 ? &groups[*depth - 1] : NULL;

    if (range_is(unit, d.word, "if") || range_is(unit, d.word, "ifdef") ||
        range_is(unit, d.word, "ifndef")) {
        uint32_t index = open_branch(unit, *current, unit->branch_count);
        bool never = never_compiled(unit, &d);

        unit->branches[index].hidden = unit->branches[index].hidden || never;
        groups[(*depth)++] = (struct group){index, index};
        *current = index;
    } else if (group != NULL &&
               (range_is(unit, d.word, "else") || range_is(unit, d.word, "elif"))) {
        *current = open_branch(unit, unit->branches[group->first].parent, group->first);
        unit->branches[group->last].next = *current;
        group->last = *current;
    } else if (group != NULL && range_is(unit, d.word, "endif")) {
        close_group(unit, group);
        *current = unit->branches[group->first].parent;
        (*depth)--;
    }
}

void conditions_read(struct unit *unit)
{
    uint32_t directives = 0, depth = 0, current = 0;
    struct group *groups;

    for (uint32_t i = 0; i < unit->all_count; i++) {
        directives += unit->all[i].kind == TOKEN_DIRECTIVE;
    }
    unit->branches = arena_array(&unit->arena, (size_t)directives + 1, sizeof *unit->branches);
    groups = arena_array(&unit->arena, (size_t)directives + 1, sizeof *groups);
    if (unit->arena.failed) {
        return;
    }
    unit->branch_count = 1;
    for (uint32_t i = 0; i < unit->all_count; i++) {
        struct token *token = &unit->all[i];

        if (token->kind == TOKEN_DIRECTIVE) {
            take_directive(unit, token, groups, &depth, &current);
        }
        token->branch = current;
        unit->branches[current].braces +=
            (token->code == PUNCT('{')) - (int)(token->code == PUNCT('}'));
    }
    while (depth > 0) {
        close_group(unit, &groups[--depth]);
    }
    for (uint32_t i = 1; i < unit->branch_count; i++) { /* parents come first */
        struct branch *branch = &unit->branches[i];

        branch->hidden = branch->hidden || unit->branches[branch->parent].hidden;
    }
}

bool branches_exclude(const struct unit *unit, uint32_t a, uint32_t b)
{
    const struct branch *branches = unit->branches;

    while (branches[a].depth > branches[b].depth) {
        a = branches[a].parent;
    }
    while (branches[b].depth > branches[a].depth) {
        b = branches[b].parent;
    }
    for (; a != b; a = branches[a].parent, b = branches[b].parent) {
        if (branches[a].group == branches[b].group) {
            return true;
        }
    }
    return false;
}
