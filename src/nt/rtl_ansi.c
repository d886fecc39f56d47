/* SPDX-License-Identifier: MIT */
/*
 * Strings of bytes, and conversion between them and UTF-16.  Both code pages have one byte per
 * character, so lengths are known without looking at the text.
 */
#include "nt/ex.h"

#include <string.h>

#define ANSI_TAG 0x72745341u /* "AStr" */

struct page {
    uint16_t (*to_unicode)(uint8_t);
    uint8_t (*from_unicode)(uint16_t);
};
static const struct page ansi = {rtl_from_ansi, rtl_to_ansi};
static const struct page oem = {rtl_from_oem, rtl_to_oem};

static uint16_t unit_at(const uint16_t *units, size_t index)
{
    uint16_t unit;

    ex_copy(&unit, units + index, sizeof unit);
    return unit;
}

/* ---- making ---- */

static void set(struct ansi_string *string, const char *source, size_t bytes)
{
    bytes = bytes > UINT16_MAX - 2u ? UINT16_MAX - 2u : bytes;
    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    string->Length = (uint16_t)bytes;
    string->MaximumLength = (uint16_t)(source == NULL ? 0 : bytes + 1);
    string->Buffer = (char *)source;
}

static void RtlInitAnsiString(struct ansi_string *string, const char *source)
{
    set(string, source, source == NULL ? 0 : rtl_touch_string(source));
}

static void RtlInitString(struct ansi_string *string, const char *source)
{
    RtlInitAnsiString(string, source);
}

static ntstatus RtlInitAnsiStringEx(struct ansi_string *string, const char *source)
{
    size_t bytes = source == NULL ? 0 : rtl_touch_string(source);

    if (bytes > UINT16_MAX - 2u) {
        return STATUS_NAME_TOO_LONG;
    }
    set(string, source, bytes);
    return STATUS_SUCCESS;
}

static void RtlFreeAnsiString(struct ansi_string *string)
{
    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    if (string->Buffer != NULL) {
        ex_pool_free_checked((uint64_t)string->Buffer, 0);
        *string = (struct ansi_string){0, 0, NULL};
    }
}

static void RtlFreeOemString(struct ansi_string *string)
{
    RtlFreeAnsiString(string);
}

/* ---- string to string ---- */

