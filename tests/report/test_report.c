/* SPDX-License-Identifier: MIT */
/* Reports of synthetic runs and files: golden texts, verdicts, hostile records, hostile strings. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "report/report.h"
#include "support/golden.h"
#include "support/run.h"

/* ---- a resolver that knows one driver ---- */

static bool fake_place(void *context, const struct code_place *place, bool returns,
                       struct resolved_place *out)
{
    unsigned *calls = context;

    ++*calls;
    if (strcmp(place->module, "flush.sys") != 0) {
        return false;
    }
    *out = (struct resolved_place){.function = "FlushWorker",
                                   .offset = (uint32_t)place->rva - 0x4100,
                                   .file = "src/flush.c",
                                   .line = returns ? 117 : 118,
                                   .section = "PAGE"};
    if (place->rva < 0x4100) {
        *out = (struct resolved_place){
            .function = "FlushDpc", .offset = (uint32_t)place->rva - 0x1000, .section = ".text"};
    }
    return true;
}

static unsigned resolver_calls;
static const struct resolver resolver = {&resolver_calls, fake_place};
static const struct report_style plain = {.quiet = false};

static struct code_place at(const char *module, uint64_t rva)
{
    struct code_place place = {.rva = rva};

    (void)snprintf(place.module, sizeof place.module, "%s", module);
    return place;
}

static struct finding sample_finding(void)
{
    struct finding finding = {.rule = RULE_PAGEABLE_AT_RAISED_IRQL,
                              .severity = FINDING_ERROR,
                              .place = at("flush.sys", 0x414c),
                              .section = "PAGE",
                              .irql = 2,
                              .time = 12345678,
                              .message = "execute of 0x20020000414c",
                              .frame_count = 4};

    finding.frames[0] = finding.place;
    finding.frames[1] = at("flush.sys", 0x103a);
    finding.frames[2] = at("ntoskrnl.exe", 0x1230);
    finding.frames[3] = at("", 0xdeadbeef000);
    finding.irqls[0] = (struct finding_irql_change){
        .time = 12345000, .place = at("flush.sys", 0x1030), .old_irql = 0, .new_irql = 1};
    finding.irqls[1] = (struct finding_irql_change){
        .time = 12345600, .place = at("other.sys", 0x1000), .old_irql = 1, .new_irql = 2};
    finding.irql_count = 2;
    memcpy(finding.locked_module, "flush.sys", 10);
    memcpy(finding.locked_section, "PAGE", 5);
    finding.locks[0] = (struct finding_lock_change){
        .time = 1000, .place = at("flush.sys", 0x1040), .what = FINDING_LOCK, .count = 1};
    finding.locks[1] = (struct finding_lock_change){
        .time = 2000, .place = at("flush.sys", 0x4180), .what = FINDING_UNLOCK, .count = 0};
    finding.lock_count = 2;
    return finding;
}

static const char *const drivers[] = {"flush.sys"};

static struct run_report clean_report(void)
{
    struct run_report report = {.seed = 7, .drivers = drivers, .driver_count = 1};
    struct run_end end = {.outcome = RUN_DONE};
    struct section_summary section = {"flush.sys", "PAGE", 1, 3, 2};
    struct run_counters counters = {.irql_raises = 5, .trims = 4, .virtual_time = 10000001};

    ck_assert_int_eq(report_collect(&report, RECORD_SECTION, &section, sizeof section), PG_OK);
    ck_assert_int_eq(report_collect(&report, RECORD_COUNTERS, &counters, sizeof counters), PG_OK);
    ck_assert_int_eq(report_collect(&report, RECORD_END, &end, sizeof end), PG_OK);
    return report;
}

static void add_sample_finding(struct run_report *report)
{
    struct finding finding = sample_finding();

    ck_assert_int_eq(report_collect(report, RECORD_FINDING, &finding, sizeof finding), PG_OK);
}

