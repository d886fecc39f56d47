/* SPDX-License-Identifier: MIT */
/* Which devices a driver of a run gets: those that its INF file names, before anything is done to
 * it. */
#include "cli/cli.h"
#include "nt/pnp.h"

static _Noreturn void hung(const struct module *module)
{
    char what[96];
    uint64_t place = nt_pnp_pending(what, sizeof what);

    machine_finding(RULE_THREAD_HANG, place != 0 ? place : module->base, "%s did not end: %s", what,
                    module->name);
    machine_stop(RUN_STOPPED, "a plug and play request did not end");
}

void start_devices(struct module *module, const struct input *input)
{
    uint32_t added, started;

    if (nt_pnp_is_wdm(module) && !nt_pnp_add(module, input->hardware_ids, &added, &started)) {
        hung(module);
    }
}

void remove_devices(struct module *module)
{
    if (!nt_pnp_remove(module)) {
        hung(module);
    }
}
