/* SPDX-License-Identifier: MIT */
/*
 * The rules and the advice on whole drivers: each mistake of the gallery that is in its image is
 * found in the routine that has it and nowhere else, mended twins and the sample drivers are left
 * alone; and drivers of known savings, known lock mistakes and sections that are cut badly.
 */
#include "advise/advise.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loaded.h"
#include "support/no_memory.h"
#include "support/run.h"

static struct advice *advise(const char *name, struct advise_options options)
{
    struct loaded loaded;
    struct advice *advice;
    char path[512];

    snprintf(path, sizeof path, SAMPLE_DRIVERS "/%s.sys", name);
    load_driver(path, &loaded);
    ck_assert_int_eq(advise_image(path, &loaded.image, loaded.symbols, &options, &advice), PG_OK);
    unload_driver(&loaded);
    return advice;
}

static const struct advise_options plain = {.rules = RULE_SET_ALL};

/* Findings that are violations, not notes. */
static unsigned violations(const struct advice *advice, char *text, size_t size)
{
    unsigned count = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *finding = &advice->findings[i];
        size_t length = strlen(text);

        if (finding->severity != FINDING_NOTE || finding->rule == RULE_SECTION_FLAGS_DISAGREE) {
            count++;
            snprintf(text + length, size - length, "[%s %s %s]", rule_text(finding->rule)->id,
                     verdict_name(finding->verdict), finding->place.function);
        }
    }
    return count;
}

/* ---- the gallery ---- */

static const struct mistake {
    const char *driver;
    enum rule rule;
    enum verdict verdict;
    const char *function;
} mistakes[] = {
    {"api_irql", RULE_API_IRQL, VERDICT_DEFINITE, "NameControl"},
    {"handle_after_unload", RULE_HANDLE_AFTER_UNLOAD, VERDICT_POSSIBLE, "DriverEntry"},
    {"haxm_at_dpc_level", RULE_API_IRQL, VERDICT_DEFINITE, "CreateMachine"},
    {"image_not_pageable", RULE_IMAGE_NOT_PAGEABLE, VERDICT_DEFINITE, ""},
    {"init_called_late", RULE_INIT_CALLED_LATE, VERDICT_POSSIBLE, "ProbeBoard"},
    {"irql_left_raised", RULE_IRQL_LEFT_RAISED, VERDICT_POSSIBLE, "ModeControl"},
    {"lock_at_raised_irql", RULE_LOCK_AT_RAISED_IRQL, VERDICT_DEFINITE, "ScaleControl"},
    {"lock_leak", RULE_LOCK_LEAK, VERDICT_POSSIBLE, "WriteDispatch"},
    {"lock_nonpaged", RULE_LOCK_NONPAGED, VERDICT_DEFINITE, "ReadDispatch"},
    {"lock_unknown_address", RULE_LOCK_UNKNOWN_ADDRESS, VERDICT_DEFINITE, "SettingsControl"},
    {"msquic_only_when_paged_out", RULE_PAGEABLE_AT_RAISED_IRQL, VERDICT_DEFINITE, "NextTimeout"},
    {"must_be_resident_role_cancel", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "CancelRead"},
    {"must_be_resident_role_completion", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "ReadDone"},
    {"must_be_resident_role_dpc", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "FinishDpc"},
    {"must_be_resident_role_isr", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "UartInterrupt"},
    {"must_be_resident_role_startio", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "StartWrite"},
    {"must_be_resident_role_timer", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "SecondPassed"},
    {"must_be_resident_role_timer_dpc", RULE_MUST_BE_RESIDENT_ROLE, VERDICT_DEFINITE, "WatchLine"},
    {"page_entire_with_interrupt", RULE_PAGE_ENTIRE_WITH_INTERRUPT, VERDICT_DEFINITE,
     "CloseDispatch"},
    {"pageable_at_raised_irql", RULE_PAGEABLE_AT_RAISED_IRQL, VERDICT_DEFINITE, "Checksum"},
    {"pageable_at_raised_irql_data", RULE_PAGEABLE_AT_RAISED_IRQL, VERDICT_DEFINITE,
     "SpeedControl"},
    {"paged_code_failed", RULE_PAGED_CODE_FAILED, VERDICT_DEFINITE, "NextLetter"},
    {"raise_in_pageable", RULE_RAISE_IN_PAGEABLE, VERDICT_DEFINITE, "PairControl"},
    {"section_flags_disagree", RULE_SECTION_FLAGS_DISAGREE, VERDICT_DEFINITE, ""},
    {"serial_said_locked", RULE_PAGEABLE_AT_RAISED_IRQL, VERDICT_DEFINITE, "TakeCharacters"},
    {"spin_lock_in_pageable", RULE_SPIN_LOCK_IN_PAGEABLE, VERDICT_DEFINITE, "CountControl"},
    {"sync_object_pageable", RULE_SYNC_OBJECT_PAGEABLE, VERDICT_DEFINITE, "WaitControl"},
    {"sync_object_pageable_section", RULE_SYNC_OBJECT_PAGEABLE, VERDICT_DEFINITE, "LimitControl"},
    {"systeminformer_callback", RULE_PAGEABLE_AT_RAISED_IRQL, VERDICT_POSSIBLE, "DockChanged"},
    {"unlock_underflow", RULE_UNLOCK_UNDERFLOW, VERDICT_DEFINITE, "CloseDispatch"},
    {"virtio_inlined_lock", RULE_SPIN_LOCK_IN_PAGEABLE, VERDICT_DEFINITE, "QueueControl"},
    {"virtio_lock_added_later", RULE_SPIN_LOCK_IN_PAGEABLE, VERDICT_DEFINITE, "WriteDispatch"},
    {"wait_true_in_pageable", RULE_WAIT_TRUE_IN_PAGEABLE, VERDICT_DEFINITE, "HandOver"},
    {"wait_true_without_wait", RULE_WAIT_TRUE_WITHOUT_WAIT, VERDICT_DEFINITE, "FinishControl"},
    {"work_item_pageable", RULE_WORK_ITEM_PAGEABLE, VERDICT_DEFINITE, "WorkControl"},
};

