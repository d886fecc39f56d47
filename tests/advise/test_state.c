/* SPDX-License-Identifier: MIT */
/*
 * Relations, values and states against plain models: matrices of booleans, a map of bytes.
 */
#include "advise/state.h"
#include "support/random.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

/* ---- relations ---- */

static bool bit(irql_relation r, unsigned from, unsigned to)
{
    return r >> (4 * from + to) & 1;
}

START_TEST(compose_is_the_product)
{
    for (unsigned round = 0; round < 2000; round++) {
        irql_relation a = (irql_relation)next_random(), b = (irql_relation)next_random();
        irql_relation product = irql_compose(a, b);

        for (unsigned from = 0; from < 4; from++) {
            for (unsigned to = 0; to < 4; to++) {
                bool expected = false;

                for (unsigned by = 0; by < 4; by++) {
                    expected |= bit(a, from, by) && bit(b, by, to);
                }
                ck_assert_int_eq(bit(product, from, to), expected);
            }
        }
        ck_assert_uint_eq(irql_compose(a, IRQL_IDENTITY), a);
        ck_assert_uint_eq(irql_compose(IRQL_IDENTITY, a), a);
    }
}
END_TEST

START_TEST(rows_and_columns)
{
    for (unsigned r = 0; r <= UINT16_MAX; r++) {
        irql_relation relation = (irql_relation)r;
        bool right = true;

        for (unsigned from = 0; from < 4; from++) {
            bool there = IRQL_ROW(relation, from) != 0;

            right &= IRQL_ROW(irql_rows(relation), from) == (there ? 0xf : 0);
            right &= IRQL_ROW(irql_become(relation, 0x6), from) == (there ? 0x6 : 0);
            right &=
                IRQL_ROW(irql_restrict(relation, 0x5), from) == (IRQL_ROW(relation, from) & 0x5);
            right &= irql_apply(relation, IRQL_BIT(from)) == IRQL_ROW(relation, from);
        }
        if (!right) {
            ck_abort_msg("relation %04x", r);
        }
    }
    ck_assert_int_eq(irql_class_of(0), IRQL_P);
    ck_assert_int_eq(irql_class_of(1), IRQL_A);
    ck_assert_int_eq(irql_class_of(2), IRQL_D);
    ck_assert_int_eq(irql_class_of(3), IRQL_H);
    ck_assert_int_eq(irql_class_of(15), IRQL_H);
    ck_assert_int_eq(irql_class_of(UINT64_MAX), IRQL_H);
}
END_TEST

/* ---- values ---- */

START_TEST(low_bytes)
{
    struct value v = value_constant(0x1122334455667788), low, unknown = value_unknown();
    uint64_t number;

    low = value_low(&v, 1);
    ck_assert(value_is_constant(&low) && low.number == 0x88);
    low = value_low(&v, 4);
    ck_assert(value_is_constant(&low) && low.number == 0x55667788);
    low = value_low_signed(&v, 1, 4);
    ck_assert_int_eq(low.number, 0xffffff88);
    low = value_low_signed(&v, 2, 8);
    ck_assert_int_eq(low.number, 0x7788);

    /* mov r8b, 1 where the rest is not known */
    v = value_constant(1);
    low = value_replace_low(&unknown, &v, 1);
    ck_assert(!value_is_constant(&low));
    ck_assert(value_number(&low, 1, &number) && number == 1);
    ck_assert(!value_number(&low, 4, &number));

    /* a pointer does not fit into four bytes, a BOOLEAN argument does */
    v = value_symbol(VALUE_ADDRESS, 0, 0x1000);
    low = value_low(&v, 4);
    ck_assert_int_eq(low.kind, VALUE_UNKNOWN);
    v = value_symbol(VALUE_ARGUMENT, 2, 0);
    low = value_low(&v, 1);
    ck_assert(low.kind == VALUE_ARGUMENT && low.bytes == 1);
}
END_TEST

START_TEST(join_of_values)
{
    struct value a = value_symbol(VALUE_ARGUMENT, 1, 8), b = value_symbol(VALUE_ARGUMENT, 1, 16);
    struct value one = value_irql(IRQL_IDENTITY, 0, 7), two = value_irql(0x4444, 0x0004, 7);
    struct value joined = value_join(&a, &a);

    ck_assert(value_equal(&joined, &a));
    joined = value_join(&a, &b);
    ck_assert_int_eq(joined.kind, VALUE_UNKNOWN);
    joined = value_join(&one, &two);
    ck_assert_int_eq(joined.kind, VALUE_IRQL);
    ck_assert_uint_eq(joined.relation, IRQL_IDENTITY | 0x4444);
    ck_assert_int_eq(joined.number, 0x0004);
}
END_TEST

/* ---- memory ---- */

