/* SPDX-License-Identifier: MIT */
/*
 * What is done to the drivers of a run: the default, or a script in Lua.  Both run on the
 * scheduler's stack, before any driver is unloaded.
 */
#ifndef PAGABLE_SCENARIO_SCENARIO_H
#define PAGABLE_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;

/* How the drivers of the run are loaded, started and unloaded. */
struct scenario_drivers {
    void (*start)(void *context); /* all of them; called once */
    void *context;
    /* False when it stays: it has no unload routine, or a device of it is in use. */
    bool (*unload)(void *context, struct module *module);
    /* Load one that was unloaded again; NULL when it did not start. */
    struct module *(*load)(void *context, const struct module *unloaded);
};

/* Create, read, write, device control and close on every device that the drivers made.  They have
 * been started. */
void scenario_run_default(void);

/* Globals of the script that is run next, as "NAME=VALUE"; the list stays the caller's. */
void scenario_define(const char *const *names_and_values, uint32_t count);

/*
 * Run a script; docs/scenarios.md is its reference.  The drivers are started by the first thing in
 * it that needs them, at the latest by its end.  Returns when the script did.  Ends the run
 * when the script is wrong (RUN_BAD_SCRIPT) or one of its expectations is not met (RUN_ASSERTION).
 * `name` is what messages call it.
 */
void scenario_run_script(const char *name, const char *text, size_t bytes,
                         const struct scenario_drivers *drivers);

#endif
