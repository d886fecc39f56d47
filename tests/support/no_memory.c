/* SPDX-License-Identifier: MIT */
/* Failing each request of something in turn. */
#include "support/no_memory.h"

#include "base/host.h"

#include <check.h>
#include <stdbool.h>

void no_memory_anywhere(pg_status (*attempt)(void *context), void *context, unsigned at_least)
{
    unsigned failures = 0;

    for (bool hit = true; hit; failures += hit) {
        pg_status status;

        host_fail_nth(failures + 1);
        status = attempt(context);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert_msg(status == (hit ? PG_E_NO_MEMORY : PG_OK), "request %u %s: status %d",
                      failures + 1, hit ? "failed" : "was not made", status);
    }
    ck_assert_uint_ge(failures, at_least);
}