enum { MODEL_BYTES = 64, MODEL_BASE = -32 };

/* Bytes of the stack: from which store, or unknown. */
struct model {
    uint32_t store[MODEL_BYTES];
    struct {
        int start;
        unsigned bytes;
        uint64_t number;
    } stores[4096];
};

static void model_store(struct model *model, uint32_t id, int at, unsigned bytes, uint64_t number)
{
    model->stores[id].start = at;
    model->stores[id].bytes = bytes;
    model->stores[id].number = number;
    for (unsigned i = 0; i < bytes; i++) {
        model->store[at - MODEL_BASE + (int)i] = id;
    }
}

/* A load that the state answers is what was stored last, whole. */
START_TEST(memory_is_never_wrong)
{
    static struct model model;
    struct state state;
    unsigned answered = 0;

    state_begin(&state);
    memset(&model, 0, sizeof model);
    for (uint32_t id = 1; id < 4096; id++) {
        unsigned bytes = 1u << next_random() % 4;
        int at = MODEL_BASE + (int)(next_random() % (MODEL_BYTES - 8));
        struct value place = value_symbol(VALUE_STACK, 0, at), v, loaded;
        uint64_t number = next_random();

        v = value_constant(number);
        v = value_low(&v, bytes);
        state_store(&state, &place, bytes, &v);
        model_store(&model, id, at, bytes, (uint64_t)v.number);
        at = MODEL_BASE + (int)(next_random() % (MODEL_BYTES - 8));
        bytes = 1u << next_random() % 4;
        place = value_symbol(VALUE_STACK, 0, at);
        if (!state_load(&state, &place, bytes, &loaded)) {
            continue;
        }
        answered++;
        uint32_t store = model.store[at - MODEL_BASE];

        ck_assert_uint_ne(store, 0);
        ck_assert_int_eq(model.stores[store].start, at);
        for (unsigned i = 0; i < bytes; i++) {
            ck_assert_uint_eq(model.store[at - MODEL_BASE + (int)i], store);
        }
        v = value_constant(model.stores[store].number);
        v = value_low(&v, bytes);
        ck_assert(value_equal(&loaded, &v));
    }
    ck_assert_uint_gt(answered, 100);
}
END_TEST

START_TEST(full_memory_keeps_what_decides)
{
    struct state state;
    struct value irql = value_irql(IRQL_IDENTITY, 0, 1), pointer, place, loaded;

    state_begin(&state);
    place = value_symbol(VALUE_ARGUMENT, 0, 0x40);
    state_store(&state, &place, 1, &irql);
    pointer = value_symbol(VALUE_ARGUMENT, 3, 0);
    for (int i = 0; i < 3 * STATE_CELLS; i++) {
        struct value slot = value_symbol(VALUE_STACK, 0, -8 * i);

        state_store(&state, &slot, 8, &pointer);
        ck_assert(state_load(&state, &slot, 8, &loaded));
    }
    ck_assert_uint_le(state.cell_count, STATE_CELLS);
    ck_assert(state_load(&state, &place, 1, &loaded));
    ck_assert(value_equal(&loaded, &irql));
}
END_TEST

START_TEST(handles_are_no_memory)
{
    struct state state;
    struct value irql = value_irql(0x4444, 0, 1), lock = value_symbol(VALUE_ADDRESS, 0, 0x2000);
    struct value zero = value_constant(0), loaded;

    state_begin(&state);
    state_store_handle(&state, &lock, &irql);
    state_store(&state, &lock, 8, &zero);
    ck_assert(state_load_handle(&state, &lock, &loaded) && value_equal(&loaded, &irql));
    ck_assert(state_load(&state, &lock, 8, &loaded) && value_equal(&loaded, &zero));
    lock.number += 8;
    ck_assert(!state_load_handle(&state, &lock, &loaded));
}
END_TEST

/* ---- joining ---- */

static struct value random_value(void)
{
    switch (next_random() % 4) {
    case 0:
        return value_constant(next_random() % 3);
    case 1:
        return value_symbol(VALUE_ARGUMENT, (uint32_t)(next_random() % 2), 0);
    case 2:
        return value_irql((irql_relation)next_random(), 0, (uint32_t)(next_random() % 2));
    default:
        return value_unknown();
    }
}

static void random_state_of(struct state *state)
{
    state_begin(state);
    state->now = (irql_relation)next_random();
    for (unsigned i = 0; i < STATE_REGISTERS; i++) {
        state->registers[i] = random_value();
    }
    for (unsigned i = 0; i < 8; i++) {
        struct value place = value_symbol(VALUE_STACK, 0, -8 * (int)(next_random() % 8));
        struct value v = random_value();

        state_store(state, &place, 8, &v);
    }
    for (unsigned i = 0; i < 3; i++) {
        state_add_fact(state, &(struct fact){
                                  .symbol = value_symbol(VALUE_ARGUMENT, (uint32_t)i, 0),
                                  .mask = 0xff,
                                  .number = next_random() % 2,
                                  .equal = true,
                              });
    }
}

