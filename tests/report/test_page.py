# SPDX-License-Identifier: MIT
"""Traces and pages of real drivers: what the events say against what the kernel says, the same bytes
from a run and from its trace, and what `pagable report` makes of files that are none.

    test_page.py PROGRAM DRIVERS SOURCE
"""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
SANITIZED = b'__asan_init' in open(PROGRAM, 'rb').read()


def pagable(*arguments, memory=None):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False, timeout=600,
                          preexec_fn=limit if memory else None)


def scenario(name):
    return os.path.join(SOURCE, 'scenarios', name + '.lua')


class Replay:
    """A plain model of what the events say: the pages of each section that are in memory, and locks."""

    def __init__(self, lines):
        self.pages, self.locks, self.names, self.modules = [], [], [], {}
        self.marks, self.result = [], None
        self.open, self.counts = {}, {}
        for line in lines:
            self.take(line)

    def state(self):
        return {(self.modules[module], name): (len(self.pages[i]), self.locks[i])
                for i, (module, name) in enumerate(self.names) if module in self.modules}

    def take(self, e):
        kind = e['event']
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind == 'module':
            self.modules[e['module']] = e['name']
        elif kind == 'section':
            assert e['section'] == len(self.names)
            self.names.append((e['module'], e['name']))
            self.pages.append(set())
            self.locks.append(0)
        elif kind in ('page-in', 'page-keep', 'page-out'):
            pages = set(range(e['page'], e['page'] + e['pages']))
            here = self.pages[e['section']]
            if kind == 'page-out':
                assert pages <= here, e
                here -= pages
            else:
                assert not pages & here, e
                here |= pages
        elif kind in ('lock', 'lock-by-handle', 'unlock'):
            self.locks[e['section']] += -1 if kind == 'unlock' else 1
            assert self.locks[e['section']] == e['count'], e
        elif kind == 'unload':
            del self.modules[e['module']]
        elif kind in ('open', 'close'):
            self.open[e['device']] = self.open.get(e['device'], 0) + (1 if kind == 'open' else -1)
            assert self.open[e['device']] >= 0, e
        elif kind == 'mark':
            self.marks.append((e['label'], self.state()))
        elif kind == 'result':
            self.result = e['run']


