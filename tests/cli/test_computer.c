/* SPDX-License-Identifier: MIT */
/* The parent's side of a run, where the command line has no handle: patience, and the host's
 * failures. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "cli/cli.h"
#include "support/run.h"

static struct input input;

static struct plan plan_for(const char *driver, const char *script)
{
    static char path[1024];

    (void)snprintf(path, sizeof path, "%s/%s.sys", PAGABLE_DRIVERS, driver);
    ck_assert_int_eq(input_open(path, &input), EXIT_CLEAN);
    return (struct plan){.inputs = &input,
                         .count = 1,
                         .options = {.seed = 1, .rules = RULE_SET_ALL, .budget_seconds = 10},
                         .script_name = "test.lua",
                         .script = script,
                         .script_bytes = script != NULL ? strlen(script) : 0,
                         .patience = 60};
}

/* Neither a record nor a moment of processor time: it would stand there for ever. */
START_TEST(a_computer_that_stands_still_is_ended)
{
    struct plan plan = plan_for("wild", "open('\\\\Device\\\\Wild'):control(0x222024, 'wild')\n");
    struct run_report report = {0};

    plan.patience = 2;
    ck_assert_int_eq(computer_run(&plan, &report), EXIT_CLEAN);
    ck_assert_uint_eq(report.finding_count, 1);
    ck_assert_int_eq(report.findings[0].rule, RULE_COMPUTER_DIED);
    ck_assert_str_eq(report.findings[0].message, "the computer stood still and had to be ended");
    ck_assert(!report.has_end);
    report_release(&report);
    input_close(&input);
}
END_TEST

START_TEST(no_channel_is_the_hosts_fault)
{
    struct plan plan = plan_for("wild", NULL);
    struct run_report report = {0};

    for (unsigned n = 1; n <= 3; n++) {
        host_fail_nth(n);
        ck_assert_int_eq(computer_run(&plan, &report), EXIT_OURS);
        ck_assert(host_fail_hit());
    }
    ck_assert_int_eq(computer_run(&plan, &report), EXIT_CLEAN);
    ck_assert_int_eq(report_result(&report), RESULT_CLEAN);
    report_release(&report);
    input_close(&input);
}
END_TEST

/* The fourth call is the first of the computer, and in the parent the memory for its first record.
 */
START_TEST(no_memory_on_either_side_is_the_hosts_fault)
{
    struct plan plan = plan_for("wild", NULL);
    struct run_report report = {0};

    host_fail_nth(4);
    ck_assert_int_eq(computer_run(&plan, &report), EXIT_OURS);
    host_fail_nth(0);
    report_release(&report);
    input_close(&input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("computer");
    TCase *test = tcase_create("parent");

    tcase_set_timeout(test, 60);
    tcase_add_test(test, a_computer_that_stands_still_is_ended);
    tcase_add_test(test, no_channel_is_the_hosts_fault);
    tcase_add_test(test, no_memory_on_either_side_is_the_hosts_fault);
    suite_add_tcase(suite, test);
    return run_suite(suite);
}