START_TEST(gallery_mistake)
{
    const struct mistake *mistake = &mistakes[_i];
    char name[128], found[1024];
    struct advice *advice;

    snprintf(name, sizeof name, "gallery/%s", mistake->driver);
    advice = advise(name, plain);
    ck_assert_msg(violations(advice, found, sizeof found) == 1, "%s: %s", mistake->driver, found);
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *finding = &advice->findings[i];

        if (strcmp(finding->place.function, mistake->function) == 0 &&
            finding->rule == mistake->rule) {
            ck_assert_msg(finding->verdict == mistake->verdict, "%s: %s", mistake->driver, found);
            ck_assert(finding->message[0] != '\0');
            advice_close(advice);
            return;
        }
    }
    ck_abort_msg("%s: %s", mistake->driver, found);
}
END_TEST

START_TEST(gallery_mended)
{
    char name[128], found[1024];
    struct advice *advice;

    snprintf(name, sizeof name, "gallery/%s_fixed", mistakes[_i].driver);
    advice = advise(name, plain);
    ck_assert_msg(advice->finding_count == 0, "%s: %u violations, %s", name,
                  violations(advice, found, sizeof found), found);
    advice_close(advice);
}
END_TEST

START_TEST(paging_path_is_asked_for)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .paging_path = true};
    struct advice *advice = advise("gallery/paging_path_pageable", options);

    ck_assert_uint_eq(advice->finding_count, 1);
    ck_assert_int_eq(advice->findings[0].rule, RULE_PAGING_PATH_PAGEABLE);
    ck_assert_str_eq(advice->findings[0].place.function, "CountRead");
    advice_close(advice);
    advice = advise("gallery/paging_path_pageable", plain);
    ck_assert_uint_eq(advice->finding_count, 0);
    advice_close(advice);
    advice = advise("gallery/paging_path_pageable_fixed", options);
    ck_assert_uint_eq(advice->finding_count, 0);
    advice_close(advice);
}
END_TEST

static bool offers(const struct advice *advice, const char *function)
{
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        if (strcmp(advice->savings[i].place.function, function) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(what_serves_paging_is_not_offered)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = true};
    struct advice *advice = advise("ftdisk", options);

    ck_assert(offers(advice, "FtReadWrite") && offers(advice, "FtStartTransfer"));
    ck_assert(offers(advice, "FtFlush"));
    advice_close(advice);
    options.paging_path = true;
    advice = advise("ftdisk", options);
    ck_assert(!offers(advice, "FtReadWrite") && !offers(advice, "FtDeviceControl"));
    ck_assert(!offers(advice, "FtStartTransfer")); /* called from there */
    ck_assert(offers(advice, "FtFlush"));
    advice_close(advice);
}
END_TEST

