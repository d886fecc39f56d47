/* SPDX-License-Identifier: MIT */
/*
 * The inference on drivers of known behaviour: at each mark the classes are what the source says,
 * at every level of optimization.
 */
#include "loaded.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_program.h"
#include "support/no_memory.h"
#include "support/random.h"
#include "support/run.h"

static const char *const levels[] = {"O0", "O1", "O2", "Os"};
enum { LEVELS = sizeof levels / sizeof levels[0] };

/* Rows of a relation: entered at P, A, D, H. */
#define ROWS(p, a, d, h) ((p) | (a) << 4 | (d) << 8 | (h) << 12)
enum { P = 1, A = 2, D = 4, H = 8 };
#define SAME   IRQL_IDENTITY
#define RAISED ROWS(D, D, D, D)

/* At every call of the mark in the function, all of them together. */
struct expected {
    const char *function, *mark;
    unsigned before;
    bool vague;
};

static const struct expected expected[] = {
    {"Direct", "Mark1", RAISED, false},
    {"Direct", "Mark2", SAME, false},
    {"Pair", "Mark1", RAISED, false},
    {"Pair", "Mark2", SAME, false},
    {"PairByValue", "Mark1", RAISED, false},
    {"PairByValue", "Mark2", SAME, false},
    {"PairGlobal", "Mark1", RAISED, false},
    {"PairGlobal", "Mark2", SAME, false},
    {"PairQueued", "Mark1", RAISED, false},
    {"PairQueued", "Mark2", SAME, false},
    {"OnlyRelease", "Mark1", ROWS(P, P | A, P | A | D, P | A | D | H), true},
    {"Conditional", "Mark1", SAME | RAISED, false},
    {"Conditional", "Mark2", SAME, false},
    {"ConditionalMember", "Mark1", SAME | RAISED, false},
    {"ConditionalMember", "Mark2", SAME, false},
    {"TakesNot", "Mark1", SAME, false},
    {"TakesNot", "Mark2", SAME, false},
    {"Takes", "Mark1", RAISED, false},
    {"Takes", "Mark2", SAME, false},
    {"ByLateTable", "Mark1", RAISED, false},
    {"CallsByLateTable", "Mark1", RAISED, false},
    {"PairIfShared", "Mark1", SAME | RAISED, false},
    {"PairIfShared", "Mark2", SAME, false},
    {"Try", "Mark1", SAME, false},
    {"Try", "Mark2", RAISED, false},
    {"Try", "Mark3", SAME, false},
    {"TryMutex", "Mark1", ROWS(A, A, A, A), false},
    {"TryMutex", "Mark2", SAME, false},
    {"Leaks", "Mark1", RAISED, false},
    {"CallsLeaky", "Mark1", RAISED, false},
    {"CallsLeaky", "Mark2", SAME, false},
    {"Current", "Mark1", ROWS(P, A, 0, 0), false},
    {"Current", "Mark2", ROWS(0, 0, D, H), false},
    {"Current", "Mark3", ROWS(P, 0, 0, 0), false},
    {"Current", "Mark4", ROWS(0, 0, 0, H), false},
    {"Raise", "Mark1", RAISED, false},
    {"Raise", "Mark2", SAME, false},
    {"RaiseBy", "Mark1", ROWS(A, A, A, A), false},
    {"RaiseBy", "Mark2", SAME, false},
    {"RaiseBy", "Mark3", RAISED, false},
    {"OnlyWhenLow", "Mark1", ROWS(D, D, D, H), false},
    {"OnlyWhenLow", "Mark2", SAME, false},
    {"WaitTrue", "Mark1", RAISED, false},
    {"WaitTrue", "Mark2", SAME, false},
    {"WaitFalse", "Mark1", SAME, false},
    {"WaitEither", "Mark1", SAME | RAISED, false},
    {"Loop", "Mark1", RAISED, false},
    {"Loop", "Mark2", SAME, false},
    {"Loop", "Mark3", SAME, false},
    {"HeldAcrossLoop", "Mark1", SAME, false},
    {"HeldAcrossLoop", "Mark2", RAISED, false},
    {"HeldAcrossLoop", "Mark3", SAME, false},
    {"Recursive", "Mark1", SAME, false},
    {"Recursive", "Mark2", RAISED, false},
    {"Recursive", "Mark3", SAME, false},
    {"Even", "Mark1", SAME, false},
    {"Odd", "Mark2", SAME, false},
    {"ByTable", "Mark1", RAISED, false},
    {"ByVariable", "Mark1", SAME, false},
    {"Overflow", "Mark1", ROWS(P | A | D | H, A | D | H, A | D | H, A | D | H), true},
};

