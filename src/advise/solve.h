/* SPDX-License-Identifier: MIT */
/*
 * Private to the inference: one function is solved at a time, its callees before it.
 *
 *   infer.c          the order of the functions, and their summaries
 *   order.c          the order of the blocks of one function
 *   solve.c          states of the blocks of one function, until nothing changes
 *   transfer.c       one instruction that is no call
 *   irql.c           what raising, lowering and restoring do to a state
 *   refine.c         what a conditional branch says
 *   infer_call.c     what a call does: whom it calls, with which arguments
 *   contract_call.c  ... when that is a routine of the system: the cases of its contract
 *   outcome.c        ... when it is a function of the image: the ways in which it returns
 *   infer_sites.c    records what is asked for later, in the last pass over a function
 *   paths.c          symbols for what memory holds that comes from outside
 *   arena.c          memory
 */
#ifndef PAGABLE_ADVISE_SOLVE_H
#define PAGABLE_ADVISE_SOLVE_H

#include "advise/state.h"

enum {
    OUTCOMES = 4,
    OUTCOME_STORES = 4,
    OUTCOME_FACTS = 3,
    REACHES = 4,        /* register arguments */
    REACH_UNKNOWN = 64, /* bytes that a callee nobody knows may write through a pointer */
    REACH_IMPORT = 32,  /* the same for routines of the system: events, strings, times */
    PATH_DEPTH = 6,
    SLOT_BITS = 64, /* of `pending` */
    /* rax, rcx, rdx, r8 to r11: a callee may change them. */
    VOLATILE_REGISTERS = 1 << 0 | 1 << 1 | 1 << 2 | 0xf << 8,
};

/* One way in which a function returns, in its own terms: arguments and paths at entry. */
struct outcome {
    irql_relation relation, vague;
    irql_relation since; /* see struct state */
    struct value restored, wait, result;
    bool waited;
    uint8_t store_count;
    struct {
        struct value place, content; /* saved IRQLs, and constants that the caller may test */
        uint8_t bytes;               /* STATE_CELL_IRQL_HANDLE: what a lock saved */
    } stores[OUTCOME_STORES];
    /* What holds of arguments and of what they point to, when it returns in this way. */
    struct fact facts[OUTCOME_FACTS];
    uint8_t fact_count;
};

/* What callers need of a function. */
struct effect {
    const struct outcome *outcomes;
    uint8_t outcome_count;
    bool solved; /* or being solved: it returns in the ways found so far */
    bool touches_irql;
    bool writes;            /* to memory that is not its own */
    uint8_t reach[REACHES]; /* how far it writes through its arguments */
};

/* Memory that is given back all at once; chunks are kept for the next round. */
struct arena {
    struct arena_chunk *first, *current;
    size_t used;
};
void *arena_take(struct arena *arena, size_t bytes); /* not zeroed; NULL: no memory */
void arena_reset(struct arena *arena);
void arena_release(struct arena *arena);

/* States at the start of a block. */
struct block_states {
    struct state *states[INFER_STATES];
    uint8_t count;
    uint8_t changed;      /* bit i: states[i] is to be followed (again) */
    bool led_to;          /* by a block of the function */
    bool records;         /* something in it is to be recorded */
    uint16_t writes;      /* registers that it writes */
    uint16_t loop_writes; /* a loop begins here: registers that are written in it */
    uint32_t loop;        /* the last loop that it was found in: a number, 0: none */
    uint32_t visits;
    uint32_t first_call, end_call; /* of the block, in program.calls */
};

/* Where a call goes. */
struct resolved {
    uint8_t target; /* enum call_target */
    uint32_t index;
};

struct solver {
    struct infer *infer;
    struct program *program;
    struct effect *effects; /* one per function */
    struct arena kept;      /* outcomes */
    struct arena scratch;   /* states of the function at hand */
    bool no_memory;

    /* Interned paths: open addressing over infer.paths. */
    uint32_t *path_slots; /* index + 1 */
    uint8_t *path_depths;
    uint32_t path_slot_count, path_room, depth_room;

    /* The function at hand. */
    uint32_t function;
    struct block_states *at;    /* its blocks, in the order of `blocks` */
    uint32_t *order, *position; /* reverse post-order: order[position[block]] == block */
    uint64_t *pending;          /* bit position[block]: to be followed */
    uint32_t *stack;
    uint32_t cursor;    /* no pending position is below */
    uint32_t budget;    /* visits of blocks that are left before values are dropped */
    bool coarse;        /* they are */
    bool sees_irql;     /* it may change the IRQL: constants decide ways */
    bool revisit;       /* the block at hand was followed before */
    bool records;       /* ... has something to record */
    struct value frame; /* the stack pointer at its calls */
    struct outcome outcomes[OUTCOMES];
    uint32_t outcome_count;
    uint8_t reach[REACHES];
    bool touches_irql, writes;
    bool again;     /* a returning block was seen twice */
    bool straight;  /* blocks lead only to later ones: each is followed once, in their order */
    bool recording; /* what happens is written down, */
    bool replaying; /* ... after all states are known: the ways out were followed before */

    /* A callee that was not solved when it was called: its callers are looked at again. */
    struct late_call {
        uint32_t caller, callee;
    } * late;
    uint32_t late_count, late_room;