static struct run_report bugcheck_report_sample(void)
{
    struct run_report report = clean_report();
    struct run_end end = {.outcome = RUN_BUGCHECK};
    struct bugcheck_report bugcheck = {
        .code = 0xD1,
        .parameters = {0x20020000414c, 2, 8, 0x20020000414c},
        .place = at("flush.sys", 0x414c),
        .section = "PAGE",
        .irql = 2,
        .time = 12345678,
        .message = "flush!FlushWorker was run at DISPATCH_LEVEL and its page was out",
        .frame_count = 3,
    };

    bugcheck.frames[0] = bugcheck.place;
    bugcheck.frames[1] = at("flush.sys", 0x103a);
    bugcheck.frames[2] = at("ntoskrnl.exe", 0x1230);
    add_sample_finding(&report);
    ck_assert_int_eq(report_collect(&report, RECORD_BUGCHECK, &bugcheck, sizeof bugcheck), PG_OK);
    ck_assert_int_eq(report_collect(&report, RECORD_END, &end, sizeof end), PG_OK);
    return report;
}

/* ---- what a printer prints, as a string of the caller's ---- */

static char *text_of(const struct run_report *report, const struct report_style *style)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    report_run_text(out, report, &resolver, style);
    (void)fclose(out);
    return text;
}

static char *json_of(const struct run_report *report)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(report_run_json(out, report, &resolver), PG_OK);
    (void)fclose(out);
    return text;
}

static void check_run(const char *name, struct run_report *report)
{
    char file[128];
    char *text = text_of(report, &plain);
    char *json = json_of(report);

    (void)snprintf(file, sizeof file, "tests/report/golden/%s.txt", name);
    golden_check(file, text);
    (void)snprintf(file, sizeof file, "tests/report/golden/%s.json", name);
    golden_check(file, json);
    free(text);
    free(json);
    report_release(report);
}

START_TEST(golden_clean)
{
    struct run_report report = clean_report();

    ck_assert_int_eq(report_result(&report), RESULT_CLEAN);
    check_run("clean", &report);
}
END_TEST

START_TEST(golden_findings)
{
    struct run_report report = clean_report();
    struct finding note = {.rule = RULE_SECTION_FLAGS_DISAGREE,
                           .severity = FINDING_NOTE,
                           .place = at("flush.sys", 0x4000),
                           .section = "PAGE"};
    struct finding nowhere = {
        .rule = RULE_COMPUTER_DIED, .severity = FINDING_ERROR, .message = "killed by signal 11"};

    ck_assert_int_eq(report_collect(&report, RECORD_FINDING, &note, sizeof note), PG_OK);
    ck_assert_int_eq(report_result(&report), RESULT_CLEAN); /* a note is no verdict */
    add_sample_finding(&report);
    ck_assert_int_eq(report_add_finding(&report, &nowhere), PG_OK);
    ck_assert_int_eq(report_result(&report), RESULT_FINDINGS);
    check_run("findings", &report);
}
END_TEST

START_TEST(golden_bugcheck)
{
    struct run_report report = bugcheck_report_sample();

    ck_assert_int_eq(report_result(&report), RESULT_BUGCHECK);
    check_run("bugcheck", &report);
}
END_TEST

START_TEST(golden_bugcheck_without_symbols)
{
    struct run_report report = clean_report();
    struct bugcheck_report bugcheck = {
        .code = 0xDEAD, .parameters = {1, 2, 3, 4}, .place = at("other.sys", 0x10), .finding = -1};

    ck_assert_int_eq(report_collect(&report, RECORD_BUGCHECK, &bugcheck, sizeof bugcheck), PG_OK);
    check_run("unknown-bugcheck", &report);
}
END_TEST

START_TEST(golden_incomplete)
{
    struct run_report report = clean_report();
    struct run_end end = {.outcome = RUN_UNSUPPORTED, .reason = "IoFrobnicate is not there"};

    add_sample_finding(&report);
    ck_assert_int_eq(report_collect(&report, RECORD_END, &end, sizeof end), PG_OK);
    ck_assert_int_eq(report_result(&report), RESULT_INCOMPLETE);
    check_run("incomplete", &report);
}
END_TEST

