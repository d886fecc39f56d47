/* SPDX-License-Identifier: MIT */
/* `pagable run`: options, the run itself in computer_linux.c, and the verdict. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "cli/cli.h"

#define SCRIPT_BYTES_MAX (16u << 20)
#define DRIVERS_MAX      64u
#define DEFINES_MAX      64u
#define DEFAULT_SEED     1
#define DEFAULT_BUDGET   10
#define PATIENCE         60

struct run_options {
    const char *paths[DRIVERS_MAX];
    uint32_t count;
    struct machine_options machine;
    const char *script, *trace, *report;
    const char *defines[DEFINES_MAX];
    uint32_t define_count;
    bool trace_all, load_only, json, quiet;
};

enum {
    KEY_SCRIPT = 0x100,
    KEY_DEFINE,
    KEY_TRIM,
    KEY_FRAMES,
    KEY_CHECK,
    KEY_STRICT,
    KEY_SEED,
    KEY_BUDGET,
    KEY_LOAD_ONLY,
    KEY_TRACE,
    KEY_TRACE_ALL,
    KEY_REPORT,
    KEY_JSON,
    KEY_PAGER
};

static const struct argp_option option_table[] = {
    {"script", KEY_SCRIPT, "S.lua", 0,
     "What is done to the drivers; without it X.lua beside X.sys, or the default: create, read, "
     "write, device control and close on every device",
     0},
    {"define", KEY_DEFINE, "NAME=VALUE", 0, "A global of the script; more than one may be given",
     0},
    {"trim", KEY_TRIM, "WHEN", 0,
     "When pageable memory leaves: irql (on every raise to DISPATCH_LEVEL; the default), none, "
     "random",
     0},
    {"frames", KEY_FRAMES, "N", 0, "At most N resident pageable pages", 0},
    {"pager", KEY_PAGER, "HOW", 0,
     "How pages come and go: auto (the default), protect, userfaultfd; the run is the same", 0},
    {"check", KEY_CHECK, "RULES", 0,
     "all (the default), none, rule ids with commas, or all,-ID,... to leave some out", 0},
    {"strict", KEY_STRICT, NULL, 0,
     "Pageable memory that nothing locks is a finding at DISPATCH_LEVEL even while it is in", 0},
    {"seed", KEY_SEED, "N", 0, "The same seed gives the same run; 1 by default", 0},
    {"budget", KEY_BUDGET, "SECONDS", 0,
     "Processor time after which the run is ended; 10 by default, 0 for no limit", 0},
    {"load-only", KEY_LOAD_ONLY, NULL, 0, "Stop before DriverEntry", 0},
    {"trace", KEY_TRACE, "FILE", 0,
     "Write what happened as lines of JSON, schema pagable.trace/1: pages, locks, trims, opens", 0},
    {"trace-all", KEY_TRACE_ALL, NULL, 0,
     "In the trace also IRQLs, calls of exports, thread switches and choices", 0},
    {"report", KEY_REPORT, "FILE.html", 0,
     "Write one page that shows findings and when each section was in memory", 0},
    {"json", KEY_JSON, NULL, 0, "Print one JSON document, schema pagable.run/1", 0},
    {"quiet", 'q', NULL, 0, "Print the last line only", 0},
    {0},
};

/* A plain decimal (or 0x...) number of at most `max`; ends with a usage error otherwise. */
static uint64_t parse_number(struct argp_state *state, const char *option, const char *text,
                             uint64_t max)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        argp_error(state, "%s: '%s' is not a number", option, text);
    }
    if (errno != 0 || value > max) {
        argp_error(state, "%s: %s is more than %llu", option, text, (unsigned long long)max);
    }
    return value;
}

static void parse_trim(struct argp_state *state, struct run_options *options, const char *word)
{
    static const struct {
        const char *word;
        enum trim_policy policy;
    } words[] = {{"irql", TRIM_IRQL}, {"none", TRIM_NONE}, {"random", TRIM_RANDOM}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) == 0) {
            options->machine.trim = words[i].policy;
            return;
        }
    }
    argp_error(state, "--trim: '%s' is none of irql, none, random", word);
}

