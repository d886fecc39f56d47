/* SPDX-License-Identifier: MIT */
/*
 * Ways through a routine: nodes and their successors, from the statements.
 *
 * Built from the end: each statement is given the node that follows it and returns the one at which
 * it begins, so that only loops and labels need a node before what is in it.
 */
#include "source/body.h"

#include <string.h>

#include "base/assert.h"
#include "source/calls.h"
#include "source/macros.h"

/* Where jumps inside of a statement go. */
struct targets {
    uint32_t breaks, continues, leaves, handler;
};

static uint32_t link_statement(struct body *b, uint32_t index, uint32_t next, struct targets to);

static uint32_t new_node(struct body *b, uint32_t statement, uint32_t first, uint32_t end,
                         uint32_t handler)
{
    uint32_t index = b->node_count++;

    b->nodes[index] =
        (struct node){.statement = statement, .first = first, .end = end, .handler = handler};
    if (b->statements[statement].node == NONE) {
        b->statements[statement].node = index;
    }
    return index;
}

/* Successors of a node are added one after the other; those of a switch are counted first. */
static void set_edges(struct body *b, uint32_t node, uint32_t a, uint32_t other)
{
    b->nodes[node].edges = b->edge_count;
    if (a != NONE) {
        b->edges[b->edge_count++] = a;
    }
    if (other != NONE && other != a) {
        b->edges[b->edge_count++] = other;
    }
    b->nodes[node].count = b->edge_count - b->nodes[node].edges;
}

/* 1, TRUE, nothing: always; 0, FALSE: never; else -1. */
static int constant_condition(const struct body *b, uint32_t first, uint32_t end)
{
    const struct unit *unit = b->unit;

    if (first >= end) {
        return 1;
    }
    if (end != first + 1) {
        return -1;
    }
    if (code_is(unit, first, "TRUE") || code_is(unit, first, "true") ||
        range_is(unit, token_range(&unit->code[first]), "1")) {
        return 1;
    }
    if (code_is(unit, first, "FALSE") || code_is(unit, first, "false") ||
        range_is(unit, token_range(&unit->code[first]), "0")) {
        return 0;
    }
    return -1;
}

/* The children of a block, last to first. */
static uint32_t link_children(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    uint32_t child = b->statements[index].last;

    while (child > index) {
        while (b->statements[child].parent != index) {
            child = b->statements[child].parent;
        }
        next = link_statement(b, child, next, to);
        child--;
    }
    return next;
}

static uint32_t link_loop(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    const struct statement *s = &b->statements[index];
    uint32_t head = new_node(b, index, s->head_first, s->head_end, to.handler), inner;
    int constant = constant_condition(b, s->head_first, s->head_end);

    to.breaks = next;
    to.continues = head;
    inner = link_statement(b, index + 1, head, to);
    set_edges(b, head, constant == 0 ? NONE : inner, constant == 1 ? NONE : next);
    return s->kind == STATEMENT_DO ? inner : head;
}

static uint32_t link_for(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    const struct statement *s = &b->statements[index];
    uint32_t parts[2] = {s->head_end, s->head_end}, found = 0, start, test, step;
    int constant;

    for (uint32_t i = s->head_first; i < s->head_end && found < 2; i++) {
        if (code_punct(b->unit, i, PUNCT(';'))) {
            parts[found++] = i;
        } else if (b->unit->match[i] != NONE && b->unit->match[i] > i) {
            i = b->unit->match[i];
        }
    }
    start = new_node(b, index, s->head_first, parts[0], to.handler);
    test = new_node(b, index, parts[0] + (found > 0), parts[1], to.handler);
    step = new_node(b, index, parts[1] + (found > 1), s->head_end, to.handler);
    constant = found < 2 ? -1 : constant_condition(b, parts[0] + 1, parts[1]);
    to.breaks = next;
    to.continues = step;
    set_edges(b, start, test, NONE);
    set_edges(b, step, test, NONE);
    set_edges(b, test, link_statement(b, index + 1, step, to), constant == 1 ? NONE : next);
    return start;
}

