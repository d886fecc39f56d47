# SPDX-License-Identifier: MIT
"""The gallery of mistakes: each driver gives the finding that names its mistake and no other, its
fixed twin gives none, and no rule is without such a pair.

    test_gallery.py PROGRAM DRIVERS SOURCE

With PAGABLE_REBASE=1 in the environment the table in drivers/gallery/README.md is written anew.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import unittest

from pairs import pairs_of, table_of

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
PAIRS = pairs_of(SOURCE)
README = os.path.join(SOURCE, 'drivers/gallery/README.md')

# Rules that no driver of the gallery breaks, and why.
EXEMPT = {
    'computer-died': 'only a driver that attacks the process it runs in: tests/cli/wild.c',
}

# No run has these: tests/advise and tests/source show them.
ADVISOR = {'could-be-pageable', 'isolate', 'layout-small-section', 'layout-belong-together',
           'layout-code-and-data', 'layout-mixed-locking', 'paged-code-missing',
           'paged-code-in-resident', 'paged-code-twice', 'alloc-text-linkage', 'alloc-text-order',
           'section-name'}

# Ends of the run rather than checks: reported whatever rules were chosen (rules.h).
ALWAYS = {'driver-entry-failed', 'device-start-failed', 'thread-hang', 'budget-exhausted',
          'expectation-failed', 'computer-died'}

SEEDS = ('2', '3', '4')


def pagable(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, universal_newlines=True, check=False)


def run(name, *options):
    """(exit code, report) of a driver of the gallery with the script beside it."""
    done = pagable('run', os.path.join(DRIVERS, name + '.sys'), '--json', *options)
    if done.returncode not in (0, 1):
        raise AssertionError('%s: exit %d: %s' % (name, done.returncode, done.stderr))
    return done.returncode, json.loads(done.stdout)


def rules():
    return [rule['id'] for rule in json.loads(pagable('explain', '--json').stdout)['rules']]


def at_once(jobs):
    """Results of functions without arguments, in order; one thread a processor."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: job(), jobs))


class Gallery(unittest.TestCase):
    def each(self, names_and_options, check):
        """Run all, then check(pair, code, report) for each."""
        runs = list(names_and_options)
        done = at_once([lambda r=r: run(r[1], *r[2]) for r in runs])
        for (pair, name, options), (code, report) in zip(runs, done):
            with self.subTest(driver=name, options=options):
                check(pair, code, report)

    def check_mistake(self, pair, code, report):
        self.assertEqual([f['rule'] for f in report['findings']], [pair.rule],
                         json.dumps(report['findings'], indent=1))
        finding = report['findings'][0]
        if pair.about:
            self.assertIn(pair.about, finding['message'])
        else:
            self.assertEqual((finding['file'], finding['line'], finding['function']),
                             ('drivers/gallery/%s.c' % pair.name, pair.line, pair.function))
        bugcheck = report['bugcheck'] and report['bugcheck']['code']
        self.assertEqual(bugcheck, pair.bugcheck, report['bugcheck'])
        if bugcheck:
            self.assertEqual(report['bugcheck']['finding'], 0)
        self.assertEqual(code, 0 if finding['severity'] == 'note' else 1)

    def check_silent(self, _, code, report):
        self.assertEqual((code, report['findings'], report['bugcheck']), (0, [], None))

    def test_mistake(self):
        self.each([(p, p.name, p.options) for p in PAIRS], self.check_mistake)

    def test_mistake_whatever_the_seed(self):
        self.each([(p, p.name, [*p.options, '--seed', seed])
                   for p in PAIRS if p.rule != 'budget-exhausted' for seed in SEEDS],
                  self.check_mistake)

    def test_rule_off(self):
        def others(rule):
            return ','.join(r for r in known if r != rule)

        known = rules()
        self.each([(p, p.name, [*p.options, '--check', others(p.rule)])
                   for p in PAIRS if p.rule not in ALWAYS],
                  lambda p, code, report: self.assertNotIn(
                      p.rule, [f['rule'] for f in report['findings']]))

    def test_rule_alone(self):
        """A rule does not need another; an end of the run needs none to be chosen."""
        self.each([(p, p.name, [*p.options, '--check', 'none' if p.rule in ALWAYS else p.rule])
                   for p in PAIRS], self.check_mistake)

    def test_fixed_twin(self):
        self.each([(p, p.name + '_fixed', p.options) for p in PAIRS], self.check_silent)

    def test_fixed_twin_under_other_pressure(self):
        pressures = [['--trim', 'none']]
        pressures += [['--trim', 'random', '--seed', seed] for seed in SEEDS]
        self.each([(p, p.name + '_fixed', [*p.options, *pressure])
                   for p in PAIRS for pressure in pressures], self.check_silent)

    def test_hidden_while_nothing_is_trimmed(self):
        """What makes the mistake of msquic #4631 so hard to see."""
        self.each([(None, 'msquic_only_when_paged_out', ['--trim', 'none'])], self.check_silent)


class Table(unittest.TestCase):
    def test_every_rule_has_a_pair(self):
        known, shown = set(rules()), {pair.rule for pair in PAIRS}
        self.assertEqual(shown - known, set(), 'no such rules')
        self.assertEqual(known - shown, set(EXEMPT) | ADVISOR,
                         'rules without a pair, and those excused')

    def test_every_pair_is_named_for_what_it_shows(self):
        """By its rule, or by where the bug was seen."""
        for pair in PAIRS:
            with self.subTest(pair.name):
                self.assertTrue(pair.name.startswith(pair.rule.replace('-', '_')) or pair.seen)

    def test_readme(self):
        with open(README, encoding='utf-8') as file:
            text = file.read()
        start, end = text.index('| driver |'), text.index('\n\n', text.index('| driver |')) + 1
        if os.environ.get('PAGABLE_REBASE'):
            with open(README, 'w', encoding='utf-8') as file:
                file.write(text[:start] + table_of(PAIRS) + text[end:])
        else:
            self.assertEqual(text[start:end], table_of(PAIRS), 'PAGABLE_REBASE=1 writes it')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