/* After a join a place holds what both sides held, joined, unless that is unknown; how many do. */
static unsigned check_joined_memory(const struct state *joined, const struct state *a,
                                    const struct state *b)
{
    unsigned told = 0;

    for (int slot = 0; slot < 8; slot++) {
        struct value place = value_symbol(VALUE_STACK, 0, -8 * slot), one, other;
        struct value both = value_unknown(), loaded = value_unknown();

        if (state_load(a, &place, 8, &one) && state_load(b, &place, 8, &other)) {
            both = value_join(&one, &other);
        }
        ck_assert_int_eq(state_load(joined, &place, 8, &loaded), both.kind != VALUE_UNKNOWN);
        ck_assert(value_equal(&loaded, &both));
        told += both.kind != VALUE_UNKNOWN;
    }
    return told;
}

/* A join changes nothing the second time, and says no more than either side. */
START_TEST(joining_ends)
{
    unsigned facts = 0, cells = 0;

    for (unsigned round = 0; round < 2000; round++) {
        static struct state a, b, joined;

        random_state_of(&a);
        random_state_of(&b);
        state_copy(&joined, &a);
        state_join(&joined, &b);
        ck_assert(!state_join(&joined, &b));
        ck_assert(!state_join(&joined, &a));
        ck_assert_uint_eq(joined.now, a.now | b.now);
        ck_assert_uint_eq(joined.vague & irql_rows(a.now ^ b.now),
                          joined.now & irql_rows(a.now ^ b.now));
        for (unsigned i = 0; i < STATE_REGISTERS; i++) {
            struct value both = value_join(&a.registers[i], &b.registers[i]);

            ck_assert(value_equal(&joined.registers[i], &both));
        }
        for (unsigned i = 0; i < joined.fact_count; i++) {
            const struct fact *fact = &joined.facts[i];

            ck_assert_uint_eq(state_fact(&a, &fact->symbol, fact->mask)->number, fact->number);
            ck_assert_uint_eq(state_fact(&b, &fact->symbol, fact->mask)->number, fact->number);
        }
        facts += joined.fact_count;
        cells += check_joined_memory(&joined, &a, &b);
    }
    ck_assert_uint_gt(facts, 1000);
    ck_assert_uint_gt(cells, 500);
}
END_TEST

START_TEST(sets_keep_kinds_apart)
{
    static struct state_set set;
    struct state state;

    set.count = 0;
    state_begin(&state);
    state.now = 0;
    state_set_add(&set, &state);
    ck_assert_uint_eq(set.count, 0);
    for (unsigned i = 1; i <= 2 * INFER_STATES; i++) {
        state.now = (irql_relation)i;
        state_set_add(&set, &state);
        state_set_add(&set, &state);
        ck_assert_uint_eq(set.count, i < INFER_STATES ? i : INFER_STATES);
    }
    for (unsigned i = 0; i + 1 < INFER_STATES; i++) {
        ck_assert_uint_eq(set.states[i].vague, 0);
    }
    ck_assert_uint_ne(set.states[INFER_STATES - 1].vague, 0);
}
END_TEST

START_TEST(renewed_symbols_are_gone)
{
    struct state state;
    struct value old = value_symbol(VALUE_RESULT, 9, 0), place = value_symbol(VALUE_STACK, 0, -8);
    struct value loaded;

    state_begin(&state);
    state.registers[3] = old;
    state_store(&state, &place, 8, &old);
    state_add_fact(&state, &(struct fact){.symbol = old, .mask = 0xff, .equal = true});
    state_renew(&state, VALUE_RESULT, 8);
    ck_assert(value_equal(&state.registers[3], &old));
    state_renew(&state, VALUE_RESULT, 9);
    ck_assert_int_eq(state.registers[3].kind, VALUE_UNKNOWN);
    ck_assert(!state_load(&state, &place, 8, &loaded));
    ck_assert_ptr_null(state_fact(&state, &old, 0xff));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tcase = tcase_create("state");

    tcase_add_test(tcase, compose_is_the_product);
    tcase_add_test(tcase, rows_and_columns);
    tcase_add_test(tcase, low_bytes);
    tcase_add_test(tcase, join_of_values);
    tcase_add_test(tcase, memory_is_never_wrong);
    tcase_add_test(tcase, full_memory_keeps_what_decides);
    tcase_add_test(tcase, handles_are_no_memory);
    tcase_add_test(tcase, joining_ends);
    tcase_add_test(tcase, sets_keep_kinds_apart);
    tcase_add_test(tcase, renewed_symbols_are_gone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