static void open_level(int level, struct loaded *loaded)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/infer_%s.sys", INFER_DRIVERS, levels[level]);
    load_driver(path, loaded);
}

START_TEST(marks)
{
    struct loaded loaded;

    open_level(_i, &loaded);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct expected *e = &expected[i];
        uint32_t function = function_named(&loaded, e->function);
        irql_relation before = 0, vague = 0;
        unsigned calls = 0;

        for (unsigned n = 0; n < 4; n++) {
            const struct infer_site *site = call_of(&loaded, function, e->mark, n);

            if (site == NULL) {
                continue;
            }
            calls++;
            before |= site->before;
            vague |= site->vague;
        }
        ck_assert_msg(calls != 0, "%s: %s of %s is never called", levels[_i], e->mark, e->function);
        ck_assert_msg(before == e->before, "%s: %s of %s is at %04x, not %04x", levels[_i], e->mark,
                      e->function, before, e->before);
        ck_assert_msg((vague != 0) == e->vague, "%s: %s of %s has the vague bits %04x", levels[_i],
                      e->mark, e->function, vague);
    }
    unload_driver(&loaded);
}
END_TEST

/* ---- where they are entered ---- */

START_TEST(entries)
{
    struct loaded loaded;
    const struct entry *entry;

    open_level(_i, &loaded);
    entry = &loaded.infer.entries[function_named(&loaded, "DriverEntry")];
    ck_assert_uint_eq(entry->role, ROLE_DRIVER_ENTRY);
    ck_assert_uint_eq(entry->certain, P);
    ck_assert_uint_eq(entry->possible, P);
    ck_assert(!entry->unknown);
    /* nobody calls it */
    entry = &loaded.infer.entries[function_named(&loaded, "Direct")];
    ck_assert(entry->unknown);
    /* called by routines that nobody is known to call, among others with the lock held */
    entry = &loaded.infer.entries[function_named(&loaded, "Mark1")];
    ck_assert(entry->unknown);
    ck_assert((entry->possible & D) != 0);
    unload_driver(&loaded);
}
END_TEST

/* Once by one who is at PASSIVE_LEVEL, once with the lock held: exactly these. */
START_TEST(entries_of_a_helper)
{
    struct loaded loaded;
    const struct entry *entry;

    open_level(_i, &loaded);
    entry = &loaded.infer.entries[function_named(&loaded, "Helper")];
    ck_assert_uint_eq(entry->role, ROLE_NONE);
    ck_assert_uint_eq(entry->certain, P | D);
    ck_assert_uint_eq(entry->possible, P | D);
    ck_assert(!entry->unknown);
    entry = &loaded.infer.entries[function_named(&loaded, "PageableUnknown")];
    ck_assert_uint_eq(entry->certain, P);
    ck_assert_uint_eq(entry->possible, P | A);
    unload_driver(&loaded);
}
END_TEST

/* ---- what is recorded ---- */

START_TEST(records)
{
    struct loaded loaded;
    const struct infer *infer;
    const struct summary *s;
    bool found = false;

    open_level(_i, &loaded);
    infer = &loaded.infer;
    s = &infer->summaries[function_named(&loaded, "DriverEntry")];
    for (uint32_t i = 0; i < s->pointer_count; i++) {
        const struct infer_pointer *pointer = &infer->pointers[s->first_pointer + i];

        if (strcmp(loaded.program.functions[pointer->function].name, "Unload") != 0) {
            continue;
        }
        ck_assert_uint_eq(pointer->call, NO_INDEX);
        ck_assert_int_eq(pointer->base.kind, VALUE_ARGUMENT);
        ck_assert_uint_eq(pointer->base.index, 0);
        ck_assert_int_eq(pointer->base.number + pointer->offset, 0x68);
        found = true;
    }
    ck_assert(found);
    found = false;
    s = &infer->summaries[function_named(&loaded, "TouchRaised")];
    for (uint32_t i = 0; i < s->access_count; i++) {
        const struct infer_access *access = &infer->accesses[s->first_access + i];

        found |= access->writes && access->at == RAISED && access->vague == 0;
    }
    ck_assert(found);
    unload_driver(&loaded);
}
END_TEST