/* Is `of` the innermost switch around a statement? */
static bool case_of(const struct body *b, uint32_t statement, uint32_t of)
{
    uint32_t parent = b->statements[statement].parent;

    while (parent != NONE && b->statements[parent].kind != STATEMENT_SWITCH) {
        parent = b->statements[parent].parent;
    }
    return parent == of;
}

static uint32_t link_switch(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    const struct statement *s = &b->statements[index];
    uint32_t head = new_node(b, index, s->head_first, s->head_end, to.handler);
    bool has_default = false;

    to.breaks = next;

    link_statement(b, index + 1, next, to);
    b->nodes[head].edges = b->edge_count;
    for (uint32_t i = index + 1; i <= s->last; i++) {
        if (b->statements[i].kind == STATEMENT_CASE && case_of(b, i, index)) {
            b->edges[b->edge_count++] = b->statements[i].node;
            has_default = has_default || b->statements[i].other == 0;
        }
    }
    if (!has_default) {
        b->edges[b->edge_count++] = next;
    }
    b->nodes[head].count = b->edge_count - b->nodes[head].edges;
    return head;
}

/* The block may leave for its handler anywhere; a __finally runs in any case. */
static uint32_t link_try(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    uint32_t block = index + 1, handler = statement_next(b, block), entry = NONE, last = NONE;
    bool finally = false;

    for (; handler != NONE; handler = statement_next(b, handler)) {
        uint32_t begin = link_statement(b, handler, next, to);

        finally = finally || code_is(b->unit, b->statements[handler].first - 1, "__finally") ||
                  code_is(b->unit, b->statements[handler].first - 1, "_finally") ||
                  code_is(b->unit, b->statements[handler].first - 1, "finally");
        entry = entry == NONE ? begin : entry;
        last = begin;
    }
    if (finally) {
        next = last;
    }
    to.leaves = next;
    to.handler = entry != NONE ? entry : to.handler;
    return link_statement(b, block, next, to);
}

static bool ends_here(const struct body *b, const struct statement *s)
{
    return s->end > s->first + 1 && code_punct(b->unit, s->first + 1, PUNCT('(')) &&
           call_ends(b->unit, token_range(&b->unit->code[s->first]));
}

static uint32_t link_simple(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    const struct statement *s = &b->statements[index];
    uint32_t node = new_node(b, index, s->first, s->end, to.handler), target = next;

    switch (s->kind) {
    case STATEMENT_RETURN:
        target = NODE_EXIT;
        break;
    case STATEMENT_BREAK:
        target = to.breaks;
        break;
    case STATEMENT_CONTINUE:
        target = to.continues;
        break;
    case STATEMENT_LEAVE:
        target = to.leaves;
        break;
    case STATEMENT_GOTO: /* once all labels have their nodes */
        target = NONE;
        break;
    default:
        target = ends_here(b, s) ? NONE : next;
        break;
    }
    /* A jump that some compiler leaves out is passed as well. */
    set_edges(b, node, target,
              b->unit->code[s->first].branch != b->unit->code[b->function->body].branch ? next
                                                                                        : NONE);
    return node;
}

static uint32_t link_statement(struct body *b, uint32_t index, uint32_t next, struct targets to)
{
    struct statement *s = &b->statements[index];
    uint32_t inner, node;

    switch (s->kind) {
    case STATEMENT_COMPOUND:
        return link_children(b, index, next, to);
    case STATEMENT_IF:
        node = new_node(b, index, s->head_first, s->head_end, to.handler);
        inner = link_statement(b, index + 1, next, to);
        set_edges(b, node, inner, s->other != NONE ? link_statement(b, s->other, next, to) : next);
        return node;
    case STATEMENT_WHILE:
    case STATEMENT_DO:
        return link_loop(b, index, next, to);
    case STATEMENT_FOR:
        return link_for(b, index, next, to);
    case STATEMENT_SWITCH:
        return link_switch(b, index, next, to);
    case STATEMENT_CASE:
    case STATEMENT_LABEL:
        node = new_node(b, index, s->first, s->head_end + 1, to.handler);
        set_edges(b, node, link_statement(b, index + 1, next, to), NONE);
        return node;
    case STATEMENT_TRY:
        return link_try(b, index, next, to);
    default:
        return link_simple(b, index, next, to);
    }
}

