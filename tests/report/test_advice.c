/* SPDX-License-Identifier: MIT */
/* Advice in its three forms, joined with a run, with lines of source from where they may come. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "report/advice.h"
#include "report/sarif.h"
#include "support/golden.h"
#include "support/run.h"
#include "support/scratch.h"

/* ---- advice that was made up ---- */

static const struct advice_place acquire = {"PortOpen", "PAGESER", "src/port.c", 0x2040, 3};

static void add_lock(struct advice_builder *builder)
{
    const struct advice_step path[] = {
        {{"PortDispatch", "PAGESER", "src/port.c", 0x2000, 1}, 1, "entered at <= APC_LEVEL"},
        {{"PortOpen", "PAGESER", NULL, 0x2030, 0}, ADVICE_IRQL_UNKNOWN, "calls through a table"},
        {acquire, 2, "KeAcquireSpinLockRaiseToDpc raises to DISPATCH_LEVEL"},
        {acquire, ADVICE_IRQL_ABOVE, "KfRaiseIrql raises further"},
    };

    advice_add_finding(builder, &(struct advice_finding){
                                    .rule = RULE_SPIN_LOCK_IN_PAGEABLE,
                                    .verdict = VERDICT_DEFINITE,
                                    .place = acquire,
                                    .message = "KeAcquireSpinLockRaiseToDpc is called",
                                    .path = path,
                                    .path_count = 4,
                                });
}

static struct advice *make_advice(const char *file)
{
    struct advice_builder *builder = advice_begin(file, "image");
    struct advice_place data = {"", "PAGEDATA", NULL, 0x5010, 0};
    struct advice *advice;
    uint32_t set;

    ck_assert_ptr_nonnull(builder);
    add_lock(builder);
    advice_add_finding(builder, &(struct advice_finding){
                                    .rule = RULE_API_IRQL,
                                    .verdict = VERDICT_UNKNOWN,
                                    .place = {"sub_1040", ".text", NULL, 0x1040, 0},
                                    .message = "ZwClose is called",
                                    .condition = "when its caller holds a lock",
                                });
    advice_add_finding(builder, &(struct advice_finding){.rule = RULE_LAYOUT_SMALL_SECTION,
                                                         .verdict = VERDICT_DEFINITE,
                                                         .place = data,
                                                         .message = "PAGEDATA has 16 bytes"});
    set = advice_add_set(builder, &(struct advice_set){".text", "PAGESER", 5120, 1, 2});
    for (uint32_t i = 0; i < 2; i++) {
        advice_add_saving(builder, &(struct advice_saving){
                                       .kind = SAVING_MOVE,
                                       .class = i == 0 ? ADVICE_PROVEN : ADVICE_EVIDENCE,
                                       .place = {"PortQuery", ".text", "src/port.c", 0x1100 + i, 2},
                                       .evidence = "called from PAGE routines only",
                                       .bytes = 4000 - i,
                                       .pages = 0,
                                       .target = "PAGESER",
                                       .set = set,
                                   });
    }
    advice_add_saving(builder, &(struct advice_saving){
                                   .kind = SAVING_ISOLATE,
                                   .place = {"PortRead", ".text", "src/port.c", 0x1200, 2},
                                   .evidence = "it calls ZwClose",
                                   .bytes = 1234567,
                                   .pages = 301,
                                   .target = "PAGE",
                                   .set = ADVICE_NO_SET,
                                   .region_begin = {"PortRead", ".text", "src/port.c", 0x1210, 3},
                                   .region_end = {"PortRead", ".text", "src/port.c", 0x1230, 4},
                                   .region_bytes = 32,
                               });
    advice_add_limit(builder, "3 of 20 calls go to places that are not known.");
    advice = advice_draft(builder);
    advice->coverage = (struct advice_coverage){12000, 11990, 40, 1, 20, 3, 17, 2, 1};
    advice->symbols = "pdb";
    advice->symbols_note = "port.pdb is older than the image";
    advice->alloc_text = advice_lines(builder, "#pragma alloc_text(PAGESER, PortQuery)\n");
    advice = advice_finish(builder);
    ck_assert_ptr_nonnull(advice);
    return advice;
}

/* ---- a folder with source ---- */

static char folder[128];