START_TEST(arguments)
{
    struct loaded loaded;
    const struct infer_site *site;
    uint32_t function;

    open_level(_i, &loaded);
    function = function_named(&loaded, "PassesArguments");
    site = call_of(&loaded, function, "SixArguments", 0);
    ck_assert_ptr_nonnull(site);
    ck_assert_int_eq(site->arguments[0].kind, VALUE_ARGUMENT);
    ck_assert_uint_eq(site->arguments[0].index, 1);
    ck_assert_int_eq(site->arguments[1].number, 11);
    ck_assert_int_eq(site->arguments[3].number, 13);
    ck_assert_int_eq(site->arguments[4].kind, VALUE_CONSTANT);
    ck_assert_int_eq(site->arguments[4].number, 14);
    ck_assert_int_eq(site->arguments[5].kind, VALUE_ADDRESS);
    unload_driver(&loaded);
}
END_TEST

/* ---- witnesses ---- */

static uint32_t witness(const struct loaded *loaded, uint32_t function, uint32_t micro, irql_set at,
                        struct infer_step *steps, uint32_t room)
{
    uint32_t count;

    ck_assert_int_eq(infer_witness(&loaded->infer, function, micro, at, steps, room, &count),
                     PG_OK);
    return count;
}

static void check_witness(const struct loaded *loaded, const struct infer_step *steps,
                          uint32_t count, uint32_t function, uint32_t micro, irql_set at)
{
    uint32_t here = steps[0].function;
    unsigned irql = steps[0].irql;

    ck_assert_uint_eq(steps[0].what, STEP_ENTERED);
    for (uint32_t i = 1; i < count; i++) {
        const struct infer_step *step = &steps[i];

        ck_assert_uint_eq(step->function, here);
        ck_assert_uint_ne(step->what, STEP_ENTERED);
        if (step->what == STEP_RAISES) {
            ck_assert_uint_gt(step->irql, irql);
        } else if (step->what == STEP_LOWERS) {
            ck_assert_uint_lt(step->irql, irql);
        } else {
            ck_assert_uint_eq(step->irql, irql);
        }
        irql = step->irql;
        if (step->what == STEP_CALLS) {
            here = loaded->program.calls[step->call].index;
        }
        ck_assert((step->what == STEP_REACHES) == (i + 1 == count));
    }
    ck_assert_uint_eq(steps[count - 1].function, function);
    ck_assert_uint_eq(steps[count - 1].micro, micro);
    ck_assert((IRQL_BIT(irql) & at) != 0);
}

/* Every raised call of the driver that can be has a way there. */
START_TEST(witnesses)
{
    struct loaded loaded;
    struct infer_step steps[64];
    unsigned found = 0;

    open_level(_i, &loaded);
    for (uint32_t f = 0; f < loaded.program.function_count; f++) {
        const struct summary *s = &loaded.infer.summaries[f];
        const struct entry *entry = &loaded.infer.entries[f];

        for (uint32_t i = 0; i < s->site_count; i++) {
            const struct infer_site *site = &loaded.infer.sites[s->first_site + i];
            irql_set here = irql_apply(site->before, entry->unknown ? IRQL_ANY : entry->possible);
            uint32_t count = witness(&loaded, f, site->micro, D, steps, 64);

            if ((here & D) == 0) {
                ck_assert_uint_eq(count, 0);
                continue;
            }
            ck_assert_msg(count != 0, "%s: no way to a call in %s", levels[_i],
                          loaded.program.functions[f].name);
            check_witness(&loaded, steps, count, f, site->micro, D);
            found++;
        }
    }
    ck_assert_uint_gt(found, 20);
    unload_driver(&loaded);
}
END_TEST

START_TEST(witness_of_a_chain)
{
    struct loaded loaded;
    struct infer_step steps[16];
    uint32_t helper, count, micro;

    open_level(0, &loaded);
    helper = function_named(&loaded, "Helper");
    micro = loaded.program.blocks[loaded.program.functions[helper].first_block].first_micro;
    count = witness(&loaded, helper, micro, D, steps, 16);
    ck_assert_uint_ge(count, 4);
    ck_assert_str_eq(loaded.program.functions[steps[0].function].name, "Unload");
    ck_assert_uint_eq(steps[0].irql, IRQL_P);
    ck_assert_uint_eq(steps[1].what, STEP_RAISES);
    ck_assert_uint_eq(steps[1].irql, IRQL_D);
    ck_assert_uint_eq(steps[2].what, STEP_CALLS);
    ck_assert_uint_eq(steps[count - 1].what, STEP_REACHES);
    /* with little room the end of the way is kept */
    ck_assert_uint_eq(witness(&loaded, helper, micro, D, steps, 2), 2);
    ck_assert_uint_eq(steps[0].what, STEP_CALLS);
    ck_assert_uint_eq(steps[1].what, STEP_REACHES);
    ck_assert_uint_eq(witness(&loaded, helper, micro, H, steps, 2), 0);
    unload_driver(&loaded);
}
END_TEST

