/* SPDX-License-Identifier: MIT */
/* `pagable report`: draws a trace again, as a page, as a figure or as text. */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum figure { FIGURE_HTML, FIGURE_SVG, FIGURE_TEXT, FIGURE_UNSAID };

struct report_options {
    const char *path, *output;
    enum figure figure;
};

enum { KEY_FIGURE = 0x100 };

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "Where it goes; standard output by default", 0},
    {"figure", KEY_FIGURE, "KIND", 0,
     "html: one page with everything; svg: the main figure alone; text: for a terminal.  html by "
     "default, text when it would go to a terminal",
     0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    static const char *const figures[] = {"html", "svg", "text"};
    struct report_options *options = state->input;

    switch (key) {
    case 'o':
        options->output = argument;
        return 0;
    case KEY_FIGURE:
        for (unsigned i = 0; i < FIGURE_UNSAID; i++) {
            if (strcmp(argument, figures[i]) == 0) {
                options->figure = (enum figure)i;
                return 0;
            }
        }
        argp_error(state, "--figure: '%s' is none of html, svg, text", argument);
        return 0;
    case ARGP_KEY_ARG:
        if (options->path != NULL) {
            argp_error(state, "one file at a time");
        }
        options->path = argument;
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
    "TRACE.jsonl",
    "Draw a trace that `pagable run` wrote: verdict and findings, and for each section of the "
    "drivers when it was in memory, locked, and touched."
    "\vExit status: 0 drawn, 2 wrong usage, 3 the file cannot be read or is no trace, 4 a defect "
    "of pagable or of the host.",
    common_options,
    NULL,
    NULL,
};

/* ---- reading ---- */

static int read_trace(const char *path, struct picture **picture)
{
    struct stream_error error;
    FILE *in = fopen(path, "re");
    pg_status status;

    if (in == NULL) {
        complain(NULL, "%s: %s", path, strerror(errno));
        return EXIT_INPUT;
    }
    status = picture_read(in, picture, &error);
    (void)fclose(in);
    switch (status) {
    case PG_OK:
        return EXIT_CLEAN;
    case PG_E_NO_MEMORY:
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    default:
        complain(NULL, "%s:%llu: %s", path, (unsigned long long)error.line, error.reason);
        return EXIT_INPUT;
    }
}

/* ---- drawing ---- */

static int draw(FILE *out, const char *name, enum figure figure, const struct picture *picture)
{
    pg_status status = figure == FIGURE_TEXT  ? picture_text(out, picture)
                       : figure == FIGURE_SVG ? picture_figure(out, picture)
                                              : picture_html(out, picture);

    if (status == PG_OK) {
        return EXIT_CLEAN;
    }
    complain(NULL, "%s: %s", name,
             status == PG_E_NO_MEMORY ? pg_status_text(status) : "could not be written");
    return EXIT_OURS;
}

static int draw_to_file(const char *path, enum figure figure, const struct picture *picture)
{
    FILE *out = fopen(path, "we");
    int code;

    if (out == NULL) {
        complain(NULL, "--output: %s: %s", path, strerror(errno));
        return EXIT_USAGE;
    }
    code = draw(out, path, figure, picture);
    if (fclose(out) != 0 && code == EXIT_CLEAN) {
        complain(NULL, "%s: could not be written", path);
        code = EXIT_OURS;
    }
    return code;
}

int cmd_report(int argc, char **argv)
{
    struct report_options options = {.figure = FIGURE_UNSAID};
    struct picture *picture = NULL;
    int code;

    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (options.figure == FIGURE_UNSAID) {
        options.figure =
            options.output == NULL && isatty(STDOUT_FILENO) == 1 ? FIGURE_TEXT : FIGURE_HTML;
    }
    code = read_trace(options.path, &picture);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (options.output != NULL) {
        code = draw_to_file(options.output, options.figure, picture);
    } else {
        code = draw(stdout, "standard output", options.figure, picture);
        code = code == EXIT_CLEAN ? finish_output(code) : code;
    }
    picture_free(picture);
    return code;
}
