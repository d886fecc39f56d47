# SPDX-License-Identifier: MIT
"""Mistakes put into drivers that have none: one at a time, into a copy of one of their sources.

    place      a routine that takes a spin lock, or that must be resident, goes to PAGE
    wait       Wait FALSE becomes TRUE
    release    the only release of a spin lock in a dispatch routine goes away.  (One that is only
               called at DISPATCH_LEVEL comes back as it was entered, whatever it still holds.)

One mistake may show under several rules (a routine that the system calls at DISPATCH_LEVEL and that
takes a lock breaks two in PAGE): an answer under any of them is right, and so is what follows from it.
"""
import glob
import os
import re

ROUTINE = re.compile(r'^(?:[A-Za-z_][\w *]*[ *])(\w+)\([^;{}]*?\)\n\{[^\n]*\n(.*?)^\}\n', re.M | re.S)
ACQUIRE = re.compile(r'\b(?:KeAcquireSpinLock|KeAcquireInStackQueuedSpinLock|IoAcquireCancelSpinLock)'
                     r'\(')
RELEASE = re.compile(r'^ *(?:KeReleaseSpinLock|KeReleaseInStackQueuedSpinLock)\([^;]*\);\n', re.M)
WAIT = re.compile(r'\b(KeSetEvent|KeReleaseMutex|KeReleaseSemaphore|KePulseEvent)\(([^;]*), FALSE\);')
HANDED = re.compile(r'\b(?:KeInitializeDpc|IoInitializeDpcRequest|IoInitializeTimer|'
                    r'IoSetCancelRoutine|IoSetCompletionRoutine|KeSynchronizeExecution|'
                    r'IoConnectInterrupt)\(\s*[^,()]*(?:\([^()]*\))?[^,()]*,\s*(\w+)\s*[,)]')

DISPATCH = re.compile(r'(?:static )?NTSTATUS \w+\(PDEVICE_OBJECT \w+, PIRP \w+\)\n')

RULES = {
    'place': ['spin-lock-in-pageable', 'must-be-resident-role', 'pageable-at-raised-irql',
              'raise-in-pageable', 'paging-path-pageable'],
    'wait': ['wait-true-in-pageable', 'wait-true-without-wait', 'api-irql', 'irql-left-raised'],
    'release': ['irql-left-raised', 'api-irql', 'pageable-at-raised-irql', 'lock-at-raised-irql',
                'spin-lock-in-pageable', 'unlock-underflow'],
}


class Sample:
    """A driver that has no mistake: its sources, and what they are compiled with."""

    def __init__(self, name, sources, flags=()):
        self.name, self.sources, self.flags = name, sources, tuple(flags)


def samples(source):
    """The sample drivers and the mended half of the gallery."""
    drivers = os.path.join(source, 'drivers')
    found = [Sample('isolate_split', [os.path.join(drivers, name) for name in (
        'isolate_split.c', 'isolate_common.c')])]
    for name in ('ftdisk', 'parallel', 'serial'):
        found.append(Sample(name, sorted(glob.glob(os.path.join(drivers, name, '*.c')))))
    for path in sorted(glob.glob(os.path.join(drivers, 'gallery/*.c'))):
        name = os.path.splitext(os.path.basename(path))[0]
        flags = ['-DFIXED'] + (['-DDBG=1'] if name == 'paged_code_failed' else [])
        found.append(Sample(name + '_fixed', [path], flags))
    return found


class Mutation:
    """kind, the sample, which source and its new text, the routine that was changed."""

    def __init__(self, kind, sample, source, text, routine, line):
        self.kind, self.sample, self.source = kind, sample, source
        self.text, self.routine, self.line = text, routine, line

    def name(self):
        return '%s-%s-%s-%d' % (self.sample.name, self.kind, self.routine, self.line)

    def truth(self, functions):
        """What the image has, by {routine: section} of it; None when the compiler has undone it."""
        if self.kind == 'place' and functions.get(self.routine) != 'PAGE':
            return None
        named = [self.routine] if self.kind == 'place' else []
        return {'case': '', 'family': 'mutation', 'raised': [],
                'features': {'sample': self.sample.name, 'kind': self.kind,
                             'routine': self.routine, 'line': self.line},
                'expected': [{'rules': RULES[self.kind], 'functions': named,
                              'verdict': 'definite' if self.kind == 'place' else 'any'}]}


def _placed(sample):
    """Routines that a pragma has put somewhere already."""
    names = set()
    for path in _with_headers(sample):
        names.update(re.findall(r'alloc_text\(\w+, (\w+)\)', _read(path)))
    return names


def _with_headers(sample):
    folders = {os.path.dirname(path) for path in sample.sources}
    return sample.sources + [h for f in sorted(folders) for h in sorted(glob.glob(f + '/*.h'))]


def _read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def mutations(sample):
    """All of them, in the order of the sources."""
    placed = _placed(sample)
    texts = {path: _read(path) for path in sample.sources}
    handed = {name for text in texts.values() for name in HANDED.findall(text)}
    for path, text in texts.items():
        for match in ROUTINE.finditer(text):
            yield from _of_routine(sample, path, text, match, placed, handed)


def _of_routine(sample, path, text, match, placed, handed):
    name, body = match.groups()
    if '#if' in body or '#else' in body:
        return # which half is compiled is not for a pattern to tell

    def changed(kind, start, end, new):
        return Mutation(kind, sample, path, text[:start] + new + text[end:], name,
                        text.count('\n', 0, start) + 1)

    if name not in placed and (ACQUIRE.search(body) or name in handed):
        yield changed('place', match.start(), match.end(),
                      '#pragma code_seg("PAGE")\nDECLSPEC_NOINLINE %s#pragma code_seg()\n'
                      % match.group())
    for wait in WAIT.finditer(body) if 'KeWait' not in body else ():
        start = match.start(2) + wait.start()
        yield changed('wait', start, start + len(wait.group()), '%s(%s, TRUE);' % wait.groups())
    releases = list(RELEASE.finditer(body))
    if DISPATCH.match(match.group()) and len(releases) == 1 and len(ACQUIRE.findall(body)) == 1:
        start = match.start(2) + releases[0].start()
        yield changed('release', start, start + len(releases[0].group()), '')
