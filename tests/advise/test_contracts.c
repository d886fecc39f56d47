/* SPDX-License-Identifier: MIT */
/*
 * Contracts and roles: the tables are whole, they say what the documents say of the routines that
 * rules rest on, and every offset is where the DDK's headers have it.
 */
#include "advise/contracts.h"
#include "advise/contracts_tables.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define P IRQL_BIT(IRQL_P)
#define A IRQL_BIT(IRQL_A)
#define D IRQL_BIT(IRQL_D)
#define H IRQL_BIT(IRQL_H)

/* ---- the tables ---- */

START_TEST(every_contract_is_whole)
{
    const struct contract *contract = &contracts_by_name[_i];

    if (_i > 0) {
        ck_assert_str_lt(contract[-1].name, contract->name);
    }
    ck_assert_ptr_eq(contract_find(contract->name), contract);
    ck_assert_uint_gt(contract->case_count, 0);
    ck_assert_uint_le(contract->case_count, 8); /* struct infer_site has one bit for each */
    for (unsigned i = 0; i < contract->case_count; i++) {
        const struct contract_case *one = &contract->cases[i];
        bool last = i + 1u == contract->case_count;

        ck_assert_uint_ne(one->entry, 0);
        ck_assert_uint_eq(one->entry & ~(unsigned)IRQL_ANY, 0);
        ck_assert_int_eq(one->condition == WHEN_ALWAYS, last);
        ck_assert_int_eq(one->condition == WHEN_EXTERNAL, one->condition_text != NULL);
        if (one->effect == EFFECT_RESTORE) {
            ck_assert_uint_ne(one->place, PLACE_NONE);
        }
        if (contract->argument_count != CONTRACT_ARGUMENTS_UNKNOWN) {
            ck_assert(one->place == PLACE_NONE || one->place == PLACE_RETURN ||
                      one->place_argument < contract->argument_count);
            if (one->condition == WHEN_ARGUMENT_NOT_ZERO || one->condition == WHEN_POINTEE_ZERO) {
                ck_assert_uint_lt(one->condition_argument, contract->argument_count);
            }
        }
    }
    for (unsigned i = 0; i < contract->role_count; i++) {
        ck_assert_uint_gt(contract->roles[i].role, ROLE_NONE);
        ck_assert_uint_lt(contract->roles[i].role, ROLE_COUNT);
        if (contract->argument_count != CONTRACT_ARGUMENTS_UNKNOWN) {
            ck_assert_uint_lt(contract->roles[i].argument, contract->argument_count);
        }
    }
}
END_TEST

START_TEST(unknown_names_have_no_contract)
{
    ck_assert_ptr_null(contract_find(""));
    ck_assert_ptr_null(contract_find("KeAcquireSpinLockRaiseToDp"));
    ck_assert_ptr_null(contract_find("KeAcquireSpinLockRaiseToDpcX"));
    ck_assert_ptr_null(contract_find("AAAA"));
    ck_assert_ptr_null(contract_find("zzzz"));
}
END_TEST

START_TEST(kmdf_entries_are_where_the_table_has_them)
{
    static const struct {
        uint32_t index;
        const char *name;
    } entries[] = {{0, "WdfChildListCreate"},
                   {116, "WdfDriverCreate"},
                   {152, "WdfIoQueueCreate"},
                   {457, "WdfDeviceSetDeviceInterfaceStateEx"}};

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        ck_assert_str_eq(contract_wdf(entries[i].index)->name, entries[i].name);
    }
    ck_assert_ptr_null(contract_wdf(458));
    ck_assert_ptr_null(contract_wdf(UINT32_MAX));
}
END_TEST

/* ---- what the documents say ---- */

