/* SPDX-License-Identifier: MIT */
/* Scenarios on a fake computer: the default one, what scripts can do, and every way to be wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fake_computer.h"
#include "scenario/scenario.h"
#include "support/run.h"

static bool fake_started;

static void start_drivers(void *context)
{
    (void)context;
    PG_ASSERT(!fake_started);
    fake_started = true;
}

static void run_script(void *context)
{
    const char *text = context;

    const struct scenario_drivers drivers = {.start = start_drivers};

    fake_started = false;
    scenario_run_script("test.lua", text, strlen(text), &drivers);
    PG_ASSERT(fake_started);
}

static struct fake_end end;

static void script(const char *text)
{
    fake_run(run_script, (void *)text, &end);
}

/* The script runs to its end; what it expects inside is met. */
static void script_passes(const char *text)
{
    script(text);
    ck_assert_msg(end.outcome == RUN_DONE, "outcome %d: %s\n%s", end.outcome, end.reason, text);
    ck_assert_uint_eq(end.requests_live, 0);
}

static void script_is_bad(const char *text, const char *reason)
{
    script(text);
    ck_assert_msg(end.outcome == RUN_BAD_SCRIPT, "outcome %d: %s\n%s", end.outcome, end.reason,
                  text);
    ck_assert_msg(strstr(end.reason, reason) != NULL, "'%s' is not in '%s'", reason, end.reason);
    ck_assert_ptr_null(strchr(end.reason, '\n'));
}

/* ---- the default ---- */

static void run_default(void *context)
{
    (void)context;
    scenario_run_default();
}

START_TEST(default_uses_every_device)
{
    fake_run(run_default, NULL, &end);
    ck_assert_int_eq(end.outcome, RUN_DONE);
    ck_assert_str_eq(end.log, "create 1000; read 512@0; write 512@0; control 0x222000 512; "
                              "cleanup; close; "
                              "create 2000; read 512@0; write 512@0; control 0x222000 512; "
                              "cleanup; close; ");
    ck_assert_uint_eq(end.requests_live, 0);
    ck_assert_uint_eq(end.findings, 0);
}
END_TEST

START_TEST(default_goes_on_after_a_refusal)
{
    fake_create_status = (int32_t)0xC0000022;
    fake_run(run_default, NULL, &end);
    ck_assert_int_eq(end.outcome, RUN_DONE);
    ck_assert_str_eq(end.log, "create 1000; create 2000; ");
}
END_TEST

START_TEST(default_without_memory_says_so)
{
    fake_requests_possible = 2;
    fake_run(run_default, NULL, &end);
    ck_assert_int_eq(end.outcome, RUN_DONE);
    ck_assert_ptr_nonnull(strstr(end.notices, "no thread or memory is left for a write request"));
    ck_assert_uint_eq(end.requests_live, 0);
}
END_TEST

/* ---- scripts ---- */

START_TEST(files)
{
    script_passes("local f, s = open('\\\\Device\\\\First')\n"
                  "expect(f and s == 0)\n"
                  "local data, status, information = f:read(4, 100)\n"
                  "expect(data == 'rrrr' and status == 0 and information == 4)\n"
                  "expect(f:write('abc', 7) == 3)\n"
                  "expect(f:control(0x222000, 'ping', 8) == 'ping')\n"
                  "expect(f:control(0x222000, 'ping', 2) == 'pi')\n"
                  "local out, refused = f:control(0x222004)\n"
                  "expect(out == nil and refused == 0xC0000010)\n"
                  "expect(f:internal_control(0x222000, 'x', 1) == 'x')\n"
                  "local part, warning = f:control(0x222018, 'abc', 2)\n"
                  "expect(part == 'ab' and warning == 0x80000005)\n"
                  "expect(f:flush() == true)\n"
                  "expect(f:close() == true)\n");
    ck_assert_str_eq(end.log, "create 1000; read 4@100; write 3@7; control 0x222000 4; "
                              "control 0x222000 4; control 0x222004 0; control 0x222000 1; "
                              "control 0x222018 3; flush; cleanup; close; ");
}
END_TEST

START_TEST(what_is_left_open_is_closed_in_order)
{
    script_passes("a = open('\\\\Device\\\\First')\n"
                  "b = open('\\\\Device\\\\Second')\n"
                  "c = open('\\\\Device\\\\First')\n"
                  "b:close()\n");
    ck_assert_str_eq(end.log, "create 1000; create 2000; create 1000; cleanup; close; "
                              "cleanup; close; cleanup; close; ");
}
END_TEST

START_TEST(a_refused_open_gives_its_status)
{
    fake_create_status = (int32_t)0xC0000022;
    script_passes("local f, status = open('\\\\Device\\\\First')\n"
                  "expect(f == nil and status == 0xC0000022)\n");
}
END_TEST