static void write_file(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_folder(void)
{
    char path[256];

    scratch_template(folder, sizeof folder, "pagable-advice");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/src", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_file("src/port.c", "first\nsecond \xff\x1b\r\n\tthe(third);\nlast without an end");
}

static void remove_folder(void)
{
    char command[300];

    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct snippets *open_snippets(void)
{
    struct snippets *snippets = snippets_open(folder, "dir/port.sys");

    ck_assert_ptr_nonnull(snippets);
    return snippets;
}

START_TEST(lines_of_source)
{
    struct snippets *snippets = open_snippets();
    char absolute[256];

    ck_assert_str_eq(snippets_line(snippets, "src/port.c", 3), "    the(third);");
    ck_assert_str_eq(snippets_line(snippets, "src/port.c", 1), "first");
    ck_assert_str_eq(snippets_line(snippets, "src/port.c", 2), "second \\xff\\x1b");
    ck_assert_str_eq(snippets_line(snippets, "src/port.c", 4), "last without an end");
    ck_assert_ptr_null(snippets_line(snippets, "src/port.c", 5));
    ck_assert_ptr_null(snippets_line(snippets, "src/port.c", UINT32_MAX));
    ck_assert_ptr_null(snippets_line(snippets, "src/port.c", 0));
    ck_assert_ptr_null(snippets_line(snippets, NULL, 1));
    ck_assert_ptr_null(snippets_line(NULL, "src/port.c", 1));
    (void)snprintf(absolute, sizeof absolute, "%s/src/port.c", folder);
    ck_assert_str_eq(snippets_line(snippets, absolute, 1), "first");
    ck_assert_str_eq(snippets_relative(snippets, absolute), "src/port.c");
    ck_assert_str_eq(snippets_relative(snippets, "/elsewhere/port.c"), "/elsewhere/port.c");
    ck_assert_str_eq(snippets_relative(NULL, absolute), absolute);
    snippets_close(snippets);
    snippets_close(NULL);
}
END_TEST

/* An image may name any file as its source: none outside of the two folders is shown. */
START_TEST(source_from_elsewhere_is_not_read)
{
    struct snippets *snippets = open_snippets();
    char beside[256], inner[300];

    ck_assert_ptr_null(snippets_line(snippets, "/etc/passwd", 1));
    ck_assert_ptr_null(snippets_line(snippets, "../../../../../../etc/passwd", 1));
    ck_assert_ptr_null(snippets_line(snippets, "src/../../../etc/passwd", 1));
    (void)snprintf(inner, sizeof inner, "%s/../../etc/passwd", folder);
    ck_assert_ptr_null(snippets_line(snippets, inner, 1));
    (void)snprintf(inner, sizeof inner, "%sX/port.c", folder);
    ck_assert_ptr_null(snippets_line(snippets, inner, 1));
    ck_assert_ptr_null(snippets_line(snippets, "src", 1));
    (void)snprintf(inner, sizeof inner, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(inner, 0600), 0);
    ck_assert_ptr_null(snippets_line(snippets, "pipe", 1)); /* and it does not wait */
    snippets_close(snippets);

    (void)snprintf(beside, sizeof beside, "%s/src/port.sys", folder);
    snippets = snippets_open("/nowhere", beside);
    ck_assert_str_eq(snippets_line(snippets, "port.c", 1), "first");
    (void)snprintf(inner, sizeof inner, "%s/src/port.c", folder);
    ck_assert_str_eq(snippets_line(snippets, inner, 1), "first");
    snippets_close(snippets);
}
END_TEST

/* A folder that is not known is not the root of all. */
START_TEST(source_of_unknown_folders_is_not_read)
{
    char absolute[256], twice[300], deep[5000];
    struct snippets *snippets;

    (void)snprintf(absolute, sizeof absolute, "%s/src/port.c", folder);
    (void)snprintf(twice, sizeof twice, "/%s", absolute);
    memset(deep, 'd', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    snippets = snippets_open("", "port.sys");
    ck_assert_ptr_null(snippets_line(snippets, absolute, 1));
    ck_assert_ptr_null(snippets_line(snippets, absolute + 1, 1));
    ck_assert_str_eq(snippets_relative(snippets, absolute), absolute);
    snippets_close(snippets);
    snippets = snippets_open(deep, "port.sys");
    ck_assert_ptr_null(snippets_line(snippets, absolute, 1));
    ck_assert_str_eq(snippets_relative(snippets, absolute), absolute);
    snippets_close(snippets);
    memcpy(deep + sizeof deep - 10, "/port.sys", 10);
    snippets = snippets_open("/nowhere", deep);
    ck_assert_ptr_null(snippets_line(snippets, absolute, 1));
    ck_assert_ptr_null(snippets_line(snippets, twice, 1));
    ck_assert_ptr_null(snippets_line(snippets, absolute + 1, 1));
    snippets_close(snippets);
    snippets = snippets_open("/", "port.sys");
    ck_assert_str_eq(snippets_line(snippets, absolute, 1), "first");
    snippets_close(snippets);
}
END_TEST

/* ---- forms ---- */

static char *text_of(const struct advice *advice, bool colour, bool quiet)
{
    struct snippets *snippets = open_snippets();
    struct advice_style style = {colour, quiet, snippets};
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    report_advice_text(out, advice, &style);
    ck_assert_int_eq(fclose(out), 0);
    snippets_close(snippets);
    return text;
}

START_TEST(text_for_people)
{
    struct advice *advice = make_advice("port.sys");
    char *text;

    advice->findings[0].observed = true;
    text = text_of(advice, false, false);
    golden_check("tests/report/golden/advice.txt", text);
    ck_assert_ptr_null(strchr(text, '\033'));
    free(text);
    text = text_of(advice, true, false);
    ck_assert_ptr_nonnull(strstr(text, "\033[1;31merror"));
    free(text);
    text = text_of(advice, false, true);
    ck_assert_str_eq(text, "SUMMARY: pagable: port.sys: 1 definite, 0 possible, 1 unknown; "
                           "1,242,566 bytes, 302 pages could be pageable; 1 note\n");
    free(text);
    advice_close(advice);
}
END_TEST

static char *json_of(const struct advice *advice, bool compact)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(report_advice_json(out, advice, compact), PG_OK);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(json_for_programs)
{
    struct advice *advice = make_advice("port.sys");
    char *text = json_of(advice, false);

    golden_check("tests/report/golden/advice.json", text);
    free(text);
    text = json_of(advice, true);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    ck_assert_int_eq(strncmp(text, "{\"schema\":\"pagable.advise/1\",", 29), 0);
    free(text);
    advice_close(advice);
}
END_TEST

START_TEST(json_of_a_file_that_is_refused)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_int_eq(report_advice_error_json(out, "bad\xff.sys", "it is bad", true), PG_OK);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text,
                     "{\"schema\":\"pagable.advise/1\",\"file\":\"bad\\\\xff.sys\","
                     "\"error\":\"it is bad\",\"findings\":[],\"savings\":[],\"coverage\":null}\n");
    free(text);
}
END_TEST

static void *no_memory(size_t bytes)
{
    (void)bytes;
    return NULL;
}

START_TEST(json_without_memory_or_disk)
{
    struct advice *advice = make_advice("port.sys");
    FILE *full = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(report_advice_json(full, advice, true), PG_E_IO);
    ck_assert_int_eq(report_sarif_results(full, advice, NULL), PG_E_IO);
    json_set_alloc_funcs(no_memory, free);
    ck_assert_int_eq(report_advice_json(stdout, advice, true), PG_E_NO_MEMORY);
    ck_assert_int_eq(report_sarif_results(stdout, advice, NULL), PG_E_NO_MEMORY);
    ck_assert_int_eq(report_advice_error_json(stdout, "x", "y", true), PG_E_NO_MEMORY);
    json_set_alloc_funcs(malloc, free);
    (void)fclose(full);
    advice_close(advice);
}
END_TEST

/* ---- SARIF ---- */

static char *results_of(const struct advice *advice)
{
    struct snippets *snippets = open_snippets();
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(report_sarif_results(out, advice, snippets), PG_OK);
    ck_assert_int_eq(fclose(out), 0);
    snippets_close(snippets);
    return text;
}

static json_t *log_of(struct sarif *sarif)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    json_t *log;

    ck_assert_int_eq(sarif_finish(sarif, out), PG_OK);
    ck_assert_int_eq(fclose(out), 0);
    log = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(log);
    free(text);
    sarif_close(sarif);
    return log;
}

