/* SPDX-License-Identifier: MIT */
/*
 * What is done to the drivers of a run: the default, or a script in Lua.  Both run on the
 * scheduler's stack, after every driver was started and before any is unloaded.
 */
#ifndef PAGABLE_SCENARIO_SCENARIO_H
#define PAGABLE_SCENARIO_SCENARIO_H

#include <stddef.h>

/* Create, read, write, device control and close on every device that the drivers made. */
void scenario_run_default(void);

/*
 * Run a script; docs/scenarios.md is its reference.  Returns when the script did.  Ends the run
 * when the script is wrong (RUN_BAD_SCRIPT) or one of its expectations is not met (RUN_ASSERTION).
 * `name` is what messages call it.
 */
void scenario_run_script(const char *name, const char *text, size_t bytes);

#endif
