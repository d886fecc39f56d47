#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scripts that unload drivers and load them again.

usage: test_drivers.py PAGABLE DRIVER.sys OTHER.sys
"""
import subprocess
import sys
import tempfile
import unittest

PAGABLE, DRIVER, OTHER = sys.argv[1:4]


def run(script, *drivers):
    with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
        file.write(script)
        file.flush()
        return subprocess.run([PAGABLE, 'run', '-q', *(drivers or (DRIVER,)), '--script', file.name],
                              text=True, capture_output=True, timeout=120, check=False)


class Drivers(unittest.TestCase):
    def passes(self, script, *drivers):
        result = run(script, *drivers)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def is_bad(self, script, reason):
        result = run(script)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn(reason, result.stderr)

    def test_unloaded_driver_is_gone(self):
        self.passes('''
            local it = driver("sections")
            expect(it:unload())
            expect(it.name == "sections.sys", "its name stays")
            expect(driver("sections") == nil and driver(1) == nil)
            expect(device("\\\\Device\\\\Sections") == nil)''')

    def test_load_starts_it_anew(self):
        """The lock that was held before does not come back, and there is a new image."""
        self.passes('''
            local LOCK, UNLOCK, target = 0x222004, 0x22200c, string.pack("<i8", 0)
            local it = driver(1)
            for round = 1, 3 do
              local file = open("\\\\Device\\\\Sections")
              expect(section("sections.sys", "PAGEAAAA").lock_count == 0)
              file:control(LOCK, target, 8)
              expect(section("sections.sys", "PAGEAAAA").lock_count == 1)
              file:control(UNLOCK, target, 8)
              file:close()
              expect(it:unload())
              expect(it:load())
            end
            expect(#it:devices() == 1)''')

    def test_a_driver_in_use_stays(self):
        result = self.passes('''
            local it, file = driver(1), open("\\\\Device\\\\Sections")
            expect(not it:unload())
            expect(driver(1) ~= nil)
            file:close()
            expect(it:unload())''')
        self.assertIn('stays loaded', result.stderr)

    def test_others_stay(self):
        self.passes('''
            expect(driver("sections"):unload())
            expect(driver(1) ~= nil)
            open("\\\\Device\\\\IsolateSplit"):close()''', DRIVER, OTHER)

    def test_misuse(self):
        self.is_bad('driver(1):load()', 'the driver is loaded')
        self.is_bad('local d = driver(1)\nd:unload()\nd:unload()', 'the driver is not loaded')
        self.is_bad('local d = driver(1)\nd:unload()\nd:devices()', 'the driver is not loaded')
        self.is_bad('local d = driver(1)\nd:unload()\nprint(d.address)', 'the driver is not loaded')

    def test_too_often(self):
        """Images are counted; the end is one line and not a crash."""
        result = run('local d = driver(1)\nwhile true do d:unload() d:load() end')
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assertIn('too many images', result.stderr)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