static json_t *run_of(json_t *log)
{
    return json_array_get(json_object_get(log, "runs"), 0);
}

static const char *text_at(json_t *result, const char *key)
{
    return json_string_value(json_object_get(result, key));
}

START_TEST(sarif_of_one_file)
{
    struct advice *advice = make_advice("dir/a port.sys");
    struct sarif *sarif = sarif_open("0.1.0");
    char *lines = results_of(advice);
    json_t *log, *results;
    static const char *const order[] = {"spin-lock-in-pageable", "api-irql",
                                        "layout-small-section",  "isolate",
                                        "could-be-pageable",     "could-be-pageable"};
    static const char *const levels[] = {"error", "none", "note", "note", "note", "note"};

    golden_check("tests/report/golden/advice.sarif-results", lines);
    sarif_take(sarif, lines, strlen(lines));
    free(lines);
    log = log_of(sarif);
    results = json_object_get(run_of(log), "results");
    ck_assert_uint_eq(json_array_size(results), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *result = json_array_get(results, i);
        json_t *rules = json_object_get(
            json_object_get(json_object_get(run_of(log), "tool"), "driver"), "rules");
        json_t *rule =
            json_array_get(rules, (size_t)json_integer_value(json_object_get(result, "ruleIndex")));

        ck_assert_str_eq(text_at(result, "ruleId"), order[i]);
        ck_assert_str_eq(text_at(rule, "id"), order[i]);
        ck_assert_str_eq(text_at(result, "level"), levels[i]);
    }
    json_decref(log);
    advice_close(advice);
}
END_TEST

