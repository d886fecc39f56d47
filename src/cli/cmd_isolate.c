/* SPDX-License-Identifier: MIT */
/* `pagable isolate`: moves what holds a spin lock out of pageable routines, as a diff or in place.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "cli/cli.h"
#include "cli/isolate_check.h"
#include "source/source.h"

struct isolate_command {
    struct isolate_options options;
    const char *path, *cc;
    bool apply, check, json, quiet;
};

enum {
    KEY_JSON = 0x100,
    KEY_FUNCTION,
    KEY_LINE,
    KEY_SECTION,
    KEY_NAME,
    KEY_APPLY,
    KEY_CHECK,
    KEY_CC
};

static const struct argp_option option_table[] = {
    {"function", KEY_FUNCTION, "NAME", 0,
     "Only this routine; by default all that are in a PAGE section or say PAGED_CODE", 0},
    {"line", KEY_LINE, "N", 0, "Only the region that line N is in", 0},
    {"section", KEY_SECTION, "PAGExxxx", 0,
     "Section for routines that are in none yet; PAGE by default", 0},
    {"name", KEY_NAME, "NAME", 0, "Name of the new routine; the second is NAME2, and so on", 0},
    {"apply", KEY_APPLY, NULL, 0, "Change the file instead of printing a diff", 0},
    {"check", KEY_CHECK, NULL, 0,
     "Compile the text before and after, and tell what the advisor says of both", 0},
    {"cc", KEY_CC, "COMMAND", 0, "What compiles the file for --check, without -c and -o", 0},
    {"json", KEY_JSON, NULL, 0, "Print one JSON document, schema pagable.isolate/1", 0},
    {0},
};

static uint32_t parse_line(struct argp_state *state, const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 || value > UINT32_MAX) {
        argp_error(state, "--line: '%s' is not the number of a line", text);
    }
    return (uint32_t)value;
}

static const char *parse_section(struct argp_state *state, const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    if (strncmp(text, "PAGE", 4) != 0 || strlen(text) > 8 || text[strspn(text, letters)] != '\0') {
        argp_error(state, "--section: '%s' is not PAGE with up to four letters behind it", text);
    }
    return text;
}

static const char *parse_name(struct argp_state *state, const char *text)
{
    static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    if (text[0] == '\0' || (text[0] >= '0' && text[0] <= '9') ||
        text[strspn(text, letters)] != '\0') {
        argp_error(state, "--name: '%s' is no name of a routine", text);
    }
    if (source_is_keyword(text)) {
        argp_error(state, "--name: '%s' is a keyword", text);
    }
    return text;
}

static void parse_path(struct argp_state *state, struct isolate_command *command, char *argument)
{
    if (command->path != NULL) {
        argp_error(state, "one file at a time, and '%s' is the second", argument);
    }
    command->path = argument;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct isolate_command *command = state->input;

    switch (key) {
    case KEY_FUNCTION:
        command->options.function = argument;
        return 0;
    case KEY_LINE:
        command->options.line = parse_line(state, argument);
        return 0;
    case KEY_SECTION:
        command->options.section = parse_section(state, argument);
        return 0;
    case KEY_NAME:
        command->options.name = parse_name(state, argument);
        return 0;
    case KEY_APPLY:
        command->apply = true;
        return 0;
    case KEY_CHECK:
        command->check = true;
        return 0;
    case KEY_CC:
        command->cc = argument;
        return 0;
    case KEY_JSON:
        command->json = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &command->quiet;
        return 0;
    case ARGP_KEY_ARG:
        parse_path(state, command, argument);
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
    "FILE.c",
    "Print a diff that moves the code between a spin lock's acquire and its release out of "
    "pageable routines, into resident routines of their own. What cannot be moved is left, with "
    "the reason."
    "\vExit status: 0 everything was moved, 1 something was refused, 2 wrong usage, 3 the file "
    "cannot be read or compiled, or has no such routine, 4 a defect of pagable or of the host.",
    common_options,
    NULL,
    NULL,
};

static void tell_refusals(const struct isolate_command *command, const struct isolation *isolation)
{
    for (uint32_t i = 0; i < isolation->refusal_count; i++) {
        const struct refusal *r = &isolation->refusals[i];

        complain(r->hint, "%s:%u: %s stays as it is: %s", command->path, r->line, r->function,
                 r->reason);
    }
}

/* Nothing was found to do: EXIT_INPUT when something was asked for by name. */
static int tell_nothing(const struct isolate_command *command, const struct isolation *isolation)
{
    if (command->options.function != NULL && command->options.line != 0) {
        complain(NULL, "%s:%u: no spin lock or raised IRQL of a routine %s here", command->path,
                 command->options.line, command->options.function);
        return EXIT_INPUT;
    }
    if (command->options.function != NULL) {
        complain(NULL, "%s: no routine %s that acquires a spin lock or raises the IRQL itself",
                 command->path, command->options.function);
        return EXIT_INPUT;
    }
    if (command->options.line != 0) {
        complain(NULL, "%s:%u: no routine that acquires a spin lock or raises the IRQL here",
                 command->path, command->options.line);
        return EXIT_INPUT;
    }
    if (!command->quiet) {
        complain(isolation->candidates > 0 ? "name a resident one with --function" : NULL,
                 "%s: nothing to isolate: no pageable routine of it acquires a spin lock",
                 command->path);
    }
    return EXIT_CLEAN;
}

