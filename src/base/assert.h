/* SPDX-License-Identifier: MIT */
/*
 * Assertions about pagable itself.  They stay on in release builds: a defect of ours must stop with
 * its place named (exit code 4), never turn into a wrong verdict about somebody's driver.
 */
#ifndef PAGABLE_BASE_ASSERT_H
#define PAGABLE_BASE_ASSERT_H

#define EXIT_OUR_FAULT 4

_Noreturn void assert_failed(const char *expression, const char *file, int line,
                             const char *function);

#define PG_ASSERT(e) ((e) ? (void)0 : assert_failed(#e, __FILE__, __LINE__, __func__))

/* Walks of whole structures; on in the sanitizer builds. */
#ifdef PG_CHECK_SLOW_ON
#define PG_CHECK_SLOW(e) PG_ASSERT(e)
#else
#define PG_CHECK_SLOW(e) ((void)sizeof((e) ? 1 : 0))
#endif

#endif
