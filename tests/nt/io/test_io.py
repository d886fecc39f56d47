# SPDX-License-Identifier: MIT
"""The I/O manager, on a driver that checks it from inside (io_probe.sys) and on requests from outside.

    test_io.py PROGRAM DRIVERS
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS = sys.argv[1:3]
PROBE = os.path.join(DRIVERS, 'io_probe.sys')
LEAVE = os.path.join(DRIVERS, 'io_leave.sys')

# In the order of the tables in io_probe.c.
CHECKS = ['build', 'completion-order', 'forward', 'associated', 'cancel', 'reuse', 'mdl', 'mdl-paged',
          'mdl-partial', 'pages-for-mdl', 'work-item', 'timer', 'device-queue', 'start-io',
          'remove-lock', 'csq', 'names', 'attach', 'pointer', 'extension', 'share', 'power', 'stream', 'notify']
MISTAKES = ['complete-twice', 'no-stack', 'use-freed', 'cancel-completed', 'unlock', 'partial', 'unmap',
            'map-unlocked', 'unmap-elsewhere', 'free-queued', 'queue-twice', 'delete-twice',
            'deleted-device', 'no-completion-routine', 'lock-nothing', 'lock-at-dispatch',
            'remove-lock', 'bad-file', 'start-timer', 'work-item-irql', 'property']
ORDERS = ['succeed', 'fail', 'pend-dpc', 'pend-cancelable', 'pend-forever', 'forget',
          'unmarked-pending', 'marked-success']


def control_code(function, method=0):
    return 0x22 << 16 | function << 2 | method


def check(name):
    return control_code(0x800 + CHECKS.index(name))


def mistake(name):
    return control_code(0xa00 + MISTAKES.index(name))


def order(name):
    return control_code(0xb00 + ORDERS.index(name))


class Case(unittest.TestCase):
    maxDiff = None

    def run_script(self, script, *options, code=0, drivers=(PROBE,)):
        """Run drivers under a scenario; what they printed, the report."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'probe.lua')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(script)
            done = subprocess.run(
                [PROGRAM, 'run', *drivers, '--script', path, '--json', *options],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False,
                timeout=120)
        printed, out = done.stderr.decode(), done.stdout.decode()
        self.assertEqual(done.returncode, code, printed + out[-3000:])
        return printed, json.loads(out)

    def bugcheck(self, name, code, *parameters, options=()):
        """A mistake ends in a bug check; parameters that are None are not looked at."""
        script = 'open("\\\\Device\\\\Probe"):control(%d)' % mistake(name)
        printed, report = self.run_script(script, *options, code=1)
        self.assertEqual(report['result'], 'bugcheck', printed)
        self.assertEqual(int(report['bugcheck']['code'], 16), code, report['bugcheck'])
        for got, expected in zip(report['bugcheck']['params'], parameters):
            if expected is not None:
                self.assertEqual(int(got, 16), expected, report['bugcheck'])
        return report


class Inside(Case):
    def test_every_check(self):
        script = 'local f = open("\\\\Device\\\\Probe")\n'
        for name in CHECKS:
            script += 'f:control(%d)\n' % check(name)
        script += 'f:close()\n'
        for seed in ('1', '2', '3'):
            printed, report = self.run_script(script, '--seed', seed)
            lines = [line for line in printed.splitlines() if line.endswith(' ok') or 'line' in line]
            self.assertEqual(lines, [name + ' ok' for name in CHECKS])
            self.assertEqual(report['findings'], [])

    def test_files_of_drivers_are_created_cleaned_up_and_closed(self):
        printed, _ = self.run_script('open("\\\\Device\\\\Probe"):control(%d)' % check('pointer'))
        told = [line for line in printed.splitlines() if line]
        self.assertEqual(told, ['open', 'create', 'cleanup', 'opened', 'still open', 'close', 'closed',
                                'pointer ok'])

    def test_one_seed_is_one_run(self):
        script = 'open("\\\\Device\\\\Probe"):control(%d)' % check('work-item')
        self.assertEqual(self.run_script(script), self.run_script(script))