/* More results than readers show: the most important ones stay, in the order of the files. */
START_TEST(sarif_keeps_what_matters)
{
    struct sarif *sarif = sarif_open("0.1.0");
    json_t *log, *results, *notes;

    for (unsigned i = 0; i < 30000; i++) {
        char line[64];
        int length = snprintf(line, sizeof line, "%c{\"n\":%u}\n", i % 10 == 9 ? '0' : '5', i);

        sarif_take(sarif, line, (size_t)length);
    }
    for (unsigned i = 0; i < 1500; i++) {
        sarif_take_error(sarif, "C:\\dir\\bad file.sys", "no\x1b MZ");
    }
    log = log_of(sarif);
    results = json_object_get(run_of(log), "results");
    ck_assert_uint_eq(json_array_size(results), 5000);
    for (unsigned i = 0; i < 5000; i++) {
        json_int_t n = json_integer_value(json_object_get(json_array_get(results, i), "n"));
        unsigned later = i - 3000;

        ck_assert_int_eq(n, i < 3000 ? i * 10 + 9 : later / 9 * 10 + later % 9);
    }
    notes = json_object_get(json_array_get(json_object_get(run_of(log), "invocations"), 0),
                            "toolExecutionNotifications");
    ck_assert_uint_eq(json_array_size(notes), 1002);
    ck_assert_str_eq(text_at(json_object_get(json_array_get(notes, 0), "message"), "text"),
                     "no\\x1b MZ");
    ck_assert_str_eq(text_at(json_object_get(json_array_get(notes, 1000), "message"), "text"),
                     "500 more files could not be looked at");
    ck_assert_str_eq(text_at(json_object_get(json_array_get(notes, 1001), "message"), "text"),
                     "25000 of 30000 results, the less important ones, are left out");
    json_decref(log);
}
END_TEST

START_TEST(sarif_without_memory)
{
    struct sarif *sarif;

    host_fail_nth(1);
    ck_assert_ptr_null(sarif_open("0.1.0"));
    for (unsigned n = 1; n <= 3; n++) {
        sarif = sarif_open("0.1.0");
        host_fail_nth(n);
        sarif_take(sarif, "1{}\n", 4);
        sarif_take_error(sarif, "a", "b");
        ck_assert(host_fail_hit());
        host_fail_nth(0);
        ck_assert_int_eq(sarif_finish(sarif, stdout), PG_E_NO_MEMORY);
        sarif_close(sarif);
    }
    sarif_close(NULL);
}
END_TEST