class Runs(unittest.TestCase):
    def trace(self, driver, *options, code=0):
        with tempfile.TemporaryDirectory() as folder:
            trace, page = os.path.join(folder, 'trace'), os.path.join(folder, 'page')
            done = pagable('run', os.path.join(DRIVERS, driver + '.sys'), *options, '--trace', trace,
                           '--report', page)
            self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode()[-3000:])
            again = pagable('report', trace)
            self.assertEqual((again.returncode, again.stderr), (0, b''))
            with open(page, 'rb') as file:
                self.page = file.read()
            self.assertEqual(again.stdout, self.page, 'the page of a trace is that of its run')
            with open(trace, 'rb') as file:
                self.bytes = file.read()
        self.text = done.stdout.decode()
        lines = [json.loads(line) for line in self.bytes.splitlines()]
        self.assertEqual(lines[0]['schema'], 'pagable.trace/1')
        times = [line['time'] for line in lines[1:] if 'time' in line]
        self.assertEqual(times, sorted(times))
        return lines

    def check_marks(self, driver, script, *options):
        """At each mark the kernel (mincore) and the events say the same."""
        replay = Replay(self.trace(driver, '--script', scenario(script), *options)[1:])
        marks = replay.result['marks']
        self.assertGreater(len(marks), 2)
        self.assertEqual([mark['label'] for mark in marks], [label for label, _ in replay.marks])
        compared = 0
        for mark, (_, state) in zip(marks, replay.marks):
            for section in mark['sections']:
                said = state[section['image'], section['name']]
                self.assertEqual(said, (section['resident_pages'], section['lock_count']),
                                 (mark['label'], section))
                compared += 1
        self.assertGreater(compared, 10)
        return replay

    def test_serial(self):
        replay = self.check_marks('serial', 'serial-day')
        self.assertGreater(replay.counts['interrupt'], 50)
        self.assertEqual(replay.counts['lock'], 1)
        self.assertEqual(replay.counts['open'], replay.counts['close'])
        self.assertRegex(self.page.decode(), r'<code>serial!\w+\+0x[0-9a-f]+</code></td>'
                         r'<td class="text">drivers/serial/\w+\.c:\d+</td>')

    def test_parallel(self):
        self.check_marks('parallel', 'parallel', '--budget', '120')

    def test_ftdisk(self):
        self.check_marks('ftdisk', 'ftdisk', '--budget', '120')

    def test_pages_and_counters_agree(self):
        for options in (['--trim', 'irql'], ['--trim', 'random'], ['--trim', 'none', '--frames', '4']):
            replay = Replay(self.trace('sections', '--script', scenario('sections-random'),
                                       *options)[1:])
            counters = replay.result['counters']
            self.assertEqual(counters['section_locks_by_address'], replay.counts['lock'])
            self.assertEqual(counters['section_unlocks'], replay.counts['unlock'])
            self.assertGreater(replay.counts['page-in'], 10, options)
            self.assertGreater(replay.counts['page-out'], 10, options)

    def test_same_seed_same_bytes(self):
        options = ['--script', scenario('sections-random'), '--trim', 'random']
        self.trace('sections', *options, '--seed', '3')
        first = self.page, self.bytes, self.text
        self.trace('sections', *options, '--seed', '3')
        self.assertEqual(first, (self.page, self.bytes, self.text))
        self.trace('sections', *options, '--seed', '4')
        self.assertNotEqual(first[1], self.bytes)

    def test_bug_check(self):
        lines = self.trace('sections', '--script', scenario('pageable-at-raised-irql'), code=1)
        events = [line.get('event') for line in lines]
        self.assertEqual(events[-1], 'result')
        self.assertLess(events.index('finding'), events.index('bugcheck'))
        self.assertIn(b'data-result="bugcheck"', self.page)
        self.assertIn(b'DRIVER_IRQL_NOT_LESS_OR_EQUAL', self.page)
        self.assertIn(b'id="finding-0"', self.page)

    def test_a_computer_that_died(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('local f = open("\\\\Device\\\\Wild")\nf:control(0x222028, "kill", 0)\n')
            file.flush()
            lines = self.trace('wild', '--script', file.name, code=1)
        self.assertEqual(lines[-1]['run']['ended'], 'died')
        self.assertIn(b'data-rule="computer-died"', self.page)

    def test_levels(self):
        paging = {line.get('event') for line in self.trace('isolate_split')}
        everything = {line.get('event') for line in self.trace('isolate_split', '--trace-all')}
        self.assertFalse(paging & {'irql', 'call', 'choice', 'thread-switch'})
        self.assertGreaterEqual(everything, {'irql', 'call', 'thread-switch', 'page-in'})

    def test_page_stands_alone(self):
        self.trace('serial', '--script', scenario('serial-day'))
        page = self.page.decode()
        self.assertIsNone(re.search(r'(?:src|href)\s*=\s*"(?!#)', page))
        self.assertIsNone(re.search(r'@import|url\((?!#)', page))
        self.assertIn("default-src 'none'", page)
        self.assertNotIn(SOURCE, page)

    def test_figure_is_wellformed(self):
        self.trace('serial', '--script', scenario('serial-day'))
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.bytes)
            file.flush()
            done = pagable('report', file.name, '--figure', 'svg')
            text = pagable('report', file.name, '--figure', 'text')
        self.assertEqual(done.returncode, 0)
        root = xml.etree.ElementTree.fromstring(done.stdout)
        self.assertEqual(root.tag, '{http://www.w3.org/2000/svg}svg')
        self.assertIn('PAGESER', text.stdout.decode())
        self.assertRegex(text.stdout.decode(), r'PAGESER\s+[.~]*#+')

    def test_terminal_gets_the_picture_only_with_a_report(self):
        self.trace('isolate_split')
        self.assertIn('Sections in virtual time', self.text)
        done = pagable('run', os.path.join(DRIVERS, 'isolate_split.sys'))
        self.assertNotIn('Sections in virtual time', done.stdout.decode())


