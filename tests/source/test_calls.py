# SPDX-License-Identifier: MIT
"""What source/calls.c says about IRQLs is what the advisor's tables say.

    test_calls.py SOURCE
"""
import os
import re
import sys
import unittest

SOURCE = sys.argv[1]
DATA = os.path.join(SOURCE, 'src', 'advise', 'data')
# Macros, and routines whose reference the tables do not have.
ONLY_HERE = {'PAGED_CODE', 'ExAcquirePushLockExclusive', 'ExAcquirePushLockShared', 'IoReportDeviceUsage'}


def rows(name):
    with open(os.path.join(DATA, name), encoding='utf-8') as file:
        return [line.rstrip('\n').split('\t') for line in file if not line.startswith('#')]


def block(begin):
    with open(os.path.join(SOURCE, 'src', 'source', 'calls.c'), encoding='utf-8') as file:
        text = file.read()
    start = text.index(begin)
    return text[start:text.index('};', start)]


CLASSES = {row[0]: row[1] for row in rows('routines.tsv')} | {row[1]: row[2] for row in rows('wdf.tsv')}
CASES = [(row[0], row[1], row[4]) for row in rows('effects.tsv')]
LOW = re.findall(r'"(\w+)"', block('low_irql_only[]'))
WAITS = re.findall(r'\{"(\w+)", (\d+)\}', block('} waits[]'))


class Calls(unittest.TestCase):
    def test_lists_are_found(self):
        self.assertGreater(len(LOW), 60)
        self.assertEqual(len(LOW), len(set(LOW)))
        self.assertEqual(len(WAITS), 3)

    def test_low_irql_only_is_never_allowed_at_dispatch_level(self):
        for name in LOW:
            if name in ONLY_HERE:
                self.assertNotIn(name, CLASSES)
                continue
            self.assertRegex(CLASSES[name], '^P?A?$', name)
            for case in CASES:
                self.assertFalse(case[0] == name and 'D' in case[1], case)

    def test_zw_routines_are_never_allowed_at_dispatch_level(self):
        for name, classes in CLASSES.items():
            if re.match(r'(Zw|Nt)[A-Z]', name):
                self.assertRegex(classes, '^P?A?$', name)

    def test_waits_are_allowed_with_a_timeout_of_zero_only(self):
        for name, timeout in WAITS:
            cases = [case[1:] for case in CASES if case[0] == name]
            self.assertEqual(cases, [('PAD', f'*arg{timeout} == 0'), ('PA', '-')], name)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
