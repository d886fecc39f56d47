/* SPDX-License-Identifier: MIT */
/* Advice in the making: order, clean text, fingerprints, and memory that runs out anywhere. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "finding/advice.h"
#include "support/no_memory.h"
#include "support/run.h"

static struct advice_builder *begin(void)
{
    struct advice_builder *builder = advice_begin("dir/a.sys", "image");

    ck_assert_ptr_nonnull(builder);
    return builder;
}

static struct advice *finish(struct advice_builder *builder)
{
    struct advice *advice = advice_finish(builder);

    ck_assert_ptr_nonnull(advice);
    return advice;
}

static void add(struct advice_builder *builder, enum rule rule, const char *function,
                const char *section, uint32_t rva, uint32_t line, const char *message)
{
    advice_add_finding(builder, &(struct advice_finding){
                                    .rule = rule,
                                    .verdict = VERDICT_POSSIBLE,
                                    .place = {function, section, NULL, rva, line},
                                    .message = message,
                                });
}

START_TEST(nothing_at_all)
{
    struct advice *advice = finish(begin());

    ck_assert_str_eq(advice->file, "dir/a.sys");
    ck_assert_str_eq(advice->kind, "image");
    ck_assert_str_eq(advice->symbols, "");
    ck_assert_str_eq(advice->alloc_text, "");
    ck_assert_uint_eq(advice->finding_count + advice->saving_count + advice->set_count, 0);
    advice_close(advice);
    advice_close(NULL);
    advice_abandon(NULL);
    advice_abandon(begin());
}
END_TEST

START_TEST(findings_are_ordered_by_rule_section_and_place)
{
    struct advice_builder *builder = begin();
    struct advice *advice;

    add(builder, RULE_API_IRQL, "F", "PAGE", 1, 0, "5");
    add(builder, RULE_SPIN_LOCK_IN_PAGEABLE, "F", "PAGESER", 1, 0, "4");
    add(builder, RULE_SPIN_LOCK_IN_PAGEABLE, "F", "PAGE", 0x2000, 3, "3");
    add(builder, RULE_SPIN_LOCK_IN_PAGEABLE, "F", "PAGE", 0x1000, 9, "1");
    add(builder, RULE_SPIN_LOCK_IN_PAGEABLE, "F", "PAGE", 0x1000, 9, "2");
    add(builder, RULE_PAGEABLE_AT_RAISED_IRQL, "F", "", 0, 12, "0b");
    add(builder, RULE_PAGEABLE_AT_RAISED_IRQL, "F", "", 0, 9, "0a");
    advice = finish(builder);
    ck_assert_uint_eq(advice->finding_count, 7);
    for (uint32_t i = 0; i < 7; i++) {
        static const char *const order[] = {"0a", "0b", "1", "2", "3", "4", "5"};

        ck_assert_str_eq(advice->findings[i].message, order[i]);
        ck_assert_int_eq(advice->findings[i].severity, FINDING_ERROR);
    }
    advice_close(advice);
}
END_TEST

START_TEST(findings_in_source_are_ordered_by_line)
{
    struct advice_builder *builder = begin();
    struct advice *advice;

    add(builder, RULE_SECTION_NAME, "G", "PAGE", 0, 7, "2");
    add(builder, RULE_SECTION_NAME, "F", "page", 0, 5, "0");
    add(builder, RULE_SECTION_NAME, "H", "INIT", 0, 6, "1");
    advice = finish(builder);
    ck_assert_uint_eq(advice->finding_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(advice->findings[i].place.line, 5 + i);
    }
    advice_close(advice);
}
END_TEST

START_TEST(savings_are_ordered_by_bytes)
{
    struct advice_builder *builder = begin();
    struct advice *advice;
    uint32_t set = advice_add_set(builder, &(struct advice_set){"a", "PAGE", 500, 1, 2});

    ck_assert_uint_eq(set, 0);
    ck_assert_uint_eq(advice_add_set(builder, &(struct advice_set){"b", "PAGE", 1, 0, 1}), 1);
    for (uint32_t i = 0; i < 40; i++) {
        advice_add_saving(builder, &(struct advice_saving){.bytes = i % 8 * 100,
                                                           .place = {"F", "", NULL, 100 - i, 0},
                                                           .evidence = "",
                                                           .target = "PAGE",
                                                           .set = i == 0 ? set : ADVICE_NO_SET});
    }
    advice_add_limit(builder, "one");
    advice_add_limit(builder, advice_text(builder, "%s", "two"));
    advice = finish(builder);
    ck_assert_uint_eq(advice->saving_count, 40);
    for (uint32_t i = 1; i < 40; i++) {
        const struct advice_saving *a = &advice->savings[i - 1], *b = &advice->savings[i];

        ck_assert(a->bytes > b->bytes || (a->bytes == b->bytes && a->place.rva < b->place.rva));
    }
    ck_assert_uint_eq(advice->savings[39].set, 0);
    ck_assert_str_eq(advice->sets[0].from, "a");
    ck_assert_str_eq(advice->sets[1].from, "b");
    ck_assert_str_eq(advice->limits[0], "one");
    ck_assert_str_eq(advice->limits[1], "two");
    advice_close(advice);
}
END_TEST

START_TEST(text_is_printable_utf8)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"plain 0..~", "plain 0..~"},
        {"a\nb\tc\x1b[31m\x7f", "a?b?c?[31m?"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x88", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x88"},
        {"\xff|\x80|\xc3|\xe2\x82|\xf0\x9f\x8e", "?|?|?|??|???"},
        {"\xc0\xaf|\xe0\x80\xaf|\xf0\x80\x80\xaf", "??|???|????"},
        /* Well-formed, but no character that may be shown: one mark for each. */
        {"\xc2\x9b|\xed\xa0\x80|\xf4\x90\x80\x80", "?|?|?"},
        {"\xe2\x80\xae|\xe2\x81\xa6|\xe2\x80\xa8|\xef\xbb\xbf", "?|?|?|?"},
    };
    struct advice_builder *builder = begin();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(advice_text(builder, "%s", rows[i].in), rows[i].out);
    }
    ck_assert_str_eq(advice_lines(builder, "a\n\tb\n"), "a\n?b\n");
    ck_assert_str_eq(advice_lines(builder, ""), "");
    advice_abandon(builder);
}
END_TEST

