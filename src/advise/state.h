/* SPDX-License-Identifier: MIT */
/*
 * Private to the inference: relations, values, and what is known at one place of a function on one
 * kind of path to it (a state).
 *
 * Values are immutable and small.  A state never says what is not so on its paths, with these
 * exceptions, which the compilers of drivers make worth it: memory reached through different
 * symbols (two arguments, an argument and a global) is taken for different memory, and a callee
 * that we know nothing of is taken to leave alone what no pointer to was handed to it.
 */
#ifndef PAGABLE_ADVISE_STATE_H
#define PAGABLE_ADVISE_STATE_H

#include "advise/infer.h"

/* ---- relations ---- */

#define IRQL_COLUMN     0x1111u                 /* class 0 of each row */
#define IRQL_AT_MOST    ((irql_relation)0xf731) /* each class to itself and those below */
#define IRQL_AT_LEAST   ((irql_relation)0x8cef) /* ... and those above */
#define IRQL_EVERYTHING ((irql_relation)0xffff)

/* All bits of the rows that are not empty. */
irql_relation irql_rows(irql_relation relation);
/* Only the classes of a set are left. */
irql_relation irql_restrict(irql_relation relation, irql_set set);
/* Every row that is not empty becomes the set. */
irql_relation irql_become(irql_relation relation, irql_set set);
/* The class of a KIRQL. */
enum irql_class irql_class_of(uint64_t level);

/* ---- values ---- */

static inline struct value value_unknown(void)
{
    return (struct value){.kind = VALUE_UNKNOWN};
}
struct value value_constant(uint64_t number);
/* The IRQL saved by the instruction `micro`. */
struct value value_irql(irql_relation relation, irql_relation vague, uint32_t micro);
/* A symbol: address, stack, argument, result, member or opaque. */
struct value value_symbol(enum value_kind kind, uint32_t index, int64_t number);
static inline bool value_equal(const struct value *a, const struct value *b)
{
    return a->kind == b->kind && a->bytes == b->bytes && a->index == b->index &&
           a->number == b->number;
}
/* What both may be: the one when they are equal, IRQLs united, else unknown. */
struct value value_join(const struct value *a, const struct value *b);
/* The bits of so many low bytes; 0: all of them, as in a value. */
static inline uint64_t value_mask(unsigned bytes)
{
    return bytes >= 8 || bytes == 0 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
}
/* The low bytes (1, 2, 4, 8) of a value, the rest zero, or copies of the sign bit up to `wide`. */
struct value value_low(const struct value *v, unsigned bytes);
struct value value_low_signed(const struct value *v, unsigned bytes, unsigned wide);
/* `v` with its low bytes (1 or 2) replaced by those of `low`. */
struct value value_replace_low(const struct value *v, const struct value *low, unsigned bytes);
struct value value_add(const struct value *v, int64_t delta);
/* left OP right, `bytes` wide; `kind`: MICRO_ADD to MICRO_SHIFT_RIGHT_SIGNED. */
struct value value_combine(unsigned kind, const struct value *left, const struct value *right,
                           unsigned bytes);
static inline bool value_is_constant(const struct value *v)
{
    return v->kind == VALUE_CONSTANT && v->bytes == 0;
}
/* True when the low bytes of a constant are known; *number is them. */
bool value_number(const struct value *v, unsigned bytes, uint64_t *number);
/* It can be the base of a piece of memory that is told from others. */
static inline bool value_is_place(const struct value *v)
{
    return v->kind >= VALUE_ADDRESS && v->kind <= VALUE_RESULT && v->kind != VALUE_IRQL &&
           v->bytes == 0;
}

/* ---- states ---- */

enum {
    STATE_REGISTERS = 16,
    STATE_CELLS = 48,
    STATE_FACTS = 6,
    STATE_CELL_IRQL_HANDLE =
        0, /* `bytes` of a cell that stands for what a lock or its handle saved */
};