/* ---- samples that are right ---- */

static const char *const samples[] = {"ftdisk",        "parallel",      "serial",
                                      "serial_entire", "isolate_split", "isolate_resident"};

START_TEST(sample)
{
    struct advice *advice = advise(samples[_i], plain);
    char found[4096];

    violations(advice, found, sizeof found);
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        ck_assert_msg(advice->findings[i].severity == FINDING_NOTE ||
                          advice->findings[i].verdict == VERDICT_UNKNOWN,
                      "%s: %s", samples[_i], found);
    }
    advice_close(advice);
}
END_TEST

START_TEST(documents_fragment)
{
    struct advice *advice = advise("isolate_mixed", plain);
    const struct advice_finding *finding;

    ck_assert_uint_eq(advice->finding_count, 1);
    finding = &advice->findings[0];
    ck_assert_int_eq(finding->rule, RULE_SPIN_LOCK_IN_PAGEABLE);
    ck_assert_int_eq(finding->verdict, VERDICT_DEFINITE);
    ck_assert_str_eq(finding->place.function, "IsolateMount");
    ck_assert_str_eq(finding->place.section, "PAGE");
    ck_assert_uint_ne(finding->place.line, 0);
    ck_assert_uint_ge(finding->path_count, 1);
    advice_close(advice);
}
END_TEST

/* ---- locks ---- */

static const struct advice_finding *finding_in(const struct advice *advice, const char *function)
{
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        if (strcmp(advice->findings[i].place.function, function) == 0) {
            return &advice->findings[i];
        }
    }
    return NULL;
}

START_TEST(lock_balance)
{
    struct advice *advice = advise(_i == 0 ? "advise/locks" : "advise/locks_O0", plain);
    const struct advice_finding *finding;

    ck_assert_ptr_null(finding_in(advice, "LocalRight"));
    ck_assert_ptr_null(finding_in(advice, "LocalCorrelated"));
    ck_assert_ptr_null(finding_in(advice, "StoredRight"));
    finding = finding_in(advice, "LocalLeak");
    ck_assert(finding != NULL && finding->rule == RULE_LOCK_LEAK &&
              finding->verdict == VERDICT_POSSIBLE);
    finding = finding_in(advice, "LocalDropped");
    ck_assert(finding != NULL && finding->rule == RULE_LOCK_LEAK &&
              finding->verdict == VERDICT_DEFINITE);
    finding = finding_in(advice, "LocalTwice");
    ck_assert(finding != NULL && finding->rule == RULE_UNLOCK_UNDERFLOW &&
              finding->verdict == VERDICT_DEFINITE);
    ck_assert_uint_eq(advice->finding_count, 3);
    advice_close(advice);
}
END_TEST

/* ---- words ---- */

static bool has_step(const struct advice_finding *finding, const char *words)
{
    for (uint32_t i = 0; i < finding->path_count; i++) {
        if (strstr(finding->path[i].what, words) == finding->path[i].what) {
            return true;
        }
    }
    return false;
}

START_TEST(instructions_are_named)
{
    struct advice *advice = advise("advise/interrupts", plain);
    const struct advice_finding *finding = finding_in(advice, "MasksAll");

    ck_assert(finding != NULL && finding->rule == RULE_RAISE_IN_PAGEABLE);
    ck_assert_ptr_nonnull(strstr(finding->message, "raises the IRQL with a cli,"));
    finding = finding_in(advice, "WritesCr8");
    ck_assert(finding != NULL && finding->rule == RULE_RAISE_IN_PAGEABLE);
    ck_assert_ptr_nonnull(strstr(finding->message, "raises the IRQL with a write to CR8,"));
    finding = finding_in(advice, "Waits");
    ck_assert(finding != NULL && finding->rule == RULE_API_IRQL);
    ck_assert(has_step(finding, "a cli raises to "));
    ck_assert(has_step(finding, "a popf lowers to "));
    ck_assert(has_step(finding, "a sti lowers to "));
    ck_assert(has_step(finding, "a write to CR8 raises to DISPATCH_LEVEL"));
    advice_close(advice);
}
END_TEST

