/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ADVISE_CHECK_PROGRAM_H
#define TESTS_ADVISE_CHECK_PROGRAM_H

struct program;

/* Everything that program.h says of a program that was built; fails the test that asks. */
void check_program(const struct program *program);

#endif
