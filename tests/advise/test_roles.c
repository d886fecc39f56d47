/* SPDX-License-Identifier: MIT */
/*
 * Roles of the routines of drivers/roles.c, which hands one over in every way, compiled without
 * optimisation and with; and of the sample drivers, which nobody wrote for this.
 */
#include "loaded.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/no_memory.h"
#include "support/run.h"

#define P IRQL_BIT(IRQL_P)
#define A IRQL_BIT(IRQL_A)
#define D IRQL_BIT(IRQL_D)
#define H IRQL_BIT(IRQL_H)

static void look_at(const char *name, struct loaded *look)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s.sys", PAGABLE_DRIVERS, name);
    infer_driver(path, look);
}

static const struct entry *entry_of(const struct loaded *look, const char *name)
{
    return &look->infer.entries[function_named(look, name)];
}

/* ---- one driver that does it all ---- */

enum { SURE, INFERRED };

static const struct expected {
    const char *name;
    uint8_t role;
    irql_set certain, possible;
    uint8_t proof;
} expected[] = {
    {"DriverEntry", ROLE_DRIVER_ENTRY, P, P, SURE},
    {"Unload", ROLE_UNLOAD, P, P, SURE},
    {"AddDevice", ROLE_ADD_DEVICE, P, P, SURE},
    {"Reinitialize", ROLE_REINITIALIZE, P, P, SURE},
    {"CreateDispatch", ROLE_DISPATCH, P, P, SURE},
    {"ReadDispatch", ROLE_DISPATCH_TRANSFER, P, P | A, SURE},
    {"ControlDispatch", ROLE_DISPATCH_TRANSFER, P, P | A, SURE},
    {"PowerDispatch", ROLE_DISPATCH_POWER, P, P | A | D, SURE},
    {"StartIo", ROLE_STARTIO, D, D, SURE},
    {"FastRead", ROLE_FAST_IO, 0, P | A, INFERRED},
    {"Cancel", ROLE_CANCEL, D, D, SURE},
    {"ReadDone", ROLE_COMPLETION, 0, P | A | D, SURE},
    {"HelperDone", ROLE_COMPLETION, 0, P | A | D, SURE},
    {"OwnDone", ROLE_COMPLETION, 0, P | A | D, SURE},
    {"PlainDpc", ROLE_DPC, D, D, SURE},
    {"SlowDpc", ROLE_THREADED_DPC, P, P | D, SURE},
    {"DpcForIsr", ROLE_DPC, D, D, SURE},
    {"SecondTimer", ROLE_TIMER, D, D, SURE},
    {"Isr", ROLE_ISR, H, H, SURE},
    {"Synchronized", ROLE_SYNCHRONIZE, H, H, SURE},
    {"Worker", ROLE_WORK_ITEM, P, P, SURE},
    {"QueuedWorker", ROLE_WORK_ITEM, P, P, SURE},
    {"LaterWorker", ROLE_WORK_ITEM, 0, P, INFERRED},
    {"Thread", ROLE_THREAD, P, P, SURE},
    {"QueryValue", ROLE_PASSIVE, P, P, SURE},
    {"RaisedInsert", ROLE_CSQ_RAISED, D, D, SURE},
    {"RaisedRemove", ROLE_CSQ_RAISED, D, D, SURE},
    {"RaisedPeek", ROLE_CSQ_RAISED, D, D, SURE},
    {"RaisedAcquire", ROLE_CSQ_ACQUIRE, 0, P | A | D, SURE},
    {"RaisedRelease", ROLE_CSQ_RELEASE, D, D, SURE},
    {"RaisedCanceled", ROLE_ANY_IRQL, 0, P | A | D, SURE},
    {"PassiveInsert", ROLE_NONE, 0, 0, SURE},
    {"PassiveRemove", ROLE_NONE, 0, 0, SURE},
    {"PassivePeek", ROLE_NONE, 0, 0, SURE},
    {"PassiveAcquire", ROLE_CSQ_ACQUIRE, 0, P | A | D, SURE},
    {"PassiveRelease", ROLE_NONE, 0, 0, SURE},
    {"SetUp", ROLE_NONE, 0, 0, SURE},
    {"Forward", ROLE_NONE, 0, 0, SURE},
};

static void check(const struct loaded *look, const struct expected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = entry_of(look, rows[i].name);

        ck_assert_msg(entry->role == rows[i].role && entry->certain == rows[i].certain &&
                          entry->possible == rows[i].possible &&
                          entry->role_inferred == (rows[i].proof == INFERRED),
                      "%s: %s, certain %x, possible %x%s", rows[i].name,
                      role_text(entry->role)->name, entry->certain, entry->possible,
                      entry->role_inferred ? ", inferred" : "");
    }
}
#define CHECK(look, rows) check(look, rows, sizeof(rows) / sizeof(rows)[0])