START_TEST(verdicts)
{
    static const struct {
        uint32_t outcome;
        bool warning, bugcheck;
        enum run_result result;
    } rows[] = {
        {RUN_DONE, false, false, RESULT_CLEAN},
        {RUN_DONE, true, false, RESULT_FINDINGS},
        {RUN_BUGCHECK, true, true, RESULT_BUGCHECK},
        {RUN_STOPPED, true, false, RESULT_FINDINGS},
        {RUN_STOPPED, false, false, RESULT_INCOMPLETE}, /* nobody said why: no verdict */
        {RUN_ASSERTION, false, false, RESULT_INCOMPLETE},
        {RUN_UNSUPPORTED, true, false, RESULT_INCOMPLETE},
        {RUN_BAD_SCRIPT, false, false, RESULT_INCOMPLETE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run_report report = {0};
        struct run_end end = {.outcome = rows[i].outcome};
        struct finding finding = {.rule = RULE_LOCK_NONPAGED, .severity = FINDING_WARNING};

        ck_assert_int_eq(report_result(&report), RESULT_INCOMPLETE);
        ck_assert_int_eq(report_collect(&report, RECORD_END, &end, sizeof end), PG_OK);
        report.has_bugcheck = rows[i].bugcheck;
        if (rows[i].warning) {
            ck_assert_int_eq(report_add_finding(&report, &finding), PG_OK);
        }
        ck_assert_msg(report_result(&report) == rows[i].result, "row %zu", i);
        report_release(&report);
    }
}
END_TEST

START_TEST(quiet_prints_one_line)
{
    struct run_report report = bugcheck_report_sample();
    const struct report_style quiet = {.quiet = true};
    char *text = text_of(&report, &quiet);

    ck_assert_str_eq(text, "SUMMARY: pagable: pageable-at-raised-irql: bug check 0xD1 "
                           "src/flush.c:118 in flush!FlushWorker\n");
    free(text);
    report_release(&report);
}
END_TEST

START_TEST(colour_only_when_asked)
{
    struct run_report report = bugcheck_report_sample();
    const struct report_style colour = {.colour = true};
    char *text = text_of(&report, &colour);

    ck_assert_ptr_nonnull(strstr(text, "\033["));
    free(text);
    text = text_of(&report, &plain);
    ck_assert_ptr_null(strstr(text, "\033["));
    free(text);
    report_release(&report);
}
END_TEST

START_TEST(equal_input_gives_equal_bytes)
{
    struct run_report report = bugcheck_report_sample();
    char *first = json_of(&report), *second = json_of(&report);

    ck_assert_str_eq(first, second);
    free(first);
    free(second);
    report_release(&report);
}
END_TEST

/* The keys that programs rely on, in a document that a parser accepts. */
START_TEST(json_has_the_keys_of_its_schema)
{
    static const char *const keys[] = {"schema",   "seed",     "result",  "bugcheck",
                                       "findings", "counters", "sections"};
    static const char *const bugcheck_keys[] = {"code",     "name",   "params",  "module",
                                                "function", "offset", "section", "file",
                                                "line",     "irql",   "stack"};
    static const char *const finding_keys[] = {
        "rule",         "severity",       "function",     "module",  "rva",
        "file",         "line",           "irql",         "message", "irql_history",
        "lock_history", "locked_section", "locked_module"};
    struct run_report report = bugcheck_report_sample();
    char *text = json_of(&report);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    ck_assert_ptr_nonnull(root);
    ck_assert(strncmp(text, "{\n  \"schema\"", 12) == 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        ck_assert_msg(json_object_get(root, keys[i]) != NULL, "%s", keys[i]);
    }
    for (size_t i = 0; i < sizeof bugcheck_keys / sizeof *bugcheck_keys; i++) {
        ck_assert_msg(json_object_get(json_object_get(root, "bugcheck"), bugcheck_keys[i]) != NULL,
                      "%s", bugcheck_keys[i]);
    }
    for (size_t i = 0; i < sizeof finding_keys / sizeof *finding_keys; i++) {
        json_t *finding = json_array_get(json_object_get(root, "findings"), 0);

        ck_assert_msg(json_object_get(finding, finding_keys[i]) != NULL, "%s", finding_keys[i]);
    }
    json_decref(root);
    free(text);
    report_release(&report);
}
END_TEST

/* ---- records that a driver damaged ---- */

START_TEST(damaged_records_are_refused_or_made_safe)
{
    struct run_report report = {.drivers = drivers, .driver_count = 1};
    static const enum record_kind kinds[] = {RECORD_FINDING, RECORD_BUGCHECK, RECORD_SECTION,
                                             RECORD_COUNTERS, RECORD_END};
    static const uint32_t sizes[] = {sizeof(struct finding), sizeof(struct bugcheck_report),
                                     sizeof(struct section_summary), sizeof(struct run_counters),
                                     sizeof(struct run_end)};
    static uint8_t bytes[CHANNEL_RECORD_MAX];

    for (unsigned fill = 0; fill < 256; fill++) {
        memset(bytes, (int)fill, sizeof bytes);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            char *text;

            ck_assert_int_eq(report_collect(&report, kinds[i], bytes, sizes[i] - 1), PG_E_FORMAT);
            ck_assert_int_eq(report_collect(&report, kinds[i], bytes, sizes[i] + 1), PG_E_FORMAT);
            (void)report_collect(&report, kinds[i], bytes, sizes[i]);
            text = text_of(&report, &plain);
            free(text);
            text = json_of(&report);
            free(text);
        }
    }
    report_release(&report);
}
END_TEST

