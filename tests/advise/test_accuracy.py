# SPDX-License-Identifier: MIT
"""The advisor is as right as docs/advisor-accuracy.md promises, on a part of the corpus; and whoever
counts that counts well: a corpus or a score that could not show a mistake would be no measure.

    test_accuracy.py BUILD SOURCE WORK
"""
import os
import subprocess
import sys
import unittest

BUILD, SOURCE, WORK = sys.argv[1:4]

from corpus import driver, mutate  # noqa: E402
from corpus.score import Score, percent  # noqa: E402


def finding(rule, function, verdict):
    return {'rule': rule, 'function': function, 'verdict': verdict, 'message': 'so'}


def report(*violations, savings=()):
    return {'violations': list(violations), 'savings': list(savings),
            'coverage': {'calls': 10, 'calls_unresolved': 1}}


def truth(case, *expected, raised=()):
    return {'case': case, 'family': 'x', 'features': {}, 'raised': list(raised),
            'expected': [{'rules': rules, 'functions': functions, 'verdict': verdict}
                         for rules, functions, verdict in expected]}


LOCK = (['spin-lock-in-pageable'], ['C0001_Work'], 'definite')


class Scoring(unittest.TestCase):
    def total(self, truths, *violations, savings=()):
        score = Score()
        score.add_image('x', truths, report(*violations, savings=savings))
        self.kinds = [complaint[0] for complaint in score.complaints]
        self.score = score
        return score.total()

    def test_found(self):
        total = self.total([truth('C0001_', LOCK)],
                           finding('spin-lock-in-pageable', 'C0001_Work', 'definite'))
        self.assertEqual((total.expected, total.found, total.found_definite), (1, 1, 1))
        self.assertEqual((total.recall(), total.precision(), self.kinds), (1, 1, []))

    def test_missed(self):
        total = self.total([truth('C0001_', LOCK)])
        self.assertEqual((total.recall(), total.precision(), self.kinds), (0, None, ['missed']))
        self.assertEqual(total.missed_definite, 1)
        total = self.total([truth('C0001_', (*LOCK[:2], 'possible'))])
        self.assertEqual((total.recall(), total.missed_definite), (0, 0))

    def test_unknown_is_not_found_and_not_false(self):
        total = self.total([truth('C0001_', LOCK), truth('C0002_')],
                           finding('spin-lock-in-pageable', 'C0001_Work', 'unknown'),
                           finding('api-irql', 'C0002_Work', 'unknown'))
        self.assertEqual((total.found, total.missed_unknown, total.precision()), (0, 1, None))
        self.assertEqual((self.kinds, self.score.unknown_cases), (['unknown'], 2))

    def test_wrong_rule_or_routine(self):
        for rule, function in (('api-irql', 'C0001_Work'), ('spin-lock-in-pageable', 'C0001_Root'),
                               ('spin-lock-in-pageable', 'C0002_Work'),
                               ('spin-lock-in-pageable', 'CorpusCreate')):
            with self.subTest(rule=rule, function=function):
                total = self.total([truth('C0001_', LOCK), truth('C0002_')],
                                   finding(rule, function, 'definite'))
                self.assertEqual((total.found, total.false_definite, total.precision()), (0, 1, 0))
                self.assertEqual(sorted(self.kinds), ['false definite', 'missed'])

    def test_too_definite(self):
        total = self.total([truth('C0001_', (*LOCK[:2], 'possible'))],
                           finding('spin-lock-in-pageable', 'C0001_Work', 'definite'))
        self.assertEqual((total.found, total.false_definite), (1, 1))

    def test_repeated(self):
        one = finding('spin-lock-in-pageable', 'C0001_Work', 'definite')
        total = self.total([truth('C0001_', LOCK)], one, dict(one))
        self.assertEqual((total.found, total.repeated, total.precision()), (1, 1, 1))

    def test_saving(self):
        offered = {'rule': 'could-be-pageable', 'function': 'C0001_Work', 'evidence': 'so'}
        self.total([truth('C0001_', raised=['C0001_Work'])], savings=[offered])
        self.assertEqual((self.score.savings, self.score.false_savings), (1, 1))

    def test_percent(self):
        self.assertEqual((percent(None), percent(0.9996)), ('–', '100.0 %'))


class Corpus(unittest.TestCase):
    def test_same_seed_same_drivers(self):
        self.assertEqual([d.source() for d in driver.drivers(5, 200)],
                         [d.source() for d in driver.drivers(5, 200)])
        self.assertNotEqual(driver.drivers(5, 60)[0].source(), driver.drivers(6, 60)[0].source())

    def test_every_family_in_any_part(self):
        families = {case.family for case in driver.choose(3, 200)}
        self.assertGreater(len(families), 12)

    def test_mistakes_and_right_code(self):
        cases = driver.choose(1, None)
        wrong = [case for case in cases if case.expected]
        self.assertGreater(len(wrong), 800)
        self.assertGreater(len(cases) - len(wrong), 800)

    def test_mutations_change_one_place(self):
        made = [m for sample in mutate.samples(SOURCE) for m in mutate.mutations(sample)]
        self.assertEqual({m.kind for m in made}, {'place', 'wait', 'release'})
        for mutation in made:
            with open(mutation.source, encoding='utf-8') as file:
                self.assertNotEqual(file.read(), mutation.text)
        self.assertEqual(len({m.name() for m in made}), len(made))


class Accuracy(unittest.TestCase):
    def test_promises(self):
        done = subprocess.run(
            [sys.executable, '-B', os.path.join(SOURCE, 'tools/advisor-accuracy'), '--build', BUILD,
             '--work', WORK, '--cases', '80', '--mutations', '3', '--seed', '7', '--complaints'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('640 cases in 16 images', done.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
