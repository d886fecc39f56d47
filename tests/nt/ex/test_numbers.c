/* SPDX-License-Identifier: MIT */
/* Numbers and identifiers as text, time, bitmaps, versions, lists. */
#include "computer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint32_t integer_of(const char *text, uint32_t base)
{
    uint32_t *value = guest_memory(4);

    ck_assert_int_eq(
        (ntstatus)CALL(RtlUnicodeStringToInteger, SLOT(guest_unicode(text, 0)), base, SLOT(value)),
        STATUS_SUCCESS);
    return *value;
}

START_TEST(integers)
{
    static const uint32_t bases[] = {2, 8, 10, 16};
    struct unicode_string *string;

    computer_start();
    ck_assert_uint_eq(integer_of("  42abc", 10), 42);
    ck_assert_uint_eq(integer_of("-7", 10), (uint32_t)-7);
    ck_assert_uint_eq(integer_of("+0x1F", 0), 0x1f);
    ck_assert_uint_eq(integer_of("0o17", 0), 017);
    ck_assert_uint_eq(integer_of("0b101", 0), 5);
    ck_assert_uint_eq(integer_of("0x1F", 16), 0);
    ck_assert_uint_eq(integer_of("", 0), 0);
    ck_assert_uint_eq(integer_of("0", 0), 0);
    string = guest_unicode("", 80);
    for (size_t b = 0; b < 4; b++) {
        for (uint32_t value = 1; value < 0x80000000u; value = value * 3 + 1) {
            ck_assert_int_eq(
                (ntstatus)CALL(RtlIntegerToUnicodeString, value, bases[b], SLOT(string)), 0);
            ck_assert_uint_eq(integer_of(ASCII(string), bases[b]), value);
        }
    }
    string->MaximumLength = 4;
    ck_assert_int_eq((ntstatus)CALL(RtlIntegerToUnicodeString, 100, 10, SLOT(string)),
                     STATUS_BUFFER_OVERFLOW);
    ck_assert_int_eq((ntstatus)CALL(RtlIntegerToUnicodeString, 99, 10, SLOT(string)), 0);
    ck_assert_int_eq((ntstatus)CALL(RtlIntegerToUnicodeString, 1, 7, SLOT(string)),
                     STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(guids)
{
    static const char text[] = "{6D59BA46-1234-ABCD-0102-030405060708}";
    struct unicode_string *string;
    struct guid *guid;

    computer_start();
    guid = guest_memory(sizeof *guid);
    string = guest_memory(sizeof *string);
    ck_assert_int_eq((ntstatus)CALL(RtlGUIDFromString, SLOT(guest_unicode(text, 0)), SLOT(guid)),
                     0);
    ck_assert_uint_eq(guid->Data1, 0x6D59BA46);
    ck_assert_uint_eq(guid->Data2, 0x1234);
    ck_assert_uint_eq(guid->Data3, 0xABCD);
    ck_assert_uint_eq(guid->Data4[7], 8);
    ck_assert_int_eq((ntstatus)CALL(RtlStringFromGUID, SLOT(guid), SLOT(string)), 0);
    ck_assert_str_eq(ASCII(string), text);
    CALL(RtlFreeUnicodeString, SLOT(string));
    for (size_t i = 0; i < sizeof text - 1; i++) {
        struct unicode_string *broken = guest_unicode(text, 0);

        broken->Buffer[i] = 'x';
        ck_assert_int_eq((ntstatus)CALL(RtlGUIDFromString, SLOT(broken), SLOT(guid)),
                         STATUS_INVALID_PARAMETER);
        broken->Buffer[i] = (uint8_t)text[i];
        broken->Length = (uint16_t)(i * 2);
        ck_assert_int_eq((ntstatus)CALL(RtlGUIDFromString, SLOT(broken), SLOT(guid)),
                         STATUS_INVALID_PARAMETER);
    }
}
END_TEST

/* ---- time ---- */

#define UNIX_EPOCH 116444736000000000ll

START_TEST(time_agrees_with_the_host)
{
    int64_t *time_of;
    int16_t *fields;

    computer_start();
    time_of = guest_memory(8);
    fields = guest_memory(16);
    for (int64_t seconds = 0; seconds < 20000000000ll; seconds += 86399 * 211) {
        time_t host_time = (time_t)seconds;
        struct tm tm;
        int64_t original = UNIX_EPOCH + seconds * 10000000 + 1230000;

        *time_of = original;
        CALL(RtlTimeToTimeFields, SLOT(time_of), SLOT(fields));
        ck_assert_ptr_nonnull(gmtime_r(&host_time, &tm));
        ck_assert_int_eq(fields[0], tm.tm_year + 1900);
        ck_assert_int_eq(fields[1], tm.tm_mon + 1);
        ck_assert_int_eq(fields[2], tm.tm_mday);
        ck_assert_int_eq(fields[3], tm.tm_hour);
        ck_assert_int_eq(fields[4], tm.tm_min);
        ck_assert_int_eq(fields[5], tm.tm_sec);
        ck_assert_int_eq(fields[6], 123);
        ck_assert_int_eq(fields[7], tm.tm_wday);
        *time_of = 0;
        ck_assert_uint_eq(CALL(RtlTimeFieldsToTime, SLOT(fields), SLOT(time_of)), 1);
        ck_assert_int_eq(*time_of, original);
    }
}
END_TEST

START_TEST(impossible_times)
{
    static const int16_t good[8] = {2024, 2, 29, 23, 59, 59, 999, 0};
    static const struct {
        int field;
        int16_t value;
    } bad[] = {{0, 1600}, {0, 30828}, {0, 2023}, {1, 0},  {1, 13},   {2, 0}, {2, 30},
               {3, 24},   {3, -1},    {4, 60},   {5, 60}, {6, 1000}, {6, -1}};
    int16_t *fields;
    int64_t *time_of;
    uint32_t *seconds;

    computer_start();
    fields = guest_memory(16);
    time_of = guest_memory(8);
    seconds = guest_memory(4);
    memcpy(fields, good, sizeof good);
    ck_assert_uint_eq(CALL(RtlTimeFieldsToTime, SLOT(fields), SLOT(time_of)), 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(fields, good, sizeof good);
        fields[bad[i].field] = bad[i].value;
        ck_assert_uint_eq(CALL(RtlTimeFieldsToTime, SLOT(fields), SLOT(time_of)), 0);
    }
    *time_of = UNIX_EPOCH + 9999999;
    ck_assert_uint_eq(CALL(RtlTimeToSecondsSince1970, SLOT(time_of), SLOT(seconds)), 1);
    ck_assert_uint_eq(*seconds, 0);
    *time_of = UNIX_EPOCH - 1;
    ck_assert_uint_eq(CALL(RtlTimeToSecondsSince1970, SLOT(time_of), SLOT(seconds)), 0);
    CALL(RtlSecondsSince1970ToTime, 12345, SLOT(time_of));
    ck_assert_int_eq(*time_of, UNIX_EPOCH + 12345ll * 10000000);
}
END_TEST

/* ---- bitmaps against an array of bytes ---- */

#define BITS 300u

struct bitmap {
    uint32_t size;
    uint32_t *words;
};

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 33) % n;
}