static const char *const builds[] = {"advise/roles_O0", "advise/roles_O2"};

START_TEST(every_way_is_found)
{
    struct loaded look;

    look_at(builds[_i], &look);
    ck_assert_int_eq(infer_roles(&look.infer), PG_OK);
    CHECK(&look, expected);
    /* It fills the table in a loop, or in a row of stores. */
    ck_assert(entry_of(&look, "OtherDispatch")->role == ROLE_DISPATCH ||
              entry_of(&look, "OtherDispatch")->role == ROLE_DISPATCH_TRANSFER);
    ck_assert_uint_eq(entry_of(&look, "OtherDispatch")->possible & IRQL_RAISED, 0);
    ck_assert_int_eq(entry_of(&look, "Forward")->argument_types[1], OBJECT_IRP);
    ck_assert_int_eq(entry_of(&look, "SetUp")->argument_types[0], OBJECT_DRIVER);
    unload_driver(&look);
}
END_TEST

START_TEST(roles_are_the_same_each_time)
{
    struct loaded first, second;

    look_at(builds[_i], &first);
    look_at(builds[_i], &second);
    ck_assert_int_eq(infer_roles(&first.infer), PG_OK);
    ck_assert_int_eq(infer_roles(&second.infer), PG_OK);
    ck_assert_uint_eq(first.program.function_count, second.program.function_count);
    for (uint32_t f = 0; f < first.program.function_count; f++) {
        ck_assert_mem_eq(&first.infer.entries[f], &second.infer.entries[f], sizeof(struct entry));
    }
    unload_driver(&second);
    unload_driver(&first);
}
END_TEST

static pg_status roles_again(void *infer)
{
    return infer_roles(infer);
}

START_TEST(no_memory_is_said)
{
    struct loaded look;

    look_at(builds[1], &look);
    no_memory_anywhere(roles_again, &look.infer, 3);
    CHECK(&look, expected);
    unload_driver(&look);
}
END_TEST

/* ---- the framework, and what only patterns tell ---- */

static const struct expected kmdf[] = {
    {"FxDriverEntry", ROLE_DRIVER_ENTRY, P, P, SURE},
    {"DriverEntry", ROLE_DRIVER_ENTRY, P, P, SURE},
    {"DeviceAdd", ROLE_ADD_DEVICE, P, P, SURE},
    {"D0Entry", ROLE_POWER_UP, P, P, SURE},
    {"DeviceCleanup", ROLE_PASSIVE, P, P, SURE},
    {"IoRead", ROLE_ANY_IRQL, 0, P | A | D, INFERRED},
    {"RequestDone", ROLE_ANY_IRQL, 0, P | A | D, INFERRED},
    {"InterruptIsr", ROLE_ISR, 0, H, INFERRED},
    {"InterruptDpc", ROLE_RAISED, 0, D, INFERRED},
    {"TimerFunc", ROLE_TIMER, 0, D, INFERRED},
    {"DpcFunc", ROLE_RAISED, D, D, SURE},
    {"CreateQueue", ROLE_NONE, 0, 0, SURE},
};

START_TEST(the_framework_calls_what_it_is_given)
{
    struct loaded look;

    look_at(_i == 0 ? "advise/roles_kmdf_O0" : "advise/roles_kmdf_O2", &look);
    ck_assert_int_eq(infer_roles(&look.infer), PG_OK);
    CHECK(&look, kmdf);
    unload_driver(&look);
}
END_TEST

static const struct expected filter[] = {
    {"PreCreate", ROLE_APC_AT_MOST, 0, P | A, INFERRED},
    {"PostCreate", ROLE_PASSIVE, P, P, SURE},
    {"PreRead", ROLE_APC_AT_MOST, 0, P | A, INFERRED},
    {"PostRead", ROLE_POST_OPERATION, 0, P | A | D, SURE},
    {"PostBoth", ROLE_POST_OPERATION, P, P | A | D, SURE},
};

START_TEST(a_filter_is_called_after_operations)
{
    struct loaded look;

    look_at("advise/roles_filter", &look);
    ck_assert_int_eq(infer_roles(&look.infer), PG_OK);
    CHECK(&look, filter);
    unload_driver(&look);
}
END_TEST

