/* SPDX-License-Identifier: MIT */
/* `pagable advise`: options; the files one by one in advise_file.c; what is printed for all. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "cli/advise.h"

#define RUN_BYTES_MAX  (256u << 20)
#define DEFAULT_BUDGET 60
#define JOBS_MAX       256
#define SHARDS_MAX     1000000

struct advise_command {
    struct advise_plan plan;
    char **paths; /* the arguments that are no options, in their order */
    uint32_t count;
    const char *join, *list;
    char separator;
    uint32_t jobs, budget, shard, shards;
    bool pragmas, format;               /* --emit, --format or --json: one of them at most */
    struct sarif *sarif;                /* NULL: another format */
    uint32_t files, violating, refused; /* so far */
    int code;
};

enum {
    KEY_JSON = 0x100,
    KEY_FORMAT,
    KEY_CHECK,
    KEY_SMALL,
    KEY_PAGING_PATH,
    KEY_FAIL_ON,
    KEY_EMIT,
    KEY_JOIN,
    KEY_FILES_FROM,
    KEY_SHARD,
    KEY_BUDGET
};

static const struct argp_option option_table[] = {
    {"check", KEY_CHECK, "RULES", 0,
     "all (the default), none, rule ids with commas, or all,-ID,... to leave some out", 0},
    {"small", KEY_SMALL, NULL, 0, "Tell of savings below one page too", 0},
    {"paging-path", KEY_PAGING_PATH, NULL, 0,
     "The driver serves paging I/O: its transfer and power routines must be resident", 0},
    {"fail-on", KEY_FAIL_ON, "VERDICT", 0,
     "Exit with 1 from this verdict on: definite, possible (the default), unknown", 0},
    {"join", KEY_JOIN, "RUN.json", 0, "Mark what a run (pagable run --json) saw too", 0},
    {"emit", KEY_EMIT, "WHAT", 0,
     "alloc-text: print only the pragmas that put the advice into effect", 0},
    {"format", KEY_FORMAT, "FORMAT", 0,
     "text (the default), json, jsonl (one line for each file), sarif (2.1.0, one log)", 0},
    {"json", KEY_JSON, NULL, 0,
     "The same as --format json: schema pagable.advise/1; one line for each file where there may "
     "be several",
     0},
    {"quiet", 'q', NULL, 0, "Print the last line of each file only", 0},
    {"jobs", 'j', "N", 0, "Look at N files at a time; by default as many as there are processors",
     1},
    {"files-from", KEY_FILES_FROM, "LIST", 0,
     "Look at the files that the lines of LIST name, too; - is stdin", 1},
    {"null", '0', NULL, 0, "In LIST, a zero byte ends each name, as in find -print0", 1},
    {"shard", KEY_SHARD, "I/N", 0, "Look only at the I-th of N parts of the files (I from 1)", 1},
    {"budget", KEY_BUDGET, "SECONDS", 0,
     "Processor time after which a file is given up; 60 by default, 0 for no limit", 1},
    {0},
};

/* ---- options ---- */

static uint32_t parse_number(struct argp_state *state, const char *option, const char *text,
                             uint32_t min, uint32_t max)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        argp_error(state, "%s: '%s' is not a number", option, text);
    }
    if (value < min || value > max) {
        argp_error(state, "%s: %s is not from %u to %u", option, text, min, max);
    }
    return (uint32_t)value;
}

/* The index of a word in a list that ends with NULL; a usage error names them all. */
static unsigned parse_word(struct argp_state *state, const char *option, const char *word,
                           const char *const *words, const char *all)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    argp_error(state, "%s: '%s' is none of %s", option, word, all);
    return 0;
}

static void parse_check(struct argp_state *state, struct advise_command *command, const char *text)
{
    const char *bad = "";
    int bad_length = 0;

    if (!rule_set_parse(text, &command->plan.options.rules, &bad, &bad_length)) {
        argp_error(state, "--check: there is no rule '%.*s'", bad_length, bad);
    }
}

static void parse_shard(struct argp_state *state, struct advise_command *command, const char *text)
{
    unsigned part = 0, parts = 0;
    int end = 0;

    if (sscanf(text, "%7u/%7u%n", &part, &parts, &end) != 2 || text[end] != '\0' || part < 1 ||
        part > parts || parts > SHARDS_MAX) {
        argp_error(state, "--shard: '%s' is not I/N with I from 1 to N", text);
    }
    command->shard = part;
    command->shards = parts;
}

