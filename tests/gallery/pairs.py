# SPDX-License-Identifier: MIT
"""What the sources of drivers/gallery say about themselves.

The comment at the head of each has fields, one a paragraph:

    Mistake: what is wrong, in a sentence or two
    Fix:     what NAME_fixed.sys does instead
    Seen:    where the bug was found in the wild                  (optional)
    Then:    bug check 0xD1, what follows from the mistake        (optional)
    Run:     options of `pagable run` that the mistake needs      (optional)

One comment names the finding; its place is the line that the comment is on:

    finding: RULE                 in the routine that the line belongs to
    finding: RULE in ROUTINE      the line is in a copy of its routine inside ROUTINE
    finding: RULE about WORDS     no line of the source: the message has these words
"""
import glob
import os
import re

FIELD = re.compile(r'^(Mistake|Fix|Seen|Then|Run): (.*)$', re.S)
FINDING = re.compile(r'finding: ([a-z-]+)(?: (in|about) (.*?))?(?: \*/)?$')
ROUTINE = re.compile(r'^(?:static )?[A-Z][\w ]*[ *](\w+)\((?!.*;)')
REQUIRED = ('Mistake', 'Fix')


class Pair:
    """One source of the gallery; `line` is None when the finding has no place in it."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding='utf-8') as source:
            lines = source.read().split('\n')
        self._read_head(lines)
        self._read_finding(lines)

    def _read_head(self, lines):
        start, end = lines.index('/*'), lines.index(' */')
        fields = {}
        for paragraph in '\n'.join(line[3:] for line in lines[start + 1:end]).split('\n\n'):
            match = FIELD.match(paragraph)
            if match:
                fields[match.group(1)] = ' '.join(match.group(2).split())
        missing = [name for name in REQUIRED if name not in fields]
        if missing:
            raise ValueError('%s: no %s in its head' % (self.path, missing[0]))
        self.mistake, self.fix = fields['Mistake'], fields['Fix']
        self.seen, self.options = fields.get('Seen', ''), fields.get('Run', '').split()
        self.bugcheck = None
        if 'Then' in fields:
            self.bugcheck = re.fullmatch(r'bug check (0x[0-9A-F]+)', fields['Then']).group(1)

    def _read_finding(self, lines):
        found = [(i, FINDING.search(line)) for i, line in enumerate(lines) if 'finding: ' in line]
        if len(found) != 1 or not found[0][1]:
            raise ValueError('%s: one comment must say `finding: RULE`' % self.path)
        index, match = found[0]
        self.rule, kind, rest = match.groups()
        self.about = rest if kind == 'about' else None
        self.line = None if self.about else index + 1
        self.function = rest if kind == 'in' else None
        while self.line and not self.function:
            routine = ROUTINE.match(lines[index])
            self.function = routine and routine.group(1)
            index -= 1

    def finding(self):
        """The finding in words, for the README."""
        if self.about:
            return '`%s`' % self.rule
        return '`%s` in `%s`' % (self.rule, self.function)


def pairs_of(source):
    """All of the gallery, by name."""
    return [Pair(path) for path in sorted(glob.glob(os.path.join(source, 'drivers/gallery/*.c')))]


def _sentence(text):
    return text[0].upper() + text[1:]


def table_of(pairs):
    """The table of drivers/gallery/README.md."""
    rows = ['| driver | mistake | finding | fix |', '|---|---|---|---|']
    for pair in pairs:
        seen = ' Seen in %s.' % pair.seen if pair.seen else ''
        then = ', bug check %s' % pair.bugcheck if pair.bugcheck else ''
        options = ' (`%s`)' % ' '.join(pair.options) if pair.options else ''
        rows.append('| `%s`%s | %s%s | %s%s | %s |' % (
            pair.name, options, _sentence(pair.mistake), seen, pair.finding(), then,
            _sentence(pair.fix)))
    return '\n'.join(rows) + '\n'
