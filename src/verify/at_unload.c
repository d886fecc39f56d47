/* SPDX-License-Identifier: MIT */
/* What a driver leaves behind: locks on its sections, with the calls that made them. */
#include "nt/ex.h"
#include "verify/verify.h"

#define SITES_MAX 16u

static void leaked(const struct module *module, const struct pg_section_info *info)
{
    uint64_t sites[SITES_MAX];
    uint32_t count = mm_lock_sites(info->handle, sites, SITES_MAX);

    machine_finding_with(
        RULE_LOCK_LEAK, info->desc->base, sites, count < SITES_MAX ? count : SITES_MAX,
        "section %s of %s has a lock count of %u after unload; locked from %u %s", info->desc->name,
        module->name, info->lock_count, count, count == 1 ? "place" : "places");
}

void verify_at_unload(struct module *module)
{
    uint32_t count = pg_image_section_count(module->sections);

    for (uint32_t i = 0; i < count; i++) {
        struct pg_section_info info;

        if (pg_section_query(module->sections, i, &info) == PG_OK && info.lock_count > 0) {
            leaked(module, &info);
        }
    }
}