static error_t parse_what(int key, char *argument, struct argp_state *state,
                          struct advise_command *command)
{
    static const char *const verdicts[] = {"definite", "possible", "unknown", NULL};
    static const char *const formats[] = {"text", "json", "jsonl", "sarif", NULL};
    static const char *const emits[] = {"alloc-text", NULL};

    switch (key) {
    case KEY_CHECK:
        parse_check(state, command, argument);
        return 0;
    case KEY_SMALL:
        command->plan.options.small = true;
        return 0;
    case KEY_PAGING_PATH:
        command->plan.options.paging_path = true;
        return 0;
    case KEY_FAIL_ON:
        command->plan.fail_on = (enum verdict)parse_word(state, "--fail-on", argument, verdicts,
                                                         "definite, possible, unknown");
        return 0;
    case KEY_EMIT:
        (void)parse_word(state, "--emit", argument, emits, "alloc-text");
        command->pragmas = true;
        return 0;
    case KEY_FORMAT:
        command->plan.format = (enum advise_format)parse_word(state, "--format", argument, formats,
                                                              "text, json, jsonl, sarif");
        command->format = true;
        return 0;
    case KEY_JSON:
        command->plan.format = ADVISE_JSON;
        command->format = true;
        return 0;
    case 'q':
        command->plan.quiet = true;
        return 0;
    case KEY_JOIN:
        command->join = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void check_options(struct argp_state *state, struct advise_command *command)
{
    if (command->count == 0 && command->list == NULL) {
        argp_error(state, "no file given");
    }
    if (command->pragmas && command->format) {
        argp_error(state, "--emit and --format each say what is printed: give one of them");
    }
    if (command->pragmas) {
        command->plan.format = ADVISE_PRAGMAS;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct advise_command *command = state->input;

    switch (key) {
    case 'j':
        command->jobs = parse_number(state, "--jobs", argument, 1, JOBS_MAX);
        return 0;
    case KEY_FILES_FROM:
        command->list = argument;
        return 0;
    case '0':
        command->separator = '\0';
        return 0;
    case KEY_SHARD:
        parse_shard(state, command, argument);
        return 0;
    case KEY_BUDGET:
        command->budget = parse_number(state, "--budget", argument, 0, 86400);
        return 0;
    case ARGP_KEY_ARG:
        command->paths[command->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        check_options(state, command);
        return 0;
    default:
        return parse_what(key, argument, state, command);
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "FILE...",
    "Look at drivers (FILE.sys, and all in a folder) without running them: which routines may not "
    "be pageable and why, which could be, and what that saves. Of C sources (FILE.c), look at the "
    "pragmas and macros that make routines pageable."
    "\vExit status: 0 no violation, 1 violations, 2 wrong usage, 3 a file cannot be read or is not "
    "supported (the others were looked at), 4 a defect of pagable or of the host.",
    seed_option,
    NULL,
    NULL,
};

/* ---- the files ---- */

static void look(void *context, const char *path, struct answer *answer)
{
    const struct advise_command *command = context;

    advise_file(&command->plan, path, answer);
}

/* What there is of a file that could not be looked at; its complaint went to stderr. */
static void print_refusal(struct advise_command *command, const char *path, const char *why)
{
    const struct advise_plan *plan = &command->plan;

    command->refused++;
    if (plan->format == ADVISE_JSON || plan->format == ADVISE_JSONL) {
        (void)report_advice_error_json(stdout, path, why, plan->format == ADVISE_JSONL);
    } else if (plan->format == ADVISE_SARIF) {
        sarif_take_error(command->sarif, path, why);
    }
}

static bool take(void *context, const char *path, const struct answer *answer)
{
    struct advise_command *command = context;

    if (answer->why != NULL) {
        complain(answer->hint, "%s: %s", path, answer->why);
    }
    command->files++;
    command->violating += answer->code == EXIT_FOUND;
    command->code = answer->code > command->code ? answer->code : command->code;
    if (answer->code > EXIT_FOUND) {
        print_refusal(command, path, answer->why);
    } else if (command->sarif != NULL) {
        sarif_take(command->sarif, answer->output != NULL ? answer->output : "", answer->bytes);
    } else if (answer->output != NULL) {
        (void)fwrite(answer->output, 1, answer->bytes, stdout);
    }
    return fflush(stdout) == 0; /* nobody who reads: no reason to go on */
}

static void print_total(const struct advise_command *command)
{
    if (command->plan.format == ADVISE_TEXT && command->plan.several) {
        printf("SUMMARY: pagable: %u file%s: %u with violations, %u could not be looked at\n",
               command->files, command->files == 1 ? "" : "s", command->violating,
               command->refused);
    }
}

/* The list may have ended before its end. */
static int tell_list_error(const struct advise_command *command, int error, int code)
{
    if (error == 0) {
        return code;
    }
    complain(NULL, "%s: %s", command->list, strerror(error));
    return error == ENOMEM ? EXIT_OURS : EXIT_INPUT;
}

static int run_batch(struct advise_command *command, FILE *list)
{
    struct batch batch = {
        .paths = paths_open(command->paths, command->count, list, command->separator,
                            command->shard, command->shards),
        .workers = command->jobs != 0 ? command->jobs : batch_processors(),
        .budget = command->budget,
        .context = command,
        .work = look,
        .deliver = take,
    };
    int code;

    if (command->plan.format == ADVISE_SARIF) {
        command->sarif = sarif_open(strchr(PAGABLE_VERSION, ' ') + 1);
    }
    if (batch.paths == NULL || (command->plan.format == ADVISE_SARIF && command->sarif == NULL)) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        code = EXIT_OURS;
    } else {
        code = batch_run(&batch);
        code = tell_list_error(command, paths_error(batch.paths), code);
    }
    paths_close(batch.paths);
    return code > command->code ? code : command->code;
}

/* ---- what is prepared ---- */

/* Read the run to join; an exit code, after a complaint. */
static int open_observed(const char *path, struct observed **out)
{
    char reason[160], *text;
    size_t bytes;
    int error = read_file(path, RUN_BYTES_MAX, &text, &bytes);
    pg_status status;

    if (error != 0) {
        complain(NULL, "%s: %s", path, file_error(error));
        return error == -ENOMEM ? EXIT_OURS : EXIT_INPUT;
    }
    status = observed_read(text, bytes, reason, out);
    host.release(text);
    if (status == PG_E_NO_MEMORY) {
        complain(NULL, "%s: %s", path, pg_status_text(status));
        return EXIT_OURS;
    }
    if (status != PG_OK) {
        complain("make one with: pagable run --json", "%s: %s", path, reason);
        return EXIT_INPUT;
    }
    return EXIT_CLEAN;
}

/* Whether there may be more than one file, told by what was asked for, not by what is found. */
static bool may_be_several(const struct advise_command *command)
{
    struct stat st;

    return command->count != 1 || command->list != NULL ||
           (stat(command->paths[0], &st) == 0 && S_ISDIR(st.st_mode));
}

static FILE *open_list(const char *path)
{
    FILE *list = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

    if (list == NULL) {
        complain(NULL, "%s: %s", path, strerror(errno));
    }
    return list;
}

static int run_command(struct advise_command *command, struct observed **observed)
{
    FILE *list = NULL;
    int code;

    if (command->join != NULL) {
        code = open_observed(command->join, observed);
        if (code != EXIT_CLEAN) {
            return code;
        }
        command->plan.observed = *observed;
    }
    if (command->list != NULL) {
        list = open_list(command->list);
        if (list == NULL) {
            return EXIT_INPUT;
        }
    }
    code = run_batch(command, list);
    if (list != NULL && list != stdin) {
        (void)fclose(list);
    }
    if (command->sarif != NULL && sarif_finish(command->sarif, stdout) == PG_E_NO_MEMORY) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        code = EXIT_OURS;
    }
    print_total(command);
    return code;
}

int cmd_advise(int argc, char **argv)
{
    struct advise_command command = {
        .plan = {.options = {.rules = RULE_SET_ALL}, .fail_on = VERDICT_POSSIBLE},
        .separator = '\n',
        .budget = DEFAULT_BUDGET,
        .shard = 1,
        .shards = 1,
    };
    struct observed *observed = NULL;
    int code;

    command.paths = calloc((size_t)argc + 1, sizeof *command.paths);
    if (command.paths == NULL) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    if (argp_parse(&parser, argc, argv, 0, NULL, &command) != 0) {
        return EXIT_USAGE;
    }
    command.plan.several = may_be_several(&command);
    if (command.plan.several && command.plan.format == ADVISE_JSON) {
        command.plan.format = ADVISE_JSONL;
    }
    command.plan.colour = wants_colour(stdout);
    if (getcwd(command.plan.here, sizeof command.plan.here) == NULL) {
        command.plan.here[0] = '\0';
    }
    code = run_command(&command, &observed);
    sarif_close(command.sarif);
    observed_close(observed);
    free(command.paths);
    return finish_output(code);
}
