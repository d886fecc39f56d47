/* SPDX-License-Identifier: MIT */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK = 1 << 13, TABLE = 1 << 21 }; /* a power of two, above EXPLORE_STATES_MAX */

/* All that makes a state, besides the caller's memory. */
static struct coroutines {
    struct coroutine {
        ucontext_t context;
        uint32_t answers; /* 1, or 2 at a choice; 0: done */
        _Alignas(16) char stack[STACK];
    } of[EXPLORE_THREADS];
} now;

static struct exploration *run;
static ucontext_t scheduler;
static struct coroutine *current; /* NULL: nobody's */
static bool answer;

/* A state on the way to the present one, with the choices that were not yet tried. */
struct frame {
    uint32_t state, thread, answer;
    struct coroutines saved;
    char memory[];
};

static uint64_t *table; /* hashes; 0: free */
static uint32_t *table_state;
static struct edge {
    uint32_t from, to;
} * edges;
static size_t edge_count, edge_room;
static bool *leads_out; /* by state */

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "explore: %s (%u states)\n", why, run->states);
    abort();
}

static bool pause_here(uint32_t answers)
{
    if (current == NULL) {
        return false;
    }
    current->answers = answers;
    (void)swapcontext(&current->context, &scheduler);
    return answer;
}

void step(void)
{
    (void)pause_here(1);
}

bool explore_choose(void)
{
    return pause_here(2);
}

static void begin(int number)
{
    step();
    run->thread((uint32_t)number);
    current->answers = 0;
}

static void resume(uint32_t thread, bool with)
{
    current = &now.of[thread];
    answer = with;
    (void)swapcontext(&scheduler, &current->context);
    current = NULL;
}

static uint64_t mix(uint64_t hash, const void *from, size_t bytes)
{
    const unsigned char *at = from;

    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* What of a stack is in use decides how its thread goes on; below it lies what calls left. */
static uint64_t state_hash(void)
{
    uint64_t hash = mix(run->threads, run->memory, run->bytes);

    for (uint32_t t = 0; t < run->threads; t++) {
        const struct coroutine *c = &now.of[t];
        const char *sp = (const char *)c->context.uc_mcontext.gregs[REG_RSP];

        hash = mix(hash ^ c->answers, c->context.uc_mcontext.gregs,
                   c->answers == 0 ? 0 : sizeof c->context.uc_mcontext.gregs);
        if (c->answers != 0) {
            hash = mix(hash, sp, (size_t)(c->stack + STACK - sp));
        }
    }
    return hash | 1;
}

/* The number of the present state; *fresh: it was not there before. */
static uint32_t state_number(bool *fresh)
{
    uint64_t hash = state_hash();
    size_t at = (hash >> 20) % TABLE;

    while (table[at] != 0 && table[at] != hash) {
        at = (at + 1) % TABLE;
    }
    *fresh = table[at] == 0;
    if (*fresh) {
        if (run->states == EXPLORE_STATES_MAX) {
            give_up("too many states");
        }
        table[at] = hash;
        table_state[at] = run->states++;
    }
    return table_state[at];
}

static void *must(void *memory)
{
    if (memory == NULL) {
        give_up("out of memory");
    }
    return memory;
}

static void edge_add(uint32_t from, uint32_t to)
{
    if (edge_count == edge_room) {
        edge_room = edge_room == 0 ? 1024 : edge_room * 2;
        edges = must(realloc(edges, edge_room * sizeof *edges));
    }
    edges[edge_count++] = (struct edge){from, to};
}

static struct frame *frame_push(uint32_t state)
{
    struct frame *frame = must(malloc(sizeof *frame + run->bytes));

    *frame = (struct frame){.state = state};
    frame->saved = now;
    memcpy(frame->memory, run->memory, run->bytes);
    return frame;
}

/* Takes the next choice that a state has; false: there is none left. */
static bool frame_next(struct frame *frame)
{
    while (frame->thread < run->threads) {
        uint32_t with = frame->answer++, thread = frame->thread;

        if (with < frame->saved.of[thread].answers) {
            now = frame->saved;
            memcpy(run->memory, frame->memory, run->bytes);
            resume(thread, with != 0);
            return true;
        }
        frame->thread++;
        frame->answer = 0;
    }
    return false;
}

static bool all_done(void)
{
    for (uint32_t t = 0; t < run->threads; t++) {
        if (now.of[t].answers != 0) {
            return false;
        }
    }
    return true;
}

static struct frame *arrive(uint32_t from)
{
    bool fresh;
    uint32_t state = state_number(&fresh);

    edge_add(from, state);
    if (!fresh) {
        return NULL;
    }
    run->always();
    if (all_done()) {
        leads_out[state] = true;
        run->ends++;
        run->at_end();
        return NULL;
    }
    return frame_push(state);
}

static void check_ways_out(void)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = edge_count; i-- > 0;) {
            if (leads_out[edges[i].to] && !leads_out[edges[i].from]) {
                leads_out[edges[i].from] = more = true;
            }
        }
    }
    for (uint32_t i = 0; i < run->states; i++) {
        if (!leads_out[i]) {
            give_up("a state from which the threads never end");
        }
    }
}

void explore(struct exploration *exploration)
{
    struct frame **way = must(malloc(EXPLORE_STATES_MAX * sizeof *way));
    size_t depth = 0;
    bool fresh;

    run = exploration;
    run->states = run->ends = 0;
    memset(&now, 0, sizeof now);
    table = must(calloc(TABLE, sizeof *table));
    table_state = must(calloc(TABLE, sizeof *table_state));
    leads_out = must(calloc(EXPLORE_STATES_MAX, sizeof *leads_out));
    for (uint32_t t = 0; t < run->threads; t++) {
        struct coroutine *c = &now.of[t];

        (void)getcontext(&c->context);
        c->context.uc_stack.ss_sp = c->stack;
        c->context.uc_stack.ss_size = STACK;
        c->context.uc_link = &scheduler;
        makecontext(&c->context, (void (*)(void))begin, 1, (int)t);
        resume(t, false);
    }
    way[depth++] = frame_push(state_number(&fresh));
    while (depth > 0) {
        struct frame *frame = way[depth - 1], *next;

        if (!frame_next(frame)) {
            free(frame);
            depth--;
        } else {
            next = arrive(frame->state);
            if (next != NULL) {
                way[depth++] = next;
            }
        }
    }
    check_ways_out();
    free(way);
    free(edges);
    free(table);
    free(table_state);
    free(leads_out);
    edges = NULL;
    edge_count = edge_room = 0;
}