static const struct {
    const char *name;
    irql_set entry; /* of the last case */
} limits[] = {
    {"KeAcquireSpinLockRaiseToDpc", P | A | D},
    {"KeReleaseSpinLock", D},
    {"KeAcquireSpinLockAtDpcLevel", D | H},
    {"KeReleaseSpinLockFromDpcLevel", D | H},
    {"ExAcquireFastMutex", P | A},
    {"ExReleaseFastMutex", A},
    {"ExAcquireResourceExclusiveLite", P | A},
    {"KeEnterCriticalRegion", P | A},
    {"MmLockPagableDataSection", P | A},
    {"MmLockPagableSectionByHandle", P | A},
    {"MmUnlockPagableImageSection", P | A},
    {"MmPageEntireDriver", P | A},
    {"ZwCreateFile", P},
    {"IoCreateDevice", P | A},
    {"IofCallDriver", P | A | D},
    {"IofCompleteRequest", P | A | D},
    {"PsCreateSystemThread", P},
    {"KeDelayExecutionThread", P | A},
    {"KeWaitForSingleObject", P | A},
    {"KeSetEvent", P | A | D},
    {"ExAllocatePool2", P | A | D},
    {"memcpy", P | A | D | H},
    {"DbgPrint", P | A | D | H},
    {"KeBugCheckEx", P | A | D | H},
    {"KeInitializeDpc", P | A | D | H},
    {"WdfSpinLockRelease", D},
    {"WdfDriverCreate", P},
};

START_TEST(limits_are_the_documents)
{
    const struct contract *contract = contract_find(limits[_i].name);

    ck_assert_msg(contract != NULL, "%s", limits[_i].name);
    ck_assert(contract->documented);
    ck_assert_msg(contract->cases[contract->case_count - 1].entry == limits[_i].entry, "%s: %x",
                  limits[_i].name, contract->cases[contract->case_count - 1].entry);
}
END_TEST

static const struct {
    const char *name;
    uint8_t which; /* case */
    struct contract_case is;
} effects[] = {
    {"KfRaiseIrql", 0, {.entry = 0xf, .effect = EFFECT_SET_VALUE, .place = PLACE_RETURN}},
    {"KeRaiseIrql",
     0,
     {.entry = 0xf, .effect = EFFECT_SET_VALUE, .place = PLACE_POINTEE, .place_argument = 1}},
    {"KeLowerIrql", 0, {.entry = 0xf, .effect = EFFECT_SET_VALUE}},
    {"KeRaiseIrqlToDpcLevel",
     0,
     {.entry = P | A | D, .effect = EFFECT_SET, .level = IRQL_D, .place = PLACE_RETURN}},
    {"KeAcquireSpinLock",
     0,
     {.entry = P | A | D,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .place = PLACE_POINTEE,
      .place_argument = 1}},
    {"KeAcquireInStackQueuedSpinLock",
     0,
     {.entry = P | A | D,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .place = PLACE_HANDLE,
      .place_argument = 1}},
    {"KeReleaseInStackQueuedSpinLock",
     0,
     {.entry = D, .effect = EFFECT_RESTORE, .place = PLACE_HANDLE}},
    {"ExReleaseSpinLockShared",
     0,
     {.entry = D, .effect = EFFECT_RESTORE, .place = PLACE_VALUE, .place_argument = 1}},
    {"IoReleaseCancelSpinLock", 0, {.entry = D, .effect = EFFECT_RESTORE, .place = PLACE_VALUE}},
    {"ExTryToAcquireFastMutex",
     0,
     {.entry = P | A,
      .effect = EFFECT_SET,
      .level = IRQL_A,
      .place = PLACE_HANDLE,
      .condition = WHEN_RETURNS_NOT_ZERO}},
    {"KeSetEvent",
     0,
     {.entry = P | A,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .condition = WHEN_ARGUMENT_NOT_ZERO,
      .condition_argument = 2,
      .condition_bytes = 1}},
    {"KeReleaseMutex",
     0,
     {.entry = P | A,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .condition = WHEN_ARGUMENT_NOT_ZERO,
      .condition_argument = 1,
      .condition_bytes = 1}},
    {"KeReleaseSemaphore",
     0,
     {.entry = P | A,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .condition = WHEN_ARGUMENT_NOT_ZERO,
      .condition_argument = 3,
      .condition_bytes = 1}},
    {"KeWaitForMultipleObjects",
     0,
     {.entry = P | A | D,
      .effect = EFFECT_WAIT,
      .condition = WHEN_POINTEE_ZERO,
      .condition_argument = 6}},
    {"KeWaitForSingleObject", 1, {.entry = P | A, .effect = EFFECT_WAIT}},
    {"ExAllocatePoolWithTag",
     0,
     {.entry = P | A,
      .condition = WHEN_ARGUMENT_NOT_ZERO,
      .condition_bytes = 4,
      .condition_mask = 1}},
    {"ExAllocatePool2",
     0,
     {.entry = P | A,
      .condition = WHEN_ARGUMENT_NOT_ZERO,
      .condition_bytes = 8,
      .condition_mask = 0x100}},
    {"WdfSpinLockAcquire",
     0,
     {.entry = P | A | D,
      .effect = EFFECT_SET,
      .level = IRQL_D,
      .place = PLACE_HANDLE,
      .place_argument = 1}},
};

