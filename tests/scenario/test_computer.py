#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts do to the computer before its drivers start: the registry, and when the start is.

usage: test_computer.py PAGABLE DRIVER.sys
"""
import os
import subprocess
import sys
import tempfile
import unittest

PAGABLE, DRIVER = None, None
KEY = r'\\Registry\\Machine\\System\\CurrentControlSet\\Services\\sections\\Parameters'


def run(script):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'script.lua')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(script)
        return subprocess.run([PAGABLE, 'run', '-q', DRIVER, '--script', path], text=True,
                              capture_output=True, timeout=120, check=False)


class Registry(unittest.TestCase):
    def passes(self, script):
        result = run(script)
        self.assertEqual(result.returncode, 0, result.stderr)

    def is_bad(self, script, reason):
        result = run(script)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn(reason, result.stderr)

    def test_values_come_back(self):
        self.passes(f'''
            local path = '{KEY}'
            registry(path, 'Number', 7)
            registry(path, 'Big', 1 << 40)
            registry(path, 'Text', 'h\\u{{e9}}llo \\u{{1f600}}')
            registry(path, 'Empty', '')
            registry(path, 'Raw', 'a\\0b', 'binary')
            registry(path, 'List', {{'one', 'two', '\\u{{df}}'}})
            expect(registry(path, 'Number') == 7)
            expect(registry(path, 'number') == 7, 'names know no case')
            expect(registry(path, 'Big') == 1 << 40)
            expect(registry(path, 'Text') == 'h\\u{{e9}}llo \\u{{1f600}}')
            expect(registry(path, 'Empty') == '')
            expect(registry(path, 'Raw') == 'a\\0b')
            local list = registry(path, 'List')
            expect(#list == 3 and list[2] == 'two' and list[3] == '\\u{{df}}')
            expect(registry(path, 'Missing') == nil)
            expect(registry([[\\Registry\\Machine\\Nowhere]], 'x') == nil)''')

    def test_a_short_path_is_below_the_services(self):
        self.passes(f'''
            registry([[sections\\Parameters]], 'X', 1)
            expect(registry('{KEY}', 'X') == 1)''')

    def test_an_empty_list_is_a_list(self):
        self.passes('''
            registry('sections', 'List', {})
            expect(#registry('sections', 'List') == 0)''')

    def test_mistakes_are_named(self):
        self.is_bad("registry('x', 'y', true)", 'integer or a list')
        self.is_bad("registry('x', 'y', {1})", 'list of strings')
        self.is_bad("registry('x', 'y', '\\xff\\xfe')", 'not UTF-8')
        self.is_bad("registry('x', 'y', '\\xc3')", 'not UTF-8')
        self.is_bad("registry([[\\Elsewhere\\x]], 'y', 1)", 'no path of the registry')
        self.is_bad("registry(('x'):rep(600), 'y', 1)", 'too long')
        self.is_bad('registry()', 'registry')


class Start(unittest.TestCase):
    def test_the_registry_does_not_need_the_drivers(self):
        """The service key is made by the start: before it, only what the script wrote is there."""
        self.assertEqual(run('''
            registry('sections', 'Mine', 1)
            expect(registry('sections', 'ImagePath') == nil, 'started too early')
            start()
            expect(registry('sections', 'ImagePath') ~= nil, 'not started')
            expect(registry('sections', 'Mine') == 1)
            start()''').returncode, 0)

    def test_what_needs_the_drivers_starts_them(self):
        for need in ("driver(1)", r"device('\\Device\\Sections')", r"open('\\Device\\Sections')",
                     "section('sections.sys', 'PAGEAAAA')", 'trim()', 'sleep(1)'):
            result = run(f'''
                {'' if '=' in need else 'local it ='} {need}
                expect(registry('sections', 'ImagePath') ~= nil, 'not started')''')
            self.assertEqual(result.returncode, 0, need + result.stderr)

    def test_an_empty_script_starts_them_too(self):
        result = run('')
        self.assertEqual(result.returncode, 0)


if __name__ == '__main__':
    PAGABLE, DRIVER = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