START_TEST(bad_rules_and_severities_are_refused)
{
    struct run_report report = {0};
    struct finding finding = sample_finding();

    finding.rule = RULE_COUNT;
    ck_assert_int_eq(report_collect(&report, RECORD_FINDING, &finding, sizeof finding),
                     PG_E_FORMAT);
    finding.rule = RULE_API_IRQL;
    finding.severity = (enum finding_severity)3;
    ck_assert_int_eq(report_collect(&report, RECORD_FINDING, &finding, sizeof finding),
                     PG_E_FORMAT);
    ck_assert_uint_eq(report.finding_count, 0);
}
END_TEST

START_TEST(histories_are_cut_to_what_fits)
{
    struct run_report report = {.drivers = drivers, .driver_count = 1};
    struct finding finding = sample_finding();

    finding.irql_count = finding.lock_count = UINT32_MAX;
    memset(finding.locked_module, 'x', sizeof finding.locked_module);
    memset(finding.locks[7].place.module, 'x', sizeof finding.locks[7].place.module);
    ck_assert_int_eq(report_collect(&report, RECORD_FINDING, &finding, sizeof finding), PG_OK);
    ck_assert_uint_eq(report.findings[0].irql_count, FINDING_IRQLS);
    ck_assert_uint_eq(report.findings[0].lock_count, FINDING_LOCKS);
    ck_assert_uint_eq(strlen(report.findings[0].locked_module), sizeof finding.locked_module - 1);
    ck_assert_uint_eq(strlen(report.findings[0].locks[7].place.module),
                      sizeof finding.locks[7].place.module - 1);
    report_release(&report);
}
END_TEST

START_TEST(too_many_findings_are_counted)
{
    struct run_report report = {.drivers = drivers, .driver_count = 1};
    struct finding finding = sample_finding();
    char *text;

    for (unsigned i = 0; i < 5000; i++) {
        ck_assert_int_eq(report_add_finding(&report, &finding), PG_OK);
    }
    ck_assert_uint_eq(report.finding_count, 4096);
    ck_assert_uint_eq(report.findings_dropped, 5000 - 4096);
    text = text_of(&report, &plain);
    ck_assert_ptr_nonnull(strstr(text, "904 more findings are not shown"));
    free(text);
    report_release(&report);
}
END_TEST

