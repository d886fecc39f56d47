/* SPDX-License-Identifier: MIT */
/* What a driver leaves behind: locks on its sections. */
#include "verify/verify.h"

void verify_at_unload(struct module *module)
{
    uint32_t count = pg_image_section_count(module->sections);

    for (uint32_t i = 0; i < count; i++) {
        struct pg_section_info info;

        if (pg_section_query(module->sections, i, &info) == PG_OK && info.lock_count > 0) {
            machine_finding(RULE_LOCK_LEAK, info.desc->base,
                            "section %s of %s has a lock count of %u after unload", info.desc->name,
                            module->name, info.lock_count);
        }
    }
}
