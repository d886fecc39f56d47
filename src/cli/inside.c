/* SPDX-License-Identifier: MIT */
/*
 * A run from inside: load the drivers in the order given, start each, do to them what the scenario
 * says, unload them in the opposite order.  Runs on the scheduler's stack of the computer's
 * process.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "device/computer.h"
#include "nt/disk.h"
#include "nt/nt.h"
#include "nt/requests.h"
#include "scenario/scenario.h"
#include "verify/verify.h"

#define DRIVERS_MAX 64u

static struct channel *to_parent;

/* The computer could not even be made: the host's fault. */
static _Noreturn void give_up(const char *what, pg_status status)
{
    complain(NULL, "the computer could not be made: %s: %s", what, pg_status_text(status));
    _exit(EXIT_OURS);
}

static void report_sections(const struct module *module)
{
    struct section_summary summary;

    for (uint32_t i = 0; machine_section_summary(module, i, &summary); i++) {
        channel_put(to_parent, RECORD_SECTION, &summary, sizeof summary);
    }
}

/* The last look at a driver: its unload routine has returned and its memory is still there. */
static void at_unload(struct module *module)
{
    verify_at_unload(module);
    report_sections(module);
}

static void start_computer(const struct plan *plan, struct channel *channel)
{
    const char *what = "";
    pg_status status = machine_start(&plan->options, channel, &what);

    if (status != PG_OK) {
        give_up(what, status);
    }
    status = nt_start();
    if (status != PG_OK) {
        give_up("system objects", status);
    }
    computer_start();
    if (!nt_disks_start()) {
        give_up("disk devices", PG_E_NO_MEMORY);
    }
    to_parent = channel;
    verify_start();
    nt_hooks.before_call = verify_before_call;
    nt_hooks.at_unload = at_unload;
}

static struct module *load(const struct input *input)
{
    struct module *module = NULL;
    char what[160], reason[240];
    pg_status status = module_load(input->name, &input->image, input->fd, nt_resolve_import,
                                   &module, what, sizeof what);

    if (status == PG_E_NO_MEMORY) {
        give_up(what, status);
    }
    if (status != PG_OK) {
        (void)snprintf(reason, sizeof reason, "%s: %s", input->name, what);
        machine_stop(RUN_UNSUPPORTED, reason);
    }
    verify_loaded(module);
    return module;
}

/* A routine of the driver that should have returned waits for ever. */
static void stuck(const struct module *module, const char *what)
{
    uint64_t place = nt_driver_stuck_at(module);

    machine_finding(RULE_THREAD_HANG, place != 0 ? place : module->base, "%s of %s did not return",
                    what, module->name);
}

/* False when the driver is not there afterwards. */
static bool start(struct module *module, const struct input *input)
{
    int32_t status = 0;

    if (!nt_driver_start(module, &status)) {
        stuck(module, "DriverEntry");
        machine_stop(RUN_STOPPED, "DriverEntry did not return");
    }
    if (status < 0) {
        machine_finding(RULE_DRIVER_ENTRY_FAILED, module->base + module->image.entry_rva,
                        "DriverEntry of %s returned 0x%08x", module->name, (unsigned)status);
        if (module->nt != NULL) { /* no driver object: it did not get as far as being loaded */
            (void)nt_driver_stop(module);
        }
        return false;
    }
    start_devices(module, input);
    return true;
}

static void stop(struct module *module)
{
    remove_devices(module);
    switch (nt_driver_stop(module)) {
    case NT_UNLOADED:
        break;
    case NT_NO_UNLOAD:
        machine_notice("%s stays loaded: it has no unload routine, or a device of it is in use",
                       module->name);
        break;
    case NT_UNLOAD_HUNG:
        stuck(module, "the unload routine");
        machine_stop(RUN_STOPPED, "an unload routine did not return");
    }
}

/* The drivers of a run that were started, in that order. */
struct started {
    const struct plan *plan;
    struct module *modules[DRIVERS_MAX];
    uint32_t count;
};

static void start_all(void *context)
{
    struct started *started = context;
    const struct plan *plan = started->plan;

    for (uint32_t i = 0; i < plan->count; i++) {
        struct module *module = load(&plan->inputs[i]);

        if (!plan->load_only && start(module, &plan->inputs[i]) && started->count < DRIVERS_MAX) {
            started->modules[started->count++] = module;
        }
    }
}

/* A scenario unloads one driver, or loads it again. */
static bool unload_one(void *context, struct module *module)
{
    struct started *started = context;
    uint32_t i = 0;

    while (i < started->count && started->modules[i] != module) {
        i++;
    }
    if (i == started->count) {
        return false; /* it never started */
    }
    stop(module);
    if (module->loaded) {
        return false;
    }
    started->count--;
    memmove(&started->modules[i], &started->modules[i + 1],
            (started->count - i) * sizeof *started->modules);
    return true;
}

static struct module *load_again(void *context, const struct module *unloaded)
{
    struct started *started = context;
    const struct plan *plan = started->plan;
    uint32_t i = 0;
    struct module *module;

    while (strcmp(plan->inputs[i].name, unloaded->name) != 0) {
        i++; /* it came from one of them */
    }
    module = load(&plan->inputs[i]);
    if (!start(module, &plan->inputs[i]) || started->count == DRIVERS_MAX) {
        return NULL;
    }
    started->modules[started->count++] = module;
    return module;
}

_Noreturn void inside_run(const struct plan *plan, struct channel *channel)
{
    struct started started = {.plan = plan};
    const struct scenario_drivers drivers = {start_all, &started, unload_one, load_again};

    start_computer(plan, channel);
    if (!plan->load_only && plan->script != NULL) {
        scenario_define(plan->defines, plan->define_count);
        scenario_run_script(plan->script_name, plan->script, plan->script_bytes, &drivers);
    } else {
        start_all(&started);
        if (!plan->load_only) {
            scenario_run_default();
        }
    }
    while (started.count > 0) {
        stop(started.modules[--started.count]);
    }
    machine_stop(RUN_DONE, NULL);
}
