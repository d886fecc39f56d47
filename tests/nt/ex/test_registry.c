/* SPDX-License-Identifier: MIT */
/* The registry: keys, values, information in buffers of every size. */
#include "computer.h"

#include <string.h>

#define SERVICES "\\Registry\\Machine\\System\\CurrentControlSet\\Services"

static ntstatus open_key(const char *path, uint64_t root, uint64_t *handle, bool create,
                         uint32_t options, uint32_t *disposition)
{
    struct object_attributes *attributes = guest_memory(sizeof *attributes);
    uint64_t *out = guest_memory(8);
    ntstatus status;

    attributes->Length = sizeof *attributes;
    attributes->RootDirectory = machine_pointer(root);
    attributes->ObjectName = guest_unicode(path, 0);
    status = (ntstatus)(create ? CALL(ZwCreateKey, SLOT(out), 0, SLOT(attributes), 0, 0, options,
                                      SLOT(disposition))
                               : CALL(ZwOpenKey, SLOT(out), 0, SLOT(attributes)));
    *handle = *out;
    return status;
}

START_TEST(keys)
{
    uint32_t *disposition;
    uint64_t services, mine, same, child;

    computer_start();
    disposition = guest_memory(4);
    ck_assert_int_eq(open_key(SERVICES "\\Mine", 0, &mine, false, 0, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq(open_key(SERVICES, 0, &services, false, 0, NULL), STATUS_SUCCESS);
    ck_assert_int_eq(open_key("Mine", services, &mine, true, 0, disposition), STATUS_SUCCESS);
    ck_assert_uint_eq(*disposition, 1);
    ck_assert_int_eq(open_key(SERVICES "\\MINE", 0, &same, true, 0, disposition), STATUS_SUCCESS);
    ck_assert_uint_eq(*disposition, 2);
    ck_assert_int_eq(open_key("A\\B", mine, &child, true, 0, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq(open_key("\\A", mine, &child, true, 0, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
    ck_assert_int_eq(open_key("Machine", 0, &child, false, 0, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
    ck_assert_int_eq(open_key("\\Device", 0, &child, false, 0, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq(open_key("A", mine, &child, true, 1 /* volatile */, NULL), STATUS_SUCCESS);
    ck_assert_int_eq(open_key("C", child, &same, true, 0, NULL), STATUS_CHILD_MUST_BE_VOLATILE);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteKey, mine), STATUS_CANNOT_DELETE);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteKey, child), STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteKey, child), STATUS_KEY_DELETED);
    ck_assert_int_eq((ntstatus)CALL(ZwFlushKey, child), STATUS_KEY_DELETED);
    CALL(ZwClose, child);
    ck_assert_int_eq((ntstatus)CALL(ZwFlushKey, child), STATUS_INVALID_HANDLE);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteKey, mine), STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(ZwFlushKey, ob_handle(ob_create(OBJECT_EVENT, 24, NULL))),
                     STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

/* Every information class in every buffer size: never more than was given, always the right length.
 */
static void check_sizes(uint64_t (*call)(const uint64_t *a), const uint64_t *arguments,
                        size_t out_at, uint32_t fixed)
{
    uint32_t *needed = guest_memory(4);
    uint8_t *buffer = guest_memory(512);
    uint64_t slots[8];
    uint32_t total, used;

    memcpy(slots, arguments, (out_at + 3) * sizeof *slots);
    slots[out_at] = SLOT(buffer);
    slots[out_at + 1] = 0;
    slots[out_at + 2] = SLOT(needed);
    ck_assert_int_eq((ntstatus)call(slots), STATUS_BUFFER_TOO_SMALL);
    total = *needed;
    ck_assert_uint_ge(total, fixed);
    ck_assert_uint_lt(total, 512);
    for (uint32_t room = 0; room <= total + 8; room++) {
        ntstatus expected = room < fixed   ? STATUS_BUFFER_TOO_SMALL
                            : room < total ? STATUS_BUFFER_OVERFLOW
                                           : STATUS_SUCCESS;

        memset(buffer, 0xee, 512);
        slots[out_at + 1] = room;
        ck_assert_int_eq((ntstatus)call(slots), expected);
        ck_assert_uint_eq(*needed, total);
        used = room < fixed ? 0 : room < total ? room : total;
        ck_assert(all_bytes(buffer + used, 512 - used, 0xee));
    }
}

START_TEST(information_in_buffers_of_every_size)
{
    static const uint32_t value_fixed[] = {12, 20, 12, 0, 8};
    static const uint32_t key_fixed[] = {16, 24, 44, 4};
    struct unicode_string *name;
    uint64_t key;

    computer_start();
    zw_registry_set(SERVICES "\\Mine\\Child", "x", REG_DWORD, "1234", 4);
    zw_registry_set(SERVICES "\\Mine", "Value", REG_BINARY, "some binary data", 16);
    ck_assert_int_eq(open_key(SERVICES "\\Mine", 0, &key, false, 0, NULL), STATUS_SUCCESS);
    name = guest_unicode("VALUE", 0);
    for (uint32_t class = 0; class < 5; class ++) {
        uint64_t query[] = {key, SLOT(name), class, 0, 0, 0};
        uint64_t enumerate[] = {key, 0, class, 0, 0, 0};

        if (value_fixed[class] != 0) {
            check_sizes(call_ZwQueryValueKey, query, 3, value_fixed[class]);
            check_sizes(call_ZwEnumerateValueKey, enumerate, 3, value_fixed[class]);
        }
    }
    for (uint32_t class = 0; class < 4; class ++) {
        uint64_t query[] = {key, class, 0, 0, 0};
        uint64_t enumerate[] = {key, 0, class, 0, 0, 0};

        check_sizes(call_ZwQueryKey, query, 2, key_fixed[class]);
        if (class < 3) {
            check_sizes(call_ZwEnumerateKey, enumerate, 3, key_fixed[class]);
        }
    }
    ck_assert_int_eq((ntstatus)CALL(ZwQueryValueKey, key, SLOT(name), 77, 0, 0, 0),
                     STATUS_INVALID_PARAMETER);
    ck_assert_int_eq((ntstatus)CALL(ZwEnumerateKey, key, 1, 0, 0, 0, 0), STATUS_NO_MORE_ENTRIES);
    ck_assert_int_eq((ntstatus)CALL(ZwEnumerateValueKey, key, 1, 0, 0, 0, 0),
                     STATUS_NO_MORE_ENTRIES);
}
END_TEST

START_TEST(values)
{
    struct {
        uint32_t title, type, bytes;
        uint8_t data[20];
    } * partial;
    struct unicode_string *name, *nothing;
    uint32_t *needed;
    uint64_t key;

    computer_start();
    partial = guest_memory(sizeof *partial);
    needed = guest_memory(4);
    name = guest_unicode("Number", 0);
    nothing = guest_unicode("", 0);
    open_key(SERVICES "\\Mine", 0, &key, true, 0, NULL);
    ck_assert_int_eq(
        (ntstatus)CALL(ZwSetValueKey, key, SLOT(name), 0, REG_DWORD, SLOT(guest_text("abcd")), 4),
        0);
    ck_assert_int_eq(
        (ntstatus)CALL(ZwSetValueKey, key, SLOT(name), 0, REG_SZ, SLOT(guest_text("efghij")), 6),
        0);
    ck_assert_int_eq((ntstatus)CALL(ZwSetValueKey, key, SLOT(nothing), 0, REG_NONE, 0, 0), 0);
    ck_assert_int_eq((ntstatus)CALL(ZwQueryValueKey, key, SLOT(name), 2, SLOT(partial),
                                    sizeof *partial, SLOT(needed)),
                     0);
    ck_assert_uint_eq(*needed, 18);
    ck_assert_uint_eq(partial->type, REG_SZ);
    ck_assert_uint_eq(partial->bytes, 6);
    ck_assert_int_eq(memcmp(partial->data, "efghij", 6), 0);
    ck_assert_int_eq((ntstatus)CALL(ZwQueryValueKey, key, SLOT(nothing), 2, SLOT(partial),
                                    sizeof *partial, SLOT(needed)),
                     0);
    ck_assert_uint_eq(partial->bytes, 0);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteValueKey, key, SLOT(name)), 0);
    ck_assert_int_eq((ntstatus)CALL(ZwDeleteValueKey, key, SLOT(name)),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq((ntstatus)CALL(ZwSetValueKey, key, SLOT(name), 0, REG_BINARY, 0, 0x200000),
                     STATUS_INSUFFICIENT_RESOURCES);
}
END_TEST

/* ---- RtlQueryRegistryValues without a routine of a driver ---- */

struct query_table {
    uint64_t routine;
    uint32_t flags;
    uint16_t *name;
    uint64_t context;
    uint32_t default_type;
    const void *default_data;
    uint32_t default_length;
};
enum { SUBKEY = 1, TOPKEY = 2, REQUIRED = 4, DIRECT = 0x20, DELETE = 0x40, TYPECHECK = 0x100 };

static struct query_table *table;

static ntstatus query(void)
{
    return (ntstatus)CALL(RtlQueryRegistryValues, 1 /* SERVICES */, SLOT(guest_wide("Mine")),
                          SLOT(table), 0, 0);
}

static void direct(unsigned i, const char *name, uint32_t flags, void *to)
{
    table[i] = (struct query_table){
        .flags = flags | DIRECT, .name = guest_wide(name), .context = SLOT(to)};
}

START_TEST(direct_queries)
{
    uint32_t *number, *missing;
    int32_t *binary;
    struct unicode_string *string;

    computer_start();
    zw_registry_set(SERVICES "\\Mine", "Number", REG_DWORD, "\x05\0\0", 4);
    zw_registry_set(SERVICES "\\Mine", "Text", REG_SZ, "h\0i\0\0", 6);
    zw_registry_set(SERVICES "\\Mine", "Blob", REG_BINARY, "0123456789", 10);
    zw_registry_set(SERVICES "\\Mine\\Sub", "Deep", REG_DWORD, "\x09\0\0", 4);
    table = guest_memory(8 * sizeof *table);
    number = guest_memory(8);
    missing = guest_memory(8);
    binary = guest_memory(32);
    string = guest_memory(sizeof *string);
    *missing = 77;
    binary[0] = -32;
    direct(0, "Number", 0, number);
    direct(1, "Text", 0, string);
    direct(2, "Missing", 0, missing);
    direct(3, "Blob", 0, binary);
    ck_assert_int_eq(query(), STATUS_SUCCESS);
    ck_assert_uint_eq(*number, 5);
    ck_assert_str_eq(ASCII(string), "hi");
    ck_assert_uint_eq(string->MaximumLength, 6);
    ck_assert_uint_eq(*missing, 77);
    ck_assert_int_eq(memcmp(binary, "0123456789", 10), 0);
    CALL(RtlFreeUnicodeString, SLOT(string));

    binary[0] = 32; /* with length and type */
    direct(0, "Blob", 0, binary);
    table[1] = (struct query_table){0};
    ck_assert_int_eq(query(), STATUS_SUCCESS);
    ck_assert_int_eq(binary[0], 10);
    ck_assert_int_eq(binary[1], REG_BINARY);
    ck_assert_int_eq(memcmp(&binary[2], "0123456789", 10), 0);
    binary[0] = -9;
    ck_assert_int_eq(query(), STATUS_BUFFER_TOO_SMALL);

    direct(0, "Missing", REQUIRED, missing);
    ck_assert_int_eq(query(), STATUS_OBJECT_NAME_NOT_FOUND);
    direct(0, "Missing", 0, missing);
    table[0].default_type = REG_DWORD;
    table[0].default_data = memcpy(guest_memory(4), "\x08\0\0", 4);
    table[0].default_length = 4;
    ck_assert_int_eq(query(), STATUS_SUCCESS);
    ck_assert_uint_eq(*missing, 8);

    table[0] = (struct query_table){.flags = SUBKEY | REQUIRED, .name = guest_wide("Sub")};
    direct(1, "Deep", REQUIRED, number);
    direct(2, "Number", TOPKEY | REQUIRED | DELETE, missing);
    table[3] = (struct query_table){0};
    ck_assert_int_eq(query(), STATUS_SUCCESS);
    ck_assert_uint_eq(*number, 9);
    ck_assert_uint_eq(*missing, 5);
    ck_assert_int_eq(query(), STATUS_OBJECT_NAME_NOT_FOUND); /* Number was deleted */

    direct(0, "Text", TYPECHECK, number);
    table[0].default_type = REG_DWORD << 24;
    table[1] = (struct query_table){0};
    ck_assert_int_eq(query(), STATUS_OBJECT_TYPE_MISMATCH);
    string->Buffer = guest_memory(4);
    string->MaximumLength = 4;
    direct(0, "Text", 0, string);
    ck_assert_int_eq(query(), STATUS_BUFFER_TOO_SMALL);
    table[0].routine = 0x1000;
    ck_assert_int_eq(query(), STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(relative_paths)
{
    computer_start();
    ck_assert_int_eq((ntstatus)CALL(RtlCheckRegistryKey, 1, SLOT(guest_wide("Mine"))),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq((ntstatus)CALL(RtlCreateRegistryKey, 1, SLOT(guest_wide("Mine"))),
                     STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(RtlCheckRegistryKey, 0, SLOT(guest_wide(SERVICES "\\Mine"))),
                     STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(RtlCheckRegistryKey, 4, 0), STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(RtlCheckRegistryKey, 9, 0), STATUS_INVALID_PARAMETER);
    ck_assert_int_eq((ntstatus)CALL(RtlWriteRegistryValue, 1, SLOT(guest_wide("Mine")),
                                    SLOT(guest_wide("V")), REG_DWORD, SLOT(guest_text("abc")), 4),
                     STATUS_SUCCESS);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlDeleteRegistryValue, 1, SLOT(guest_wide("Mine")), SLOT(guest_wide("v"))),
        STATUS_SUCCESS);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlDeleteRegistryValue, 1, SLOT(guest_wide("Mine")), SLOT(guest_wide("v"))),
        STATUS_OBJECT_NAME_NOT_FOUND);
}
END_TEST

Suite *suite_registry(void)
{
    Suite *suite = suite_create("registry");
    TCase *plain = tcase_create("plain");

    tcase_set_timeout(plain, 60);
    tcase_add_test(plain, keys);
    tcase_add_test(plain, information_in_buffers_of_every_size);
    tcase_add_test(plain, values);
    tcase_add_test(plain, direct_queries);
    tcase_add_test(plain, relative_paths);
    suite_add_tcase(suite, plain);
    return suite;
}