/* The images of a check, told on stderr; an exit code. */
static int tell_check(const struct isolate_command *command, const struct isolate_report *report)
{
    int32_t moved = (int32_t)(report->after.pageable_bytes - report->before.pageable_bytes);

    if (!command->quiet) {
        fprintf(stderr,
                "check: pageable code %u -> %u bytes (%+d), resident code %u -> %u bytes, "
                "locks and raises in pageable code %u -> %u\n",
                report->before.pageable_bytes, report->after.pageable_bytes, moved,
                report->before.resident_bytes, report->after.resident_bytes,
                report->before.violations, report->after.violations);
    }
    if (report->after.violations > report->before.violations) {
        complain(NULL, "%s: the advisor finds more to complain about afterwards", command->path);
        return EXIT_OURS;
    }
    return EXIT_CLEAN;
}

static int run_check(const struct isolate_command *command, const char *text, size_t bytes,
                     const struct isolation *isolation, struct isolate_report *report)
{
    char *real = realpath(command->path, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL;
    struct isolate_check what = {.file = command->path,
                                 .folder = real,
                                 .command = command->cc,
                                 .old_text = text,
                                 .old_bytes = bytes,
                                 .new_text = isolation->text,
                                 .new_bytes = isolation->bytes};
    int code;

    if (slash == NULL) {
        complain(NULL, "%s: %s", command->path, strerror(errno));
        free(real);
        return EXIT_INPUT;
    }
    *slash = '\0';
    what.folder = real[0] != '\0' ? real : "/";
    code = isolate_check(&what, &report->before, &report->after);
    free(real);
    report->checked = code == EXIT_CLEAN;
    return code == EXIT_CLEAN ? tell_check(command, report) : code;
}

/* Rows of the report, from those of the room that found them. */
static bool fill_rows(const struct isolation *isolation, struct isolate_report *report)
{
    struct isolate_moved *moved = calloc((size_t)isolation->region_count + 1, sizeof *moved);
    struct isolate_refused *refused = calloc((size_t)isolation->refusal_count + 1, sizeof *refused);

    report->moved = moved;
    report->refused = refused;
    if (moved == NULL || refused == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < isolation->region_count; i++) {
        const struct isolated *r = &isolation->regions[i];

        moved[i] = (struct isolate_moved){r->function, r->routine,    r->result, r->line_begin,
                                          r->line_end, r->parameters, r->exits};
    }
    for (uint32_t i = 0; i < isolation->refusal_count; i++) {
        const struct refusal *r = &isolation->refusals[i];

        refused[i] = (struct isolate_refused){r->function, r->reason, r->hint, r->line};
    }
    report->moved_count = isolation->region_count;
    report->refused_count = isolation->refusal_count;
    return true;
}

static int print(const struct isolate_command *command, const struct isolation *isolation,
                 struct isolate_report *report)
{
    pg_status status = PG_OK;

    if (command->json) {
        status =
            fill_rows(isolation, report) ? report_isolate_json(stdout, report) : PG_E_NO_MEMORY;
        free((void *)(uintptr_t)report->moved);
        free((void *)(uintptr_t)report->refused);
    } else if (!command->apply) {
        (void)fputs(report->diff, stdout);
    }
    if (status == PG_E_NO_MEMORY) {
        complain(NULL, "%s", pg_status_text(status));
        return EXIT_OURS;
    }
    return finish_output(isolation->refusal_count > 0 ? EXIT_FOUND : EXIT_CLEAN);
}

/* Everything that follows the rewrite; nothing is changed or printed unless the check went well. */
static int deliver(const struct isolate_command *command, const char *text, size_t bytes,
                   const struct isolation *isolation)
{
    const char *name = command->path[0] == '/' ? command->path + 1 : command->path;
    char *diff = source_diff(name, text, bytes, isolation->text, isolation->bytes);
    struct isolate_report report = {.file = command->path, .diff = diff};
    int code = EXIT_CLEAN;

    if (diff == NULL) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    if (!command->quiet) {
        tell_refusals(command, isolation);
    }
    if (command->check && isolation->region_count > 0) {
        code = run_check(command, text, bytes, isolation, &report);
    }
    if (code == EXIT_CLEAN && command->apply && isolation->region_count > 0) {
        int error = replace_file(command->path, isolation->text, isolation->bytes);

        if (error != 0) {
            complain(NULL, "%s: not changed: %s", command->path, strerror(-error));
            code = EXIT_OURS;
        }
        report.applied = error == 0;
    }
    if (code == EXIT_CLEAN) {
        code = print(command, isolation, &report);
    }
    host.release(diff);
    return code;
}

static int isolate(const struct isolate_command *command, const char *text, size_t bytes)
{
    struct isolation *isolation;
    pg_status status = source_isolate(command->path, text, bytes, &command->options, &isolation);
    int code = EXIT_CLEAN;

    if (status != PG_OK) {
        complain(NULL, "%s: %s", command->path, pg_status_text(status));
        return EXIT_OURS;
    }
    if (isolation->name_taken) {
        complain("choose another one", "%s: --name: %s is a name of the file already",
                 command->path, command->options.name);
        code = EXIT_INPUT;
    } else if (isolation->region_count == 0 && isolation->refusal_count == 0) {
        code = tell_nothing(command, isolation);
    }
    if (code == EXIT_CLEAN) {
        code = deliver(command, text, bytes, isolation);
    }
    source_isolation_close(isolation);
    return code;
}

int cmd_isolate(int argc, char **argv)
{
    struct isolate_command command = {0};
    struct input_failure failure;
    size_t bytes;
    char *text;
    int code;

    if (argp_parse(&parser, argc, argv, 0, NULL, &command) != 0) {
        return EXIT_USAGE;
    }
    code = source_read(command.path, &text, &bytes, &failure);
    if (code != EXIT_CLEAN) {
        complain(failure.hint, "%s: %s", command.path, failure.why);
        return code;
    }
    code = isolate(&command, text, bytes);
    host.release(text);
    return code;
}