START_TEST(effects_are_the_documents)
{
    const struct contract *contract = contract_find(effects[_i].name);
    const struct contract_case *is, *should = &effects[_i].is;

    ck_assert_msg(contract != NULL, "%s", effects[_i].name);
    ck_assert_uint_gt(contract->case_count, effects[_i].which);
    is = &contract->cases[effects[_i].which];
    ck_assert_msg(is->entry == should->entry && is->effect == should->effect &&
                      is->level == should->level && is->level_argument == should->level_argument &&
                      is->place == should->place && is->place_argument == should->place_argument &&
                      is->condition == should->condition &&
                      is->condition_argument == should->condition_argument &&
                      is->condition_bytes == should->condition_bytes &&
                      is->condition_mask == should->condition_mask,
                  "%s", effects[_i].name);
}
END_TEST

START_TEST(framework_locks_depend_on_what_the_image_does_not_show)
{
    const struct contract *contract = contract_find("WdfObjectAcquireLock");

    ck_assert_uint_eq(contract->cases[0].condition, WHEN_EXTERNAL);
    ck_assert_uint_eq(contract->cases[0].effect, EFFECT_SET);
    ck_assert_ptr_nonnull(strstr(contract->cases[0].condition_text, "ExecutionLevel"));
    ck_assert_uint_eq(contract->cases[1].effect, EFFECT_SAME);
}
END_TEST

static const struct {
    const char *name;
    uint32_t traits;
} traits[] = {
    {"KeAcquireSpinLockAtDpcLevel", TRAIT_SPIN_ACQUIRE},
    {"IoReleaseCancelSpinLock", TRAIT_SPIN_RELEASE},
    {"KfRaiseIrql", TRAIT_RAISE},
    {"KeLowerIrql", TRAIT_LOWER},
    {"KePulseEvent", TRAIT_WAIT_TRUE},
    {"KeWaitForMutexObject", TRAIT_WAIT},
    {"MmLockPagableDataSection", TRAIT_SECTION_LOCK},
    {"MmLockPagableSectionByHandle", TRAIT_SECTION_LOCK_HANDLE},
    {"MmUnlockPagableImageSection", TRAIT_SECTION_UNLOCK},
    {"MmPageEntireDriver", TRAIT_PAGE_ENTIRE},
    {"MmResetDriverPaging", TRAIT_RESET_PAGING},
    {"KeGetCurrentIrql", TRAIT_CURRENT_IRQL},
    {"KeBugCheckEx", TRAIT_NO_RETURN},
    {"KeInitializeEvent", TRAIT_INITIALIZES_LOCK},
    {"IoConnectInterruptEx", TRAIT_CONNECTS_INTERRUPT},
    {"IoDisconnectInterrupt", TRAIT_DISCONNECTS_INTERRUPT},
    {"WdfObjectAcquireLock", TRAIT_SPIN_ACQUIRE},
    {"ExAcquireFastMutex", 0},
    {"KeSynchronizeExecution", 0},
};

START_TEST(traits_are_what_rules_ask)
{
    ck_assert_msg(contract_find(traits[_i].name)->traits == traits[_i].traits, "%s",
                  traits[_i].name);
}
END_TEST

