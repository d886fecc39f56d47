/* SPDX-License-Identifier: MIT */
/* page-entire-with-interrupt: MmPageEntireDriver while an interrupt service routine of the driver
 * is connected. */
#include "verify/private.h"

static void check(const struct nt_export *export, const uint64_t *arguments)
{
    const struct module *module = module_at(arguments[0]);
    struct nt_interrupt interrupt;
    uint64_t base, bytes;

    (void)export;
    if (module == NULL || !nt_interrupt_of(module, 0, &interrupt)) {
        return;
    }
    where_function(interrupt.routine, &base, &bytes);
    machine_suspect(machine_finding_about(RULE_PAGE_ENTIRE_WITH_INTERRUPT, 0, interrupt.routine,
                                          "%s is made pageable while its interrupt service routine "
                                          "is connected to line %u",
                                          module->name, interrupt.line),
                    base, bytes);
}

void page_entire_start(void)
{
    verify_add_check("MmPageEntireDriver", check);
}