/* Paths of this system and of the one that drivers are built on. */
START_TEST(paths_as_uris)
{
    static const struct {
        const char *path, *uri;
    } rows[] = {
        {"src/port.c", "src/port.c"},
        {"./src/port.c", "src/port.c"},
        {".///./src/port.c", "src/port.c"},
        {"../port.c", "../port.c"},
        {"/usr/src/port.c", "file:///usr/src/port.c"},
        {"C:\\dir\\port.c", "file:///C:/dir/port.c"},
        {"d:\\a dir\\x:y.c", "file:///d:/a%20dir/x%3Ay.c"},
        {"c:/dir/port.c", "file:///c:/dir/port.c"},
        {"dir\\port.c", "dir/port.c"},
        {"dir/a\\b.c", "dir/a%5Cb.c"},
        {"\\\\host\\share\\port.c", "//host/share/port.c"},
        {"a b#c?d%e:f.c", "a%20b%23c%3Fd%25e%3Af.c"},
        {"\xc3\xa9\x01.c", "%C3%A9%01.c"},
        {"", ""},
    };
    char uri[4096], path[64];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(sarif_uri(uri, sizeof uri, rows[i].path), rows[i].uri);
    }
    memset(path, ' ', sizeof path - 1); /* cut, but not within what stands for one byte */
    path[sizeof path - 1] = '\0';
    ck_assert_str_eq(sarif_uri(uri, 16, path), "%20%20%20%20");
}
END_TEST

/* One finding, in the form of a line: the priority and the result. */
static json_t *result_of(const struct advice_finding *finding)
{
    struct advice_builder *builder = advice_begin("port.sys", "image");
    struct advice *advice;
    json_t *result;
    char *line;

    advice_add_finding(builder, finding);
    advice = advice_finish(builder);
    ck_assert_ptr_nonnull(advice);
    line = results_of(advice);
    result = json_loads(line + 1, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(result);
    free(line);
    advice_close(advice);
    return result;
}

/* A character of three bytes, in each of the places where the text may have to be cut. */
START_TEST(sarif_cuts_between_characters)
{
    for (unsigned offset = 0; offset < 3; offset++) {
        char message[3 + 3 * SARIF_TEXT_MAX] = "xy";
        const char *text;
        json_t *result;

        message[offset] = '\0';
        for (unsigned i = 0; i < SARIF_TEXT_MAX / 2; i++) {
            memcpy(message + offset + (size_t)i * 3, "\xe2\x82\xac", 4);
        }
        result = result_of(&(struct advice_finding){.rule = RULE_SPIN_LOCK_IN_PAGEABLE,
                                                    .verdict = VERDICT_DEFINITE,
                                                    .place = acquire,
                                                    .message = message});
        text = text_at(json_object_get(result, "message"), "text");
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(strlen(text), offset + (SARIF_TEXT_MAX - offset) / 3 * 3);
        ck_assert(strncmp(text, message, strlen(text)) == 0);
        json_decref(result);
    }
}
END_TEST

START_TEST(sarif_shows_the_first_steps)
{
    static struct advice_step path[SARIF_STEPS_MAX + 5];
    json_t *result, *flow, *steps;
    const char *last;

    for (unsigned i = 0; i < SARIF_STEPS_MAX + 5; i++) {
        path[i] = (struct advice_step){acquire, 0, i == SARIF_STEPS_MAX - 1 ? "last" : "step"};
    }
    result = result_of(&(struct advice_finding){.rule = RULE_SPIN_LOCK_IN_PAGEABLE,
                                                .verdict = VERDICT_DEFINITE,
                                                .place = acquire,
                                                .message = "long",
                                                .path = path,
                                                .path_count = SARIF_STEPS_MAX + 5});
    flow = json_array_get(json_object_get(result, "codeFlows"), 0);
    steps = json_object_get(json_array_get(json_object_get(flow, "threadFlows"), 0), "locations");
    ck_assert_uint_eq(json_array_size(steps), SARIF_STEPS_MAX);
    last = text_at(
        json_object_get(json_object_get(json_array_get(steps, SARIF_STEPS_MAX - 1), "location"),
                        "message"),
        "text");
    ck_assert_pstr_eq(last, "last");
    json_decref(result);
}
END_TEST

static unsigned until_failure; /* 0: no failure is to come */
static bool failed;

static void *fail_some(size_t bytes)
{
    if (until_failure != 0 && --until_failure == 0) {
        failed = true;
        return NULL;
    }
    return malloc(bytes);
}

/* Half a log is none. */
START_TEST(sarif_without_memory_for_json)
{
    unsigned failures = 0;

    json_set_alloc_funcs(fail_some, free);
    for (unsigned n = 1; n == 1 || failed; n++) {
        struct sarif *sarif = sarif_open("0.1.0");
        FILE *out = fopen("/dev/null", "w");
        pg_status status;

        ck_assert(sarif != NULL && out != NULL);
        sarif_take(sarif, "1{}\n", 4);
        failed = false;
        until_failure = n;
        status = sarif_finish(sarif, out);
        until_failure = 0;
        ck_assert_int_eq(status, failed ? PG_E_NO_MEMORY : PG_OK);
        failures += failed;
        ck_assert_int_eq(fclose(out), 0);
        sarif_close(sarif);
    }
    ck_assert_uint_gt(failures, 100);
    json_set_alloc_funcs(malloc, free);
}
END_TEST

START_TEST(sarif_without_room)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sarif *sarif = sarif_open("0.1.0");
        FILE *out = fopen("/dev/full", "w");

        ck_assert(sarif != NULL && out != NULL);
        setvbuf(out, NULL, i == 0 ? _IONBF : _IOFBF, BUFSIZ);
        ck_assert_int_eq(sarif_finish(sarif, out), PG_E_IO);
        (void)fclose(out);
        sarif_close(sarif);
    }
}
END_TEST