START_TEST(every_acquire_raises_or_needs_dispatch_level)
{
    const struct contract *contract = &contracts_by_name[_i];
    const struct contract_case *first = &contract->cases[0];

    if ((contract->traits & TRAIT_SPIN_ACQUIRE) == 0) {
        return;
    }
    ck_assert_msg(first->effect == EFFECT_SET ? first->level >= IRQL_D
                                              : (first->entry & IRQL_PAGEABLE) == 0,
                  "%s", contract->name);
}
END_TEST

/* ---- roles ---- */

START_TEST(every_role_has_a_text)
{
    const struct role_text *text = role_text((enum role)_i);

    ck_assert_ptr_nonnull(text->name);
    ck_assert_uint_eq(text->certain & ~(unsigned)text->possible, 0);
    if (_i != ROLE_NONE) {
        ck_assert_uint_ne(text->possible, 0);
    }
    /* What may not be pageable is what may run raised. */
    if (text->must_be_resident) {
        ck_assert_uint_ne(text->possible & IRQL_RAISED, 0);
    }
}
END_TEST

START_TEST(handed_over_routines_have_their_roles)
{
    static const struct {
        const char *name;
        uint8_t argument, role;
    } handed[] = {{"KeInitializeDpc", 1, ROLE_DPC},
                  {"IoConnectInterrupt", 1, ROLE_ISR},
                  {"KeSynchronizeExecution", 1, ROLE_SYNCHRONIZE},
                  {"KeIpiGenericCall", 0, ROLE_IPI},
                  {"IoQueueWorkItem", 1, ROLE_WORK_ITEM},
                  {"PsCreateSystemThread", 5, ROLE_THREAD},
                  {"IoInitializeTimer", 1, ROLE_TIMER},
                  {"IoStartPacket", 3, ROLE_CANCEL},
                  {"IoSetCompletionRoutineEx", 2, ROLE_COMPLETION},
                  {"ExAllocateTimer", 0, ROLE_TIMER},
                  {"KeRegisterBugCheckCallback", 1, ROLE_BUGCHECK},
                  {"PsSetCreateProcessNotifyRoutineEx", 0, ROLE_NOTIFY_PASSIVE},
                  {"IoRegisterDriverReinitialization", 1, ROLE_REINITIALIZE}};

    for (size_t i = 0; i < sizeof handed / sizeof handed[0]; i++) {
        const struct contract *contract = contract_find(handed[i].name);

        ck_assert_msg(contract != NULL && contract->role_count > 0, "%s", handed[i].name);
        ck_assert_uint_eq(contract->roles[0].argument, handed[i].argument);
        ck_assert_uint_eq(contract->roles[0].role, handed[i].role);
        ck_assert(!contract->roles[0].in_structure);
    }
}
END_TEST

/* ---- layout ---- */

#define NT_OFFSET(object, field, offset, bytes) {#object, #field, offset},
#define NT_SIZE(object, bytes)                  {#object, "", bytes},
static const struct offset {
    const char *object, *field;
    uint32_t value;
} offsets[] = {
#include "advise_offsets.h"
};

static uint32_t offset_of(const char *object, const char *field)
{
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        if (strcmp(offsets[i].object, object) == 0 && strcmp(offsets[i].field, field) == 0) {
            return offsets[i].value;
        }
    }
    ck_abort_msg("%s.%s is not in the layout", object, field);
    return 0;
}

