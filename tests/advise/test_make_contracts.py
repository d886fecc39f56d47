#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/make-contracts refuses what it does not understand, and says where.

usage: test_make_contracts.py MAKE-CONTRACTS DATA
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL, DATA = sys.argv[1:3]

# file, a line to add, what the message says
BAD = [
    ("routines.tsv", "KeNew\tPAX\t-\t-", "not a set of classes: PAX"),
    ("routines.tsv", "KeNew\tPP\t-\t-", "not a set of classes: PP"),
    ("routines.tsv", "KeNew\tP\tmany\t-", "not a number of arguments: many"),
    ("routines.tsv", "KeNew\tP\t-\tnice", "no such trait: nice"),
    ("routines.tsv", "KeNew\tP\t-", "3 columns, not 4"),
    ("routines.tsv", "KeSetEvent\tP\t-\t-", "KeSetEvent is there twice"),
    ("effects.tsv", "KeNew\tP\tsame\t-\t-", "KeNew is in no list of routines"),
    ("effects.tsv", "KeSetEvent\tP\tsame\t-\t-", "the case before applies always"),
    ("effects.tsv", "KeStallExecutionProcessor\tP\tset X\t-\t-", "not an effect: set X"),
    ("effects.tsv", "KeStallExecutionProcessor\tP\tset D\there\t-", "not a place: here"),
    ("effects.tsv", "KeStallExecutionProcessor\tP\tset D\t-\targ0 > 1", "not a condition: arg0 > 1"),
    ("effects.tsv", "KeStallExecutionProcessor\tP\tsame\t-\treturns != 0",
     "KeStallExecutionProcessor has no case that applies otherwise"),
    ("effects.tsv", "\n".join(["KeStallExecutionProcessor\tP\tsame\t-\treturns != 0"] * 9),
     "KeStallExecutionProcessor has more than 8 cases"),
    ("roles.tsv", "KeNew\targ0\tdpc\t-", "KeNew is in no list of routines"),
    ("roles.tsv", "KeSetEvent\tfirst\tdpc\t-", "not a place of a routine: first"),
    ("roles.tsv", "KeSetEvent\targ0\tdpc\tsometimes", "no such flag: sometimes"),
    ("types.tsv", "KeNew\t0\tirp", "KeNew is in no list of routines"),
    ("types.tsv", "KeSetEvent\t9\tirp", "not an argument: 9"),
    ("wdf.tsv", "7\tWdfNew\tP\t-", "index 458 is missing"),
]


class MakeContracts(unittest.TestCase):
    def run_with(self, file=None, line=None):
        with tempfile.TemporaryDirectory() as folder:
            data, out = os.path.join(folder, "data"), os.path.join(folder, "out.c")
            shutil.copytree(DATA, data, copy_function=shutil.copyfile)
            if file:
                with open(os.path.join(data, file), "a", encoding="utf-8") as tsv:
                    tsv.write(line + "\n")
            done = subprocess.run([sys.executable, "-B", TOOL, data, out], capture_output=True, text=True)
            self.assertEqual(os.path.exists(out), done.returncode == 0)
            return done

    def test_lists_are_understood(self):
        done = self.run_with()
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_bad_rows_are_refused(self):
        for file, line, message in BAD:
            with self.subTest(line=line):
                done = self.run_with(file, line)
                self.assertEqual(done.returncode, 1)
                self.assertIn(message, done.stderr)
                self.assertIn(file, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
