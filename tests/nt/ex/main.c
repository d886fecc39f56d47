/* SPDX-License-Identifier: MIT */
/* Executive, objects and run-time library of nt/, called from a computer without drivers. */
#include "computer.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(suite_pool());
    int failed;

    srunner_add_suite(runner, suite_object());
    srunner_add_suite(runner, suite_string());
    srunner_add_suite(runner, suite_format());
    srunner_add_suite(runner, suite_numbers());
    srunner_add_suite(runner, suite_registry());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