static uint32_t model_find(const uint8_t *model, uint32_t count, uint32_t hint, uint8_t value)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = round == 0 ? hint : 0; i + count <= BITS; i++) {
            uint32_t n = 0;

            while (n < count && model[i + n] == value) {
                n++;
            }
            if (n == count) {
                return i;
            }
        }
    }
    return 0xffffffffu;
}

static void check_searches(struct bitmap *map, const uint8_t *model)
{
    uint32_t count = 1 + draw(12), hint = draw(BITS), start = draw(BITS), length = 1 + draw(40);
    uint32_t set = 0;
    bool all = start + length <= BITS;

    for (uint32_t i = 0; i < BITS; i++) {
        set += model[i];
        all = all && (i < start || i >= start + length || model[i]);
    }
    ck_assert_uint_eq(CALL(RtlFindClearBits, SLOT(map), count, hint),
                      model_find(model, count, hint, 0));
    ck_assert_uint_eq(CALL(RtlFindSetBits, SLOT(map), count, hint),
                      model_find(model, count, hint, 1));
    ck_assert_uint_eq(CALL(RtlNumberOfSetBits, SLOT(map)), set);
    ck_assert_uint_eq(CALL(RtlNumberOfClearBits, SLOT(map)), BITS - set);
    ck_assert_uint_eq(CALL(RtlAreBitsSet, SLOT(map), start, length), all);
}

