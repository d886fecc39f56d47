# SPDX-License-Identifier: MIT
"""The rules about paging: each reports what it forbids, once; says nothing about the nearest thing
that is allowed; and is silent when it is off.

    test_rules.py PROGRAM DRIVERS SOURCE
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]

with open(os.path.join(SOURCE, 'tests/verify/rules.h'), encoding='utf-8') as source:
    NAMES = re.findall(r'^    (\w+),$', source.read().split('enum rules_case {')[1].split('}')[0],
                       re.M)

# Case -> rule, bug check that follows from it, options.  A rule of None: nothing at all.
CASES = {
    'AcquireInPage': ('spin-lock-in-pageable', '0xD1'),
    'AcquireInLockedPage': (None, None),
    'AcquireExInPage': ('spin-lock-in-pageable', '0xD1'),
    'AcquireCancelInPage': ('spin-lock-in-pageable', '0xD1'),
    'AcquireAtDispatchInPage': ('pageable-at-raised-irql', '0xD1'),
    'RaiseToApcInPage': (None, None),
    'RaiseInPage': ('raise-in-pageable', '0xD1'),
    'RaiseInLockedPage': (None, None),
    'RaiseAndAcquireInPage': ('raise-in-pageable', '0xD1'),
    'WaitTrueInText': (None, None),
    'WaitTrueInPage': ('wait-true-in-pageable', '0xD1'),
    'WaitFalseInPage': (None, None),
    'WaitTrueThenNothing': ('wait-true-without-wait', '0x4A'),
    'WaitTrueThenAnother': ('wait-true-without-wait', None),
    'DpcInPage': ('must-be-resident-role', '0xD1'),
    'DpcInLockedPage': (None, None),
    'TimerDpcInPage': ('must-be-resident-role', None),
    'WorkRoutineInPage': (None, None),
    'WorkItemInPagedPool': ('work-item-pageable', None),
    'EventInPagedPool': ('sync-object-pageable', None),
    'EventOnStack': (None, None),
    'EventInNonpagedPool': (None, None),
    'EventInPagedData': ('sync-object-pageable', None),
    'EventInLockedPagedData': (None, None),
    'LockInPagedPool': ('sync-object-pageable', '0x0A'),
    'LeaveRaisedInDispatch': ('irql-left-raised', '0x4A'),
    'LeaveRaisedInDpc': ('irql-left-raised', '0xC8'),
    'LeaveRaisedInWorkItem': ('irql-left-raised', '0xE1'),
    'LeaveLoweredInDpc': ('irql-left-raised', '0xC8'),
    'AtDpcLevelBelow': ('api-irql', None),
    'ReleaseAtDpcLevelBelow': ('api-irql', None),
    'HandleOfNothing': ('lock-unknown-address', '0x1A'),
    'PagedCodeAtDispatch': ('paged-code-failed', '0x1E'),
    'PagedCodeAtApc': (None, None),
    'PagedCodeByAssert': ('paged-code-failed', '0x1E'),
    'PagedCodeByInterrupt': ('paged-code-failed', '0x1E'),
    'RunPageAtDispatch': ('pageable-at-raised-irql', '0xD1'),
    'RunLockedPageAtDispatch': (None, None),
    'RunPageAtApc': (None, None),
    'ReadPagedDataAtDispatch': ('pageable-at-raised-irql', '0xD1'),
    'WritePagedPoolAtDispatch': ('pageable-at-raised-irql', '0xD1'),
    'AcquireInPagedDriver': ('spin-lock-in-pageable', '0xD1'),
}

# What is different when nothing is ever trimmed: the mistake is seen all the same, or it is luck.
WITHOUT_TRIMS = {
    'AcquireInPage': ('spin-lock-in-pageable', None),
    'AcquireExInPage': ('spin-lock-in-pageable', None),
    'AcquireCancelInPage': ('spin-lock-in-pageable', None),
    'AcquireAtDispatchInPage': ('spin-lock-in-pageable', None),
    'RaiseInPage': ('raise-in-pageable', None),
    'RaiseAndAcquireInPage': ('raise-in-pageable', None),
    'WaitTrueInPage': ('wait-true-in-pageable', None),
    'DpcInPage': ('must-be-resident-role', '0xD1'),
    'LockInPagedPool': ('sync-object-pageable', None),
    'RunPageAtDispatch': (None, None),
    'ReadPagedDataAtDispatch': (None, None),
    'WritePagedPoolAtDispatch': (None, None),
    'AcquireInPagedDriver': ('spin-lock-in-pageable', None),
}

# The same with --strict: luck is a finding too, and the run goes on.
STRICTLY = {
    **WITHOUT_TRIMS,
    'AcquireAtDispatchInPage': ('pageable-at-raised-irql', None),
    'RunPageAtDispatch': ('pageable-at-raised-irql', None),
    'ReadPagedDataAtDispatch': ('pageable-at-raised-irql', None),
    'WritePagedPoolAtDispatch': ('pageable-at-raised-irql', None),
}


def run(driver, script, *options):
    with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
        file.write(script)
        file.flush()
        done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, driver), '--json',
                               '--script', file.name, *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f'exit {done.returncode}: {done.stderr}')
    return json.loads(done.stdout)


def run_case(name, *options, times=1):
    return run('rules.sys', 'local f = open("\\\\Device\\\\Rules")\n'
               f'for i = 1, {times} do\n'
               f'  f:control(ctl_code(0x22, 0x800 + {NAMES.index(name)}), "wild", 0)\n'
               'end\nf:close()\n', *options)


class Rules(unittest.TestCase):
    maxDiff = None

    def check(self, name, expected, *options):
        rule, bugcheck = expected
        report = run_case(name, *options)
        found = [f['rule'] for f in report['findings']]
        with self.subTest(name, options=options):
            self.assertEqual(found, [rule] if rule else [], report['findings'])
            self.assertEqual(report['bugcheck'] and report['bugcheck']['code'],
                             bugcheck and bugcheck.replace('0x0', '0x'), report['bugcheck'])
            if bugcheck and rule:
                self.assertEqual(report['bugcheck']['finding'], 0)
        return report

    def test_every_case_is_known(self):
        self.assertEqual(sorted(set(NAMES) - set(CASES)), ['OtherAssertAtDispatch'])
        self.assertEqual(set(CASES) - set(NAMES), set())

    def test_each_case(self):
        for name, expected in CASES.items():
            self.check(name, expected)

    def test_without_trims(self):
        for name, expected in {**CASES, **WITHOUT_TRIMS}.items():
            self.check(name, expected, '--trim', 'none')

    def test_strictly(self):
        for name, expected in {**CASES, **STRICTLY}.items():
            if name != 'AcquireInPagedDriver':  # uses .text, .rdata and .data, all pageable then
                self.check(name, expected, '--strict')

    def test_strict_reports_each_place_once_and_goes_on(self):
        report = run_case('RunPageAtDispatch', '--strict', times=3)
        self.assertEqual(len(report['findings']), 1)
        self.assertIn('it was in memory, but nothing holds it there',
                      report['findings'][0]['message'])
        self.assertEqual(report['ended'], 'done')
        self.assertEqual(report['counters']['pages_trimmed'], 0)

    def test_rule_off(self):
        for name, (rule, bugcheck) in {**CASES, **WITHOUT_TRIMS}.items():
            if rule is None:
                continue
            for options in (['--check', 'all,-' + rule], ['--check', 'none']):
                report = run_case(name, '--trim', 'none', *options)
                with self.subTest(name, options=options):
                    self.assertNotIn(rule, [f['rule'] for f in report['findings']])
                    if options[1] == 'none':
                        self.assertEqual(report['findings'], [])
                        self.assertEqual(report['bugcheck'] is not None, bugcheck is not None)

    def test_another_assertion_is_no_paged_code(self):
        """It fails at DISPATCH_LEVEL, but about something else."""
        report = run_case('OtherAssertAtDispatch', '--trim', 'none')
        self.assertEqual(report['findings'], [])
        self.assertEqual(report['bugcheck']['code'], '0x1E')

    def test_same_place_is_reported_once(self):
        report = run_case('AcquireInPage', '--trim', 'none', times=5)
        self.assertEqual(len(report['findings']), 1)


class Histories(unittest.TestCase):
    def test_irql_of_the_thread(self):
        finding = run_case('RunPageAtDispatch')['findings'][0]
        history = finding['irql_history']
        self.assertLessEqual(len(history), 8)
        self.assertEqual((history[-1]['old'], history[-1]['new']), (0, 2))
        self.assertIn('rules!AtDispatch+', history[-1]['place'])
        times = [change['time'] for change in history]
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(times[-1], finding['time'])

    def test_irql_that_the_system_raised_for_itself(self):
        finding = run_case('RunPageAtDispatch')['findings'][0]
        for change in finding['irql_history']:
            self.assertNotIn('AfterTouching', change['place'])

    def test_irql_that_wait_true_left(self):
        finding = run_case('WaitTrueThenAnother')['findings'][0]
        change = finding['irql_history'][-1]
        self.assertEqual((change['old'], change['new'], finding['irql']), (0, 2, 2))
        self.assertIn('SignalAndForget', change['place'])

    def test_never_locked(self):
        finding = run_case('RunPageAtDispatch')['findings'][0]
        self.assertEqual((finding['locked_module'], finding['locked_section']),
                         ('rules.sys', 'PAGE'))
        self.assertEqual(finding['lock_history'], [])

    def test_section_of_the_datum_not_of_the_code(self):
        finding = run_case('ReadPagedDataAtDispatch')['findings'][0]
        self.assertEqual((finding['section'], finding['locked_section']), ('.text', 'PAGEDATA'))

    def test_memory_that_no_lock_is_about(self):
        finding = run_case('WritePagedPoolAtDispatch')['findings'][0]
        self.assertIsNone(finding['locked_section'])

    def test_locks(self):
        script = ('local f = open("\\\\Device\\\\Outstanding0")\n'
                  'f:control(ctl_code(0x22, 0x800))\nf:control(ctl_code(0x22, 0x801))\n'
                  'f:control(ctl_code(0x22, 0x802))\nf:control(ctl_code(0x22, 0x802))\n'
                  'f:control(ctl_code(0x22, 0x802))\n')
        finding = run('outstanding.sys', script)['findings'][0]
        self.assertEqual(finding['rule'], 'unlock-underflow')
        self.assertEqual([(c['what'], c['count']) for c in finding['lock_history']],
                         [('lock', 1), ('lock-by-handle', 2), ('unlock', 1), ('unlock', 0)])
        for change in finding['lock_history']:
            self.assertIn('outstanding!OutstandingControl+', change['place'])

    def test_paging_of_the_whole_driver(self):
        finding = run_case('AcquireInPagedDriver')['findings'][0]
        self.assertEqual([c['what'] for c in finding['lock_history']], ['page-entire'])

    def test_only_the_last_ones(self):
        script = ('local f = open("\\\\Device\\\\Outstanding0")\n'
                  'for i = 1, 9 do f:control(ctl_code(0x22, 0x800)) end\n'
                  'for i = 1, 10 do f:control(ctl_code(0x22, 0x802)) end\n')
        finding = run('outstanding.sys', script)['findings'][0]
        self.assertEqual([c['count'] for c in finding['lock_history']], [7, 6, 5, 4, 3, 2, 1, 0])

    def test_text(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('open("\\\\Device\\\\Rules"):control(ctl_code(0x22, 0x800 + '
                       f'{NAMES.index("RunPageAtDispatch")}), "wild", 0)')
            file.flush()
            out = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'rules.sys'), '--script',
                                  file.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 universal_newlines=True, check=False).stdout
        self.assertRegex(out, r'IRQL of the thread, last changes:\n(    .*\n)*'
                              r'    0\.\d{7} s  0 -> 2 +rules!AtDispatch\+0x[0-9a-f]+   '
                              r'tests/verify/rules\.c:\d+\n')
        self.assertIn('  Locks of PAGE of rules.sys: never locked\n', out)


class Outstanding(unittest.TestCase):
    LOCK, RELOCK, UNLOCK, COMPLETE, IN_SECTION, DRAIN = range(0x800, 0x806)

    def steps(self, *steps):
        """Each step: a device and a control code, or a device and 'read'."""
        lines = ['local f = {[0] = open("\\\\Device\\\\Outstanding0"), '
                 'open("\\\\Device\\\\Outstanding1")}', 'local r = {}']
        for device, what in steps:
            if what == 'read':
                lines += [f'r[#r + 1] = f[{device}]:start_read(16)', 'r[#r]:wait(0.001)']
            else:
                lines.append(f'f[{device}]:control(ctl_code(0x22, {what}))')
        lines += ['for _, request in ipairs(r) do request:cancel() request:wait() end',
                  'f[0]:close() f[1]:close()']
        return run('outstanding.sys', '\n'.join(lines))

    def assert_found(self, *steps, about):
        report = self.steps(*steps)
        self.assertEqual([f['rule'] for f in report['findings']],
                         ['unlock-with-requests-outstanding'], report['findings'])
        self.assertIn(about, report['findings'][0]['message'])
        self.assertEqual(report['findings'][0]['function'], 'OutstandingControl')
        return report

    def assert_silent(self, *steps):
        report = self.steps(*steps)
        self.assertEqual((report['findings'], report['bugcheck']), ([], None))

    def test_read_of_the_device_that_locked(self):
        self.assert_found((0, self.LOCK), (0, 'read'), (0, self.UNLOCK),
                          about='section PAGEREAD was unlocked while a read request of '
                                '\\Device\\Outstanding0 that needs it is pending')

    def test_read_of_another_device_that_locked_too(self):
        self.assert_found((0, self.LOCK), (1, self.RELOCK), (1, 'read'), (0, self.UNLOCK),
                          (0, self.UNLOCK), about='Outstanding1')

    def test_read_of_the_device_that_unlocks(self):
        self.assert_found((0, self.LOCK), (1, 'read'), (1, self.UNLOCK), about='Outstanding1')

    def test_cancel_routine_in_the_section(self):
        report = self.assert_found((0, self.LOCK), (0, self.IN_SECTION), (1, 'read'),
                                   (0, self.UNLOCK), about='Outstanding1')
        self.assertEqual(report['bugcheck']['code'], '0xD1')
        self.assertEqual(report['bugcheck']['finding'], 0)

    def test_read_of_a_device_that_has_nothing_to_do_with_it(self):
        self.assert_silent((0, self.LOCK), (1, 'read'), (0, self.UNLOCK))

    def test_count_that_stays_above_zero(self):
        self.assert_silent((0, self.LOCK), (0, self.RELOCK), (0, 'read'), (0, self.UNLOCK),
                           (0, self.COMPLETE), (0, self.UNLOCK))

    def test_completed_before(self):
        self.assert_silent((0, self.LOCK), (0, 'read'), (0, self.COMPLETE), (0, self.UNLOCK))
        self.assert_silent((0, self.LOCK), (0, 'read'), (1, 'read'), (0, self.DRAIN))

    def test_locks_of_an_earlier_time_are_forgotten(self):
        self.assert_silent((1, self.LOCK), (1, self.UNLOCK), (0, self.LOCK), (1, 'read'),
                           (0, self.UNLOCK))

    def test_read_that_was_pending_before_the_lock(self):
        self.assert_found((0, 'read'), (0, self.LOCK), (0, self.UNLOCK), about='Outstanding0')


class PagingPath(unittest.TestCase):
    LOCK, UNLOCK, ATTACH, FAIL = range(0x800, 0x804)

    def steps(self, *steps):
        """Each step: a control code, or True / False for a paging file that comes or goes."""
        lines = ['local f = open("\\\\Device\\\\Path")',
                 'local disk = device("\\\\Device\\\\Harddisk0\\\\DR0")']
        for step in steps:
            lines.append(f'disk:usage("paging", {str(step).lower()})' if isinstance(step, bool)
                         else f'f:control(ctl_code(0x22, {step}))')
        lines.append('f:close()')
        report = run('paging_path.sys', '\n'.join(lines))
        self.assertIsNone(report['bugcheck'])
        return report['findings']

    def assert_found(self, *steps):
        findings = self.steps(*steps)
        self.assertEqual([(f['rule'], f['function'], f['section']) for f in findings],
                         [('paging-path-pageable', 'PathRead', 'PAGEREAD')])
        self.assertIn('the read dispatch routine of paging_path.sys is on the way to a paging file',
                      findings[0]['message'])

    def test_pageable_when_the_file_comes(self):
        self.assert_found(True)
        self.assert_found(self.LOCK, self.UNLOCK, True)

    def test_unlocked_while_the_file_is_there(self):
        self.assert_found(self.LOCK, True, self.UNLOCK)
        self.assert_found(self.LOCK, True, True, False, self.UNLOCK)

    def test_locked_as_long_as_needed(self):
        self.assertEqual(self.steps(self.LOCK, True, False, self.UNLOCK), [])
        self.assertEqual(self.steps(self.LOCK, True, True, False, False, self.UNLOCK), [])

    def test_no_paging_file(self):
        self.assertEqual(self.steps(self.LOCK, self.UNLOCK, self.ATTACH), [])

    def test_notification_that_fails(self):
        self.assertEqual(self.steps(self.FAIL, True), [])

    def test_device_attached_later(self):
        self.assertEqual(self.steps(self.LOCK, True, self.ATTACH, False, self.UNLOCK), [])
        self.assert_found(self.LOCK, True, self.ATTACH, self.UNLOCK)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
