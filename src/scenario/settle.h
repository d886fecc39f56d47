/* SPDX-License-Identifier: MIT */
/* Private to scenario/: requests that somebody waits for. */
#ifndef PAGABLE_SCENARIO_SETTLE_H
#define PAGABLE_SCENARIO_SETTLE_H

#include "nt/requests.h"

#define SECOND 10000000ull /* units of virtual time */

/* "read", "device control" ... of a kind of request */
const char *request_kind_name(enum nt_request_kind kind);

/*
 * Wait for a request as a patient program would: 10 virtual seconds, then it is cancelled and gets
 * 10 more.  False when it is pending even then: that is a finding (irp-not-cancellable).
 */
bool request_settle(struct nt_request *request, enum nt_request_kind kind);

#endif
