/* SPDX-License-Identifier: MIT */
/*
 * Counted strings: UNICODE_STRING and its operations.  Lengths are bytes; a string need not end
 * with a zero.  Every routine touches the strings it reads and the room it writes before it changes
 * anything.
 */
#include "nt/ex.h"

#include <string.h>

#define UNICODE_TAG 0x72745355u /* "UStr" */

size_t rtl_touch_string(const char *string)
{
    size_t n = 0;

    for (;; n++) {
        if (n == 0 || ((uint64_t)string + n) % PG_PAGE_SIZE == 0) {
            machine_touch((uint64_t)string + n, 1, PAGER_READ);
        }
        if (string[n] == '\0') {
            return n;
        }
    }
}

size_t rtl_touch_wide(const uint16_t *string)
{
    uint16_t unit;

    for (size_t n = 0;; n++) {
        if (n == 0 || (uint64_t)&string[n] % PG_PAGE_SIZE < sizeof unit ||
            (uint64_t)&string[n] % PG_PAGE_SIZE > PG_PAGE_SIZE - sizeof unit) {
            machine_touch((uint64_t)&string[n], sizeof unit, PAGER_READ);
        }
        ex_copy(&unit, &string[n], sizeof unit);
        if (unit == 0) {
            return n;
        }
    }
}

void rtl_touch_unicode(const struct unicode_string *string)
{
    machine_touch((uint64_t)string, sizeof *string, PAGER_READ);
    machine_touch((uint64_t)string->Buffer, string->Length, PAGER_READ);
}

void rtl_touch_ansi(const struct ansi_string *string)
{
    machine_touch((uint64_t)string, sizeof *string, PAGER_READ);
    machine_touch((uint64_t)string->Buffer, string->Length, PAGER_READ);
}

struct unicode_string rtl_unicode(const char *ascii, uint16_t *buffer, size_t units)
{
    size_t n = 0;

    while (ascii[n] != '\0' && n + 1 < units) {
        buffer[n] = (uint8_t)ascii[n];
        n++;
    }
    buffer[n] = 0;
    return (struct unicode_string){(uint16_t)(n * 2), (uint16_t)(n * 2 + 2), buffer};
}

static uint16_t unit_at(const uint16_t *units, size_t index, bool fold)
{
    uint16_t unit;

    ex_copy(&unit, units + index, sizeof unit); /* drivers' strings need not be aligned */
    return fold ? rtl_upcase(unit) : unit;
}

int rtl_compare_units(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units,
                      bool fold)
{
    size_t common = a_units < b_units ? a_units : b_units;

    for (size_t i = 0; i < common; i++) {
        int difference = (int)unit_at(a, i, fold) - (int)unit_at(b, i, fold);

        if (difference != 0) {
            return difference;
        }
    }
    return a_units < b_units ? -1 : a_units > b_units;
}

int rtl_compare_unicode(const struct unicode_string *a, const struct unicode_string *b, bool fold)
{
    return rtl_compare_units(a->Buffer, a->Length / 2u, b->Buffer, b->Length / 2u, fold);
}

/* ---- making ---- */

static void set(struct unicode_string *string, const uint16_t *source, size_t units)
{
    /* Longer than a length can say: cut, as Windows does. */
    size_t bytes = units * 2 > UINT16_MAX - 3u ? UINT16_MAX - 3u : units * 2;

    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    string->Length = (uint16_t)bytes;
    string->MaximumLength = (uint16_t)(source == NULL ? 0 : bytes + 2);
    string->Buffer = (uint16_t *)source;
}

static void RtlInitUnicodeString(struct unicode_string *string, const uint16_t *source)
{
    set(string, source, source == NULL ? 0 : rtl_touch_wide(source));
}

static ntstatus RtlInitUnicodeStringEx(struct unicode_string *string, const uint16_t *source)
{
    size_t units = source == NULL ? 0 : rtl_touch_wide(source);

    if (units * 2 > UINT16_MAX - 3u) {
        return STATUS_NAME_TOO_LONG;
    }
    set(string, source, units);
    return STATUS_SUCCESS;
}

static uint8_t RtlCreateUnicodeString(struct unicode_string *string, const uint16_t *source)
{
    size_t bytes = (rtl_touch_wide(source) + 1) * 2;
    uint64_t buffer;

    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    if (bytes > UINT16_MAX - 1u) {
        return 0;
    }
    buffer = ex_pool_take(POOL_PAGED, bytes, UNICODE_TAG, 0);
    if (buffer == 0) {
        return 0;
    }
    machine_touch(buffer, bytes, PAGER_WRITE);
    ex_copy(machine_pointer(buffer), source, bytes);
    *string =
        (struct unicode_string){(uint16_t)(bytes - 2), (uint16_t)bytes, machine_pointer(buffer)};
    return 1;
}

static void RtlFreeUnicodeString(struct unicode_string *string)
{
    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    if (string->Buffer != NULL) {
        ex_pool_free_checked((uint64_t)string->Buffer, 0);
        *string = (struct unicode_string){0, 0, NULL};
    }
}

/* ---- copying and appending ---- */

static void RtlCopyUnicodeString(struct unicode_string *to, const struct unicode_string *from)
{
    uint16_t bytes;

    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    if (from == NULL) {
        to->Length = 0;
        return;
    }
    rtl_touch_unicode(from);
    bytes = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    machine_touch((uint64_t)to->Buffer, bytes, PAGER_WRITE);
    ex_copy(to->Buffer, from->Buffer, bytes);
    to->Length = bytes;
    if (bytes + 2u <= to->MaximumLength) {
        machine_touch((uint64_t)to->Buffer + bytes, 2, PAGER_WRITE);
        memset((uint8_t *)to->Buffer + bytes, 0, 2);
    }
}

