/* SPDX-License-Identifier: MIT */
/* Waiting for requests, and what happens to those that take too long. */
#include "scenario/settle.h"

#define PATIENCE (10 * SECOND)

const char *request_kind_name(enum nt_request_kind kind)
{
    switch (kind) {
    case NT_CREATE:
        return "create";
    case NT_CLEANUP:
        return "cleanup";
    case NT_CLOSE:
        return "close";
    case NT_READ:
        return "read";
    case NT_WRITE:
        return "write";
    case NT_DEVICE_CONTROL:
        return "device control";
    case NT_INTERNAL_CONTROL:
        return "internal device control";
    case NT_FLUSH:
        return "flush";
    case NT_SHUTDOWN:
        return "shutdown";
    case NT_SYSTEM_CONTROL:
        return "system control";
    case NT_PNP:
        return "plug and play";
    case NT_POWER:
        return "power";
    }
    return "unknown";
}

bool request_settle(struct nt_request *request, enum nt_request_kind kind)
{
    if (nt_request_wait(request, PATIENCE)) {
        return true;
    }
    nt_request_cancel(request);
    if (nt_request_wait(request, PATIENCE)) {
        return true;
    }
    machine_finding(RULE_IRP_NOT_CANCELLABLE, nt_request_holder(request),
                    "a %s request is still pending 10 seconds after it was cancelled",
                    request_kind_name(kind));
    return false;
}