/* ---- savings ---- */

static const struct advice_saving *saving_of(const struct advice *advice, const char *function)
{
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        if (strcmp(advice->savings[i].place.function, function) == 0) {
            return &advice->savings[i];
        }
    }
    return NULL;
}

START_TEST(savings)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = true};
    struct advice *advice = advise("advise/savings", options);
    const struct advice_saving *saving;

    saving = saving_of(advice, "Settings");
    ck_assert(saving != NULL && saving->kind == SAVING_MOVE && saving->class == ADVICE_PROVEN);
    ck_assert_str_eq(saving->target, "PAGE");
    ck_assert_uint_gt(saving->bytes, 1000);
    saving = saving_of(advice, "MostlyPassive");
    ck_assert(saving != NULL && saving->kind == SAVING_ISOLATE);
    ck_assert_uint_lt(saving->region_bytes, 100);
    ck_assert_uint_gt(saving->region_bytes, 10);
    ck_assert_uint_gt(saving->bytes, 10 * saving->region_bytes);
    ck_assert_uint_gt(saving->region_end.line, saving->region_begin.line);
    ck_assert_ptr_null(saving_of(advice, "Shared"));
    ck_assert_ptr_null(saving_of(advice, "Fired"));
    saving = saving_of(advice, "Once");
    ck_assert(saving != NULL);
    ck_assert_str_eq(saving->target, "INIT");
    saving = saving_of(advice, "Helper");
    ck_assert(saving != NULL);
    ck_assert_str_eq(saving->target, "PAGESET");
    saving = saving_of(advice, "Exported");
    ck_assert(saving != NULL && saving->class == ADVICE_EVIDENCE);
    ck_assert_ptr_nonnull(strstr(saving->evidence, "KeWaitForSingleObject"));
    ck_assert_ptr_nonnull(strstr(advice->alloc_text, "#pragma alloc_text(INIT, Once)\n"));
    ck_assert_ptr_nonnull(strstr(advice->alloc_text, "#pragma alloc_text(PAGESET, Helper)\n"));
    ck_assert_ptr_nonnull(strstr(advice->alloc_text, "Settings"));
    ck_assert_ptr_null(strstr(advice->alloc_text, "Shared"));
    advice_close(advice);
}
END_TEST

/* Who else may call a routine decides whether it is offered, and as what. */
START_TEST(offered_by_callers)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = true};
    struct advice *advice = advise("advise/callers", options);
    const struct advice_saving *saving = saving_of(advice, "Known");

    ck_assert(saving != NULL && saving->class == ADVICE_PROVEN);
    ck_assert_ptr_null(saving_of(advice, "Twice"));
    ck_assert_ptr_null(saving_of(advice, "InTable"));
    saving = saving_of(advice, "ForTransfers");
    ck_assert(saving != NULL && saving->class == ADVICE_ASSUMED);
    ck_assert_ptr_nonnull(strstr(saving->evidence, "no paging I/O"));
    saving = saving_of(advice, "Power");
    ck_assert(saving != NULL && saving->class == ADVICE_ASSUMED);
    ck_assert_ptr_nonnull(strstr(saving->evidence, "DO_POWER_PAGABLE"));
    saving = saving_of(advice, "ForPaged");
    ck_assert(saving != NULL && saving->class == ADVICE_PROVEN);
    saving = saving_of(advice, "InLoop");
    ck_assert(saving != NULL && saving->kind == SAVING_ISOLATE);
    ck_assert_ptr_nonnull(strstr(advice->alloc_text, "/* Only if the driver serves no paging I/O"));
    advice_close(advice);
    options.paging_path = true;
    advice = advise("advise/callers", options);
    ck_assert_ptr_nonnull(saving_of(advice, "Known"));
    ck_assert_ptr_null(saving_of(advice, "ForTransfers"));
    ck_assert_ptr_null(saving_of(advice, "Power"));
    advice_close(advice);
}
END_TEST

