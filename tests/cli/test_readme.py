# SPDX-License-Identifier: MIT
"""What README.md shows is what is printed.

    test_readme.py PROGRAM DRIVERS SOURCE CMAKE

Every command of README.md runs as it stands there, in its order, in a folder that looks like a built
checkout; what it prints on both streams is compared line by line.  A line "..." stands for any lines.
`./dev build` builds the drivers that README rewrites, as the project does.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE, CMAKE = sys.argv[1:5]
# For the reader's own driver, and what takes minutes or differs on each machine.
NOT_RUN = {'./dev demo', './dev bench', 'build/pagable run your.sys', 'build/pagable advise your.sys'}
# What finds something and ends with 1; all others end with 0.
FINDS = {'build/pagable run build/drivers/isolate_mixed.sys',
         'build/pagable advise build/drivers/isolate_mixed.sys',
         'build/pagable run -q build/drivers/gallery/virtio_inlined_lock.sys',
         'build/pagable run -q build/drivers/gallery/must_be_resident_role_isr.sys',
         'build/pagable run build/drivers/gallery/lock_leak.sys'}
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(readme LANGUAGES NONE)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
include(cmake/drivers.cmake)
add_custom_target(drivers ALL)
driver_import_libraries()
driver(isolate_mixed SOURCES drivers/isolate_mixed.c drivers/isolate_common.c SYMBOLS dwarf)
"""
DEV = """#!/bin/sh
[ "$*" = build ] && '{cmake}' -S . -B build -G Ninja && exec '{cmake}' --build build
"""


def commands():
    """Of all blocks of README.md: (command, the lines below it)."""
    with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as file:
        blocks = re.findall(r'^```(\w*)\n(.*?)^```$', file.read(), re.M | re.S)
    for block in (block for language, block in blocks if language == ''):
        for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
            command, _, printed = part.partition('\n')
            yield command.split('  #')[0].strip(), printed.rstrip('\n').split('\n')


def pattern(lines):
    each = ['(?:.*\n)*?' if line == '...' else re.escape(line.rstrip()) + '[ \t]*\n' for line in lines]
    return ''.join(each) if lines != [''] else ''


class Readme(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        build = os.path.join(self.folder, 'build')
        os.mkdir(build)
        os.symlink(PROGRAM, os.path.join(build, 'pagable'))
        for name in ('cmake', 'scenarios', 'src', 'tools'):
            os.symlink(os.path.join(SOURCE, name), os.path.join(self.folder, name))
        shutil.copytree(os.path.join(SOURCE, 'drivers'), os.path.join(self.folder, 'drivers'))
        for folder in ('.', 'gallery'):
            os.makedirs(os.path.join(build, 'drivers', folder), exist_ok=True)
            for name in os.listdir(os.path.join(DRIVERS, folder)):
                if name.endswith(('.sys', '.pdb', '.lua', '.inf')):
                    shutil.copy(os.path.join(DRIVERS, folder, name),
                                os.path.join(build, 'drivers', folder, name))
        with open(os.path.join(self.folder, 'CMakeLists.txt'), 'w', encoding='utf-8') as out:
            out.write(PROJECT)
        with open(os.path.join(self.folder, 'dev'), 'w', encoding='utf-8') as out:
            out.write(DEV.format(cmake=CMAKE))
        os.chmod(os.path.join(self.folder, 'dev'), 0o755)

    def test_lists_hold_commands_of_the_readme(self):
        self.assertLessEqual(NOT_RUN | FINDS, {command for command, _ in commands()})

    def test_commands_print_what_is_shown(self):
        env = {key: value for key, value in os.environ.items()
               if key not in ('NO_COLOR', 'CLICOLOR_FORCE', '_NT_SYMBOL_PATH', 'DESTDIR')}
        ran = []
        for command, expected in commands():
            if command in NOT_RUN:
                continue
            done = subprocess.run(['sh', '-c', command], cwd=self.folder, env=env, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=300)
            printed = done.stdout.decode()
            self.assertEqual(done.returncode, int(command in FINDS), f'{command}\n{printed}')
            if re.fullmatch(pattern(expected), printed) is None:
                self.assertEqual('\n'.join(expected), printed, command)
            ran.append(command)
        for word in ('run', 'info', 'advise', 'isolate'):
            self.assertTrue(any(word in command for command in ran), word)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