START_TEST(drivers_and_devices)
{
    script_passes(
        "local d = driver(1)\n"
        "expect(d.name == 'fake.sys' and d.address == 0x200200000000 and d.bytes == 0x8000)\n"
        "expect(driver('fake').name == 'fake.sys' and driver('fake.sys') and not driver(2))\n"
        "expect(not driver('x'))\n"
        "local all = d:devices()\n"
        "expect(#all == 2 and all[1].name == '\\\\Device\\\\First' and all[2].type == 0x22)\n"
        "expect(all[1].flags == 4 and all[1].address == 0x1000 and all[1]:exists())\n"
        "expect(device('\\\\Device\\\\Second').name == all[2].name and not device('nothing'))\n"
        "expect(all[1]:pnp(0) and all[1]:power(2) and all[1]:system_control(8))\n"
        "expect(all[1]:shutdown())\n"
        "expect(all[2]:open())\n");
    ck_assert_str_eq(end.log, "kind 10 minor 0; kind 11 minor 2; kind 9 minor 8; shutdown; "
                              "create 2000; cleanup; close; ");
}
END_TEST

START_TEST(a_deleted_device_is_noticed)
{
    script_is_bad("local second = device('\\\\Device\\\\Second')\n"
                  "local f = open('\\\\Device\\\\First')\n"
                  "f:control(0x222014)\n"
                  "expect(not second:exists())\n"
                  "second:open()\n",
                  "test.lua:5: calling 'open' on bad self (the device was deleted)");
}
END_TEST

START_TEST(requests_under_way)
{
    script_passes("local f = open('\\\\Device\\\\First')\n"
                  "local r = f:start_control(0x222008, 'later', 5)\n"
                  "expect(not r:done() and r:status() == nil)\n"
                  "expect(not r:wait(0.5))\n"
                  "expect(time() == 0.5)\n"
                  "expect(r:wait() and r:done() and r:status() == 0)\n"
                  "expect(time() == 1)\n"
                  "expect(r:result() == 'later')\n"
                  "local c = f:start_control(0x22200c)\n"
                  "c:cancel()\n"
                  "c:cancel()\n"
                  "expect(c:status() == 0xC0000120)\n"
                  "expect(f:start_read(3):result() == 'rrr')\n"
                  "expect(f:start_write('x'):result() == 1)\n");
    ck_assert_uint_eq(end.findings, 0);
}
END_TEST

/* A pending request gets 10 seconds, is cancelled, and gets 10 more. */
START_TEST(a_request_that_waits_is_cancelled)
{
    script_passes("local f = open('\\\\Device\\\\First')\n"
                  "local out, status = f:control(0x22200c)\n"
                  "expect(out == nil and status == 0xC0000120 and time() == 10)\n");
    ck_assert_uint_eq(end.findings, 0);
}
END_TEST

START_TEST(a_request_that_cannot_be_cancelled_is_a_finding)
{
    script_passes("local f = open('\\\\Device\\\\First')\n"
                  "local out, status = f:control(0x222010)\n"
                  "expect(out == nil and status == 0x103 and time() == 20)\n");
    ck_assert_uint_eq(end.findings, 1);
    ck_assert_str_eq(end.finding, "a device control request is still pending 10 seconds after it "
                                  "was cancelled");
}
END_TEST

START_TEST(what_was_started_is_settled_at_the_end)
{
    script_passes("local f = open('\\\\Device\\\\First')\n"
                  "f:start_control(0x222010)\n"
                  "f:start_control(0x222008)\n");
    ck_assert_uint_eq(end.findings, 1);
    ck_assert_ptr_nonnull(strstr(end.log, "cancel; cleanup; close; "));
}
END_TEST

START_TEST(the_computer)
{
    script_passes("expect(trim() == 3)\n"
                  "sleep(2.5)\n"
                  "expect(time() == 2.5)\n"
                  "local s = section('fake.sys', 'PAGE')\n"
                  "expect(s.lock_count == 2 and s.pages == 4 and s.resident_pages == 3)\n"
                  "expect(s.name == 'PAGE' and s.image == 'fake.sys')\n"
                  "expect(section('fake', '.text') == nil)\n"
                  "expect(ctl_code(0x22, 0x800, 0, 0) == 0x222000)\n"
                  "expect(ctl_code(0x22, 0x801, 3, 1) == 0x226007)\n"
                  "expect(call(100, 1, 2, 3) == 106)\n"
                  "expect(call(0xdead) == nil)\n"
                  "log('one')\n"
                  "print('two', 3, nil, true, {})\n");
    ck_assert_str_eq(end.notices, "one\ntwo\t3\tnil\ttrue\ttable\n");
}
END_TEST

