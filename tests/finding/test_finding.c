/* SPDX-License-Identifier: MIT */
/* Rules and bug checks: every row is complete, ids are found again, and sets are parsed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "finding/finding.h"
#include "support/run.h"

START_TEST(every_rule_is_complete_and_found_by_its_id)
{
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule_text *text = rule_text((enum rule)i);
        enum rule found;

        ck_assert_uint_gt(strlen(text->title), 0);
        ck_assert_uint_gt(strlen(text->fix), 0);
        ck_assert_uint_gt(strlen(text->document), 0);
        ck_assert_uint_gt(strlen(text->cause), 0);
        ck_assert_uint_gt(strlen(text->wrong), 0);
        ck_assert_uint_gt(strlen(text->right), 0);
        ck_assert_str_ne(text->wrong, text->right);
        ck_assert_uint_eq(strspn(text->fix + strlen(text->fix) - 1, ".\n"), 0);
        ck_assert_uint_eq(strspn(text->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(text->id));
        ck_assert(rule_by_id(text->id, &found));
        ck_assert_int_eq(found, (enum rule)i);
    }
}
END_TEST

/* Users write these into their CI: they may never change. */
START_TEST(published_ids)
{
    static const struct {
        enum rule rule;
        const char *id;
        enum finding_severity severity;
    } rows[] = {
        {RULE_PAGEABLE_AT_RAISED_IRQL, "pageable-at-raised-irql", FINDING_ERROR},
        {RULE_SPIN_LOCK_IN_PAGEABLE, "spin-lock-in-pageable", FINDING_ERROR},
        {RULE_RAISE_IN_PAGEABLE, "raise-in-pageable", FINDING_ERROR},
        {RULE_WAIT_TRUE_IN_PAGEABLE, "wait-true-in-pageable", FINDING_ERROR},
        {RULE_MUST_BE_RESIDENT_ROLE, "must-be-resident-role", FINDING_ERROR},
        {RULE_PAGING_PATH_PAGEABLE, "paging-path-pageable", FINDING_ERROR},
        {RULE_SYNC_OBJECT_PAGEABLE, "sync-object-pageable", FINDING_ERROR},
        {RULE_WORK_ITEM_PAGEABLE, "work-item-pageable", FINDING_ERROR},
        {RULE_UNLOCK_WITH_REQUESTS, "unlock-with-requests-outstanding", FINDING_ERROR},
        {RULE_HANDLE_AFTER_UNLOAD, "handle-after-unload", FINDING_ERROR},
        {RULE_PAGE_ENTIRE_WITH_INTERRUPT, "page-entire-with-interrupt", FINDING_ERROR},
        {RULE_PAGED_CODE_FAILED, "paged-code-failed", FINDING_ERROR},
        {RULE_INIT_CALLED_LATE, "init-called-late", FINDING_ERROR},
        {RULE_LOCK_AT_RAISED_IRQL, "lock-at-raised-irql", FINDING_ERROR},
        {RULE_UNLOCK_UNDERFLOW, "unlock-underflow", FINDING_ERROR},
        {RULE_LOCK_UNKNOWN_ADDRESS, "lock-unknown-address", FINDING_ERROR},
        {RULE_LOCK_NONPAGED, "lock-nonpaged", FINDING_WARNING},
        {RULE_LOCK_LEAK, "lock-leak", FINDING_ERROR},
        {RULE_SECTION_FLAGS_DISAGREE, "section-flags-disagree", FINDING_NOTE},
        {RULE_API_IRQL, "api-irql", FINDING_ERROR},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(rule_text(rows[i].rule)->id, rows[i].id);
        ck_assert_int_eq(rule_text(rows[i].rule)->severity, rows[i].severity);
    }
}
END_TEST

START_TEST(unknown_ids_are_not_found)
{
    static const char *const ids[] = {"", "api", "api-irql ", "API-IRQL", "api-irqlx", "all"};
    enum rule rule = RULE_COUNT;

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        ck_assert_msg(!rule_by_id(ids[i], &rule), "%s", ids[i]);
    }
    ck_assert_int_eq(rule, RULE_COUNT);
}
END_TEST