/* ---- goto ---- */

/* Labels of the routine, and the edges with those to labels among them. */
struct gotos {
    struct body *body;
    uint32_t *labels; /* statements */
    uint32_t count;
    uint32_t *edges;
    uint32_t edge_count, capacity;
    uint32_t left; /* tokens of macros that are still looked at */
};

static uint32_t label_named(const struct gotos *g, struct range name)
{
    const struct body *b = g->body;

    for (uint32_t i = 0; i < g->count; i++) {
        const struct statement *label = &b->statements[g->labels[i]];

        if (range_same(b->unit, token_range(&b->unit->code[label->head_first]), name)) {
            return label->node;
        }
    }
    return NONE;
}

static void add_edge(struct gotos *g, uint32_t target)
{
    if (g->edge_count == g->capacity) {
        uint32_t capacity = g->capacity * 2 + 64;
        uint32_t *edges = arena_array(g->body->arena, capacity, sizeof *edges);

        if (edges == NULL) {
            return;
        }
        if (g->edge_count > 0) {
            memcpy(edges, g->edges, g->edge_count * sizeof *edges);
        }
        g->edges = edges;
        g->capacity = capacity;
    }
    g->edges[g->edge_count++] = target;
}

static bool give_up(struct gotos *g, uint32_t at, const char *why)
{
    g->body->why = why;
    g->body->why_line = g->body->unit->code[at].line;
    return false;
}

/* `goto X` in the text of a macro. */
static bool note_goto(void *context, const struct macro_token *t)
{
    struct gotos *g = context;
    uint32_t label = t->after_goto && !t->parameter ? label_named(g, token_range(&t->token)) : NONE;

    if (label != NONE) {
        add_edge(g, label);
    }
    return g->left > 0 && g->left-- > 0;
}

static bool is_no_break(void *context, const struct macro_token *t)
{
    const struct gotos *g = context;

    return !token_is(g->body->unit, &t->token, "break") &&
           !token_is(g->body->unit, &t->token, "continue");
}

/* A macro with a break leaves the loop that it stands in, unless it has a loop of its own. */
static bool has_loop(const struct unit *unit, const struct macro *macro)
{
    for (uint32_t i = macro->body.begin; i + 3 < macro->body.end; i++) {
        if (range_begins(unit, (struct range){i, macro->body.end}, "for") ||
            range_begins(unit, (struct range){i, macro->body.end}, "while") ||
            range_begins(unit, (struct range){i, macro->body.end}, "switch")) {
            return true;
        }
    }
    return false;
}

/* Jumps that a node holds without being one: in a macro, in a block that a macro makes, or by a
 * label that a macro is given. */
static bool link_hidden(struct gotos *g, const struct node *node)
{
    const struct unit *unit = g->body->unit;

    for (uint32_t i = node->first; i < node->end; i++) {
        const struct macro *macro = macro_used(unit, i);
        uint32_t label = NONE;

        if (!code_word(unit, i)) {
            continue;
        }
        if (i > node->first &&
            (code_is(unit, i - 1, "goto") ||
             ((code_punct(unit, i - 1, PUNCT('(')) || code_punct(unit, i - 1, PUNCT(','))) &&
              (code_punct(unit, i + 1, PUNCT(')')) || code_punct(unit, i + 1, PUNCT(',')))))) {
            label = label_named(g, token_range(&unit->code[i]));
        }
        if (label != NONE) {
            add_edge(g, label);
        }
        if (macro == NULL) {
            continue;
        }
        if (g->count > 0) {
            macro_walk(unit, macro, note_goto, g);
        }
        if (!macro_walk(unit, macro, is_no_break, g) && !has_loop(unit, macro)) {
            return give_up(g, i, "a macro with a break or continue");
        }
        if (g->left == 0) {
            return give_up(g, i, "macros that are too long to be looked through");
        }
    }
    return true;
}