START_TEST(the_last_word_about_a_section_counts)
{
    struct run_report report = {0};
    struct section_summary section = {"a.sys", "PAGE", 3, 4, 4};

    ck_assert_int_eq(report_collect(&report, RECORD_SECTION, &section, sizeof section), PG_OK);
    section.lock_count = 0;
    ck_assert_int_eq(report_collect(&report, RECORD_SECTION, &section, sizeof section), PG_OK);
    ck_assert_uint_eq(report.section_count, 1);
    ck_assert_uint_eq(report.sections[0].lock_count, 0);
    section.image[0] = 'b';
    ck_assert_int_eq(report_collect(&report, RECORD_SECTION, &section, sizeof section), PG_OK);
    ck_assert_uint_eq(report.section_count, 2);
    report_release(&report);
}
END_TEST

START_TEST(running_out_of_memory_is_said)
{
    struct run_report report = {0};
    struct finding finding = sample_finding();
    struct section_summary section = {"a.sys", "PAGE", 3, 4, 4};

    host_fail_nth(1);
    ck_assert_int_eq(report_add_finding(&report, &finding), PG_E_NO_MEMORY);
    ck_assert_uint_eq(report.finding_count, 0);
    host_fail_nth(1);
    ck_assert_int_eq(report_collect(&report, RECORD_SECTION, &section, sizeof section),
                     PG_E_NO_MEMORY);
    ck_assert_uint_eq(report.section_count, 0);
    ck_assert_int_eq(report_add_finding(&report, &finding), PG_OK);
    report_release(&report);
}
END_TEST

static void *no_memory(size_t bytes)
{
    (void)bytes;
    return NULL;
}

START_TEST(json_without_memory_is_an_error)
{
    struct run_report report = bugcheck_report_sample();
    struct info_report info = {.file = "x.sys", .symbols = "none"};
    struct bench_result bench = {"a", 1, "ms", "b", 2, 0.5, NULL, {{"c", 1}}};
    FILE *out = tmpfile();

    ck_assert_ptr_nonnull(out);
    json_set_alloc_funcs(no_memory, free);
    ck_assert_int_eq(report_run_json(out, &report, &resolver), PG_E_NO_MEMORY);
    ck_assert_int_eq(report_info_json(out, &info), PG_E_NO_MEMORY);
    ck_assert_int_eq(report_bench_json(out, &bench, 1), PG_E_NO_MEMORY);
    ck_assert_int_eq(ftell(out), 0);
    (void)fclose(out);
    report_release(&report);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    struct run_report report = bugcheck_report_sample();
    FILE *out = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(report_run_json(out, &report, &resolver), PG_E_IO);
    (void)fclose(out);
    report_release(&report);
}
END_TEST

/* ---- strings ---- */