START_TEST(sets_are_parsed)
{
    rule_set set;
    const char *bad = NULL;
    int bad_length = 0;

    ck_assert(rule_set_parse("all", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALL);
    ck_assert(rule_set_parse("none", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALWAYS);
    ck_assert_uint_eq(set & RULE_BIT(RULE_API_IRQL), 0);
    ck_assert_uint_ne(set & RULE_BIT(RULE_BUDGET_EXHAUSTED), 0);
    ck_assert(rule_set_parse("api-irql", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALWAYS | RULE_BIT(RULE_API_IRQL));
    ck_assert(rule_set_parse("lock-leak,api-irql", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALWAYS | RULE_BIT(RULE_API_IRQL) | RULE_BIT(RULE_LOCK_LEAK));
    ck_assert(rule_set_parse("all,-api-irql,-lock-leak", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALL & ~RULE_BIT(RULE_API_IRQL) & ~RULE_BIT(RULE_LOCK_LEAK));
    ck_assert(rule_set_parse("all,-computer-died", &set, &bad, &bad_length));
    ck_assert_uint_eq(set, RULE_SET_ALL);
}
END_TEST

START_TEST(bad_sets_name_the_word)
{
    static const struct {
        const char *text, *bad;
    } rows[] = {
        {"", ""},
        {"api-irq", "api-irq"},
        {"api-irql,", ""},
        {",api-irql", ""},
        {"api-irql,all", "all"},
        {"lock-leak,nonsense,api-irql", "nonsense"},
        {"none,none", "none"},
        {"all,", ""},
        {"all,api-irql", "api-irql"},
        {"all,-", "-"},
        {"all,-nonsense", "-nonsense"},
        {"all,-api-irql,", ""},
        {"allx", "allx"},
        {"-api-irql", "-api-irql"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rule_set set = 42;
        const char *bad = NULL;
        int bad_length = -1;

        ck_assert_msg(!rule_set_parse(rows[i].text, &set, &bad, &bad_length), "%s", rows[i].text);
        ck_assert_int_eq(bad_length, (int)strlen(rows[i].bad));
        ck_assert(strncmp(bad, rows[i].bad, (size_t)bad_length) == 0);
        ck_assert_uint_eq(set, 42);
    }
}
END_TEST

START_TEST(near_ids_are_named_best_first)
{
    static const struct {
        const char *word, *first;
    } rows[] = {
        {"lock-leek", "lock-leak"},
        {"apiirql", "api-irql"},
        {"spin-lock", "spin-lock-in-pageable"},
        {"pagable-at-raised-irql", "pageable-at-raised-irql"},
        {"thread-hangs", "thread-hang"},
    };
    enum rule near[3];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_ge(rule_nearest(rows[i].word, near, 3), 1);
        ck_assert_str_eq(rule_text(near[0])->id, rows[i].first);
    }
    ck_assert_uint_eq(rule_nearest("pageable", near, 3), 3);
    ck_assert_uint_eq(rule_nearest("pageable", near, 1), 1);
    ck_assert_uint_eq(rule_nearest("pageable", near, 0), 0);
}
END_TEST

START_TEST(nothing_is_near_to_some_words)
{
    char endless[5000];
    enum rule near[3];

    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    ck_assert_uint_eq(rule_nearest("", near, 3), 0);
    ck_assert_uint_eq(rule_nearest("xyzzy", near, 3), 0);
    ck_assert_uint_eq(rule_nearest(endless, near, 3), 0);
}
END_TEST

START_TEST(kinds_of_locks_have_names)
{
    ck_assert_str_eq(finding_lock_name(FINDING_LOCK), "lock");
    ck_assert_str_eq(finding_lock_name(FINDING_RESET_PAGING), "reset-paging");
    ck_assert_str_eq(finding_lock_name((enum finding_lock)77), "unknown");
}
END_TEST

START_TEST(severities_have_names)
{
    ck_assert_str_eq(finding_severity_name(FINDING_NOTE), "note");
    ck_assert_str_eq(finding_severity_name(FINDING_WARNING), "warning");
    ck_assert_str_eq(finding_severity_name(FINDING_ERROR), "error");
    ck_assert_str_eq(finding_severity_name((enum finding_severity)77), "unknown");
}
END_TEST

START_TEST(bug_checks_of_a_driver_have_a_name_and_meanings)
{
    static const struct {
        uint32_t code;
        const char *name;
    } rows[] = {
        {0x0A, "IRQL_NOT_LESS_OR_EQUAL"},
        {0x18, "REFERENCE_BY_POINTER"},
        {0x1A, "MEMORY_MANAGEMENT"},
        {0x1E, "KMODE_EXCEPTION_NOT_HANDLED"},
        {0x35, "NO_MORE_IRP_STACK_LOCATIONS"},
        {0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS"},
        {0x50, "PAGE_FAULT_IN_NONPAGED_AREA"},
        {0x7A, "KERNEL_DATA_INPAGE_ERROR"},
        {0xC2, "BAD_POOL_CALLER"},
        {0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
        {0xD3, "DRIVER_PORTION_MUST_BE_NONPAGED"},
        {0xE1, "WORKER_THREAD_RETURNED_AT_BAD_IRQL"},
        {0x139, "KERNEL_SECURITY_CHECK_FAILURE"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(bugcheck_name(rows[i].code), rows[i].name);
        ck_assert_uint_gt(strlen(bugcheck_explanation(rows[i].code)), 0);
        for (unsigned j = 0; j < 4; j++) {
            ck_assert_uint_gt(strlen(bugcheck_parameter_meaning(rows[i].code, j)), 0);
        }
    }
}
END_TEST

START_TEST(the_first_parameter_decides_the_others)
{
    const uint64_t unlock[4] = {0x1010, 0, 0, 0};
    const uint64_t lock[4] = {0x1234, 0, 0, 0};
    const uint64_t other[4] = {0x777, 0, 0, 0};

    ck_assert_str_eq(bugcheck_meaning(0x1A, unlock, 1), "handle that was passed");
    ck_assert_str_eq(bugcheck_meaning(0x1A, unlock, 3), "lock count");
    ck_assert_str_eq(bugcheck_meaning(0x1A, lock, 1), "address or handle that was passed");
    ck_assert_str_eq(bugcheck_meaning(0x1A, other, 1), bugcheck_parameter_meaning(0x1A, 1));
    ck_assert_str_eq(bugcheck_meaning(0xD1, other, 1), "IRQL at that moment");
}
END_TEST

START_TEST(what_is_not_known_is_empty)
{
    const uint64_t zero[4] = {0};

    ck_assert_ptr_null(bugcheck_name(0xDEAD));
    ck_assert_str_eq(bugcheck_explanation(0xDEAD), "");
    ck_assert_str_eq(bugcheck_parameter_meaning(0xDEAD, 0), "");
    ck_assert_str_eq(bugcheck_parameter_meaning(0xD1, 4), "");
    ck_assert_str_eq(bugcheck_meaning(0xDEAD, zero, 0), "");
    ck_assert_str_eq(bugcheck_meaning(0xD1, zero, 4), "");
    ck_assert_str_eq(bugcheck_parameter_meaning(0x08, 2), "");
}
END_TEST

START_TEST(rule_outside_of_the_table_is_our_defect)
{
    (void)rule_text(RULE_COUNT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("finding");
    TCase *test = tcase_create("tables");

    tcase_add_test(test, every_rule_is_complete_and_found_by_its_id);
    tcase_add_test(test, published_ids);
    tcase_add_test(test, unknown_ids_are_not_found);
    tcase_add_test(test, sets_are_parsed);
    tcase_add_test(test, bad_sets_name_the_word);
    tcase_add_test(test, near_ids_are_named_best_first);
    tcase_add_test(test, nothing_is_near_to_some_words);
    tcase_add_test(test, kinds_of_locks_have_names);
    tcase_add_test(test, severities_have_names);
    tcase_add_test(test, bug_checks_of_a_driver_have_a_name_and_meanings);
    tcase_add_test(test, the_first_parameter_decides_the_others);
    tcase_add_test(test, what_is_not_known_is_empty);
    tcase_add_exit_test(test, rule_outside_of_the_table_is_our_defect, 4);
    suite_add_tcase(suite, test);
    return run_suite(suite);
}
