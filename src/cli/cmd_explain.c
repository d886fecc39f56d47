/* SPDX-License-Identifier: MIT */
/* `pagable explain`: the rules in words. */
#include <argp.h>
#include <string.h>

#include "cli/cli.h"

#define HINTS_MAX 3u

struct explain_options {
    rule_set chosen;
    enum rule order[RULE_COUNT]; /* as given on the command line */
    uint32_t count;
    bool json, markdown;
};

enum { KEY_JSON = 0x100, KEY_MARKDOWN };

static const struct argp_option option_table[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON document, schema pagable.explain/1", 0},
    {"markdown", KEY_MARKDOWN, NULL, 0, "Print the page docs/RULES.md", 0},
    {0},
};

/* Ends with a usage error that names the ids that may have been meant. */
static void unknown_rule(const struct argp_state *state, const char *word)
{
    enum rule near[HINTS_MAX];
    size_t count = rule_nearest(word, near, HINTS_MAX);
    char hint[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%s",
                                 i == 0           ? "; did you mean "
                                 : i + 1 == count ? " or "
                                                  : ", ",
                                 rule_text(near[i])->id);
    }
    argp_error(state, "there is no rule '%s'%s%s", word, hint, count != 0 ? "?" : "");
}

static void choose(struct argp_state *state, struct explain_options *options, const char *word)
{
    enum rule rule;

    if (!rule_by_id(word, &rule)) {
        unknown_rule(state, word);
        return;
    }
    if ((options->chosen & RULE_BIT(rule)) == 0) {
        options->chosen |= RULE_BIT(rule);
        options->order[options->count++] = rule;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct explain_options *options = state->input;

    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_MARKDOWN:
        options->markdown = true;
        return 0;
    case ARGP_KEY_ARG:
        choose(state, options, argument);
        return 0;
    case ARGP_KEY_END:
        if (options->markdown && (options->json || options->count != 0)) {
            argp_error(state, "--markdown prints all rules, and as nothing else");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "[ID...]",
    "Tell about rules: what is wrong, where it is documented, why, and what to do, with an "
    "example. "
    "Without an ID, list all."
    "\vExit status: 0 told, 2 wrong usage (no such rule), 4 a defect of pagable or of the host.",
    common_options,
    NULL,
    NULL,
};

static int print_json(const struct explain_options *options)
{
    rule_set rules = options->count != 0 ? options->chosen : RULE_SET_ALL;

    if (report_rules_json(stdout, rules) == PG_E_NO_MEMORY) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    return finish_output(EXIT_CLEAN);
}

int cmd_explain(int argc, char **argv)
{
    struct explain_options options = {0};
    struct report_style style = {.colour = wants_colour(stdout)};

    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (options.json) {
        return print_json(&options);
    }
    if (options.markdown) {
        report_rules_markdown(stdout);
    } else if (options.count == 0) {
        report_rule_list(stdout);
    }
    for (uint32_t i = 0; i < options.count; i++) {
        if (i != 0) {
            fputc('\n', stdout);
        }
        report_rule_text(stdout, options.order[i], &style);
    }
    return finish_output(EXIT_CLEAN);
}
