# SPDX-License-Identifier: MIT
"""api-irql and lock-leak on real drivers: what is wrong is found, what is right is not.

    test_verify.py PROGRAM DRIVERS
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS = sys.argv[1:3]

# Order of `enum misuse` in misuse.c -> what the finding says, None: nothing.
CASES = [
    ('WaitForeverAtDispatch', 'KeWaitForSingleObject was called at IRQL 2 (DISPATCH_LEVEL); its '
                              'limit with a timeout that is not zero is APC_LEVEL'),
    ('WaitZeroAtDispatch', None),
    ('WaitSecondsAtDispatch', 'KeWaitForSingleObject was called at IRQL 2'),
    ('WaitManyForeverAtDispatch', 'KeWaitForMultipleObjects was called at IRQL 2'),
    ('WaitManyZeroAtDispatch', None),
    ('WaitAtApc', None),
    ('SignalThenWait', None),
    ('PulseThenWait', None),
    ('SignalWithWaitAtDispatch', 'KeSetEvent was called at IRQL 2 (DISPATCH_LEVEL); its limit '
                                 'with Wait TRUE is APC_LEVEL'),
    ('SignalAtDispatch', None),
    ('SemaphoreWithWaitAtApc', 'KeReleaseSemaphore was called at IRQL 1 (APC_LEVEL); its limit '
                               'with Wait TRUE is PASSIVE_LEVEL'),
    ('SemaphoreThenWait', None),
    ('MutexThenWait', None),
    ('PagedPoolAtDispatch', 'ExAllocatePoolWithTag was called at IRQL 2 (DISPATCH_LEVEL); its '
                            'limit for paged pool is APC_LEVEL'),
    ('PagedPoolAtApc', None),
    ('NonpagedPoolAtDispatch', None),
    ('NonpagedPoolAboveDispatch', "ExAllocatePoolWithTag was called at IRQL 3 (a device's level); "
                                  'its limit is DISPATCH_LEVEL'),
    ('PagedFreeAtDispatch', 'ExFreePoolWithTag was called at IRQL 2 (DISPATCH_LEVEL); its limit '
                            'for paged pool is APC_LEVEL'),
    ('NonpagedFreeAtDispatch', None),
    ('PassiveRoutineAtApc', 'IoDeleteSymbolicLink was called at IRQL 1 (APC_LEVEL); its limit is '
                            'PASSIVE_LEVEL'),
    ('PassiveRoutineAtPassive', None),
]


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
    return done.returncode, json.loads(done.stdout)


class ApiIrql(unittest.TestCase):
    def misuse(self, index, *options):
        script = ('local f = open("\\\\Device\\\\Misuse")\n'
                  f'f:control(ctl_code(0x22, 0x800 + {index}), "wild", 0)\nf:close()\n')
        code, report = run('misuse.sys', script, *options)
        self.assertIsNone(report['bugcheck'])
        return code, report['findings']

    def test_each_case(self):
        for index, (name, message) in enumerate(CASES):
            with self.subTest(name):
                code, findings = self.misuse(index)
                if message is None:
                    self.assertEqual(findings, [])
                    self.assertEqual(code, 0)
                    continue
                self.assertEqual([f['rule'] for f in findings], ['api-irql'])
                self.assertIn(message, findings[0]['message'])
                self.assertEqual(findings[0]['severity'], 'error')
                self.assertEqual(findings[0]['module'], 'misuse.sys')
                self.assertTrue(findings[0]['file'].endswith('misuse.c'))
                self.assertEqual(code, 1)

    def test_rule_off(self):
        wrong = [i for i, (_, message) in enumerate(CASES) if message is not None]
        for index in wrong:
            with self.subTest(CASES[index][0]):
                self.assertEqual(self.misuse(index, '--check', 'none'), (0, []))
                self.assertEqual(self.misuse(index, '--check', 'lock-leak'), (0, []))


class Locks(unittest.TestCase):
    def test_leak_names_the_section(self):
        script = ('local f = open("\\\\Device\\\\Sections")\n'
                  'f:control(0x222004, string.pack("<i8", 0), 8)\n'
                  'f:control(0x222004, string.pack("<i8", 2), 8)\n'
                  'f:control(0x222004, string.pack("<i8", 3), 8)\n'
                  'f:control(0x222010)\nf:close()\n')
        code, report = run('sections.sys', script)
        leaks = [f for f in report['findings'] if f['rule'] == 'lock-leak']
        self.assertEqual(code, 1)
        self.assertEqual([f['section'] for f in leaks], ['PAGEAAAA', 'PAGEBBBB'])
        self.assertIn('lock count of 1', leaks[0]['message'])
        self.assertIn('lock count of 2', leaks[1]['message'])
        sections = {s['name']: s for s in report['sections']}
        self.assertEqual(sections['PAGEAAAA']['lock_count'], 1)
        self.assertEqual(sections['PAGEAAAA']['resident_pages'], sections['PAGEAAAA']['pages'])
        self.assertEqual(run('sections.sys', script, '--check', 'none')[0], 0)

    def test_lock_at_raised_irql_is_one_finding(self):
        script = ('local f = open("\\\\Device\\\\Sections")\n'
                  'f:control(0x222034, string.pack("<i8", 0), 8)\n'
                  'f:control(0x22200c, string.pack("<i8", 0), 8)\nf:close()\n')
        _, report = run('sections.sys', script)
        self.assertEqual([f['rule'] for f in report['findings']], ['lock-at-raised-irql'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