START_TEST(long_texts_and_paths_are_kept)
{
    struct advice_builder *builder = begin();
    struct advice_step path[3] = {{.what = "one"}, {.what = "two", .irql = 2}, {.what = "three"}};
    char *large = malloc(100001);
    struct advice *advice;

    ck_assert_ptr_nonnull(large);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    advice_add_finding(builder, &(struct advice_finding){
                                    .rule = RULE_API_IRQL,
                                    .place = {"F", "", NULL, 0, 0},
                                    .message = advice_text(builder, "%s!", large),
                                    .path = path,
                                    .path_count = 3,
                                });
    memset(path, 0, sizeof path);
    advice = finish(builder);
    ck_assert_uint_eq(strlen(advice->findings[0].message), 100001);
    ck_assert_uint_eq(advice->findings[0].path_count, 3);
    ck_assert_str_eq(advice->findings[0].path[1].what, "two");
    ck_assert_uint_eq(advice->findings[0].path[1].irql, 2);
    advice_close(advice);
    free(large);
}
END_TEST

/* ---- fingerprints ---- */

static uint64_t fingerprint_of(enum rule rule, const char *function, const char *message,
                               uint32_t rva)
{
    struct advice_builder *builder = begin();
    struct advice *advice;
    uint64_t fingerprint;

    add(builder, rule, function, "PAGE", rva, 7, message);
    advice = finish(builder);
    fingerprint = advice->findings[0].fingerprint;
    advice_close(advice);
    return fingerprint;
}

