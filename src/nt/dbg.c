/* SPDX-License-Identifier: MIT */
/*
 * What drivers tell the debugger: DbgPrint and its relatives, and break points.
 *
 * There is no debugger: text goes to whoever runs pagable, as UTF-8, whatever its component and
 * level; a break point is the exception that nobody handles.  One message has at most 512 bytes,
 * the rest is cut off, as on Windows.
 */
#include "nt/ex.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 512u

void dbg_print(const char *text, size_t bytes)
{
    while (bytes > 0) {
        uint32_t part = bytes > CHANNEL_RECORD_MAX ? CHANNEL_RECORD_MAX : (uint32_t)bytes;

        machine_text(text, part);
        text += part;
        bytes -= part;
    }
}

/* Bytes of a text that is cut at `limit` without cutting a character. */
static size_t cut(const uint8_t *text, size_t bytes, size_t limit)
{
    if (bytes <= limit) {
        return bytes;
    }
    while (limit > 0 && (text[limit] & 0xc0) == 0x80) {
        limit--;
    }
    return limit;
}

static ntstatus print(const char *prefix, const char *format, const uint64_t *arguments, bool guest)
{
    /* One more than a message may have shows whether the character at the border is whole. */
    uint8_t text[MESSAGE_MAX + 1];
    struct rtl_sink sink = {.utf8 = true, .memory = text, .capacity = sizeof text};

    if (prefix != NULL) {
        size_t bytes = rtl_touch_string(prefix);

        sink.units = bytes > MESSAGE_MAX ? MESSAGE_MAX : bytes;
        memcpy(text, prefix, sink.units);
    }
    rtl_format(&sink, false, format, arguments, guest);
    dbg_print((const char *)text, cut(text, sink.units, MESSAGE_MAX));
    return STATUS_SUCCESS;
}

uint64_t call_DbgPrint(const uint64_t *a)
{
    return (uint64_t)print(NULL, machine_pointer(a[0]), a + 1, false);
}

/* The component and the level select nothing: every message is shown. */
uint64_t call_DbgPrintEx(const uint64_t *a)
{
    return (uint64_t)print(NULL, machine_pointer(a[2]), a + 3, false);
}

uint64_t call_DbgPrintReturnControlC(const uint64_t *a)
{
    return (uint64_t)print(NULL, machine_pointer(a[0]), a + 1, false);
}

uint64_t call_vDbgPrintEx(const uint64_t *a)
{
    return (uint64_t)print(NULL, machine_pointer(a[2]), machine_pointer(a[3]), true);
}

uint64_t call_vDbgPrintExWithPrefix(const uint64_t *a)
{
    return (uint64_t)print(machine_pointer(a[0]), machine_pointer(a[3]), machine_pointer(a[4]),
                           true);
}

static ntstatus DbgQueryDebugFilterState(uint32_t component, uint32_t level)
{
    (void)component;
    (void)level;
    return 1; /* TRUE: every message is shown */
}

/* ---- break points ---- */

static void DbgBreakPoint(void)
{
    ex_raise((uint32_t)STATUS_BREAKPOINT, 0, 0,
             "the driver called DbgBreakPoint, and there is no debugger");
}

static void DbgBreakPointWithStatus(uint32_t status)
{
    ex_raise((uint32_t)STATUS_BREAKPOINT, status, 0,
             "the driver called DbgBreakPointWithStatus, and there is no debugger");
}

/* A failed assertion of a checked driver: the message, then a break point. */
static void RtlAssert(const char *expression, const char *file, uint32_t line, const char *message)
{
    char texts[3][144] = {""};
    const char *const from[3] = {message, expression, file};
    char words[MESSAGE_MAX];

    for (size_t i = 0; i < 3; i++) {
        if (from[i] != NULL) {
            machine_copy_string((uint64_t)from[i], texts[i], sizeof texts[i]);
        }
    }
    snprintf(words, sizeof words, "*** Assertion failed: %s%s\n***   Source File: %s, line %u\n",
             texts[0], texts[1], texts[2], line);
    dbg_print(words, strlen(words));
    ex_raise((uint32_t)STATUS_BREAKPOINT, 0, 0,
             "an assertion of the driver failed, and there is no debugger");
}

static ntstatus KdDisableDebugger(void)
{
    return STATUS_DEBUGGER_INACTIVE;
}

static ntstatus KdEnableDebugger(void)
{
    return STATUS_DEBUGGER_INACTIVE;
}

static uint8_t KdRefreshDebuggerNotPresent(void)
{
    return 1;
}

void dbg_start(void)
{
    *(uint8_t *)nt_data("KdDebuggerEnabled") = 0;
    *(uint8_t *)nt_data("KdDebuggerNotPresent") = 1;
}

NT_CALL2(DbgQueryDebugFilterState, uint32_t, uint32_t)
NT_VOID0(DbgBreakPoint)
NT_VOID1(DbgBreakPointWithStatus, uint32_t)
NT_VOID4(RtlAssert, const char *, const char *, uint32_t, const char *)
NT_CALL0(ntstatus, KdDisableDebugger)
NT_CALL0(ntstatus, KdEnableDebugger)
NT_CALL0(uint8_t, KdRefreshDebuggerNotPresent)
