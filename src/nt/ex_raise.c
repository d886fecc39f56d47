/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that the system raises in a driver.  Without a handler that takes one it is bug check
 * 0x1E, which is how every one ends here: structured handlers of drivers are not searched.
 */
#include "nt/ex.h"

#include <stdio.h>

_Noreturn void ex_raise(uint32_t status, uint64_t p3, uint64_t p4, const char *words)
{
    machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)status, machine_caller(), p3, p4, words);
}

static void ExRaiseStatus(int32_t status)
{
    char words[80];

    snprintf(words, sizeof words, "the driver raised status 0x%08x", (uint32_t)status);
    ex_raise((uint32_t)status, 0, 0, words);
}

static void ExRaiseAccessViolation(void)
{
    ex_raise((uint32_t)STATUS_ACCESS_VIOLATION, 0, 0, "the driver raised an access violation");
}

static void ExRaiseDatatypeMisalignment(void)
{
    ex_raise((uint32_t)STATUS_DATATYPE_MISALIGNMENT, 0, 0,
             "the driver raised a misalignment exception");
}

static void RtlRaiseStatus(int32_t status)
{
    ExRaiseStatus(status);
}

NT_VOID1(ExRaiseStatus, int32_t)
NT_VOID0(ExRaiseAccessViolation)
NT_VOID0(ExRaiseDatatypeMisalignment)
NT_VOID1(RtlRaiseStatus, int32_t)