/* A release through the guard's pointer in a register, and a callback whose caller says where. */
START_TEST(right_by_callers)
{
    struct advice *advice = advise("advise/callers", plain);
    unsigned not_told = 0, kept = 0;

    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *finding = &advice->findings[i];

        if (finding->rule == RULE_API_IRQL && strcmp(finding->place.function, "NotTold") == 0) {
            ck_assert_int_eq(finding->verdict, VERDICT_POSSIBLE);
            not_told++;
        } else if (finding->rule == RULE_API_IRQL) {
            ck_assert_str_eq(finding->place.function, "ToldWhere");
            ck_assert_int_eq(finding->verdict, VERDICT_UNKNOWN);
        }
        if (finding->rule == RULE_IRQL_LEFT_RAISED) { /* the cancel spin lock */
            ck_assert_str_eq(finding->place.function, "Keeps");
            ck_assert_int_eq(finding->verdict, VERDICT_POSSIBLE);
            kept++;
        }
    }
    ck_assert_uint_eq(not_told, 1);
    ck_assert_uint_eq(kept, 1);
    advice_close(advice);
}
END_TEST

/* The inference does not follow a chain of calls through pointers for ever: then it is not sure. */
START_TEST(unsure_behind_a_long_chain)
{
    struct advice *advice = advise("advise/late", plain);

    for (uint32_t i = 0; i < advice->finding_count; i++) {
        ck_assert_int_ne(advice->findings[i].verdict, VERDICT_DEFINITE);
    }
    advice_close(advice);
}
END_TEST

/* What all sets of a section win together is what their bytes win, and no more. */
START_TEST(pages_are_honest)
{
    struct advice *advice = advise("advise/savings", plain);
    uint32_t bytes = 0, pages = 0;

    ck_assert_uint_gt(advice->saving_count, 0);
    ck_assert_uint_gt(advice->set_count, 0);
    for (uint32_t i = 0; i < advice->set_count; i++) {
        ck_assert_uint_gt(advice->sets[i].pages, 0);
        bytes += advice->sets[i].bytes;
        pages += advice->sets[i].pages;
    }
    ck_assert_uint_le(pages, bytes / 4096 + 1);
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        ck_assert_uint_le(advice->savings[i].pages, advice->savings[i].bytes / 4096 + 1);
    }
    advice_close(advice);
}
END_TEST

START_TEST(small_is_silent)
{
    struct advise_options small = {.rules = RULE_SET_ALL, .small = true};
    struct advice *advice = advise("isolate_resident", plain);

    ck_assert_uint_eq(advice->saving_count, 0);
    ck_assert_str_eq(advice->alloc_text, "");
    advice_close(advice);
    advice = advise("isolate_resident", small);
    ck_assert_ptr_nonnull(saving_of(advice, "IsolateMount"));
    ck_assert_int_eq(saving_of(advice, "IsolateMount")->kind, SAVING_ISOLATE);
    advice_close(advice);
}
END_TEST

START_TEST(rules_are_chosen)
{
    struct advise_options none = {.rules = RULE_SET_NONE, .small = true};
    struct advice *advice = advise("isolate_mixed", none);

    ck_assert_uint_eq(advice->finding_count, 0);
    ck_assert_uint_eq(advice->saving_count, 0);
    advice_close(advice);
}
END_TEST

/* ---- how sections are cut ---- */

static const struct cut {
    enum rule rule;
    const char *section, *function;
    bool small; /* only told when small savings are asked for */
} cuts[] = {
    {RULE_LAYOUT_SMALL_SECTION, "PAGEBIT", "", false},
    {RULE_LAYOUT_CODE_AND_DATA, "PAGEDATA", "", false},
    {RULE_LAYOUT_BELONG_TOGETHER, "PAGEFAR", "Apart", false},
    {RULE_LAYOUT_BELONG_TOGETHER, "PAGEDATA", "SmallApart", true},
    {RULE_LAYOUT_MIXED_LOCKING, "PAGELOCK", "Passive", false},
    {RULE_LAYOUT_MIXED_LOCKING, "PAGELOC2", "SmallPassive", true},
};

static bool tells_cut(const struct advice *advice, const struct cut *cut)
{
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *finding = &advice->findings[i];

        if (finding->rule == cut->rule && strcmp(finding->place.section, cut->section) == 0 &&
            strcmp(finding->place.function, cut->function) == 0) {
            ck_assert_int_eq(finding->verdict, VERDICT_DEFINITE);
            ck_assert_int_eq(finding->severity, FINDING_NOTE);
            ck_assert_ptr_nonnull(strstr(finding->message, cut->section));
            return true;
        }
    }
    return false;
}