static bool link_goto(struct gotos *g, uint32_t node)
{
    const struct body *b = g->body;
    const struct statement *s = &b->statements[b->nodes[node].statement];
    uint32_t label = s->head_end == s->head_first + 1
                         ? label_named(g, token_range(&b->unit->code[s->head_first]))
                         : NONE;

    if (label == NONE) {
        return give_up(g, s->first, "a goto whose label is not in the routine");
    }
    add_edge(g, label);
    return true;
}

/* goto: to the label of that name in the routine.  Edges of each node are one after the other, so
 * all of them are written anew. */
static bool link_gotos(struct body *b)
{
    struct gotos g = {.body = b, .left = MACRO_TOKENS_OF_ROUTINE};

    g.labels = arena_array(b->arena, b->statement_count, sizeof *g.labels);
    for (uint32_t i = 0; g.labels != NULL && i < b->statement_count; i++) {
        if (b->statements[i].kind == STATEMENT_LABEL) {
            g.labels[g.count++] = i;
        }
    }
    for (uint32_t n = 1; n < b->node_count && !b->arena->failed; n++) {
        struct node *node = &b->nodes[n];
        uint32_t first = g.edge_count;

        for (uint32_t i = 0; i < node->count; i++) {
            add_edge(&g, b->edges[node->edges + i]);
        }
        if (b->statements[node->statement].kind == STATEMENT_GOTO
                ? !link_goto(&g, n)
                : b->statements[node->statement].kind != STATEMENT_LABEL &&
                      !link_hidden(&g, node)) {
            return false;
        }
        node->edges = first;
        node->count = g.edge_count - first;
    }
    b->edges = g.edges;
    b->edge_count = g.edge_count;
    return !b->arena->failed;
}

/* Where a node may go: successor number `i`, then its handler. */
static uint32_t successor(const struct body *b, const struct node *node, uint32_t i)
{
    if (i >= node->count) {
        return node->handler;
    }
    PG_ASSERT(b->edges != NULL);
    return b->edges[node->edges + i];
}

/* Predecessors, from the successors and the handlers: counted, then filled in. */
static void link_back(struct body *b)
{
    for (uint32_t n = 0; n < b->node_count; n++) {
        const struct node *node = &b->nodes[n];

        for (uint32_t i = 0; i < node->count + (node->handler != NONE); i++) {
            b->back_first[successor(b, node, i) + 2]++;
        }
    }
    for (uint32_t n = 0; n < b->node_count; n++) {
        b->back_first[n + 2] += b->back_first[n + 1];
    }
    for (uint32_t n = 0; n < b->node_count; n++) {
        const struct node *node = &b->nodes[n];

        for (uint32_t i = 0; i < node->count + (node->handler != NONE); i++) {
            b->back[b->back_first[successor(b, node, i) + 1]++] = n;
        }
    }
}

bool flow_read(struct body *b)
{
    struct targets to = {NODE_EXIT, NODE_EXIT, NODE_EXIT, NONE};
    size_t nodes = (size_t)b->statement_count * 3 + 2, edges = nodes * 2 + b->statement_count;

    b->nodes = arena_array(b->arena, nodes, sizeof *b->nodes);
    b->edges = arena_array(b->arena, edges, sizeof *b->edges);
    b->back_first = arena_array(b->arena, nodes + 3, sizeof *b->back_first);
    if (b->arena->failed) {
        return false;
    }
    b->nodes[NODE_EXIT] = (struct node){.handler = NONE};
    b->node_count = 1;
    b->entry = link_statement(b, 0, NODE_EXIT, to);
    PG_ASSERT(b->node_count <= nodes && b->edge_count <= edges);
    if (!link_gotos(b)) {
        return false;
    }
    b->back = arena_array(b->arena, (size_t)b->edge_count + b->node_count, sizeof *b->back);
    if (b->back == NULL) {
        return false;
    }
    link_back(b);
    return true;
}