class Errors(unittest.TestCase):
    def run_report(self, *arguments, code, says):
        done = pagable('report', *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, b'')
        self.assertIn(says, done.stderr.decode())
        return done.stderr.decode().splitlines()

    def test_usage(self):
        self.run_report(code=2, says='no file given')
        self.run_report('a', 'b', code=2, says='one file at a time')
        self.run_report('a', '--figure', 'png', code=2, says="'png' is none of html, svg, text")
        done = pagable('run', os.path.join(DRIVERS, 'isolate_split.sys'), '--report', '/nonexistent/r')
        self.assertEqual((done.returncode, done.stdout), (2, b''))
        self.assertIn(b'--report: /nonexistent/r: No such file', done.stderr)

    def test_full_disk(self):
        done = pagable('run', os.path.join(DRIVERS, 'isolate_split.sys'), '--report', '/dev/full')
        self.assertEqual(done.returncode, 4)
        self.assertIn(b'--report: /dev/full: could not be written', done.stderr)

    def test_files_that_are_no_traces(self):
        driver = os.path.join(DRIVERS, 'isolate_split.sys')
        self.assertEqual(len(self.run_report('/nonexistent', code=3, says='No such file')), 1)
        self.assertEqual(len(self.run_report('/', code=3, says='/:1: Is a directory')), 1)
        self.assertEqual(len(self.run_report(driver, code=3, says='isolate_split.sys:1: ')), 1)
        self.assertEqual(len(self.run_report('/dev/null', code=3, says=':1: the file is empty')), 1)
        with tempfile.TemporaryDirectory() as folder:
            trace, cut = os.path.join(folder, 'trace'), os.path.join(folder, 'cut')
            self.assertEqual(pagable('run', driver, '--trace', trace).returncode, 0)
            with open(trace, 'rb') as file:
                lines = file.readlines()
            for text, line, says in ((b''.join(lines[:-1]), len(lines), 'ends without a result'),
                                     (b''.join(lines)[:-1], len(lines), 'cut off'),
                                     (b''.join(lines[:3] + [b'{"a":\n']), 4, 'no JSON')):
                with open(cut, 'wb') as file:
                    file.write(text)
                self.assertEqual(len(self.run_report(cut, code=3, says=f'cut:{line}: ')), 1)
                self.run_report(cut, code=3, says=says)
            self.run_report(trace, '-o', '/nonexistent/x', code=2, says='No such file')
            self.run_report(trace, '-o', '/dev/full', code=4, says='could not be written')

    def test_a_million_lines_in_bounded_memory(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, 'trace')
            with open(trace, 'w', encoding='ascii') as file:
                file.write('{"schema":"pagable.trace/1","drivers":["a.sys"]}\n'
                           '{"time":0,"event":"module","module":0,"name":"a.sys","base":4096,"bytes":9}\n'
                           '{"event":"section","section":0,"module":0,"name":"PAGE","class":"pageable",'
                           '"rva":0,"bytes":9,"pages":1}\n')
                for i in range(500000):
                    file.write('{"time":%d,"event":"page-in","irql":0,"section":0,"page":0,"pages":1}\n'
                               '{"time":%d,"event":"page-out","irql":0,"section":0,"page":0,"pages":1}\n'
                               % (7 * i, 7 * i + 3))
                file.write('{"event":"result","run":{"schema":"pagable.run/1","result":"clean"}}\n')
            done = pagable('report', trace, memory=None if SANITIZED else 128 << 20)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLess(len(done.stdout), 1 << 20)
            self.assertIn(b'<td>500000</td>', done.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
