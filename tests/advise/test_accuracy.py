# SPDX-License-Identifier: MIT
"""The advisor is as right as docs/advisor-accuracy.md promises, on a part of the corpus; and whoever
counts that counts well: a corpus or a score that could not show a mistake would be no measure.

    test_accuracy.py BUILD SOURCE WORK
"""
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
import unittest

BUILD, SOURCE, WORK = sys.argv[1:4]

from corpus import driver, mutate  # noqa: E402
from corpus.score import Score, percent  # noqa: E402
from toolchain import VARIANTS  # noqa: E402

CASES, MUTATIONS = 80, 3  # of what is measured here


def tool():
    """tools/advisor-accuracy as a module."""
    loader = importlib.machinery.SourceFileLoader(
        'advisor_accuracy', os.path.join(SOURCE, 'tools/advisor-accuracy'))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


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
        families = {case.family for case in driver.choose(3, None)}
        self.assertGreater(len(families), 12)
        for count in (len(families), CASES, 200):
            chosen = driver.choose(3, count)
            self.assertEqual(len(chosen), count)
            self.assertEqual({case.family for case in chosen}, families, count)
        self.assertEqual(len(driver.choose(3, 5)), 5)

    def test_mistakes_and_right_code(self):
        cases = driver.choose(1, None)
        wrong = [case for case in cases if case.expected]
        self.assertGreater(len(wrong), 800)
        self.assertGreater(len(cases) - len(wrong), 800)

    def check_changed_in_routine(self, mutation):
        """What differs lies between the head of the routine and the end of its body."""
        with open(mutation.source, encoding='utf-8') as file:
            before, after = file.read().split('\n'), mutation.text.split('\n')
        self.assertNotEqual(before, after)
        first = next(i for i, (a, b) in enumerate(zip(before, after)) if a != b)
        behind = next(i for i, (a, b) in enumerate(zip(before[::-1], after[::-1])) if a != b)
        head = max(i for i, line in enumerate(before[:first + 1])
                   if re.match(r'\w.*\b%s\([^;]*$' % mutation.routine, line))
        self.assertEqual(first, mutation.line - 1)
        self.assertLessEqual(len(before) - 1 - behind, before.index('}', head))

    def test_mutations_change_one_place(self):
        made = [m for sample in mutate.samples(SOURCE) for m in mutate.mutations(sample)]
        self.assertEqual({m.kind for m in made}, {'place', 'wait', 'release'})
        for mutation in made:
            with self.subTest(mutation.name()):
                self.check_changed_in_routine(mutation)
        self.assertEqual(len({m.name() for m in made}), len(made))


class Promises(unittest.TestCase):
    def broken(self, truths, *violations, undone=0):
        score = Score()
        score.add_image('x', truths, report(*violations))
        score.undone = undone
        return tool().promises([score])

    def test_kept(self):
        self.assertEqual(self.broken([truth('C0001_', LOCK)], finding(*LOCK[0], *LOCK[1],
                                                                      'definite')), [])

    def test_not_definite_and_missed(self):
        for verdict in ('possible', 'any'):
            broken = self.broken([truth('C0001_', LOCK), truth('C0002_', (
                ['api-irql'], ['C0002_Work'], verdict))], finding(*LOCK[0], *LOCK[1], 'definite'))
            self.assertEqual(broken, ['recall is 50.0 %'])

    def test_nothing_to_find(self):
        self.assertIn('nothing was there to be found', self.broken([truth('C0001_')]))

    def test_undone(self):
        broken = self.broken([truth('C0001_', LOCK)], finding(*LOCK[0], *LOCK[1], 'definite'),
                             undone=2)
        self.assertEqual(broken, ['2 mistakes were undone by the compiler'])


class Accuracy(unittest.TestCase):
    def test_promises(self):
        done = subprocess.run(
            [sys.executable, '-B', os.path.join(SOURCE, 'tools/advisor-accuracy'), '--build', BUILD,
             '--work', WORK, '--cases', str(CASES), '--mutations', str(MUTATIONS), '--seed', '7', '--complaints'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        drivers = -(-CASES // driver.CASES_PER_DRIVER)
        self.assertIn('%d cases in %d images' % (CASES * len(VARIANTS), drivers * len(VARIANTS)),
                      done.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