START_TEST(bitmaps_against_model)
{
    uint8_t model[BITS] = {0};
    struct bitmap *map;

    random_state = (uint64_t)_i + 1;
    computer_start();
    map = guest_memory(sizeof *map);
    CALL(RtlInitializeBitMap, SLOT(map), SLOT(guest_memory(BITS / 8 + 8)), BITS);
    CALL(RtlClearAllBits, SLOT(map));
    for (unsigned step = 0; step < 1000; step++) {
        uint32_t start = draw(BITS + 10), length = draw(30);
        uint8_t value = (uint8_t)draw(2);

        if (value) {
            CALL(RtlSetBits, SLOT(map), start, length);
        } else {
            CALL(RtlClearBits, SLOT(map), start, length);
        }
        if (start + length <= BITS) { /* beyond the end nothing happens */
            memset(&model[start], value, length);
        }
        check_searches(map, model);
    }
}
END_TEST

START_TEST(bitmap_runs)
{
    uint32_t *at, *runs;
    struct bitmap *map;

    computer_start();
    map = guest_memory(sizeof *map);
    at = guest_memory(4);
    runs = guest_memory(64);
    CALL(RtlInitializeBitMap, SLOT(map), SLOT(guest_memory(16)), 64);
    CALL(RtlSetAllBits, SLOT(map));
    ck_assert_uint_eq(CALL(RtlFindFirstRunClear, SLOT(map), SLOT(at)), 0);
    CALL(RtlClearBits, SLOT(map), 3, 2);
    CALL(RtlClearBits, SLOT(map), 10, 5);
    CALL(RtlClearBits, SLOT(map), 20, 1);
    CALL(RtlClearBits, SLOT(map), 59, 5);
    ck_assert_uint_eq(CALL(RtlFindFirstRunClear, SLOT(map), SLOT(at)), 2);
    ck_assert_uint_eq(*at, 3);
    ck_assert_uint_eq(CALL(RtlFindNextForwardRunClear, SLOT(map), 12, SLOT(at)), 3);
    ck_assert_uint_eq(*at, 12);
    ck_assert_uint_eq(CALL(RtlFindLongestRunClear, SLOT(map), SLOT(at)), 5);
    ck_assert_uint_eq(*at, 10);
    ck_assert_uint_eq(CALL(RtlFindClearRuns, SLOT(map), SLOT(runs), 3, 1), 3);
    ck_assert_int_eq(memcmp(runs, (const uint32_t[]){10, 5, 59, 5, 3, 2}, 24), 0);
    ck_assert_uint_eq(CALL(RtlFindClearRuns, SLOT(map), SLOT(runs), 2, 0), 2);
    ck_assert_int_eq(memcmp(runs, (const uint32_t[]){3, 2, 10, 5}, 16), 0);
    ck_assert_uint_eq(CALL(RtlFindClearBitsAndSet, SLOT(map), 4, 0), 10);
    ck_assert_uint_eq(CALL(RtlTestBit, SLOT(map), 13), 1);
    ck_assert_uint_eq(CALL(RtlTestBit, SLOT(map), 14), 0);
    ck_assert_uint_eq(CALL(RtlTestBit, SLOT(map), 64), 0);
    ck_assert_int_eq((int8_t)CALL(RtlFindMostSignificantBit, 0x8000), 15);
    ck_assert_int_eq((int8_t)CALL(RtlFindLeastSignificantBit, 0), -1);
}
END_TEST

