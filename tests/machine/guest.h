/* SPDX-License-Identifier: MIT */
/*
 * A computer of a test's own, with guest code that the test writes by hand into a module of plain
 * memory.  Each test is a process of its own, since there is one computer per process.
 */
#ifndef PAGABLE_TESTS_MACHINE_GUEST_H
#define PAGABLE_TESTS_MACHINE_GUEST_H

#include "machine/internal.h"

#define CODE_BASE  ARENA_IMAGES
#define CODE_PAGES 4u

extern struct channel *channel;
extern struct pager_region *code;

void start(uint64_t seed);
/* A module of plain pages that may be written and run. */
void make_module(bool pinned);
/* Put code into it, 16 bytes aligned; its address. */
uint64_t emit(const void *bytes, size_t size);
/* Forget what was put there. */
void restart_code(void);
#define EMIT(...) emit((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Run every thread to its end. */
void run_all(void);
/* Call a routine of the guest in a thread of its own; its result, also in guest_result. */
uint64_t run_guest(uint64_t routine, uint64_t argument);
extern uint64_t guest_result;

/* The next record of a kind and size that the computer wrote before it exited. */
bool find_record(enum record_kind wanted, void *payload, size_t size);
/* The next notice, cut to fit; false: there is none. */
bool find_notice(char *text, size_t size);

/* Start a computer in a child and run `body` there, which is expected to stop it.  Its bug check,
 * or how it ended without one. */
struct bugcheck_report bugcheck_of(void (*body)(void));
struct run_end end_of(void (*body)(void), struct finding *finding);

#endif