START_TEST(roles_are_where_the_headers_have_them)
{
    int64_t majors = offset_of("driver", "MajorFunction");
    int64_t completion = offset_of("location", "CompletionRoutine");

    ck_assert_int_eq(object_role(OBJECT_DRIVER, offset_of("driver", "DriverStartIo")),
                     ROLE_STARTIO);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, offset_of("driver", "DriverUnload")), ROLE_UNLOAD);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors), ROLE_DISPATCH);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 8 * 3), ROLE_DISPATCH_TRANSFER);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 8 * 14), ROLE_DISPATCH_TRANSFER);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 8 * 22), ROLE_DISPATCH_POWER);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 8 * 27), ROLE_DISPATCH);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 8 * 28), ROLE_NONE);
    ck_assert_int_eq(object_role(OBJECT_DRIVER, majors + 4), ROLE_NONE);
    ck_assert_int_eq(object_role(OBJECT_DRIVER_EXTENSION, offset_of("extension", "AddDevice")),
                     ROLE_ADD_DEVICE);
    ck_assert_int_eq(object_role(OBJECT_DEVICE,
                                 offset_of("device", "Dpc") + offset_of("dpc", "DeferredRoutine")),
                     ROLE_DPC);
    ck_assert_int_eq(object_role(OBJECT_IRP, offset_of("irp", "CancelRoutine")), ROLE_CANCEL);
    ck_assert_int_eq(object_role(OBJECT_STACK_LOCATION, completion), ROLE_COMPLETION);
    ck_assert_int_eq(object_role(OBJECT_STACK_LOCATION, completion - offset_of("location", "")),
                     ROLE_COMPLETION);
    ck_assert_int_eq(object_role(OBJECT_STACK_LOCATION, completion + 8), ROLE_NONE);
    ck_assert_uint_eq(offset_of("location", "Control"), 3); /* roles_patterns.c */
    ck_assert_int_eq(object_role(OBJECT_FAST_IO, offset_of("fast_io", "FastIoCheckIfPossible")),
                     ROLE_FAST_IO);
    ck_assert_int_eq(object_role(OBJECT_FAST_IO, offset_of("fast_io", "ReleaseForCcFlush")),
                     ROLE_FAST_IO);
    ck_assert_int_eq(object_role(OBJECT_FAST_IO, offset_of("fast_io", "")), ROLE_NONE);
    ck_assert_int_eq(object_role(OBJECT_UNKNOWN, majors), ROLE_NONE);
}
END_TEST