/* ---- the same again, no memory, any bytes ---- */

START_TEST(same_twice)
{
    struct loaded first, second;

    open_level(_i, &first);
    open_level(_i, &second);
    ck_assert_uint_eq(first.infer.site_count, second.infer.site_count);
    ck_assert_mem_eq(first.infer.sites, second.infer.sites,
                     first.infer.site_count * sizeof first.infer.sites[0]);
    ck_assert_mem_eq(first.infer.summaries, second.infer.summaries,
                     first.program.function_count * sizeof first.infer.summaries[0]);
    ck_assert_mem_eq(first.infer.entries, second.infer.entries,
                     first.program.function_count * sizeof first.infer.entries[0]);
    unload_driver(&first);
    unload_driver(&second);
}
END_TEST

static pg_status infer_again(void *context)
{
    struct loaded *loaded = context;
    struct infer infer;
    pg_status status = infer_run(&loaded->program, &infer);

    if (status == PG_OK) {
        status = infer_enter(&infer);
    }
    infer_release(&infer); /* also after a failure */
    return status;
}

static pg_status witness_again(void *context)
{
    const struct loaded *loaded = context;
    uint32_t helper = function_named(loaded, "Helper"), count;
    const struct function *f = &loaded->program.functions[helper];
    uint32_t micro = loaded->program.blocks[f->first_block].first_micro;
    struct infer_step steps[16];
    pg_status status = infer_witness(&loaded->infer, helper, micro, D, steps, 16, &count);

    ck_assert((count != 0) == (status == PG_OK));
    return status;
}

START_TEST(without_memory)
{
    struct loaded loaded;

    open_level(2, &loaded);
    no_memory_anywhere(infer_again, &loaded, 15);
    no_memory_anywhere(witness_again, &loaded, 4);
    unload_driver(&loaded);
}
END_TEST

/* Change `count` bytes of each section of code at random. */
static void damage(const struct image *image, uint8_t *bytes, uint64_t *state, unsigned count)
{
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];

        for (unsigned n = 0; section->executable && n < count; n++) {
            bytes[section->raw_offset + random_below(state, section->raw_size)] =
                (uint8_t)random_next(state);
        }
    }
}

/* Bytes of the code changed at random: whatever it is then, it is inferred, and ends. */
START_TEST(damaged_code)
{
    struct loaded loaded;
    uint64_t state = (uint64_t)_i;

    open_level(_i, &loaded);
    for (unsigned round = 0; round < 100; round++) {
        uint8_t *bytes = malloc(loaded.size);
        struct image_error error;
        struct image image;
        struct program program;
        struct infer infer;

        memcpy(bytes, loaded.bytes, loaded.size);
        damage(&loaded.image, bytes, &state, 2 * round + 1);
        ck_assert_int_eq(image_open(bytes, loaded.size, &image, &error), PG_OK);
        ck_assert_int_eq(program_build(&image, NULL, &program), PG_OK);
        check_program(&program);
        ck_assert_int_eq(infer_run(&program, &infer), PG_OK);
        ck_assert_int_eq(infer_roles(&infer), PG_OK);
        ck_assert_int_eq(infer_enter(&infer), PG_OK);
        infer_release(&infer);
        program_release(&program);
        free(bytes);
    }
    unload_driver(&loaded);
}
END_TEST

static Suite *infer_suite(void)
{
    Suite *suite = suite_create("infer");
    TCase *tcase = tcase_create("infer");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, marks, 0, LEVELS);
    tcase_add_loop_test(tcase, entries, 0, LEVELS);
    tcase_add_loop_test(tcase, entries_of_a_helper, 0, LEVELS);
    tcase_add_loop_test(tcase, records, 0, LEVELS);
    tcase_add_loop_test(tcase, arguments, 0, LEVELS);
    tcase_add_loop_test(tcase, witnesses, 0, LEVELS);
    tcase_add_test(tcase, witness_of_a_chain);
    tcase_add_loop_test(tcase, same_twice, 0, LEVELS);
    tcase_add_test(tcase, without_memory);
    tcase_add_loop_test(tcase, damaged_code, 0, LEVELS);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(infer_suite());
}