/* ---- versions ---- */

START_TEST(versions)
{
    enum { MINOR = 1, MAJOR = 2, BUILD = 4, EQUAL = 1, GREATER_EQUAL = 3, LESS = 4 };
    uint32_t *info;
    uint64_t at_least;

    computer_start();
    info = guest_memory(284);
    info[0] = 284;
    ck_assert_int_eq((ntstatus)CALL(RtlGetVersion, SLOT(info)), 0);
    ck_assert_uint_eq(info[0], 284);
    ck_assert_uint_eq(info[1], 10);
    at_least = CALL(VerSetConditionMask, CALL(VerSetConditionMask, 0, MAJOR, GREATER_EQUAL), MINOR,
                    GREATER_EQUAL);
    info[1] = 6;
    info[2] = 3; /* a higher minor of a lower major */
    ck_assert_int_eq((ntstatus)CALL(RtlVerifyVersionInfo, SLOT(info), MAJOR | MINOR, at_least), 0);
    info[1] = 10;
    info[2] = 1;
    ck_assert_int_eq((ntstatus)CALL(RtlVerifyVersionInfo, SLOT(info), MAJOR | MINOR, at_least),
                     STATUS_REVISION_MISMATCH);
    info[2] = 0;
    ck_assert_int_eq((ntstatus)CALL(RtlVerifyVersionInfo, SLOT(info), MAJOR | MINOR, at_least), 0);
    ck_assert_int_eq((ntstatus)CALL(RtlVerifyVersionInfo, SLOT(info), BUILD,
                                    CALL(VerSetConditionMask, 0, BUILD, LESS)),
                     STATUS_REVISION_MISMATCH);
    ck_assert_int_eq((ntstatus)CALL(RtlVerifyVersionInfo, SLOT(info), 0, at_least),
                     STATUS_INVALID_PARAMETER);
    ck_assert_uint_eq(CALL(RtlIsNtDdiVersionAvailable, 0x06010000), 1);
    ck_assert_uint_eq(CALL(RtlIsNtDdiVersionAvailable, 0x0B000000), 0);
}
END_TEST

/* ---- lists ---- */

START_TEST(slists)
{
    uint64_t *header, entries[4];

    computer_start();
    header = guest_memory(16);
    CALL(InitializeSListHead, SLOT(header));
    ck_assert_uint_eq(CALL(ExpInterlockedPopEntrySList, SLOT(header)), 0);
    for (unsigned i = 0; i < 4; i++) {
        entries[i] = SLOT(guest_memory(16));
        ck_assert_uint_eq(CALL(ExpInterlockedPushEntrySList, SLOT(header), entries[i]),
                          i == 0 ? 0 : entries[i - 1]);
        ck_assert_uint_eq(CALL(ExQueryDepthSList, SLOT(header)), i + 1);
    }
    ck_assert_uint_eq(CALL(ExpInterlockedPopEntrySList, SLOT(header)), entries[3]);
    ck_assert_uint_eq(CALL(ExQueryDepthSList, SLOT(header)), 3);
    ck_assert_uint_eq(CALL(ExpInterlockedFlushSList, SLOT(header)), entries[2]);
    ck_assert_uint_eq(CALL(ExQueryDepthSList, SLOT(header)), 0);
    ck_assert_uint_eq(CALL(ExpInterlockedFlushSList, SLOT(header)), 0);
}
END_TEST

static void misaligned_header(void)
{
    CALL(InitializeSListHead, SLOT(guest_memory(32)) + 8);
}

static void misaligned_entry(void)
{
    uint64_t header = SLOT(guest_memory(16));

    CALL(ExpInterlockedPushEntrySList, header, SLOT(guest_memory(32)) + 8);
}

