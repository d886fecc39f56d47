# SPDX-License-Identifier: MIT
"""What was found against what is true.

A finding answers an expected mistake when its rule and its routine are among those of the mistake
and its verdict is `definite` or `possible`.  Any other finding with these verdicts is false.  An
`unknown` one is neither: it is counted for itself.  Two findings for one mistake are one answer; the
second is counted as repeated.
"""
import re

CASE = re.compile(r'^(C\d{4}_)')


class Figures:
    """Of one rule, or of all."""

    FIELDS = ('expected', 'found', 'expected_definite', 'found_definite', 'missed_definite',
              'missed_unknown', 'false_possible', 'false_definite', 'repeated')

    def __init__(self):
        for field in self.FIELDS:
            setattr(self, field, 0)

    def add(self, other):
        for field in self.FIELDS:
            setattr(self, field, getattr(self, field) + getattr(other, field))

    def recall(self):
        return self.found / self.expected if self.expected else None

    def precision(self):
        said = self.found + self.false_possible + self.false_definite
        return self.found / said if said else None


class Score:
    def __init__(self):
        self.rules = {}
        self.cases = self.right_cases = self.unknown_cases = self.images = 0
        self.undone = 0  # mistakes that the compiler left no trace of: no cases
        self.calls = self.calls_unresolved = self.savings = self.false_savings = 0
        self.complaints = []  # (kind, where, words): misses and false findings

    def of(self, rule):
        return self.rules.setdefault(rule, Figures())

    def total(self):
        total = Figures()
        for figures in self.rules.values():
            total.add(figures)
        return total

    def add_image(self, where, truths, report):
        """truths: of the cases in the image; a finding belongs to the case of its routine."""
        self.images += 1
        coverage = report['coverage']
        self.calls += coverage['calls']
        self.calls_unresolved += coverage['calls_unresolved']
        findings = {truth['case']: [] for truth in truths}
        for finding in report['violations']:
            match = CASE.match(finding['function'] or '')
            case = match.group(1) if match else ''
            findings.setdefault(case, []).append(finding)
        for truth in truths:
            self.add_case(where, truth, findings.pop(truth['case']))
            self._add_savings(where, truth, report['savings'])
        for rest in findings.values():
            for finding in rest:
                self._false(where, '', finding)

    def add_case(self, where, truth, findings):
        self.cases += 1
        self.right_cases += not truth['expected']
        if any(f['verdict'] == 'unknown' for f in findings):
            self.unknown_cases += 1
        left = list(findings)
        for mistake in truth['expected']:
            answers = [f for f in left if f['rule'] in mistake['rules'] and
                       (not mistake['functions'] or f['function'] in mistake['functions'])]
            left = [f for f in left if f not in answers]
            self._answer(where, truth, mistake, answers)
        for finding in left:
            self._false(where, truth, finding)

    def _answer(self, where, truth, mistake, answers):
        figures = self.of(mistake['rules'][0])
        said = [f['verdict'] for f in answers if f['verdict'] != 'unknown']
        definite = mistake['verdict'] == 'definite'
        figures.expected += 1
        figures.expected_definite += definite
        if not said:
            figures.missed_unknown += bool(answers)
            figures.missed_definite += definite
            self.complaints.append(('unknown' if answers else 'missed', where, truth, '%s in %s' % (
                ' or '.join(mistake['rules']), ' or '.join(mistake['functions']))))
            return
        figures.found += 1
        figures.repeated += len(said) - 1
        if definite:
            figures.found_definite += 'definite' in said
            if 'definite' not in said:
                self.complaints.append(('only possible', where, truth, in_words(answers[0])))
        elif mistake['verdict'] == 'possible' and 'definite' in said:
            figures.false_definite += 1
            self.complaints.append(('too definite', where, truth, in_words(answers[0])))

    def _false(self, where, truth, finding):
        if finding['verdict'] == 'unknown':
            return
        figures = self.of(finding['rule'])
        if finding['verdict'] == 'definite':
            figures.false_definite += 1
        else:
            figures.false_possible += 1
        self.complaints.append(('false ' + finding['verdict'], where, truth, in_words(finding)))

    def _add_savings(self, where, truth, savings):
        """A routine that runs raised must never be offered for a PAGE section as a whole."""
        names = {name for name in truth['raised']}
        for saving in savings:
            if saving['rule'] != 'could-be-pageable':
                continue
            if saving['function'].startswith(truth['case']):
                self.savings += 1
            if saving['function'] in names:
                self.false_savings += 1
                self.complaints.append(('false saving', where, truth, '%s: %s' % (
                    saving['function'], saving['evidence'])))


def in_words(finding):
    return '%s (%s) in %s: %s' % (finding['rule'], finding['verdict'], finding['function'],
                                  finding['message'])


def percent(share):
    return '–' if share is None else '%.1f %%' % (100 * share)


COLUMNS = ('rule', 'expected', 'recall', 'precision', 'definite as definite', 'false definite',
           'false possible', 'unknown instead')


def row(name, figures):
    return (name, str(figures.expected), percent(figures.recall()), percent(figures.precision()),
            percent(figures.found_definite / figures.expected_definite
                    if figures.expected_definite else None),
            str(figures.false_definite), str(figures.false_possible), str(figures.missed_unknown))


def table(score):
    """Markdown that can be read as it is."""
    rows = [COLUMNS]
    rows += [row('`%s`' % rule, score.rules[rule]) for rule in sorted(score.rules)]
    rows.append(row('**all**', score.total()))
    widths = [max(len(r[i]) for r in rows) for i in range(len(COLUMNS))]
    lines = ['| ' + ' | '.join(cell.ljust(width) for cell, width in zip(r, widths)) + ' |'
             for r in rows]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)


def summary(score):
    total = score.total()
    return ('%d cases in %d images, %d of them without a mistake\n'
            'recall %s, precision %s, false definite %d\n'
            'unknown: %s of the cases; %s of the calls unresolved\n'
            'offered as pageable: %d routines, %d of them wrongly' % (
                score.cases, score.images, score.right_cases, percent(total.recall()),
                percent(total.precision()), total.false_definite,
                percent(score.unknown_cases / score.cases if score.cases else None),
                percent(score.calls_unresolved / score.calls if score.calls else None),
                score.savings, score.false_savings))
