/* SPDX-License-Identifier: MIT */
/*
 * paged-code-failed: PAGED_CODE() of a checked build found the IRQL above APC_LEVEL.
 *
 * The macro is inlined, so what it does is recognized: it asks for the IRQL, and then
 *   - prints "... Pageable code called at IRQL > APC_LEVEL ..." before anything else; or
 *   - calls RtlAssert with an expression that asks for the IRQL; or
 *   - runs int 2c a few instructions after it asked.
 * Other assertions that fail at raised IRQL do not ask for it just before.
 */
#include "verify/private.h"

#include <string.h>

#define NEAR 96u /* bytes of code between the question and the assertion */

static struct thread *raised_thread(void)
{
    struct thread *thread = machine_thread();

    return thread != NULL && machine_irql() > APC_LEVEL ? thread : NULL;
}

/* `place` of 0: the caller of the export. */
static void failed(uint64_t place)
{
    if (machine_irql_suspected()) {
        return; /* the message was reported, and the assertion comes next */
    }
    machine_suspect_raised(machine_finding(RULE_PAGED_CODE_FAILED, place,
                                           "PAGED_CODE was reached at IRQL %u (%s)", machine_irql(),
                                           api_irql_level_name(machine_irql())),
                           0, UINT64_MAX);
}

/* The machine and verify.c forget the question when the IRQL changes or the system is called. */
static bool asked_just_before(const struct thread *thread, uint64_t place)
{
    return thread->irql_read != 0 && place - thread->irql_read < NEAR;
}

void paged_code_asserts(uint64_t place)
{
    const struct thread *thread = raised_thread();

    if (thread != NULL && asked_just_before(thread, place)) {
        failed(place);
    }
}

/* A text of the driver's, as much of it as fits and can be read. */
static void read_text(uint64_t address, char *text, size_t size)
{
    size_t n = 0;

    while (n + 1 < size && where_peek(address + n, &text[n], 1) && text[n] != '\0') {
        n++;
    }
    text[n] = '\0';
}

static void asserts(const struct nt_export *export, const uint64_t *arguments)
{
    char expression[128];

    (void)export;
    if (raised_thread() == NULL) {
        return;
    }
    read_text(arguments[0], expression, sizeof expression);
    if (strstr(expression, "KeGetCurrentIrql") != NULL && strstr(expression, "APC_LEVEL") != NULL) {
        failed(0);
    }
}

static void asks(const struct nt_export *export, const uint64_t *arguments)
{
    struct thread *thread = machine_thread();

    (void)export;
    (void)arguments;
    if (thread != NULL) {
        thread->irql_read = machine_caller();
    }
}

static void prints(uint64_t format)
{
    static const char words[] = "ageable code called at IRQL";
    char text[128];

    read_text(format, text, sizeof text);
    if (strstr(text, words) != NULL) {
        failed(0);
    }
}

static void prints_first(const struct nt_export *export, const uint64_t *arguments)
{
    (void)export;
    if (raised_thread() != NULL) {
        prints(arguments[0]);
    }
}

static void prints_third(const struct nt_export *export, const uint64_t *arguments)
{
    (void)export;
    if (raised_thread() != NULL) {
        prints(arguments[2]);
    }
}

void paged_code_start(void)
{
    verify_add_check("DbgPrint", prints_first);
    verify_add_check("DbgPrintEx", prints_third);
    verify_add_check("vDbgPrintEx", prints_third);
    verify_add_check("RtlAssert", asserts);
    verify_add_check("KeGetCurrentIrql", asks);
}
