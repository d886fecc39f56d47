/* SPDX-License-Identifier: MIT */
/* Objects: references, names and links, handles. */
#include "computer.h"

#include <string.h>

static uint16_t name_buffer[4][256];
static unsigned name_next;

static const struct unicode_string *name_of(const char *text)
{
    static struct unicode_string names[4];
    unsigned i = name_next++ % 4;

    names[i] = rtl_unicode(text, name_buffer[i], 256);
    return &names[i];
}

static unsigned deleted;
static uint64_t deleted_object;

static void count_deletion(uint64_t object)
{
    deleted++;
    deleted_object = object;
}

START_TEST(references_and_deletion)
{
    uint64_t object;

    computer_start();
    object = ob_create(OBJECT_EVENT, 24, count_deletion);
    ck_assert_int_eq(ob_type(object), OBJECT_EVENT);
    ck_assert_int_eq(ob_type(object + 16), -1);
    ob_reference(object);
    ck_assert_uint_eq(CALL(ObfDereferenceObject, object), 1);
    ck_assert_uint_eq(deleted, 0);
    ob_dereference(object);
    ck_assert_uint_eq(deleted, 1);
    ck_assert_uint_eq(deleted_object, object);
    ck_assert_int_eq(ob_type(object), -1);
    ck_assert(ex_pool_is_valid());
}
END_TEST

static bool was_deleted(void *context)
{
    (void)context;
    return deleted > 0;
}

static void dereference_at_dispatch(void)
{
    uint64_t object = ob_create(OBJECT_EVENT, 24, count_deletion);
    uint8_t old = machine_raise(DISPATCH_LEVEL);

    ob_dereference(object);
    ck_assert_uint_eq(deleted, 0);
    machine_lower(old);
}

START_TEST(deletion_waits_for_passive_level)
{
    computer_start();
    computer_thread(dereference_at_dispatch);
    ck_assert_int_eq(machine_run(was_deleted, NULL, UINT64_MAX), RUN_STATE_DONE);
}
END_TEST

/* ---- names ---- */