START_TEST(members_are_where_the_headers_have_them)
{
    static const struct {
        const char *object, *field;
        uint8_t type, member;
    } rows[] = {
        {"driver", "DeviceObject", OBJECT_DRIVER, OBJECT_DEVICE},
        {"driver", "DriverExtension", OBJECT_DRIVER, OBJECT_DRIVER_EXTENSION},
        {"driver", "FastIoDispatch", OBJECT_DRIVER, OBJECT_FAST_IO},
        {"extension", "DriverObject", OBJECT_DRIVER_EXTENSION, OBJECT_DRIVER},
        {"device", "DriverObject", OBJECT_DEVICE, OBJECT_DRIVER},
        {"device", "NextDevice", OBJECT_DEVICE, OBJECT_DEVICE},
        {"device", "AttachedDevice", OBJECT_DEVICE, OBJECT_DEVICE},
        {"device", "CurrentIrp", OBJECT_DEVICE, OBJECT_IRP},
        {"irp", "Tail.Overlay.CurrentStackLocation", OBJECT_IRP, OBJECT_STACK_LOCATION},
        {"location", "DeviceObject", OBJECT_STACK_LOCATION, OBJECT_DEVICE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(object_member(rows[i].type, offset_of(rows[i].object, rows[i].field)),
                         rows[i].member);
    }
    ck_assert_int_eq(object_member(OBJECT_DRIVER, 1), OBJECT_UNKNOWN);
    ck_assert_int_eq(object_member(OBJECT_UNKNOWN, 8), OBJECT_UNKNOWN);
}
END_TEST

static void has_row(const char *name, uint32_t offset, uint32_t stride, uint32_t array,
                    enum role role)
{
    const struct contract *contract = contract_find(name);

    for (unsigned i = 0; i < contract->role_count; i++) {
        const struct contract_role *row = &contract->roles[i];

        if (row->offset == offset && row->stride == stride && row->array_offset == array &&
            row->role == role && (row->in_structure || offset == 0)) {
            return;
        }
    }
    ck_abort_msg("%s has no routine at %#x", name, offset);
}

START_TEST(structures_are_what_the_headers_have)
{
    uint32_t operation = offset_of("ob_operation", ""),
             operations = offset_of("ob", "OperationRegistration");

    has_row("ExQueueWorkItem", offset_of("work_item", "WorkerRoutine"), 0, 0, ROLE_WORK_ITEM);
    has_row("IoConnectInterruptEx", offset_of("connect", "FullySpecified.ServiceRoutine"), 0, 0,
            ROLE_ISR);
    has_row("IoConnectInterruptEx", offset_of("connect", "LineBased.ServiceRoutine"), 0, 0,
            ROLE_ISR);
    has_row("IoConnectInterruptEx", offset_of("connect", "MessageBased.MessageServiceRoutine"), 0,
            0, ROLE_ISR);
    has_row("IoConnectInterruptEx", offset_of("connect", "MessageBased.FallBackServiceRoutine"), 0,
            0, ROLE_ISR);
    has_row("ObRegisterCallbacks", offset_of("ob_operation", "PreOperation"), operation, operations,
            ROLE_PASSIVE);
    has_row("ObRegisterCallbacks", offset_of("ob_operation", "PostOperation"), operation,
            operations, ROLE_PASSIVE);
    has_row("RtlQueryRegistryValues", offset_of("query", "QueryRoutine"), offset_of("query", ""), 0,
            ROLE_PASSIVE);
    has_row("StorPortInitialize", offset_of("port", "HwInitialize"), 0, 0, ROLE_ISR);
    has_row("StorPortInitialize", offset_of("port", "HwStartIo"), 0, 0, ROLE_RAISED);
    has_row("StorPortInitialize", offset_of("port", "HwInterrupt"), 0, 0, ROLE_ISR);
    has_row("StorPortInitialize", offset_of("port", "HwFindAdapter"), 0, 0, ROLE_PASSIVE);
    has_row("StorPortInitialize", offset_of("port", "HwResetBus"), 0, 0, ROLE_RAISED);
}
END_TEST

START_TEST(arguments_have_their_types)
{
    ck_assert_int_eq(role_argument(ROLE_DRIVER_ENTRY, 0), OBJECT_DRIVER);
    ck_assert_int_eq(role_argument(ROLE_DRIVER_ENTRY, 1), OBJECT_UNKNOWN);
    ck_assert_int_eq(role_argument(ROLE_ADD_DEVICE, 1), OBJECT_DEVICE);
    ck_assert_int_eq(role_argument(ROLE_DISPATCH_POWER, 1), OBJECT_IRP);
    ck_assert_int_eq(role_argument(ROLE_CANCEL, 0), OBJECT_DEVICE);
    ck_assert_int_eq(role_argument(ROLE_DPC, 0), OBJECT_UNKNOWN);
    ck_assert_int_eq(role_argument(ROLE_DISPATCH, 2), OBJECT_UNKNOWN);
    ck_assert_int_eq(contract_find("IofCallDriver")->types[1], OBJECT_IRP);
    ck_assert_int_eq(contract_find("IoAllocateIrp")->result, OBJECT_IRP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contracts");
    TCase *tables = tcase_create("tables"), *facts = tcase_create("facts"),
          *roles = tcase_create("roles");
    SRunner *runner = srunner_create(suite);

    srunner_set_fork_status(runner, CK_NOFORK); /* some thousand of the smallest tests */
    tcase_add_loop_test(tables, every_contract_is_whole, 0, (int)contracts_count);
    tcase_add_loop_test(tables, every_acquire_raises_or_needs_dispatch_level, 0,
                        (int)contracts_count);
    tcase_add_test(tables, unknown_names_have_no_contract);
    tcase_add_test(tables, kmdf_entries_are_where_the_table_has_them);
    tcase_add_loop_test(facts, limits_are_the_documents, 0, sizeof limits / sizeof limits[0]);
    tcase_add_loop_test(facts, effects_are_the_documents, 0, sizeof effects / sizeof effects[0]);
    tcase_add_loop_test(facts, traits_are_what_rules_ask, 0, sizeof traits / sizeof traits[0]);
    tcase_add_test(facts, framework_locks_depend_on_what_the_image_does_not_show);
    tcase_add_loop_test(roles, every_role_has_a_text, 0, ROLE_COUNT);
    tcase_add_test(roles, handed_over_routines_have_their_roles);
    tcase_add_test(roles, roles_are_where_the_headers_have_them);
    tcase_add_test(roles, members_are_where_the_headers_have_them);
    tcase_add_test(roles, structures_are_what_the_headers_have);
    tcase_add_test(roles, arguments_have_their_types);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, facts);
    suite_add_tcase(suite, roles);
    return run_runner(runner);
}