    /* While recording. */
    uint32_t site_room, pointer_room, access_room;
    uint32_t open_micro; /* of the site that states are added to; NO_INDEX: none */
    irql_relation exact; /* bits of its `before` that are not vague */
    struct resolved open_target;
    struct state_set sets[2];
    struct state_set *here, *next; /* states at the instruction at hand, and after a call */
    struct state work, edge;       /* one that a call makes; one on its way elsewhere */
};

/* An array with room for one more; NULL when there is no memory, the array is then as before. */
void *grow(void *array, uint32_t count, uint32_t *room, size_t element);

/* ---- transfer.c ---- */

/* The address that a memory operand names; *indexed: some element of the array at it. */
struct value operand_address(const struct state *state, const struct micro *m, bool *indexed);
/* What is at an address: known cells, constant data, or a symbol for it. */
struct value load_value(struct solver *solver, const struct state *state,
                        const struct value *address, unsigned bytes);
/* One instruction that neither calls nor ends the block. */
void transfer(struct solver *solver, struct state *state, uint32_t micro);
void note_reach(struct solver *solver, const struct value *pointer, uint32_t bytes);

/* ---- refine.c ---- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_MAYBE };
/* Does the condition hold?  And: let it hold; false when it cannot. */
enum answer condition_holds(const struct state *state, unsigned condition);
bool refine(struct state *state, unsigned condition);
/* Is the fact true, by what the state knows of its symbol? */
enum answer fact_answer(const struct state *state, const struct fact *asked, bool stale_too);
/* Is (v & mask), `bytes` wide, zero? */
enum answer value_is_zero(const struct state *state, const struct value *v, unsigned bytes,
                          uint64_t mask);

/* ---- infer_call.c ---- */

/* Follow a call from a state: what it leads to is added to solver->next, with the results in place.
 * Nothing is added when it does not return. */
void follow_call(struct solver *solver, const struct state *state, uint32_t call);

/* The arguments as they are at the call; a tail call finds those on the stack above its own return
 * address. */
void call_arguments(const struct state *state, bool tail, struct value arguments[INFER_ARGUMENTS]);
/* Constants in memory that is not the function's own: anybody who is called may change them. */
void forget_shared(struct state *state);
/* Where a call goes, from what is known in a state. */
struct resolved resolve_call(struct solver *solver, const struct state *state, uint32_t call);

/* ---- contract_call.c ---- */

/* Follow a call of a routine of the system; its results are added to solver->next. */
void follow_contract(struct solver *solver, const struct state *state, uint32_t call,
                     const struct contract *contract, const struct value *arguments);

/* What every callee may do: the volatile registers are gone, the result is `result`. */
void finish_call(struct solver *solver, struct state *state, uint32_t call,
                 const struct value *result);

/* ---- outcome.c ---- */

/* Follow a call of a function of the image that was solved. */
void follow_outcomes(struct solver *solver, const struct state *state, uint32_t call,
                     const struct effect *effect, const struct value *arguments);
bool same_fact(const struct fact *a, const struct fact *b); /* stale or not */
/* The function at hand returns with this state. */
void add_outcome(struct solver *solver, const struct state *state);

/* ---- irql.c ---- */

/* Set the IRQL to a value; `estimate` holds for one that is not known: IRQL_AT_MOST, .... */
void irql_install(struct state *state, const struct value *v, irql_relation estimate);
/* What is saved now. */
struct value irql_save(const struct state *state, uint32_t micro);
void irql_raise(struct state *state, irql_set to);
/* Run something that does this to the IRQL. */
void irql_run(struct state *state, irql_relation relation, irql_relation vague);

/* ---- order.c ---- */

/* The function's blocks: `at` cleared, reverse post-order, calls, what leads to what. */
void order_blocks(struct solver *solver);

/* ---- solve.c ---- */

/* Room for the largest function. */
bool solve_begin(struct solver *solver);

/* Solve the function: its blocks' states, outcomes, reach.  What it learned replaces its effect;
 * true when that changed. */
bool solve_function(struct solver *solver, uint32_t function);
/* The same, and what happens in it is recorded: on the way where it is straight, else once more
 * over the solved states. */
bool solve_and_record(struct solver *solver, uint32_t function);

/* ---- infer_sites.c ---- */

void record_call_before(struct solver *solver, const struct state *state, uint32_t call,
                        const struct resolved *to, const struct value *arguments);
void record_case(struct solver *solver, uint8_t cases, bool certain);
void record_call_after(struct solver *solver, uint32_t call);
void record_irql_before(struct solver *solver, const struct state *state, uint32_t micro);
void record_irql_after(struct solver *solver, const struct state *state);
void record_access(struct solver *solver, const struct state *state, uint32_t micro,
                   const struct value *address, bool writes, bool address_only);
void record_store(struct solver *solver, uint32_t micro, const struct value *address,
                  const struct value *v);

/* ---- paths.c ---- */

/* The symbol for what is loaded from an address; unknown when there is none for it. */
struct value path_value(struct solver *solver, const struct value *address, unsigned bytes);
/* The symbol for what the lock, or the lock handle, at an address saved. */
struct value handle_value(struct solver *solver, const struct value *address);
#define PATH_HANDLE 1 /* `bytes` of a path that means that; of others 0 */
bool paths_begin(struct solver *solver);

#endif