START_TEST(names_and_links)
{
    uint64_t a, b;

    computer_start();
    a = ob_create(OBJECT_DEVICE, 64, NULL);
    b = ob_create(OBJECT_DEVICE, 64, NULL);
    ck_assert_int_eq(ob_name(a, name_of("\\Device\\One")), STATUS_SUCCESS);
    ck_assert_int_eq(ob_name(b, name_of("\\device\\ONE")), STATUS_OBJECT_NAME_COLLISION);
    ck_assert_int_eq(ob_name(b, name_of("Device\\Two")), STATUS_OBJECT_PATH_SYNTAX_BAD);
    ck_assert_int_eq(ob_name(b, name_of("\\Nowhere\\Two")), STATUS_OBJECT_PATH_NOT_FOUND);
    ck_assert_int_eq(ob_name(b, name_of("\\Device\\One\\Two")), STATUS_OBJECT_PATH_NOT_FOUND);
    ck_assert_int_eq(ob_name(b, name_of("\\Device\\\\Two")), STATUS_OBJECT_NAME_INVALID);
    ck_assert_int_eq(ob_name(b, name_of("\\Device\\")), STATUS_OBJECT_NAME_INVALID);
    ck_assert_int_eq(ob_name(b, name_of("\\")), STATUS_OBJECT_NAME_INVALID);
    ck_assert_int_eq(ob_name(b, name_of("\\DosDevices\\Two")), STATUS_SUCCESS);
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\Two")), b);
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\Global\\Two")), b);
    ck_assert_uint_eq(ob_lookup(name_of("\\DEVICE\\oNe")), a);
    ck_assert_uint_eq(ob_lookup(name_of("\\Device\\Three")), 0);
    ck_assert_int_eq(ob_link(name_of("\\??\\First"), name_of("\\Device\\One")), STATUS_SUCCESS);
    ck_assert_int_eq(ob_link(name_of("\\DosDevices\\FIRST"), name_of("\\Device\\One")),
                     STATUS_OBJECT_NAME_COLLISION);
    ck_assert_uint_eq(ob_lookup(name_of("\\GLOBAL??\\First")), a);
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\GLOBALROOT\\Device\\One")), a);
    ck_assert_int_eq(ob_unlink(name_of("\\??\\Two")), STATUS_OBJECT_TYPE_MISMATCH);
    ck_assert_int_eq(ob_unlink(name_of("\\??\\First")), STATUS_SUCCESS);
    ck_assert_int_eq(ob_unlink(name_of("\\??\\First")), STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\First")), 0);
    ob_unname(a);
    ck_assert_uint_eq(ob_lookup(name_of("\\Device\\One")), 0);
    ck_assert_uint_eq(ob_name_of(a).Length, 0);
}
END_TEST

START_TEST(what_follows_a_device)
{
    uint64_t device, found;
    struct ob_rest rest;

    computer_start();
    device = ob_create(OBJECT_DEVICE, 64, NULL);
    ob_name(device, name_of("\\Device\\Disk"));
    ob_link(name_of("\\??\\C:"), name_of("\\Device\\Disk"));
    ck_assert_int_eq(ob_parse(name_of("\\??\\c:\\dir\\file"), false, &found, &rest),
                     STATUS_SUCCESS);
    ck_assert_uint_eq(found, device);
    ck_assert_str_eq(ASCII(&rest.name), "\\dir\\file");
    ob_rest_free(&rest);
    ck_assert_int_eq(ob_parse(name_of("\\??\\c:\\dir"), false, &found, NULL),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq(ob_parse(name_of("\\Device\\Disk"), false, &found, &rest), STATUS_SUCCESS);
    ck_assert_uint_eq(rest.name.Length, 0);
    ob_rest_free(&rest);
}
END_TEST

START_TEST(links_in_a_circle_end)
{
    computer_start();
    ob_link(name_of("\\??\\A"), name_of("\\??\\B"));
    ob_link(name_of("\\??\\B"), name_of("\\??\\A"));
    ob_link(name_of("\\??\\Long"), name_of("\\??\\Long\\x\\x\\x\\x\\x\\x\\x\\x"));
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\A")), 0);
    ck_assert_uint_eq(ob_lookup(name_of("\\??\\Long")), 0);
}
END_TEST

START_TEST(odd_lengths_are_refused)
{
    uint16_t units[] = {'\\', 'x'};
    struct unicode_string name = {3, 4, units};
    uint64_t found;

    computer_start();
    ck_assert_int_eq(ob_parse(&name, false, &found, NULL), STATUS_OBJECT_NAME_INVALID);
    name.Length = 0;
    ck_assert_int_eq(ob_parse(&name, false, &found, NULL), STATUS_OBJECT_PATH_SYNTAX_BAD);
}
END_TEST

/* ---- handles ---- */

static unsigned last_handles;

static void on_last_handle(uint64_t object)
{
    (void)object;
    last_handles++;
}

START_TEST(handles)
{
    uint64_t object, first, second;

    computer_start();
    object = ob_create(OBJECT_SEMAPHORE, 32, count_deletion);
    ob_on_last_handle[OBJECT_SEMAPHORE] = on_last_handle;
    first = ob_handle(object);
    second = ob_handle(object);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(first % 4, 0);
    ob_dereference(object);
    ck_assert_uint_eq(ob_from_handle(first), object);
    ck_assert(ob_close(first));
    ck_assert(!ob_close(first));
    ck_assert_uint_eq(ob_from_handle(first), 0);
    ck_assert_uint_eq(last_handles, 0);
    ck_assert_uint_ne(ob_handle(object), first); /* used again as late as possible */
    ck_assert(ob_close(second));
    ck_assert_uint_eq(deleted, 0);
    ck_assert(!ob_close(0));
    ck_assert(!ob_close(second + 1));
    ck_assert(!ob_close(1ull << 40));
}
END_TEST

START_TEST(handles_run_out)
{
    uint64_t object, handle, count = 0;

    computer_start();
    object = ob_create(OBJECT_EVENT, 24, NULL);
    while ((handle = ob_handle(object)) != 0) {
        count++;
    }
    ck_assert_uint_gt(count, 1000);
    ck_assert(ob_close(400));
    ck_assert_uint_eq(ob_handle(object), 400);
}
END_TEST

START_TEST(reference_by_handle)
{
    uint64_t *out, object, handle;
    uint64_t event_type, file_type;

    computer_start();
    out = guest_memory(16);
    event_type = *(uint64_t *)nt_data("ExEventObjectType");
    file_type = *(uint64_t *)nt_data("IoFileObjectType");
    object = ob_create(OBJECT_EVENT, 24, NULL);
    handle = ob_handle(object);
    ck_assert_int_eq(
        (ntstatus)CALL(ObReferenceObjectByHandle, handle, 0, event_type, 0, SLOT(out), 0),
        STATUS_SUCCESS);
    ck_assert_uint_eq(*out, object);
    ck_assert_uint_eq(ob_find(object)->references, 3);
    ck_assert_int_eq(
        (ntstatus)CALL(ObReferenceObjectByHandle, handle, 0, file_type, 0, SLOT(out), 0),
        STATUS_OBJECT_TYPE_MISMATCH);
    ck_assert_int_eq((ntstatus)CALL(ObReferenceObjectByHandle, handle + 4, 0, 0, 0, SLOT(out), 0),
                     STATUS_INVALID_HANDLE);
    ck_assert_uint_eq(ob_find(object)->references, 3);
    ck_assert_int_eq((ntstatus)CALL(ObReferenceObjectByHandle, (uint64_t)-1, 0,
                                    *(uint64_t *)nt_data("PsProcessType"), 0, SLOT(out), 0),
                     STATUS_SUCCESS);
    ck_assert_uint_eq(*out, ps_system_process());
}
END_TEST

/* ---- events by name ---- */

START_TEST(named_event_lives_as_long_as_its_handles)
{
    struct object_attributes *attributes;
    uint64_t *first, *second;

    computer_start();
    attributes = guest_memory(sizeof *attributes);
    attributes->Length = sizeof *attributes;
    attributes->ObjectName = guest_unicode("\\BaseNamedObjects\\Ready", 0);
    first = guest_memory(8);
    second = guest_memory(8);
    ck_assert_int_eq((ntstatus)CALL(ZwOpenEvent, SLOT(first), 0, SLOT(attributes)),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ck_assert_int_eq((ntstatus)CALL(ZwCreateEvent, SLOT(first), 0, SLOT(attributes), 0, 1),
                     STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(ZwCreateEvent, SLOT(second), 0, SLOT(attributes), 0, 1),
                     STATUS_OBJECT_NAME_COLLISION);
    attributes->Attributes = OBJ_OPENIF;
    ck_assert_int_eq((ntstatus)CALL(ZwCreateEvent, SLOT(second), 0, SLOT(attributes), 0, 1),
                     STATUS_OBJECT_NAME_EXISTS);
    ck_assert_uint_eq(ob_from_handle(*first), ob_from_handle(*second));
    ck_assert_int_eq((ntstatus)CALL(ZwCreateEvent, SLOT(second), 0, SLOT(attributes), 7, 1),
                     STATUS_INVALID_PARAMETER);
    CALL(ZwClose, *first);
    ck_assert_uint_ne(ob_lookup(name_of("\\BaseNamedObjects\\ready")), 0);
    CALL(ZwClose, *second);
    ck_assert_uint_eq(ob_lookup(name_of("\\BaseNamedObjects\\ready")), 0);
    ck_assert_int_eq((ntstatus)CALL(ZwClose, *second), STATUS_INVALID_HANDLE);
    attributes->Length = 8;
    ck_assert_int_eq((ntstatus)CALL(ZwOpenEvent, SLOT(first), 0, SLOT(attributes)),
                     STATUS_INVALID_PARAMETER);
}
END_TEST

/* ---- mistakes ---- */

static void dereference_gone(void)
{
    uint64_t object = ob_create(OBJECT_EVENT, 24, NULL);

    CALL(ObfDereferenceObject, object);
    CALL(ObfDereferenceObject, object);
}

static void dereference_handles_share(void)
{
    uint64_t object = ob_create(OBJECT_EVENT, 24, NULL);

    ob_handle(object);
    CALL(ObfDereferenceObject, object);
    CALL(ObfDereferenceObject, object);
}

static void reference_pool(void)
{
    CALL(ObfReferenceObject, SLOT(guest_memory(64)));
}

START_TEST(bad_references_are_bug_checks)
{
    static void (*const bodies[])(void) = {dereference_gone, dereference_handles_share,
                                           reference_pool};

    ck_assert_uint_eq(computer_bugcheck(bodies[_i]).code, 0x18);
}
END_TEST

Suite *suite_object(void)
{
    Suite *suite = suite_create("object");
    TCase *plain = tcase_create("plain");

    tcase_add_test(plain, references_and_deletion);
    tcase_add_test(plain, deletion_waits_for_passive_level);
    tcase_add_test(plain, names_and_links);
    tcase_add_test(plain, what_follows_a_device);
    tcase_add_test(plain, links_in_a_circle_end);
    tcase_add_test(plain, odd_lengths_are_refused);
    tcase_add_test(plain, handles);
    tcase_add_test(plain, handles_run_out);
    tcase_add_test(plain, reference_by_handle);
    tcase_add_test(plain, named_event_lives_as_long_as_its_handles);
    tcase_add_loop_test(plain, bad_references_are_bug_checks, 0, 3);
    suite_add_tcase(suite, plain);
    return suite;
}