static void list_entry_in_paged_pool(void)
{
    struct list_entry *head = guest_memory(sizeof *head);

    head->Flink = head->Blink = head;
    CALL(ExInterlockedInsertTailList, SLOT(head), ex_pool_take(POOL_PAGED, 16, 1, EX_POOL_ZERO),
         SLOT(guest_memory(8)));
}

static void list_with_held_lock(void)
{
    uint64_t *lock = guest_memory(8);
    struct list_entry *head = guest_memory(sizeof *head);

    head->Flink = head->Blink = head;
    *lock = 1;
    CALL(ExInterlockedRemoveHeadList, SLOT(head), SLOT(lock));
}

START_TEST(list_mistakes)
{
    static const struct {
        void (*body)(void);
        uint32_t code;
    } cases[] = {{misaligned_header, 0x1E},
                 {misaligned_entry, 0x1E},
                 {list_entry_in_paged_pool, 0x0A},
                 {list_with_held_lock, 0x0F}};

    ck_assert_uint_eq(computer_bugcheck(cases[_i].body).code, cases[_i].code);
}
END_TEST

static void use_lists(void)
{
    struct list_entry *head = guest_memory(sizeof *head);
    uint64_t lock = SLOT(guest_memory(8)), a = SLOT(guest_memory(16)), b = SLOT(guest_memory(16));

    head->Flink = head->Blink = head;
    ck_assert_uint_eq(CALL(ExInterlockedRemoveHeadList, SLOT(head), lock), 0);
    ck_assert_uint_eq(CALL(ExInterlockedInsertTailList, SLOT(head), a, lock), 0);
    ck_assert_uint_eq(CALL(ExInterlockedInsertHeadList, SLOT(head), b, lock), a);
    ck_assert_uint_eq(CALL(ExInterlockedRemoveHeadList, SLOT(head), lock), b);
    ck_assert_uint_eq(CALL(ExInterlockedRemoveHeadList, SLOT(head), lock), a);
    ck_assert_ptr_eq(head->Flink, head);
    ck_assert_ptr_eq(head->Blink, head);
    ck_assert_uint_eq(machine_irql(), PASSIVE_LEVEL);
    *(uint32_t *)a = 5;
    ck_assert_uint_eq(CALL(ExInterlockedAddUlong, a, (uint32_t)-6, lock), 5);
    ck_assert_uint_eq(*(uint32_t *)a, UINT32_MAX);
}

START_TEST(interlocked_lists)
{
    computer_start();
    computer_thread(use_lists);
}
END_TEST

START_TEST(identifiers_repeat_by_seed_only)
{
    struct guid *a, *b;

    computer_start();
    a = guest_memory(sizeof *a);
    b = guest_memory(sizeof *b);
    ck_assert_int_eq((ntstatus)CALL(ExUuidCreate, SLOT(a)), 0);
    CALL(ExUuidCreate, SLOT(b));
    ck_assert_int_ne(memcmp(a, b, sizeof *a), 0);
    ck_assert_uint_eq(a->Data3 >> 12, 4);
    ck_assert_uint_eq(a->Data4[0] >> 6, 2);
}
END_TEST

Suite *suite_numbers(void)
{
    Suite *suite = suite_create("numbers");
    TCase *plain = tcase_create("plain");

    tcase_set_timeout(plain, 60);
    tcase_add_test(plain, integers);
    tcase_add_test(plain, guids);
    tcase_add_test(plain, time_agrees_with_the_host);
    tcase_add_test(plain, impossible_times);
    tcase_add_loop_test(plain, bitmaps_against_model, 0, 4);
    tcase_add_test(plain, bitmap_runs);
    tcase_add_test(plain, versions);
    tcase_add_test(plain, slists);
    tcase_add_loop_test(plain, list_mistakes, 0, 4);
    tcase_add_test(plain, interlocked_lists);
    tcase_add_test(plain, identifiers_repeat_by_seed_only);
    suite_add_tcase(suite, plain);
    return suite;
}