static ntstatus to_unicode(struct unicode_string *to, const struct ansi_string *from,
                           uint8_t allocate, const struct page *page)
{
    size_t bytes;

    rtl_touch_ansi(from);
    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    bytes = ((size_t)from->Length + 1) * 2;
    if (bytes > UINT16_MAX - 1u) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (allocate) {
        uint64_t buffer = ex_pool_take(POOL_PAGED, bytes, ANSI_TAG, 0);

        if (buffer == 0) {
            return STATUS_NO_MEMORY;
        }
        to->MaximumLength = (uint16_t)bytes;
        to->Buffer = machine_pointer(buffer);
    } else if (bytes > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    machine_touch((uint64_t)to->Buffer, bytes, PAGER_WRITE);
    for (size_t i = 0; i <= from->Length; i++) {
        uint16_t unit = i < from->Length ? page->to_unicode((uint8_t)from->Buffer[i]) : 0;

        ex_copy(to->Buffer + i, &unit, sizeof unit);
    }
    to->Length = (uint16_t)(bytes - 2);
    return STATUS_SUCCESS;
}

static ntstatus from_unicode(struct ansi_string *to, const struct unicode_string *from,
                             uint8_t allocate, const struct page *page)
{
    size_t count;
    ntstatus status = STATUS_SUCCESS;

    rtl_touch_unicode(from);
    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    count = from->Length / 2u;
    if (allocate) {
        uint64_t buffer = ex_pool_take(POOL_PAGED, count + 1, ANSI_TAG, 0);

        if (buffer == 0) {
            return STATUS_NO_MEMORY;
        }
        to->MaximumLength = (uint16_t)(count + 1);
        to->Buffer = machine_pointer(buffer);
    } else if (count >= to->MaximumLength) {
        if (to->MaximumLength == 0) {
            return STATUS_BUFFER_OVERFLOW;
        }
        count = to->MaximumLength - 1u; /* what fits is converted all the same */
        status = STATUS_BUFFER_OVERFLOW;
    }
    machine_touch((uint64_t)to->Buffer, count + 1, PAGER_WRITE);
    for (size_t i = 0; i < count; i++) {
        to->Buffer[i] = (char)page->from_unicode(unit_at(from->Buffer, i));
    }
    to->Buffer[count] = '\0';
    to->Length = (uint16_t)count;
    return status;
}

static ntstatus RtlAnsiStringToUnicodeString(struct unicode_string *to,
                                             const struct ansi_string *from, uint8_t allocate)
{
    return to_unicode(to, from, allocate, &ansi);
}

static ntstatus RtlOemStringToUnicodeString(struct unicode_string *to,
                                            const struct ansi_string *from, uint8_t allocate)
{
    return to_unicode(to, from, allocate, &oem);
}

static ntstatus RtlUnicodeStringToAnsiString(struct ansi_string *to,
                                             const struct unicode_string *from, uint8_t allocate)
{
    return from_unicode(to, from, allocate, &ansi);
}

static ntstatus RtlUnicodeStringToOemString(struct ansi_string *to,
                                            const struct unicode_string *from, uint8_t allocate)
{
    return from_unicode(to, from, allocate, &oem);
}

static uint32_t unicode_size(const struct ansi_string *string)
{
    rtl_touch_ansi(string);
    return (string->Length + 1u) * 2;
}

static uint32_t byte_size(const struct unicode_string *string)
{
    rtl_touch_unicode(string);
    return string->Length / 2u + 1;
}

static uint32_t RtlxAnsiStringToUnicodeSize(const struct ansi_string *string)
{
    return unicode_size(string);
}

static uint32_t RtlxOemStringToUnicodeSize(const struct ansi_string *string)
{
    return unicode_size(string);
}

static uint32_t RtlxUnicodeStringToAnsiSize(const struct unicode_string *string)
{
    return byte_size(string);
}

static uint32_t RtlxUnicodeStringToOemSize(const struct unicode_string *string)
{
    return byte_size(string);
}

NT_VOID2(RtlInitAnsiString, struct ansi_string *, const char *)
NT_VOID2(RtlInitString, struct ansi_string *, const char *)
NT_CALL2(RtlInitAnsiStringEx, struct ansi_string *, const char *)
NT_VOID1(RtlFreeAnsiString, struct ansi_string *)
NT_VOID1(RtlFreeOemString, struct ansi_string *)
NT_CALL3(RtlAnsiStringToUnicodeString, struct unicode_string *, const struct ansi_string *, uint8_t)
NT_CALL3(RtlOemStringToUnicodeString, struct unicode_string *, const struct ansi_string *, uint8_t)
NT_CALL3(RtlUnicodeStringToAnsiString, struct ansi_string *, const struct unicode_string *, uint8_t)
NT_CALL3(RtlUnicodeStringToOemString, struct ansi_string *, const struct unicode_string *, uint8_t)
NT_CALL1(RtlxAnsiStringToUnicodeSize, const struct ansi_string *)
NT_CALL1(RtlxOemStringToUnicodeSize, const struct ansi_string *)
NT_CALL1(RtlxUnicodeStringToAnsiSize, const struct unicode_string *)
NT_CALL1(RtlxUnicodeStringToOemSize, const struct unicode_string *)

/* ---- buffers ---- */

static void put_size(uint32_t *where, uint32_t size)
{
    if (where != NULL) {
        machine_touch((uint64_t)where, sizeof *where, PAGER_WRITE);
        *where = size;
    }
}

static ntstatus buffer_to_unicode(uint16_t *to, uint32_t bytes, uint32_t *result,
                                  const uint8_t *from, uint32_t count, const struct page *page)
{
    uint32_t units = bytes / 2 < count ? bytes / 2 : count;

    machine_touch((uint64_t)from, units, PAGER_READ);
    machine_touch((uint64_t)to, (size_t)units * 2, PAGER_WRITE);
    for (uint32_t i = 0; i < units; i++) {
        uint16_t unit = page->to_unicode(from[i]);

        ex_copy(to + i, &unit, sizeof unit);
    }
    put_size(result, units * 2);
    return units < count ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus buffer_from_unicode(uint8_t *to, uint32_t bytes, uint32_t *result,
                                    const uint16_t *from, uint32_t from_bytes,
                                    const struct page *page, bool upper)
{
    uint32_t count = from_bytes / 2;
    uint32_t units = bytes < count ? bytes : count;

    machine_touch((uint64_t)from, (size_t)units * 2, PAGER_READ);
    machine_touch((uint64_t)to, units, PAGER_WRITE);
    for (uint32_t i = 0; i < units; i++) {
        uint16_t unit = unit_at(from, i);

        to[i] = page->from_unicode(upper ? rtl_upcase(unit) : unit);
    }
    put_size(result, units);
    return units < count ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus RtlMultiByteToUnicodeN(uint16_t *to, uint32_t bytes, uint32_t *result,
                                       const uint8_t *from, uint32_t count)
{
    return buffer_to_unicode(to, bytes, result, from, count, &ansi);
}

static ntstatus RtlOemToUnicodeN(uint16_t *to, uint32_t bytes, uint32_t *result,
                                 const uint8_t *from, uint32_t count)
{
    return buffer_to_unicode(to, bytes, result, from, count, &oem);
}

static ntstatus RtlUnicodeToMultiByteN(uint8_t *to, uint32_t bytes, uint32_t *result,
                                       const uint16_t *from, uint32_t from_bytes)
{
    return buffer_from_unicode(to, bytes, result, from, from_bytes, &ansi, false);
}

static ntstatus RtlUpcaseUnicodeToMultiByteN(uint8_t *to, uint32_t bytes, uint32_t *result,
                                             const uint16_t *from, uint32_t from_bytes)
{
    return buffer_from_unicode(to, bytes, result, from, from_bytes, &ansi, true);
}

static ntstatus RtlUnicodeToOemN(uint8_t *to, uint32_t bytes, uint32_t *result,
                                 const uint16_t *from, uint32_t from_bytes)
{
    return buffer_from_unicode(to, bytes, result, from, from_bytes, &oem, false);
}

static ntstatus RtlMultiByteToUnicodeSize(uint32_t *result, const uint8_t *from, uint32_t count)
{
    machine_touch((uint64_t)from, count, PAGER_READ);
    put_size(result, count * 2);
    return STATUS_SUCCESS;
}

static ntstatus RtlUnicodeToMultiByteSize(uint32_t *result, const uint16_t *from, uint32_t bytes)
{
    machine_touch((uint64_t)from, bytes, PAGER_READ);
    put_size(result, bytes / 2);
    return STATUS_SUCCESS;
}

/* One character from *from, which goes on to the next. */
static uint16_t RtlAnsiCharToUnicodeChar(const uint8_t **from)
{
    uint8_t character;

    machine_touch((uint64_t)from, sizeof *from, PAGER_WRITE);
    machine_touch((uint64_t)*from, 1, PAGER_READ);
    character = *(*from)++;
    return rtl_from_ansi(character);
}

NT_CALL5(RtlMultiByteToUnicodeN, uint16_t *, uint32_t, uint32_t *, const uint8_t *, uint32_t)
NT_CALL5(RtlOemToUnicodeN, uint16_t *, uint32_t, uint32_t *, const uint8_t *, uint32_t)
NT_CALL5(RtlUnicodeToMultiByteN, uint8_t *, uint32_t, uint32_t *, const uint16_t *, uint32_t)
NT_CALL5(RtlUpcaseUnicodeToMultiByteN, uint8_t *, uint32_t, uint32_t *, const uint16_t *, uint32_t)
NT_CALL5(RtlUnicodeToOemN, uint8_t *, uint32_t, uint32_t *, const uint16_t *, uint32_t)
NT_CALL3(RtlMultiByteToUnicodeSize, uint32_t *, const uint8_t *, uint32_t)
NT_CALL3(RtlUnicodeToMultiByteSize, uint32_t *, const uint16_t *, uint32_t)
NT_CALL1(RtlAnsiCharToUnicodeChar, const uint8_t **)

/* ---- operations on STRING ---- */

static uint8_t fold_byte(char character, bool fold)
{
    uint8_t byte = (uint8_t)character;

    return fold ? rtl_to_ansi(rtl_upcase(rtl_from_ansi(byte))) : byte;
}

static int32_t RtlCompareString(const struct ansi_string *a, const struct ansi_string *b,
                                uint8_t fold)
{
    size_t common;

    rtl_touch_ansi(a);
    rtl_touch_ansi(b);
    common = a->Length < b->Length ? a->Length : b->Length;
    for (size_t i = 0; i < common; i++) {
        int32_t difference = fold_byte(a->Buffer[i], fold) - fold_byte(b->Buffer[i], fold);

        if (difference != 0) {
            return difference;
        }
    }
    return (int32_t)a->Length - (int32_t)b->Length;
}

static uint8_t RtlEqualString(const struct ansi_string *a, const struct ansi_string *b,
                              uint8_t fold)
{
    return RtlCompareString(a, b, fold) == 0;
}

static void copy_mapped(struct ansi_string *to, const struct ansi_string *from, bool upper)
{
    uint16_t bytes;

    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    if (from == NULL) {
        to->Length = 0;
        return;
    }
    rtl_touch_ansi(from);
    bytes = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    machine_touch((uint64_t)to->Buffer, bytes, PAGER_WRITE);
    for (uint16_t i = 0; i < bytes; i++) {
        to->Buffer[i] = (char)fold_byte(from->Buffer[i], upper);
    }
    to->Length = bytes;
}

static void RtlCopyString(struct ansi_string *to, const struct ansi_string *from)
{
    copy_mapped(to, from, false);
}

static void RtlUpperString(struct ansi_string *to, const struct ansi_string *from)
{
    copy_mapped(to, from, true);
}

NT_CALL3(RtlCompareString, const struct ansi_string *, const struct ansi_string *, uint8_t)
NT_CALL3(RtlEqualString, const struct ansi_string *, const struct ansi_string *, uint8_t)
NT_VOID2(RtlCopyString, struct ansi_string *, const struct ansi_string *)
NT_VOID2(RtlUpperString, struct ansi_string *, const struct ansi_string *)