START_TEST(strings_are_cleaned)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain text", "plain text"},
        {"", ""},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\033[31mred", "\\x1b[31mred"},
        {"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},          /* a C1 control character */
        {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong */
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"}, /* overlong */
        {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xe2\x82", "\\xe2\\x82"}, /* ends inside a sequence */
    };
    char out[64];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(report_clean(out, sizeof out, rows[i].in), rows[i].out);
        json_decref(json_string(out));
    }
    ck_assert_str_eq(report_clean(out, sizeof out, NULL), "");
    ck_assert_str_eq(report_clean(out, 4, "abcdef"), "abc");
    ck_assert_str_eq(report_clean(out, 4, "\xff"), "");         /* no half escapes */
    ck_assert_str_eq(report_clean(out, 4, "ab\xc3\xa9"), "ab"); /* no half characters */
}
END_TEST

START_TEST(symbols)
{
    char symbol[128];
    struct code_place place = at("flush.sys", 0x414c);

    ck_assert(report_symbol(symbol, sizeof symbol, &resolver, &place, false, NULL));
    ck_assert_str_eq(symbol, "flush!FlushWorker+0x4c");
    place = at("a.b.sys", 0x10);
    ck_assert(!report_symbol(symbol, sizeof symbol, &resolver, &place, false, NULL));
    ck_assert_str_eq(symbol, "a.b+0x10");
    place = at(".sys", 0x10);
    (void)report_symbol(symbol, sizeof symbol, &resolver, &place, false, NULL);
    ck_assert_str_eq(symbol, ".sys+0x10");
    place = at("", 0x70000000);
    (void)report_symbol(symbol, sizeof symbol, &resolver, &place, false, NULL);
    ck_assert_str_eq(symbol, "0x70000000");
}
END_TEST

/* The way to a call of an export starts with the export; the place to blame comes after it. */
START_TEST(a_place_on_the_way_up_is_a_return_address)
{
    const struct code_place frames[] = {at("ntoskrnl.exe", 0x10), at("flush.sys", 0x4120)};
    struct run_report report = clean_report();
    struct finding finding = sample_finding();
    const struct report_style quiet = {.quiet = true};
    char *text;

    ck_assert(report_returns(&frames[1], frames, 2));
    ck_assert(!report_returns(&frames[0], frames, 2));
    ck_assert(!report_returns(&frames[1], frames, 1));
    finding.place = frames[1];
    memcpy(finding.frames, frames, sizeof frames);
    finding.frame_count = 2;
    ck_assert_int_eq(report_add_finding(&report, &finding), PG_OK);
    text = text_of(&report, &quiet);
    ck_assert_str_eq(text, "SUMMARY: pagable: pageable-at-raised-irql src/flush.c:117 in "
                           "flush!FlushWorker\n");
    free(text);
    report_release(&report);
}
END_TEST

START_TEST(irqls_have_names)
{
    ck_assert_str_eq(report_irql_name(0), "PASSIVE_LEVEL");
    ck_assert_str_eq(report_irql_name(1), "APC_LEVEL");
    ck_assert_str_eq(report_irql_name(2), "DISPATCH_LEVEL");
    ck_assert_str_eq(report_irql_name(3), "device level");
    ck_assert_str_eq(report_irql_name(11), "device level");
    ck_assert_str_eq(report_irql_name(12), "SYNCH_LEVEL");
    ck_assert_str_eq(report_irql_name(13), "CLOCK_LEVEL");
    ck_assert_str_eq(report_irql_name(14), "IPI_LEVEL");
    ck_assert_str_eq(report_irql_name(15), "HIGH_LEVEL");
    ck_assert_str_eq(report_irql_name(16), "no level of x64");
}
END_TEST

/* ---- info, bench ---- */

static struct info_report sample_info(void)
{
    static const struct info_function text_functions[] = {{"FlushDpc", 0x1000, 0x52},
                                                          {"sub_1060", 0x1060, 0}};
    static const struct info_function page_functions[] = {{"FlushWorker", 0x4100, 0x120}};
    static const struct info_section sections[] = {
        {".text", INFO_RESIDENT, 0x1000, 0x62, 0x200, 1, 0x68000020, NULL, text_functions, 2},
        {"PAGE", INFO_PAGEABLE, 0x4000, 0x220, 0x400, 1, 0x68000020, "name and flags disagree",
         page_functions, 1},
        {"PAGEDATA", INFO_PAGEABLE, 0x5000, 0x1001, 0x200, 2, 0xc0000040, NULL, NULL, 0},
        {"INIT", INFO_DISCARDABLE, 0x7000, 0x80, 0x200, 1, 0x62000020, NULL, NULL, 0},
    };
    static const struct info_import imports[] = {
        {"ntoskrnl.exe", "KeWaitForSingleObject", 0, INFO_DONE},
        {"ntoskrnl.exe", "IoFrobnicate", 0, INFO_MISSING},
        {"other.sys", NULL, 12, INFO_MISSING},
        {"hal.dll", "HalHalf", 0, INFO_STUB},
    };

    return (struct info_report){.file = "flush.sys",
                                .preferred_base = 0x140000000,
                                .image_size = 0x8000,
                                .entry_rva = 0x7000,
                                .entry = "DriverEntry",
                                .pageable = true,
                                .relocations = 3,
                                .symbols = "dwarf",
                                .sections = sections,
                                .section_count = 4,
                                .imports = imports,
                                .import_count = 4};
}

static char *info_text_of(const struct info_report *info)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    report_info_text(out, info, &plain);
    (void)fclose(out);
    return text;
}

static char *info_json_of(const struct info_report *info)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_int_eq(report_info_json(out, info), PG_OK);
    (void)fclose(out);
    return text;
}

