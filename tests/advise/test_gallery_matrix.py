# SPDX-License-Identifier: MIT
"""The advisor finds each mistake of the gallery that an image shows, with the rule and routine that a
run names, whatever the level of optimisation and the target; it finds nothing else, nothing in the
fixed twins, and nothing in those whose mistake only a run shows.

    test_gallery_matrix.py PROGRAM TOOLCHAIN SOURCE WORK
"""
import os
import re
import sys
import unittest

PROGRAM, TOOLCHAIN, SOURCE, WORK = sys.argv[1:5]
sys.path.insert(0, os.path.join(SOURCE, 'tests/gallery'))

from advisor import advise, in_words  # noqa: E402
from pairs import pairs_of  # noqa: E402
from toolchain import VARIANTS, Toolchain, parallel  # noqa: E402

# Mistakes that no image shows, and why.
ONLY_IN_A_RUN = {
    'budget_exhausted': 'a loop that does not end is no matter of IRQL or sections',
    'device_start_failed': 'an answer at run time',
    'driver_entry_failed': 'an answer at run time',
    'expectation_failed': 'what the driver is for is not in the image',
    'irp_not_cancellable': 'about requests, not about IRQL or sections',
    'paging_path_pageable_power': 'a flag of the device that is not cleared at run time',
    'thread_hang': 'about threads, not about IRQL or sections',
    'unload_left_behind': 'about time, not about IRQL or sections',
    'unlock_with_requests_outstanding': 'about requests that are outstanding at run time',
}

# What only the developer knows of a driver.
OPTIONS = {'paging_path_pageable': ('--paging-path',)}

PAIRS = pairs_of(SOURCE)


def build_flags():
    """{name: (CFLAGS, LINKFLAGS)} of drivers/gallery/CMakeLists.txt."""
    with open(os.path.join(SOURCE, 'drivers/gallery/CMakeLists.txt'), encoding='utf-8') as file:
        calls = re.findall(r'^mistake\((\w+)(.*?)\)', file.read(), re.M | re.S)
    flags = {}
    for name, rest in calls:
        found = {'CFLAGS': [], 'LINKFLAGS': []}
        kind = None
        for word in rest.split():
            if word in found:
                kind = word
            elif kind:
                found[kind].append(word)
        flags[name] = (found['CFLAGS'], found['LINKFLAGS'])
    return flags


class Image:
    def __init__(self, pair, fixed, variant):
        self.pair, self.fixed, self.variant = pair, fixed, variant
        self.path = os.path.join(WORK, ''.join(variant),
                                 pair.name + ('_fixed' if fixed else '') + '.sys')

    def build(self, toolchain, flags):
        compiler, linker = flags[self.pair.name]
        toolchain.driver(self.path, self.pair.path, self.variant,
                         [*compiler, *(['-DFIXED'] if self.fixed else [])],
                         [] if self.fixed else linker)


class GalleryMatrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        toolchain = Toolchain(TOOLCHAIN, WORK)
        toolchain.prepare()
        flags = build_flags()
        cls.images = [Image(pair, fixed, variant)
                      for pair in PAIRS for fixed in (False, True) for variant in VARIANTS]
        parallel(lambda image: image.build(toolchain, flags), cls.images)
        cls.reports = {}
        for options in sorted({OPTIONS.get(pair.name, ()) for pair in PAIRS}):
            paths = [i.path for i in cls.images if OPTIONS.get(i.pair.name, ()) == options]
            cls.reports.update(advise(PROGRAM, paths, options))

    def each(self, fixed, check):
        for image in self.images:
            if image.fixed == fixed:
                with self.subTest(driver=image.pair.name, variant=image.variant):
                    check(image.pair, self.reports[image.path]['violations'])

    def check_mistake(self, pair, found):
        told = '\n'.join(map(in_words, found))
        self.assertEqual([f['rule'] for f in found], [pair.rule], told)
        self.assertIn(found[0]['verdict'], ('definite', 'possible'), told)
        if pair.function:
            self.assertEqual(found[0]['function'], pair.function, told)

    def check_silent(self, _, found):
        self.assertEqual(list(map(in_words, found)), [])

    def test_mistake(self):
        self.each(False, lambda pair, found: (
            self.check_silent if pair.name in ONLY_IN_A_RUN else self.check_mistake)(pair, found))

    def test_fixed_twin(self):
        self.each(True, self.check_silent)

    def test_nobody_is_excused_twice(self):
        names = {pair.name for pair in PAIRS}
        self.assertEqual(set(ONLY_IN_A_RUN) - names, set(), 'no such drivers')
        self.assertEqual(set(OPTIONS) - names, set(), 'no such drivers')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