START_TEST(sections_cut_badly)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = _i != 0};
    struct advice *advice = advise("advise/layout", options);
    uint32_t told = 0;

    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        bool expected = options.small || !cuts[i].small;

        ck_assert_msg(tells_cut(advice, &cuts[i]) == expected, "%s in %s: %s",
                      rule_text(cuts[i].rule)->id, cuts[i].section, expected ? "not told" : "told");
        told += expected;
    }
    ck_assert_uint_eq(advice->finding_count, told);
    advice_close(advice);
}
END_TEST

START_TEST(sections_cut_well)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = _i != 0};
    struct advice *advice = advise("advise/layout_right", options);

    ck_assert_uint_eq(advice->finding_count, 0);
    advice_close(advice);
}
END_TEST

/* ---- memory, and the same twice ---- */

struct again {
    char path[512];
    struct loaded loaded;
    struct advise_options options;
    const struct advice *whole;
};

static pg_status advise_again(void *context)
{
    const struct again *again = context;
    struct advice *advice;
    pg_status status = advise_image(again->path, &again->loaded.image, again->loaded.symbols,
                                    &again->options, &advice);

    if (status != PG_OK) {
        ck_assert_ptr_null(advice);
        return status;
    }
    ck_assert_uint_eq(advice->finding_count, again->whole->finding_count);
    ck_assert_uint_eq(advice->saving_count, again->whole->saving_count);
    advice_close(advice);
    return PG_OK;
}

START_TEST(out_of_memory)
{
    static const char *const names[] = {"advise/locks", "advise/savings", "advise/layout",
                                        "gallery/api_irql"};
    struct again again = {.options = {.rules = RULE_SET_ALL, .small = true}};
    struct advice *whole = advise(names[_i], again.options);

    again.whole = whole;
    snprintf(again.path, sizeof again.path, SAMPLE_DRIVERS "/%s.sys", names[_i]);
    load_driver(again.path, &again.loaded);
    no_memory_anywhere(advise_again, &again, 40);
    unload_driver(&again.loaded);
    advice_close(whole);
}
END_TEST

START_TEST(same_twice)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = true};
    struct advice *first = advise("serial", options), *second = advise("serial", options);

    ck_assert_uint_eq(first->finding_count, second->finding_count);
    ck_assert_uint_eq(first->saving_count, second->saving_count);
    ck_assert_str_eq(first->alloc_text, second->alloc_text);
    for (uint32_t i = 0; i < first->finding_count; i++) {
        ck_assert_uint_eq(first->findings[i].fingerprint, second->findings[i].fingerprint);
        ck_assert_str_eq(first->findings[i].message, second->findings[i].message);
    }
    for (uint32_t i = 0; i < first->saving_count; i++) {
        ck_assert_str_eq(first->savings[i].place.function, second->savings[i].place.function);
        ck_assert_uint_eq(first->savings[i].bytes, second->savings[i].bytes);
    }
    advice_close(first);
    advice_close(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *gallery = tcase_create("gallery"), *advice = tcase_create("advice");

    tcase_set_timeout(gallery, 60);
    tcase_set_timeout(advice, 120);
    tcase_add_loop_test(gallery, gallery_mistake, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_loop_test(gallery, gallery_mended, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(gallery, paging_path_is_asked_for);
    tcase_add_test(gallery, what_serves_paging_is_not_offered);
    tcase_add_loop_test(gallery, sample, 0, sizeof samples / sizeof *samples);
    tcase_add_test(gallery, documents_fragment);
    tcase_add_loop_test(advice, lock_balance, 0, 2);
    tcase_add_test(advice, instructions_are_named);
    tcase_add_test(advice, savings);
    tcase_add_test(advice, offered_by_callers);
    tcase_add_test(advice, right_by_callers);
    tcase_add_test(advice, unsure_behind_a_long_chain);
    tcase_add_test(advice, pages_are_honest);
    tcase_add_test(advice, small_is_silent);
    tcase_add_test(advice, rules_are_chosen);
    tcase_add_loop_test(advice, sections_cut_badly, 0, 2);
    tcase_add_loop_test(advice, sections_cut_well, 0, 2);
    tcase_add_loop_test(advice, out_of_memory, 0, 4);
    tcase_add_test(advice, same_twice);
    suite_add_tcase(suite, gallery);
    suite_add_tcase(suite, advice);
    return run_suite(suite);
}