static void parse_pager(struct argp_state *state, struct run_options *options, const char *word)
{
    static const struct {
        const char *word;
        enum machine_pager pager;
    } words[] = {{"auto", MACHINE_PAGER_AUTO},
                 {"protect", MACHINE_PAGER_PROTECT},
                 {"userfaultfd", MACHINE_PAGER_USERFAULT}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) == 0) {
            options->machine.pager = words[i].pager;
            return;
        }
    }
    argp_error(state, "--pager: '%s' is none of auto, protect, userfaultfd", word);
}

static void parse_check(struct argp_state *state, struct run_options *options, const char *text)
{
    const char *bad = "";
    int bad_length = 0;

    if (!rule_set_parse(text, &options->machine.rules, &bad, &bad_length)) {
        argp_error(state, "--check: there is no rule '%.*s'", bad_length, bad);
    }
}

static void add_path(struct argp_state *state, struct run_options *options, const char *path)
{
    for (uint32_t i = 0; i < options->count; i++) {
        if (strcmp(base_name(options->paths[i]), base_name(path)) == 0) {
            argp_error(state, "two drivers are called '%s'", base_name(path));
        }
    }
    if (options->count == DRIVERS_MAX) {
        argp_error(state, "more than %u drivers", DRIVERS_MAX);
    }
    options->paths[options->count++] = path;
}

