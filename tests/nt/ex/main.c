/* SPDX-License-Identifier: MIT */
/* Executive, objects and run-time library of nt/, called from a computer without drivers. */
#include "computer.h"
#include "support/run.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(suite_pool());

    srunner_add_suite(runner, suite_object());
    srunner_add_suite(runner, suite_string());
    srunner_add_suite(runner, suite_format());
    srunner_add_suite(runner, suite_numbers());
    srunner_add_suite(runner, suite_registry());
    return run_runner(runner);
}
