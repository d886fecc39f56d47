# SPDX-License-Identifier: MIT
"""The freestanding objects ask for nothing but four memory functions, and the toy kernel runs.

    test_freestanding.py SECTION.o SECTION-IMAGE.o TOYKERNEL DRIVERS
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

SECTION, IMAGE, TOYKERNEL, DRIVERS = sys.argv[1:]
MEMORY = {'memcpy', 'memmove', 'memset', 'memcmp'}


def undefined(path):
    done = subprocess.run(['nm', '-u', path], stdout=subprocess.PIPE, check=True, text=True)
    return {line.split()[-1] for line in done.stdout.splitlines() if line.strip()}


def toykernel(*arguments):
    return subprocess.run([TOYKERNEL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def sections_of(line):
    """'loaded: .text 1/1, PAGE 0/2' -> {'.text': (1, 1), 'PAGE': (0, 2)}, each name once."""
    return {name: (int(present), int(pages))
            for name, present, pages in re.findall(r'(\S+) (\d+)/(\d+)', line)}


class Freestanding(unittest.TestCase):
    def test_objects_lean_on_nothing_else(self):
        self.assertLessEqual(undefined(SECTION), MEMORY)
        self.assertLessEqual(undefined(IMAGE), MEMORY)
        self.assertEqual(undefined(TOYKERNEL), set())

    def test_toy_kernel_has_no_loader(self):
        done = subprocess.run(['readelf', '-lW', TOYKERNEL], stdout=subprocess.PIPE, check=True,
                              text=True)
        self.assertNotIn('INTERP', done.stdout)
        self.assertNotIn('DYNAMIC', done.stdout)

    def test_toy_kernel_pages(self):
        done = toykernel(os.path.join(DRIVERS, 'sections.sys'))
        self.assertEqual(done.returncode, 0, done.stdout)
        stages = {line.split(':')[0]: sections_of(line) for line in done.stdout.splitlines()}
        self.assertEqual(list(stages), ['loaded', 'initialized', 'locked twice', 'unlocked once',
                                        'unlocked'])
        pageable = [name for name in stages['loaded'] if name.startswith('PAGE')]
        self.assertGreater(len(pageable), 1)
        self.assertIn('INIT', stages['loaded'])
        for name, (present, pages) in stages['loaded'].items():
            self.assertEqual(present, 0 if name in pageable else pages, name)
        for stage, sections in stages.items():
            for name, (present, pages) in sections.items():
                gone = name == 'INIT' and stage != 'loaded'
                out = name in pageable and stage not in ('locked twice', 'unlocked once')
                self.assertEqual(present, 0 if gone or out else pages, (stage, name))

    def test_toy_kernel_refuses(self):
        self.assertEqual(toykernel().returncode, 1)
        done = toykernel('/nonexistent.sys')
        self.assertEqual((done.returncode, done.stdout),
                         (1, 'toykernel: the driver cannot be read (0)\n'))
        with tempfile.NamedTemporaryFile() as file:
            with open(os.path.join(DRIVERS, 'sections.sys'), 'rb') as driver:
                file.write(driver.read()[:600])
            file.flush()
            done = toykernel(file.name)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'^toykernel: .+: .+ \(\d+\)\n$')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