/* NAME as Lua has them. */
static void add_define(struct argp_state *state, struct run_options *options, const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t length = strspn(text, letters);

    if (length > 0) {
        length += strspn(text + length, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "abcdefghijklmnopqrstuvwxyz_");
    }
    if (length == 0 || text[length] != '=') {
        argp_error(state, "--define: '%s' is not NAME=VALUE", text);
    }
    if (options->define_count == DEFINES_MAX) {
        argp_error(state, "more than %u definitions", DEFINES_MAX);
    }
    options->defines[options->define_count++] = text;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct run_options *options = state->input;

    switch (key) {
    case KEY_SCRIPT:
        options->script = argument;
        return 0;
    case KEY_DEFINE:
        add_define(state, options, argument);
        return 0;
    case KEY_TRIM:
        parse_trim(state, options, argument);
        return 0;
    case KEY_FRAMES:
        options->machine.frames = (uint32_t)parse_number(state, "--frames", argument, UINT32_MAX);
        return 0;
    case KEY_PAGER:
        parse_pager(state, options, argument);
        return 0;
    case KEY_CHECK:
        parse_check(state, options, argument);
        return 0;
    case KEY_STRICT:
        options->machine.strict = true;
        return 0;
    case KEY_SEED:
        options->machine.seed = parse_number(state, "--seed", argument, INT64_MAX);
        return 0;
    case KEY_BUDGET:
        options->machine.budget_seconds =
            (uint32_t)parse_number(state, "--budget", argument, 86400);
        return 0;
    case KEY_LOAD_ONLY:
        options->load_only = true;
        return 0;
    case KEY_TRACE:
        options->trace = argument;
        return 0;
    case KEY_TRACE_ALL:
        options->trace_all = true;
        return 0;
    case KEY_REPORT:
        options->report = argument;
        return 0;
    case KEY_JSON:
        options->json = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        add_path(state, options, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no file given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "FILE.sys...",
    "Load drivers in the order given, call DriverEntry, run a scenario against them and unload "
    "them, with their PAGE sections really paged and every rule about IRQL and paging checked."
    "\vExit status: 0 clean, 1 findings or a bug check, 2 wrong usage, 3 a file cannot be read or "
    "is not supported, 4 a defect of pagable or of the host.",
    NULL,
    NULL,
    NULL,
};

/* ---- the script ---- */

struct script {
    char *text;
    size_t bytes;
    char path[4096];
};

static int read_script(const char *path, struct script *script)
{
    int error = read_file(path, SCRIPT_BYTES_MAX, &script->text, &script->bytes);

    if (error != 0) {
        complain(NULL, "%s: %s", path, file_error(error));
        return error == -ENOMEM ? EXIT_OURS : EXIT_INPUT;
    }
    (void)snprintf(script->path, sizeof script->path, "%s", path);
    return EXIT_CLEAN;
}

/* "dir/X.lua" for "dir/X.sys"; false when that does not fit or there is no such file. */
static bool script_beside(const char *driver, char *path, size_t size)
{
    const char *dot = strrchr(base_name(driver), '.');
    int stem = dot != NULL ? (int)(dot - driver) : (int)strlen(driver);
    int fd;

    if ((size_t)snprintf(path, size, "%.*s.lua", stem, driver) >= size) {
        return false;
    }
    fd = host.open_read(path);
    if (fd < 0) {
        return false;
    }
    host.close(fd);
    return true;
}

static int find_script(const struct run_options *options, struct script *script)
{
    char path[4096];

    if (options->load_only) {
        return EXIT_CLEAN;
    }
    if (options->script != NULL) {
        return read_script(options->script, script);
    }
    for (uint32_t i = 0; i < options->count; i++) {
        if (script_beside(options->paths[i], path, sizeof path)) {
            return read_script(path, script);
        }
    }
    return EXIT_CLEAN;
}

/* ---- the verdict ---- */

static void complain_about_end(const struct run_report *report, const struct resolver *resolver)
{
    const struct run_end *end = &report->end;
    struct resolved_place known = {0};
    struct code_place place = {.rva = end->rva};
    char symbol[320], where[900] = "";

    if (end->outcome == RUN_BAD_SCRIPT) {
        complain("docs/scenarios.md tells what a scenario can do", "%s", end->reason);
        return;
    }
    memcpy(place.module, end->module, sizeof place.module);
    if (place.module[0] != '\0') {
        (void)report_symbol(symbol, sizeof symbol, resolver, &place, true, &known);
        (void)snprintf(where, sizeof where, ": %s%s%.400s%s", symbol,
                       known.file != NULL ? " at " : "", known.file != NULL ? known.file : "",
                       known.file != NULL ? ":" : "");
    }
    if (known.file != NULL) {
        complain("`pagable info` lists what a driver imports and what is missing", "%s%s%u",
                 end->reason, where, known.line);
    } else {
        complain("`pagable info` lists what a driver imports and what is missing", "%s%s",
                 end->reason, where);
    }
}

static int print_verdict(const struct run_options *options, const struct run_report *report,
                         const struct resolver *resolver, const struct picture *picture)
{
    struct report_style style = {
        .colour = wants_colour(stdout), .quiet = options->quiet, .picture = picture};

    if (!options->json) {
        report_run_text(stdout, report, resolver, &style);
    } else if (report_run_json(stdout, report, resolver) == PG_E_NO_MEMORY) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    switch (report_result(report)) {
    case RESULT_CLEAN:
        return finish_output(EXIT_CLEAN);
    case RESULT_FINDINGS:
    case RESULT_BUGCHECK:
        return finish_output(EXIT_FOUND);
    case RESULT_INCOMPLETE:
        break;
    }
    if (report->end.outcome == RUN_UNSUPPORTED || report->end.outcome == RUN_BAD_SCRIPT) {
        complain_about_end(report, resolver);
        return finish_output(EXIT_INPUT);
    }
    complain(NULL, "the run ended without saying why: %s", report->end.reason);
    return finish_output(EXIT_OURS);
}

/* ---- the whole ---- */

static const char *trim_word(enum trim_policy policy)
{
    return policy == TRIM_IRQL ? "irql" : policy == TRIM_RANDOM ? "random" : "none";
}

static int open_outputs(const struct run_options *options, const struct plan *plan,
                        const char *const *names, struct outputs *outputs)
{
    struct stream_header header = {
        .version = PAGABLE_VERSION,
        .seed = options->machine.seed,
        .trim = trim_word(options->machine.trim),
        .frames = options->machine.frames,
        .scenario = plan->script != NULL ? base_name(plan->script_name) : NULL,
        .everything = options->trace_all,
        .drivers = names,
        .driver_count = plan->count,
    };

    return outputs_open(outputs, &header);
}

static int run(const struct run_options *options, struct plan *plan)
{
    const char *names[DRIVERS_MAX];
    struct run_report report = {
        .seed = options->machine.seed, .drivers = names, .driver_count = plan->count};
    struct names lookup = {plan->inputs, plan->count};
    struct resolver resolver = names_resolver(&lookup);
    struct outputs outputs = {.trace_path = options->trace, .report_path = options->report};
    int code;

    for (uint32_t i = 0; i < plan->count; i++) {
        names[i] = plan->inputs[i].name;
    }
    code = open_outputs(options, plan, names, &outputs);
    if (code == EXIT_CLEAN) {
        plan->stream = outputs.stream;
        plan->resolver = &resolver;
        code = computer_run(plan, &report);
        plan->stream = NULL;
        plan->resolver = NULL;
    }
    if (code == EXIT_CLEAN) {
        code = outputs_finish(&outputs, &report, &resolver);
    }
    if (code == EXIT_CLEAN) {
        code = print_verdict(options, &report, &resolver, outputs_picture(&outputs));
    }
    report_release(&report);
    return outputs_close(&outputs, code);
}

/* Who asked for it learns that there is none; the run is the same without. */
static void note_refused_pager(enum machine_pager wanted)
{
    int fd = wanted == MACHINE_PAGER_USERFAULT ? host.missing_open() : -1;

    if (fd >= 0) {
        host.close(fd);
    } else if (wanted == MACHINE_PAGER_USERFAULT) {
        complain("the run goes on, as with --pager protect", "userfaultfd cannot be used: %s",
                 strerror(-fd));
    }
}

static int run_with_inputs(const struct run_options *options, struct plan *plan)
{
    static struct script script;
    int code = find_script(options, &script);

    if (code == EXIT_CLEAN) {
        plan->script = script.text;
        plan->script_bytes = script.bytes;
        plan->script_name = script.path;
        note_refused_pager(options->machine.pager);
        code = run(options, plan);
    }
    host.release(script.text);
    return code;
}

int cmd_run(int argc, char **argv)
{
    struct run_options options = {
        .machine = {.seed = DEFAULT_SEED,
                    .trim = TRIM_IRQL,
                    .rules = RULE_SET_ALL,
                    .budget_seconds = DEFAULT_BUDGET},
    };
    struct plan plan = {.patience = PATIENCE};
    int code = EXIT_CLEAN;

    argp_parse(&parser, argc, argv, 0, NULL, &options);
    options.machine.trace = options.trace == NULL && options.report == NULL ? TRACE_OFF
                            : options.trace_all                             ? TRACE_ALL
                                                                            : TRACE_PAGING;
    plan.inputs = host.allocate(options.count * sizeof *plan.inputs);
    if (plan.inputs == NULL) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    plan.options = options.machine;
    plan.load_only = options.load_only;
    plan.defines = options.defines;
    plan.define_count = options.define_count;
    while (code == EXIT_CLEAN && plan.count < options.count) {
        code = input_open(options.paths[plan.count], &plan.inputs[plan.count]);
        plan.count += code == EXIT_CLEAN ? 1 : 0;
    }
    if (code == EXIT_CLEAN) {
        code = run_with_inputs(&options, &plan);
    }
    for (uint32_t i = 0; i < plan.count; i++) {
        input_close(&plan.inputs[i]);
    }
    host.release(plan.inputs);
    return code;
}