class Mistakes(Case):
    def test_packets(self):
        report = self.bugcheck('complete-twice', 0x44)
        self.assertEqual(report['bugcheck']['function'], 'MistakeCompleteTwice')
        self.bugcheck('no-stack', 0x35)
        self.bugcheck('use-freed', 0x44)
        self.bugcheck('cancel-completed', 0x48)
        self.bugcheck('no-completion-routine', 0x0a)

    def test_memory_descriptor_lists(self):
        self.bugcheck('unlock', 0x76, 1)
        self.bugcheck('partial', 0x83)
        self.bugcheck('unmap', 0xda, 6)
        self.bugcheck('unmap-elsewhere', 0xda, 3)
        self.bugcheck('map-unlocked', 0x1a, 0x1233)
        self.bugcheck('lock-nothing', 0x1e, 0xffffffffc0000005)
        self.bugcheck('lock-at-dispatch', 0x0a, None, 2)

    def test_work_items(self):
        self.bugcheck('free-queued', 0xe4, 2)
        self.bugcheck('queue-twice', 0xe4, 1)
        self.bugcheck('work-item-irql', 0xe1, None, 2)

    def test_devices(self):
        self.bugcheck('delete-twice', 0x18)
        self.bugcheck('deleted-device', 0x18)
        self.bugcheck('bad-file', 0x18)
        self.bugcheck('remove-lock', 0xc9)
        self.bugcheck('property', 0xca, 2)
        self.bugcheck('start-timer', 0x1e, 0xffffffffc0000005)


class Requests(Case):
    def test_every_method_and_kind_of_buffer(self):
        script = '''
for _, name in ipairs { "Buffered", "Direct", "Neither" } do
  local f = open("\\\\Device\\\\Probe" .. name)
  local text = ("0123456789"):rep(300)
  local written, status = f:write(text)
  expect(status == 0 and written == #text, name .. ": write")
  local bytes, status = f:read(4096)
  expect(status == 0 and bytes == text, name .. ": read gives what was written, and no more")
  expect(f:read(5) == "01234", name .. ": short read")
  expect(f:read(0) == "", name .. ": empty read")
  local bytes, status = f:read(16, 100)
  expect(not bytes and status == 0xC0000011, name .. ": end of file")
  for method = 0, 3 do
    local out, status = f:control(ctl_code and 0x222000 + (0xc00 - 0x800) * 4 + method, "HAL", 8)
    expect(status == 0 and out == "IBM", string.format("%s: method %d gave %s", name, method, out))
    expect(f:control(0x222000 + (0xc00 - 0x800) * 4 + method, "HAL", 2) == "IB", "short output")
  end
  expect(f:control(0x222000 + (0xc00 - 0x800) * 4, "", 8) == "", "no input")
  f:close()
end
'''
        self.run_script(script)

    def test_orders(self):
        script = '''
local f = open("\\\\Device\\\\Probe")
local out, status = f:control(%d)
expect(status == 0)
out, status = f:control(%d)
expect(not out and status == 0xC0000001)
out, status = f:control(%d)
expect(status == 0)
out, status = f:control(0x22fffc)
expect(status == 0xC0000010)
''' % tuple(order(name) for name in ('succeed', 'fail', 'pend-dpc'))
        self.run_script(script)

    def test_cancelling(self):
        script = '''
local f = open("\\\\Device\\\\Probe")
local r = f:start_control(%d)
expect(not r:wait(3) and r:status() == nil)
r:cancel()
expect(r:wait(3) and r:status() == 0xC0000120)
f:close()
''' % order('pend-cancelable')
        self.run_script(script)

    def test_a_request_that_cannot_be_cancelled_names_its_holder(self):
        script = 'open("\\\\Device\\\\Probe"):control(%d)' % order('pend-forever')
        _, report = self.run_script(script, code=1)
        findings = {f['rule']: f for f in report['findings']}
        self.assertEqual(findings['irp-not-cancellable']['function'], 'DispatchControl')

    def test_a_packet_completed_but_not_marked_leaves_its_thread_waiting(self):
        script = 'open("\\\\Device\\\\Probe"):control(%d)' % order('unmarked-pending')
        printed, _ = self.run_script(script, code=1)
        self.assertIn('without IoMarkIrpPending', printed)

    def test_a_packet_marked_and_then_finished_is_completed_twice(self):
        script = 'open("\\\\Device\\\\Probe"):control(%d)' % order('marked-success')
        _, report = self.run_script(script, code=1)
        self.assertEqual(report['bugcheck']['code'], '0x44')

    def test_a_file_is_cleaned_up_and_closed_after_its_last_handle(self):
        script = '''
local f = open("\\\\Device\\\\ProbeAlone")
local g, status = open("\\\\Device\\\\ProbeAlone")
expect(not g and status == 0xC0000022, "the device is exclusive")
log("close it")
f:close()
f = open("\\\\Device\\\\ProbeAlone")
expect(f, "it can be opened again")
'''
        printed, _ = self.run_script(script)
        told = re.findall(r'create|cleanup|close\b(?! it)|close it', printed)
        self.assertEqual(told[:4], ['create', 'close it', 'cleanup', 'close'])

    def test_power_and_plug_and_play_keep_the_status_of_who_knows_nothing(self):
        script = '''
local d = device("\\\\Device\\\\ProbeBottom")
local out, status = d:pnp(0)
expect(status == 0xC0000010, "nothing in the dispatch table")
out, status = d:power(2)
expect(status == 0xC0000010)
out, status = d:shutdown()
expect(status == 0xC0000010)
'''
        self.run_script(script)


