/* SPDX-License-Identifier: MIT */
/* Options that every sub-command takes, for those to which they mean little. */
#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

enum { KEY_SEED = 0x400 };

static const struct argp_option seed_table[] = {
    {"seed", KEY_SEED, "N", 0, "Accepted as by other commands, without effect: nothing is random",
     0},
    {0},
};
static const struct argp_option quiet_table[] = {
    {"quiet", 'q', NULL, 0, "Print the result alone, no remarks", 0},
    {0},
};

static error_t parse_seed(int key, char *argument, struct argp_state *state)
{
    char *end = NULL;

    if (key != KEY_SEED) {
        return ARGP_ERR_UNKNOWN;
    }
    errno = 0;
    (void)strtoull(argument, &end, 0);
    if (argument[0] < '0' || argument[0] > '9' || *end != '\0') {
        argp_error(state, "--seed: '%s' is not a number", argument);
    }
    if (errno == ERANGE) {
        argp_error(state, "--seed: %s is too large", argument);
    }
    return 0;
}

static error_t parse_quiet(int key, char *argument, struct argp_state *state)
{
    bool *quiet = state->input;

    (void)argument;
    if (key != 'q') {
        return ARGP_ERR_UNKNOWN;
    }
    if (quiet != NULL) {
        *quiet = true;
    }
    return 0;
}

static const struct argp seed = {seed_table, parse_seed, NULL, NULL, NULL, NULL, NULL};
static const struct argp quiet = {quiet_table, parse_quiet, NULL, NULL, NULL, NULL, NULL};

const struct argp_child seed_option[] = {{&seed, 0, NULL, 0}, {0}};
const struct argp_child common_options[] = {{&quiet, 0, NULL, 0}, {&seed, 0, NULL, 0}, {0}};