/* Memory whose content is known.  Key: see cell_key. */
struct cell {
    uint64_t key;
    uint8_t bytes;
    struct value value;
};

/*
 * (symbol & mask) == number, or not.  Stale: it was so of memory that somebody else may have
 * written to since; a helper that takes a lock under this condition and one that gives it back
 * under the same are still taken to agree.
 */
struct fact {
    struct value symbol;
    uint64_t mask, number;
    bool equal;
    bool stale;
};

enum flags_kind {
    FLAGS_UNKNOWN,
    FLAGS_COMPARE, /* of left - right */
    FLAGS_TEST,    /* of left & right */
    FLAGS_RESULT,  /* zero and sign of left */
};

struct flags {
    uint8_t kind; /* enum flags_kind */
    uint8_t bytes;
    struct value left, right;
};

struct state {
    irql_relation now;   /* entry class -> class */
    irql_relation vague; /* bits of now that joins or unknown restores made */
    /*
     * `restored` not unknown: the IRQL was set to this value, whose class is the caller's knowledge
     * (an argument, a member), and has since changed as `since` says.  `now` is an estimate then.
     */
    irql_relation since;
    struct value restored;
    struct value wait;   /* IRQL: saved by a Wait = TRUE call that waits for its wait */
    struct value masked; /* IRQL: at the cli that masks interrupts */
    struct value saved;  /* IRQL: the last save, the guess for a restore from a place unknown */
    bool waited;         /* a wait was made that may end a Wait = TRUE call of the caller */
    uint8_t fact_count, cell_count;
    struct flags flags;
    struct value registers[STATE_REGISTERS];
    struct fact facts[STATE_FACTS];
    struct cell cells[STATE_CELLS]; /* ascending keys */
};

/* At the first instruction of a function. */
void state_begin(struct state *state);
/* Only the cells that there are get copied. */
void state_copy(struct state *to, const struct state *from);
/* How far into the structure state_copy writes. */
size_t state_bytes(const struct state *state);

/* The content of [base], `bytes` wide; false when it is not known. */
bool state_load(const struct state *state, const struct value *base, unsigned bytes,
                struct value *out);
/* [base] becomes `v`; what overlaps is forgotten. */
void state_store(struct state *state, const struct value *base, unsigned bytes,
                 const struct value *v);
/* Forget what is in [base, base + bytes).  More than 8 bytes are what a callee may write at
 * most, not what it does: beyond the first byte only constants go.  Other variables are there more
 * often than members of the same structure. */
void state_forget(struct state *state, const struct value *base, uint32_t bytes);
/* What the lock, or the lock handle, at `base` saved; any value may name one. */
bool state_load_handle(const struct state *state, const struct value *base, struct value *out);
void state_store_handle(struct state *state, const struct value *base, const struct value *irql);
/* The place that a cell's key names. */
struct value cell_base(const struct cell *cell);

void state_add_fact(struct state *state, const struct fact *fact);
/* What is known of the symbol under the mask; NULL: nothing. */
const struct fact *state_fact(const struct state *state, const struct value *symbol, uint64_t mask);
/* Everything equal to the symbol becomes unknown, and facts about it go: it gets a new value. */
void state_renew(struct state *state, enum value_kind kind, uint32_t index);
/* What was said of memory by its content and not by a store need not hold any longer; or is
 * forgotten, where a loop goes round. */
void state_age_memory_facts(struct state *state);
void state_forget_memory_facts(struct state *state);

/* The two differ in nothing that keeps states apart. */
bool state_same_kind(const struct state *a, const struct state *b);
/* `into` becomes what holds in both; true when it changed. */
bool state_join(struct state *into, const struct state *from);

/* ---- sets of states ---- */

struct state_set {
    uint32_t count;
    struct state states[INFER_STATES];
};
/* Join it with one of its kind, or add it; with the last one when the set is full.  Nothing happens
 * when no row of it is left. */
void state_set_add(struct state_set *set, const struct state *state);

#endif