class Unloading(Case):
    def leave(self, what, *expected):
        names = ['device', 'timer', 'thread', 'request', 'locked', 'nothing']
        script = 'open("\\\\Device\\\\IoLeave"):control(%d)' % control_code(0x800 + names.index(what))
        printed, report = self.run_script(script, code=1 if expected else 0, drivers=(LEAVE,))
        self.assertEqual(report['result'], 'findings' if expected else 'clean')
        self.assertEqual([f['rule'] for f in report['findings']],
                         ['unload-left-behind'] * len(expected))
        for finding, text in zip(report['findings'], expected):
            self.assertIn(text, finding['message'])
        self.assertIn('unload\n', printed)
        return report['findings']

    def test_what_is_left_behind_is_found(self):
        self.leave('nothing')
        self.leave('device', '1 device, such as \\Device\\IoLeave')
        self.assertEqual(self.leave('timer', 'a timer that is set')[0]['function'], 'TimerDpc')
        self.assertEqual(self.leave('thread', 'a thread')[0]['function'], 'SleepLong')
        self.assertEqual(self.leave('request', 'a pending request')[0]['function'], 'Keep')
        self.assertEqual(self.leave('locked', 'pages of 1 MDL locked')[0]['function'], 'Control')

    def test_rules_that_are_off_find_nothing(self):
        script = 'open("\\\\Device\\\\IoLeave"):control(%d)' % control_code(0x800)
        _, report = self.run_script(script, '--check', 'none', drivers=(LEAVE,))
        self.assertEqual(report['result'], 'clean')

    def test_start_reinitialization_stop(self):
        printed, _ = self.run_script('start(); log("scenario")', drivers=(LEAVE,))
        self.assertEqual(printed.splitlines(), [
            'entry \\Driver\\io_leave '
            '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\io_leave',
            'reinitialize boot 1, devices are ready',
            'reinitialize normal 2, devices are ready',
            'reinitialize again 3, devices are ready',
            'pagable: scenario', 'unload'])

    def test_two_drivers_unload_in_the_opposite_order(self):
        printed, report = self.run_script('', drivers=(PROBE, LEAVE))
        self.assertEqual(report['result'], 'clean', printed)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