START_TEST(fingerprints_know_no_addresses)
{
    uint64_t one = fingerprint_of(RULE_API_IRQL, "Read", "calls it at 0x1040", 1);

    ck_assert(fingerprint_of(RULE_API_IRQL, "Read", "calls it at 0x2AfF", 2) == one);
    ck_assert(fingerprint_of(RULE_API_IRQL, "Read", "calls it at dispatch", 1) != one);
    ck_assert(fingerprint_of(RULE_API_IRQL, "Write", "calls it at 0x1040", 1) != one);
    ck_assert(fingerprint_of(RULE_LOCK_LEAK, "Read", "calls it at 0x1040", 1) != one);
    ck_assert(fingerprint_of(RULE_API_IRQL, "sub_1040", "by sub_1", 1) ==
              fingerprint_of(RULE_API_IRQL, "sub_2fa0", "by sub_2", 1));
    /* Other digits count. */
    ck_assert(fingerprint_of(RULE_API_IRQL, "Read", "calls ExAllocatePool2", 1) !=
              fingerprint_of(RULE_API_IRQL, "Read", "calls ExAllocatePool3", 1));
}
END_TEST

/* The published value: baselines of users hold it. */
START_TEST(the_fingerprint_of_a_known_finding)
{
    ck_assert_uint_eq(
        fingerprint_of(RULE_SPIN_LOCK_IN_PAGEABLE, "IsolateMount", "takes a spin lock", 0x1040),
        0xdb995d7b8afcd525ull);
}
END_TEST

START_TEST(alike_findings_differ_by_their_order)
{
    struct advice_builder *builder = begin();
    struct advice *advice;

    add(builder, RULE_API_IRQL, "F", "PAGE", 0x30, 0, "the same");
    add(builder, RULE_API_IRQL, "F", "PAGE", 0x10, 0, "the same");
    add(builder, RULE_API_IRQL, "F", "PAGE", 0x20, 0, "another");
    advice = finish(builder);
    ck_assert(advice->findings[0].fingerprint == fingerprint_of(RULE_API_IRQL, "F", "the same", 1));
    ck_assert(advice->findings[1].fingerprint == fingerprint_of(RULE_API_IRQL, "F", "another", 1));
    ck_assert(advice->findings[2].fingerprint != advice->findings[0].fingerprint);
    advice_close(advice);
}
END_TEST

/* ---- memory that runs out ---- */

static struct advice *make_large(void)
{
    struct advice_builder *builder = advice_begin("a.sys", "image");

    if (builder == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < 40; i++) {
        struct advice_step step = {.what = advice_text(builder, "step %u", i)};

        advice_add_finding(builder,
                           &(struct advice_finding){
                               .rule = RULE_API_IRQL,
                               .place = {"F", "", NULL, i, 0},
                               .message = advice_text(builder, "%u: %600s", i, "so it goes"),
                               .path = &step,
                               .path_count = 1,
                           });
        advice_add_saving(
            builder, &(struct advice_saving){.place = {"F", "", NULL, i, 0}, .set = ADVICE_NO_SET});
        (void)advice_add_set(builder, &(struct advice_set){.from = "", .target = ""});
        advice_add_limit(builder, advice_lines(builder, "one\ntwo"));
    }
    return advice_finish(builder);
}

static pg_status make_again(void *context)
{
    struct advice *advice = make_large();

    (void)context;
    if (advice == NULL) {
        return PG_E_NO_MEMORY;
    }
    ck_assert_uint_eq(advice->finding_count, 40);
    ck_assert_uint_eq(advice->limit_count, 40);
    advice_close(advice);
    return PG_OK;
}

START_TEST(memory_runs_out_anywhere)
{
    no_memory_anywhere(make_again, NULL, 11);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advice");
    TCase *tcase = tcase_create("advice");

    tcase_add_test(tcase, nothing_at_all);
    tcase_add_test(tcase, findings_are_ordered_by_rule_section_and_place);
    tcase_add_test(tcase, findings_in_source_are_ordered_by_line);
    tcase_add_test(tcase, savings_are_ordered_by_bytes);
    tcase_add_test(tcase, text_is_printable_utf8);
    tcase_add_test(tcase, long_texts_and_paths_are_kept);
    tcase_add_test(tcase, fingerprints_know_no_addresses);
    tcase_add_test(tcase, the_fingerprint_of_a_known_finding);
    tcase_add_test(tcase, alike_findings_differ_by_their_order);
    tcase_add_test(tcase, memory_runs_out_anywhere);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
