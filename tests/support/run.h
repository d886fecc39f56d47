/* SPDX-License-Identifier: MIT */
/* What each test program ends with: CK_VERBOSITY tells how much is printed. */
#ifndef PAGABLE_TESTS_RUN_H
#define PAGABLE_TESTS_RUN_H

#include <check.h>

/* Run what is in a runner, or in a suite, and free it; the exit code of the program. */
int run_runner(SRunner *runner);
int run_suite(Suite *suite);

#endif
