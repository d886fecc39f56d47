/* SPDX-License-Identifier: MIT */
/* Running suites. */
#include "support/run.h"

#include <stdlib.h>

int run_runner(SRunner *runner)
{
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_suite(Suite *suite)
{
    return run_runner(srunner_create(suite));
}