/* ---- a run ---- */

static const char run[] =
    "{\"schema\":\"pagable.run/1\",\"findings\":["
    "{\"rule\":\"spin-lock-in-pageable\",\"module\":\"PORT.sys\",\"function\":\"PortOpen\","
    "\"rva\":1},"
    "{\"rule\":\"api-irql\",\"module\":\"port.sys\",\"function\":null,\"rva\":4160},"
    "{\"rule\":\"api-irql\",\"module\":\"other.sys\",\"function\":\"PortOpen\",\"rva\":8256},"
    "{\"rule\":\"lock-leak\",\"module\":\"port.sys\",\"function\":\"PortOpen\",\"rva\":8256},"
    "{\"rule\":\"no-such-rule\",\"module\":\"port.sys\"}, 7, {\"rule\":\"api-irql\"}]}";

START_TEST(findings_of_a_run_are_marked)
{
    struct advice *advice = make_advice("port.sys");
    struct observed *observed;
    char reason[OBSERVED_REASON_BYTES];

    ck_assert_int_eq(observed_read(run, strlen(run), reason, &observed), PG_OK);
    ck_assert_uint_eq(observed_join(observed, "elsewhere.sys", advice), 0);
    ck_assert(!advice->findings[0].observed && !advice->findings[1].observed);
    ck_assert_uint_eq(observed_join(observed, "port.sys", advice), 1);
    ck_assert(advice->findings[0].observed);  /* by its function */
    ck_assert(advice->findings[1].observed);  /* by its rva */
    ck_assert(!advice->findings[2].observed); /* of another rule */
    observed_close(observed);
    observed_close(NULL);
    advice_close(advice);
}
END_TEST

START_TEST(what_is_no_run_is_refused)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "7",
                                      "[]",
                                      "{}",
                                      "{\"schema\":\"pagable.run/2\"}",
                                      "{\"schema\":\"pagable.run/1\",\"findings\":{}}"};
    struct observed *observed;
    char reason[OBSERVED_REASON_BYTES];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reason[0] = '\0';
        ck_assert_int_eq(observed_read(bad[i], strlen(bad[i]), reason, &observed), PG_E_FORMAT);
        ck_assert_ptr_null(observed);
        ck_assert_uint_gt(strlen(reason), 0);
    }
    host_fail_nth(1);
    ck_assert_int_eq(observed_read(run, strlen(run), reason, &observed), PG_E_NO_MEMORY);
    host_fail_nth(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advice");
    TCase *tcase = tcase_create("advice");

    tcase_add_unchecked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, lines_of_source);
    tcase_add_test(tcase, source_from_elsewhere_is_not_read);
    tcase_add_test(tcase, source_of_unknown_folders_is_not_read);
    tcase_add_test(tcase, text_for_people);
    tcase_add_test(tcase, json_for_programs);
    tcase_add_test(tcase, json_of_a_file_that_is_refused);
    tcase_add_test(tcase, json_without_memory_or_disk);
    tcase_add_test(tcase, sarif_of_one_file);
    tcase_add_test(tcase, sarif_keeps_what_matters);
    tcase_add_test(tcase, sarif_without_memory);
    tcase_add_test(tcase, paths_as_uris);
    tcase_add_test(tcase, sarif_cuts_between_characters);
    tcase_add_test(tcase, sarif_shows_the_first_steps);
    tcase_add_test(tcase, sarif_without_memory_for_json);
    tcase_add_test(tcase, sarif_without_room);
    tcase_add_test(tcase, findings_of_a_run_are_marked);
    tcase_add_test(tcase, what_is_no_run_is_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