/* Bytes that are touched already, to the end of a string; a terminator when there is room. */
static ntstatus append(struct unicode_string *to, const void *from, size_t bytes)
{
    size_t end;
    size_t terminator;

    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    end = to->Length + bytes;
    if (end > to->MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    terminator = end + 2 <= to->MaximumLength ? 2 : 0;
    machine_touch((uint64_t)to->Buffer + to->Length, bytes + terminator, PAGER_WRITE);
    ex_copy((uint8_t *)to->Buffer + to->Length, from, bytes);
    memset((uint8_t *)to->Buffer + end, 0, terminator);
    to->Length = (uint16_t)end;
    return STATUS_SUCCESS;
}

static ntstatus RtlAppendUnicodeToString(struct unicode_string *to, const uint16_t *from)
{
    return from == NULL ? STATUS_SUCCESS : append(to, from, rtl_touch_wide(from) * 2);
}

static ntstatus RtlAppendUnicodeStringToString(struct unicode_string *to,
                                               const struct unicode_string *from)
{
    rtl_touch_unicode(from);
    return append(to, from->Buffer, from->Length);
}

/* ---- comparing ---- */

static int32_t RtlCompareUnicodeString(const struct unicode_string *a,
                                       const struct unicode_string *b, uint8_t fold)
{
    rtl_touch_unicode(a);
    rtl_touch_unicode(b);
    return rtl_compare_unicode(a, b, fold != 0);
}

static uint8_t RtlEqualUnicodeString(const struct unicode_string *a, const struct unicode_string *b,
                                     uint8_t fold)
{
    return RtlCompareUnicodeString(a, b, fold) == 0;
}

static uint8_t RtlPrefixUnicodeString(const struct unicode_string *a,
                                      const struct unicode_string *b, uint8_t fold)
{
    rtl_touch_unicode(a);
    rtl_touch_unicode(b);
    return a->Length <= b->Length &&
           rtl_compare_units(a->Buffer, a->Length / 2u, b->Buffer, a->Length / 2u, fold != 0) == 0;
}

#define HASH_DEFAULT 0u
#define HASH_X65599  1u

static ntstatus RtlHashUnicodeString(const struct unicode_string *string, uint8_t fold,
                                     uint32_t algorithm, uint32_t *hash)
{
    uint32_t value = 0;

    if (string == NULL || hash == NULL || algorithm > HASH_X65599) {
        return STATUS_INVALID_PARAMETER;
    }
    rtl_touch_unicode(string);
    machine_touch((uint64_t)hash, sizeof *hash, PAGER_WRITE);
    for (size_t i = 0; i < string->Length / 2u; i++) {
        value = value * 65599 + unit_at(string->Buffer, i, fold != 0);
    }
    *hash = value;
    return STATUS_SUCCESS;
}

/* ---- case ---- */

static ntstatus change_case(struct unicode_string *to, const struct unicode_string *from,
                            uint8_t allocate, uint16_t (*map)(uint16_t))
{
    rtl_touch_unicode(from);
    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    if (allocate) {
        uint64_t buffer = ex_pool_take(POOL_PAGED, from->Length, UNICODE_TAG, 0);

        if (buffer == 0) {
            return STATUS_NO_MEMORY;
        }
        to->MaximumLength = from->Length;
        to->Buffer = machine_pointer(buffer);
    } else if (from->Length > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    machine_touch((uint64_t)to->Buffer, from->Length, PAGER_WRITE);
    for (size_t i = 0; i < from->Length / 2u; i++) {
        uint16_t unit = map(unit_at(from->Buffer, i, false));

        ex_copy(to->Buffer + i, &unit, sizeof unit);
    }
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

static ntstatus RtlUpcaseUnicodeString(struct unicode_string *to, const struct unicode_string *from,
                                       uint8_t allocate)
{
    return change_case(to, from, allocate, rtl_upcase);
}

static ntstatus RtlDowncaseUnicodeString(struct unicode_string *to,
                                         const struct unicode_string *from, uint8_t allocate)
{
    return change_case(to, from, allocate, rtl_downcase);
}

NT_VOID2(RtlInitUnicodeString, struct unicode_string *, const uint16_t *)
NT_CALL2(RtlInitUnicodeStringEx, struct unicode_string *, const uint16_t *)
NT_CALL2(RtlCreateUnicodeString, struct unicode_string *, const uint16_t *)
NT_VOID1(RtlFreeUnicodeString, struct unicode_string *)
NT_VOID2(RtlCopyUnicodeString, struct unicode_string *, const struct unicode_string *)
NT_CALL2(RtlAppendUnicodeToString, struct unicode_string *, const uint16_t *)
NT_CALL2(RtlAppendUnicodeStringToString, struct unicode_string *, const struct unicode_string *)
NT_CALL3(RtlCompareUnicodeString, const struct unicode_string *, const struct unicode_string *,
         uint8_t)
NT_CALL3(RtlEqualUnicodeString, const struct unicode_string *, const struct unicode_string *,
         uint8_t)
NT_CALL3(RtlPrefixUnicodeString, const struct unicode_string *, const struct unicode_string *,
         uint8_t)
NT_CALL4(RtlHashUnicodeString, const struct unicode_string *, uint8_t, uint32_t, uint32_t *)
NT_CALL3(RtlUpcaseUnicodeString, struct unicode_string *, const struct unicode_string *, uint8_t)
NT_CALL3(RtlDowncaseUnicodeString, struct unicode_string *, const struct unicode_string *, uint8_t)