START_TEST(golden_info)
{
    struct info_report info = sample_info();
    char *text = info_text_of(&info), *json = info_json_of(&info);

    golden_check("tests/report/golden/info.txt", text);
    golden_check("tests/report/golden/info.json", json);
    free(text);
    free(json);
}
END_TEST

START_TEST(golden_info_of_a_bare_image)
{
    struct info_report info = {.file = "bare\033.sys",
                               .symbols = "none",
                               .symbols_note = "bare.pdb belongs to another build",
                               .relocations_stripped = true};
    char *text = info_text_of(&info), *json = info_json_of(&info);

    golden_check("tests/report/golden/info-bare.txt", text);
    golden_check("tests/report/golden/info-bare.json", json);
    free(text);
    free(json);
}
END_TEST

START_TEST(golden_bench)
{
    static const struct bench_result results[] = {
        {"driver-entry", 0.4321, "ms", "limit", 2, 0.21605, "median of 100 runs", {{NULL, 0}}},
        {"fault-in", 8.25, "us", "bare handler", 7.5, 1.1, NULL, {{"trims", 12}, {"page_ins", 3}}},
    };
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_int_eq(report_bench_json(out, results, 2), PG_OK);
    (void)fclose(out);
    golden_check("tests/report/golden/bench.json", text);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *run = tcase_create("run"), *hostile = tcase_create("hostile");
    TCase *other = tcase_create("other");

    tcase_set_timeout(hostile, 60);
    tcase_add_test(run, golden_clean);
    tcase_add_test(run, golden_findings);
    tcase_add_test(run, golden_bugcheck);
    tcase_add_test(run, golden_bugcheck_without_symbols);
    tcase_add_test(run, golden_incomplete);
    tcase_add_test(run, verdicts);
    tcase_add_test(run, quiet_prints_one_line);
    tcase_add_test(run, colour_only_when_asked);
    tcase_add_test(run, equal_input_gives_equal_bytes);
    tcase_add_test(run, json_has_the_keys_of_its_schema);
    tcase_add_test(hostile, damaged_records_are_refused_or_made_safe);
    tcase_add_test(hostile, bad_rules_and_severities_are_refused);
    tcase_add_test(hostile, histories_are_cut_to_what_fits);
    tcase_add_test(hostile, too_many_findings_are_counted);
    tcase_add_test(hostile, the_last_word_about_a_section_counts);
    tcase_add_test(hostile, running_out_of_memory_is_said);
    tcase_add_test(hostile, json_without_memory_is_an_error);
    tcase_add_test(hostile, a_full_disk_is_an_error);
    tcase_add_test(hostile, strings_are_cleaned);
    tcase_add_test(other, symbols);
    tcase_add_test(other, a_place_on_the_way_up_is_a_return_address);
    tcase_add_test(other, irqls_have_names);
    tcase_add_test(other, golden_info);
    tcase_add_test(other, golden_info_of_a_bare_image);
    tcase_add_test(other, golden_bench);
    suite_add_tcase(suite, run);
    suite_add_tcase(suite, hostile);
    suite_add_tcase(suite, other);
    return run_suite(suite);
}
