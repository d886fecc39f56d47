/* SPDX-License-Identifier: MIT */
/*
 * irql-left-raised: a routine that the system called came back at another IRQL.  What the system
 * makes of it (a bug check when the thread leaves it, or a driver above that goes on) follows.
 */
#include "verify/private.h"

void left_raised_returned(uint64_t routine, uint8_t irql_before)
{
    uint8_t irql = machine_irql();

    if (wait_true_left() || machine_irql_suspected()) {
        return; /* of a caller of the one that was reported, or of Wait TRUE */
    }
    machine_suspect_raised(
        machine_finding_with(RULE_IRQL_LEFT_RAISED, routine, NULL, 0,
                             "the routine was called at IRQL %u (%s) and returned at IRQL %u (%s)",
                             irql_before, api_irql_level_name(irql_before), irql,
                             api_irql_level_name(irql)),
        0, UINT64_MAX);
}