START_TEST(expectations)
{
    script("expect(true)\nexpect(1 == 2, 'one is two')\nlog('never')\n");
    ck_assert_int_eq(end.outcome, RUN_ASSERTION);
    ck_assert_str_eq(end.reason, "test.lua:2: one is two");
    ck_assert_str_eq(end.notices, "");
    script("local function f() expect(nil) end\npcall(f)\n");
    ck_assert_int_eq(end.outcome, RUN_ASSERTION);
    ck_assert_str_eq(end.reason, "test.lua:1: expectation not met");
    script_passes("expect(expect(5) == 5)");
}
END_TEST

START_TEST(bad_scripts)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"local x = \n", "test.lua:2: unexpected symbol"},
        {"\n\nnil_thing.x = 1", "test.lua:3: attempt to index a nil value (global 'nil_thing')"},
        {"error('two\\nlines')", "test.lua:1: two"},
        {"error({})", "table"},
        {"error()", "nil"},
        {"open('nothing')", "test.lua:1: there is no device 'nothing'"},
        {"open(5)", "bad argument #1 to 'open'"},
        {"open()", "bad argument #1 to 'open'"},
        {"open('\\\\Device\\\\First'):read(-1)", "length must be 0 to 16 MiB"},
        {"open('\\\\Device\\\\First'):read(1 << 30)", "length must be 0 to 16 MiB"},
        {"open('\\\\Device\\\\First'):read(1, -1)", "offset must not be negative"},
        {"open('\\\\Device\\\\First'):control(-1)", "control code must be"},
        {"open('\\\\Device\\\\First'):control(1 << 32)", "control code must be"},
        {"open('\\\\Device\\\\First'):control()", "number expected"},
        {"open('\\\\Device\\\\First'):nothing()", "attempt to call a nil value (method 'nothing')"},
        {"f = open('\\\\Device\\\\First') f:close() f:read(1)", "the file is closed"},
        {"f = open('\\\\Device\\\\First') f.read('x', 1)", "file expected"},
        {"r = open('\\\\Device\\\\First'):start_read(1) r.wait({})", "request expected"},
        {"r = open('\\\\Device\\\\First'):start_read(1) r:wait(-1)", "seconds must be between"},
        {"sleep(-1)", "seconds must be between"},
        {"sleep(0/0)", "seconds must be between"},
        {"sleep()", "bad argument #1"},
        {"section('nothing', 'PAGE')", "there is no driver 'nothing'"},
        {"ctl_code(1, 0x1000)", "function must be"},
        {"random(0)", "must be from 1"},
        {"math.random(2, 1)", "interval is empty"},
        {"math.random(1.5)", "integer expected"},
        {"call(1,1,2,3,4,5,6,7,8,9)", "at most 8 arguments"},
        {"device('\\\\Device\\\\First'):pnp(256)", "minor function must be"},
        {"local s = string.rep('x', 1 << 30)", "not enough memory"},
        {"local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) .. #t end",
         "not enough memory"},
        {"local function f() return f() + 1 end f()", "stack overflow"},
        {"\x1bLua", "attempt to load a binary chunk"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_is_bad(rows[i].text, rows[i].reason);
    }
}
END_TEST

START_TEST(the_sandbox_has_no_way_out)
{
    static const char *const names[] = {
        "io",     "os",        "debug",          "package",     "require",
        "dofile", "loadfile",  "collectgarbage", "string.dump", "math.randomseed",
        "warn",   "coroutine",
    };
    char text[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(text, sizeof text, "expect(%s == nil, '%s')", names[i], names[i]);
        script_passes(text);
    }
    script_passes("local f, why = load('\\27Lua')\nexpect(not f and why)\n"
                  "expect(load('return 1 + 1')() == 2)\n"
                  "expect(load('return x', 'n', 'bt', {x = 5})() == 5)\n"
                  "local g, problem = load('x =')\nexpect(not g and problem)\n");
    script_passes("expect(getmetatable(open('\\\\Device\\\\First')) == 'file')\n"
                  "expect(getmetatable(driver(1)) == 'driver')\n");
}
END_TEST