static const struct expected untyped[] = {
    {"GsDriverEntry", ROLE_DRIVER_ENTRY, P, P, SURE},
    {"DriverEntry", ROLE_DRIVER_ENTRY, P, P, SURE},
    {"Read", ROLE_DISPATCH_TRANSFER, 0, P | A, INFERRED},
    {"Write", ROLE_DISPATCH_TRANSFER, 0, P | A, INFERRED},
    {"Unload", ROLE_UNLOAD, 0, P, INFERRED},
    {"Cancel", ROLE_CANCEL, 0, D, INFERRED},
    {"Done", ROLE_COMPLETION, 0, P | A | D, INFERRED},
    {"Other", ROLE_NONE, 0, 0, SURE},
    {"Register", ROLE_NONE, 0, 0, SURE},
};

START_TEST(patterns_tell_what_no_type_does)
{
    struct loaded look;

    look_at("advise/roles_untyped", &look);
    ck_assert_int_eq(infer_roles(&look.infer), PG_OK);
    CHECK(&look, untyped);
    unload_driver(&look);
}
END_TEST

/* ---- drivers that were not written for this ---- */

static const struct sample {
    const char *driver, *routine;
    uint8_t role;
} samples[] = {
    {"ftdisk", "FtUnload", ROLE_UNLOAD},
    {"ftdisk", "FtOpenClose", ROLE_DISPATCH},
    {"ftdisk", "FtReadWrite", ROLE_DISPATCH_TRANSFER},
    {"ftdisk", "FtPower", ROLE_DISPATCH_POWER},
    {"ftdisk", "WakeWaiter", ROLE_COMPLETION},
    {"ftdisk", "FtMemberCompletion", ROLE_COMPLETION},
    {"ftdisk", "ResyncThread", ROLE_THREAD},
    {"serial", "SerialAddDevice", ROLE_ADD_DEVICE},
    {"serial", "SerialInternalControl", ROLE_DISPATCH_TRANSFER},
    {"serial", "SerialIntervalDpc", ROLE_DPC},
    {"serial", "SerialToggleDpc", ROLE_DPC},
    {"serial", "SerialInterruptDpc", ROLE_DPC},
    {"serial", "SerialProgram", ROLE_SYNCHRONIZE},
    {"serial", "SerialInterrupt", ROLE_ISR},
    {"serial", "SerialPowerIsUp", ROLE_WORK_ITEM},
    {"serial", "SerialLowerIsUp", ROLE_COMPLETION},
    {"serial", "SerialSystemLowerIsUp", ROLE_COMPLETION},
    {"serial", "SerialCancel", ROLE_CANCEL},
    {"parallel", "ParRunDone", ROLE_DPC},
    {"parallel", "ParThread", ROLE_THREAD},
    {"parallel", "ParSignal", ROLE_COMPLETION},
    {"parallel", "ParInterrupt", ROLE_ISR},
    {"parallel", "ParSystemPowerDone", ROLE_COMPLETION},
    {"parallel", "ParBeginRun", ROLE_SYNCHRONIZE},
    {"parallel", "ParQueueInsert", ROLE_CSQ_RAISED},
    {"parallel", "ParQueueRelease", ROLE_CSQ_RELEASE},
    {"gallery/must_be_resident_role_completion", "ReadDone", ROLE_COMPLETION},
    {"gallery/must_be_resident_role_cancel", "CancelRead", ROLE_CANCEL},
    {"gallery/must_be_resident_role_dpc", "FinishDpc", ROLE_DPC},
    {"gallery/must_be_resident_role_isr", "UartInterrupt", ROLE_ISR},
    {"gallery/irp_not_cancellable_fixed", "CancelRead", ROLE_CANCEL},
};

START_TEST(samples_have_their_roles)
{
    struct loaded look;

    look_at(samples[_i].driver, &look);
    ck_assert_int_eq(infer_roles(&look.infer), PG_OK);
    ck_assert_int_eq(entry_of(&look, samples[_i].routine)->role, samples[_i].role);
    unload_driver(&look);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roles");
    TCase *tests = tcase_create("roles");

    tcase_add_loop_test(tests, every_way_is_found, 0, sizeof builds / sizeof builds[0]);
    tcase_add_loop_test(tests, roles_are_the_same_each_time, 0, sizeof builds / sizeof builds[0]);
    tcase_add_test(tests, no_memory_is_said);
    tcase_add_loop_test(tests, the_framework_calls_what_it_is_given, 0, 2);
    tcase_add_test(tests, a_filter_is_called_after_operations);
    tcase_add_test(tests, patterns_tell_what_no_type_does);
    tcase_add_loop_test(tests, samples_have_their_roles, 0, sizeof samples / sizeof samples[0]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
