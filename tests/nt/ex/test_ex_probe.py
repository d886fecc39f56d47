# SPDX-License-Identifier: MIT
"""Executive, Mm sections, objects and run-time library on a driver that uses them (ex_probe.sys).

    test_ex_probe.py PROGRAM DRIVERS SOURCE_FOLDER

What each check prints is compared with golden/CHECK.txt; PAGABLE_REBASE=1 rewrites the files.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
PROBE = os.path.join(DRIVERS, 'ex_probe.sys')
OTHER = os.path.join(DRIVERS, 'isolate_split.sys') # loaded after it

# In the order of the tables in ex_probe.c.
CHECKS = ['print', 'pool', 'registry', 'query', 'names', 'versions', 'fast-mutex', 'guarded-mutex',
          'resource', 'starve', 'rundown', 'work', 'callback', 'lookaside', 'threads', 'spin',
          'events', 'sections', 'entire', 'image', 'file']

# Mistake -> code and P1 of the bug check (None: any), rules of the findings.
MISTAKES = [
    ('release-unowned', 0xE3, None, []),
    ('convert-unowned', 0xE3, None, []),
    ('work-item-irql', 0xE1, None, ['irql-left-raised']),
    ('queue-twice', 0xE4, 1, []),
    ('thread-irql', 0x20, None, ['irql-left-raised']),
    ('thread-region', 0x20, None, []),
    ('break', 0x1E, 0xffffffff80000003, []),
    ('assert', 0x1E, 0xffffffff80000003, []),
    ('raise', 0x1E, 0xffffffffc00000a3, []),
    ('probe-read', 0x1E, 0xffffffffc0000005, []),
    ('probe-align', 0x1E, 0xffffffff80000002, []),
    ('reader-lock', 0x0F, None, []),
    ('release-reader', 0x10, None, ['api-irql']),
    ('wait-in-dpc', 0xB8, None, ['api-irql']),
    ('unregister', 0x18, None, []),
    ('owner-pointer', 0xE3, None, []),
    ('lock-nothing', 0x1A, 0x1234, ['lock-unknown-address']),
    ('lock-stack', 0x1A, 0x1234, ['lock-unknown-address']),
    ('underflow', 0x1A, 0x1010, ['unlock-underflow']),
    ('bad-handle', 0x1A, 0x1234, ['lock-unknown-address']),
    ('unlock-bad-handle', 0x1A, 0x1010, ['lock-unknown-address']),
    ('entire-nothing', 0x1A, 0x1234, ['lock-unknown-address']),
    ('reset-nothing', 0x1A, 0x1234, ['lock-unknown-address']),
    ('lock-nonpaged', None, None, ['lock-nonpaged']),
    ('lock-at-dispatch', None, None, ['lock-at-raised-irql']),
    ('lock-discarded', 0x1A, 0x1234, ['init-called-late']),
]


def run(function, *options):
    """Send one control code; what the driver printed, the report."""
    with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
        file.write('local f = open("\\\\Device\\\\ExProbe")\n'
                   f'f:control(ctl_code(0x22, {function}))\nf:close()\n')
        file.flush()
        done = subprocess.run([PROGRAM, 'run', PROBE, OTHER, '--json', '--script', file.name, *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, check=False, timeout=120)
    printed = done.stderr.decode()
    if done.returncode not in (0, 1):
        raise AssertionError(f'exit {done.returncode}: {printed}')
    return printed, json.loads(done.stdout.decode())


class Checks(unittest.TestCase):
    maxDiff = None

    def compare(self, name, printed):
        path = os.path.join(SOURCE, 'golden', name + '.txt')
        if os.environ.get('PAGABLE_REBASE'):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(printed)
        with open(path, encoding='utf-8') as file:
            self.assertEqual(printed, file.read())

    def test_each_prints_what_it_should(self):
        for index, name in enumerate(CHECKS):
            with self.subTest(name):
                printed, report = run(0x800 + index)
                self.assertIsNone(report['bugcheck'])
                self.assertEqual(report['findings'], [])
                self.compare(name, printed)

    def test_few_frames_and_random_trims_change_nothing(self):
        for index, name in enumerate(CHECKS):
            for options in (('--frames', '8'), ('--trim', 'random', '--seed', '3'), ('--trim', 'none')):
                if name == 'pool' and '--trim' in options or name == 'sections' and 'random' in options:
                    continue  # they say what is in memory
                if name == 'sections' and 'none' in options:
                    continue
                with self.subTest(name, options=options):
                    printed, report = run(0x800 + index, *options)
                    self.assertIsNone(report['bugcheck'])
                    if options[-1] != '3':  # another seed is another order of threads
                        self.compare(name, printed)

    def test_same_seed_same_text(self):
        for index, name in enumerate(CHECKS):
            with self.subTest(name):
                self.assertEqual(run(0x800 + index, '--seed', '11'), run(0x800 + index, '--seed', '11'))


class Mistakes(unittest.TestCase):
    def test_each_is_what_windows_makes_of_it(self):
        for index, (name, code, p1, rules) in enumerate(MISTAKES):
            with self.subTest(name):
                _, report = run(0xa00 + index)
                self.assertEqual([f['rule'] for f in report['findings']], rules)
                if code is None:
                    self.assertIsNone(report['bugcheck'])
                    continue
                self.assertEqual(int(report['bugcheck']['code'], 16), code)
                if p1 is not None:
                    self.assertEqual(int(report['bugcheck']['params'][0], 16), p1)
                if code != 0x20: # the thread's routine is over
                    self.assertEqual(report['bugcheck']['module'], 'ex_probe.sys')

    def test_without_rules_only_the_bug_checks_are_left(self):
        for index, (name, code, _, _) in enumerate(MISTAKES):
            with self.subTest(name):
                _, report = run(0xa00 + index, '--check', 'none')
                self.assertEqual(report['findings'], [])
                if code is None:
                    self.assertIsNone(report['bugcheck'])
                else:
                    self.assertEqual(int(report['bugcheck']['code'], 16), code)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