/* Whatever a script can print is the same in every process. */
START_TEST(scripts_are_deterministic)
{
    static const char text[] =
        "local t = {}\n"
        "for i = 1, 300 do t['key' .. (i * 7919 % 1000)] = i end\n"
        "t[3] = 1; t[1] = 1; t[2.5] = 1; t[true] = 1; t[false] = 1\n"
        "local line = ''\n"
        "for k, v in pairs(t) do line = line .. tostring(k) .. '=' .. v .. ' ' end\n"
        "log(line:sub(1, 300))\n"
        "expect(line:sub(1, 30) == 'false=1 true=1 1=1 2.5=1 3=1 k', line:sub(1, 30))\n"
        "expect(next({}) == nil and next({5}) == 1 and next({5}, 1) == nil)\n"
        "expect(tostring(t) == 'table' and tostring(print) == 'function')\n"
        "expect(string.format('%s %5s %%p', t, 'x') == 'table     x %p')\n"
        "expect(('%d'):format(5) == '5')\n"
        "expect(not pcall(string.format, '%p', t))\n"
        "expect(not pcall(pairs, {[{}] = 1}) and not pcall(pairs, nil))\n"
        "local list = {}\n"
        "for i = 1, 500 do list[i] = {key = i % 7, i = i} end\n"
        "table.sort(list, function(a, b) return a.key < b.key end)\n"
        "for i = 2, 500 do\n"
        "  local a, b = list[i - 1], list[i]\n"
        "  expect(a.key < b.key or (a.key == b.key and a.i < b.i), 'sorting is stable')\n"
        "end\n"
        "local words = {'b', 'c', 'a'}\n"
        "table.sort(words)\n"
        "expect(table.concat(words) == 'abc')\n"
        "for i = 1, 20 do log(random(100) .. ' ' .. math.random(5, 9) .. ' ' .. math.random()) "
        "end\n"
        "local r = math.random()\n"
        "expect(r >= 0 and r < 1)\n";
    char first[sizeof end.notices];

    script_passes(text);
    memcpy(first, end.notices, sizeof first);
    for (unsigned i = 0; i < 5; i++) {
        script_passes(text);
        ck_assert_str_eq(first, end.notices);
    }
}
END_TEST

START_TEST(pairs_sees_changes_like_the_original)
{
    script_passes("local t = {a = 1, b = 2, c = 3}\n"
                  "local seen = ''\n"
                  "for k in pairs(t) do seen = seen .. k; t.b = nil; t[k] = nil end\n"
                  "expect(seen == 'ac', seen)\n"
                  "local p = setmetatable({}, {__pairs = function() return function() end end})\n"
                  "for _ in pairs(p) do expect(false) end\n");
}
END_TEST

START_TEST(an_endless_script_ends_with_the_budget)
{
    fake_budget_expired = true;
    script("local i = 0\nwhile true do i = i + 1 end\n");
    ck_assert_int_eq(end.outcome, RUN_BAD_SCRIPT);
    ck_assert_str_eq(end.reason, "test.lua:2: the script used up the processor time of the run");
    script("while true do pcall(function() while true do end end) end\n");
    ck_assert_int_eq(end.outcome, RUN_BAD_SCRIPT);
    fake_budget_expired = false;
}
END_TEST

START_TEST(no_thread_for_a_request_is_an_error)
{
    fake_requests_possible = 1;
    script_is_bad("local f = open('\\\\Device\\\\First')\nf:read(1)\n",
                  "test.lua:2: no thread or memory is left for a read request");
}
END_TEST

START_TEST(many_requests_do_not_pile_up)
{
    fake_requests_possible = 100000;
    script_passes("local f = open('\\\\Device\\\\First')\n"
                  "for i = 1, 20000 do f:flush() end\n"
                  "log('done')\n");
    ck_assert_str_eq(end.notices, "done\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario");
    TCase *standard = tcase_create("default"), *scripts = tcase_create("scripts");

    tcase_set_timeout(scripts, 120);
    tcase_add_test(standard, default_uses_every_device);
    tcase_add_test(standard, default_goes_on_after_a_refusal);
    tcase_add_test(standard, default_without_memory_says_so);
    tcase_add_test(scripts, files);
    tcase_add_test(scripts, what_is_left_open_is_closed_in_order);
    tcase_add_test(scripts, a_refused_open_gives_its_status);
    tcase_add_test(scripts, drivers_and_devices);
    tcase_add_test(scripts, a_deleted_device_is_noticed);
    tcase_add_test(scripts, requests_under_way);
    tcase_add_test(scripts, a_request_that_waits_is_cancelled);
    tcase_add_test(scripts, a_request_that_cannot_be_cancelled_is_a_finding);
    tcase_add_test(scripts, what_was_started_is_settled_at_the_end);
    tcase_add_test(scripts, the_computer);
    tcase_add_test(scripts, expectations);
    tcase_add_test(scripts, bad_scripts);
    tcase_add_test(scripts, the_sandbox_has_no_way_out);
    tcase_add_test(scripts, scripts_are_deterministic);
    tcase_add_test(scripts, pairs_sees_changes_like_the_original);
    tcase_add_test(scripts, an_endless_script_ends_with_the_budget);
    tcase_add_test(scripts, no_thread_for_a_request_is_an_error);
    tcase_add_test(scripts, many_requests_do_not_pile_up);
    suite_add_tcase(suite, standard);
    suite_add_tcase(suite, scripts);
    return run_suite(suite);
}
