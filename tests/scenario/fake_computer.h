/* SPDX-License-Identifier: MIT */
/*
 * A computer for scenarios to play with: one driver, two devices, requests that end when and as
 * their control code says.  It stands in for machine/ and nt/, so that what a script may do, and
 * what its mistakes lead to, is tested apart from them.
 */
#ifndef PAGABLE_TESTS_FAKE_COMPUTER_H
#define PAGABLE_TESTS_FAKE_COMPUTER_H

#include "nt/requests.h"

/* Control codes of the fake driver. */
enum {
    FAKE_ECHO = 0x222000,      /* the input, as much as fits */
    FAKE_REFUSE = 0x222004,    /* 0xC0000010 */
    FAKE_LATER = 0x222008,     /* echo, after one second */
    FAKE_ON_CANCEL = 0x22200c, /* 0xC0000120 when cancelled, never before */
    FAKE_STUCK = 0x222010,     /* never */
    FAKE_OVERFLOW = 0x222018,  /* echo, with the warning 0x80000005 */
    FAKE_DELETE = 0x222014,    /* deletes \Device\Second */
};

/* What happened, as words: "create A; read 512@0; ... ". */
extern char fake_log[65536];
extern int32_t fake_create_status;
extern unsigned fake_requests_live, fake_requests_possible;
extern bool fake_budget_expired;

/* How a run ended: RUN_DONE when the scenario returned. */
struct fake_end {
    enum run_outcome outcome;
    char reason[240];
    char log[65536];
    char notices[8192];
    unsigned findings;
    char finding[240];
    unsigned requests_live;
    uint64_t time;
};

/* Run `body` in a process of its own to its end. */
void fake_run(void (*body)(void *context), void *context, struct fake_end *end);

#endif
