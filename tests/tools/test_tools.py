# SPDX-License-Identifier: MIT
"""The checkers of tools/ find what they are for, and only that.

    test_tools.py SOURCE DRIVERS LLVM_SUFFIX
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, DRIVERS, SUFFIX = sys.argv[1:4]


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, check=False)


def tool(name, *arguments):
    return run(sys.executable, '-B', os.path.join(SOURCE, 'tools', name), *arguments)


class InTree(unittest.TestCase):
    """A small tree of its own for each test."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='pagable-tools-')
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)
        return path


class Layers(InTree):
    def setUp(self):
        super().setUp()
        self.write('tools/layers.txt', '# a comment\nlow:\nmiddle: low\nhigh: middle low # why\n')
        self.write('include/pagable/status.h', '#ifndef A\n#define A\ntypedef int pg_status;\n#endif\n')
        self.write('src/low/low.h', '#ifndef L\n#define L\n#include <pagable/status.h>\n'
                                    'pg_status low(void);\n#endif\n')
        self.write('src/low/low.c', '#include "low/low.h"\n#include <stdio.h>\n')
        self.write('src/low/map_linux.c', '#include "low/low.h"\n#include <sys/mman.h>\n')
        self.write('src/middle/middle.c', '#include "low/low.h"\n#include <pagable/status.h>\n')
        self.write('src/high/high.c', '#include "low/low.h"\n')

    def check(self, *arguments):
        return tool('check-layers', '--root', self.root, *arguments)

    def assert_wrong(self, place, reason):
        done = self.check('--no-compile')
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
        self.assertIn(place, done.stdout)
        self.assertIn(reason, done.stdout)

    def test_good_tree(self):
        done = self.check()
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_edge_upwards(self):
        self.write('src/middle/up.h', '')
        self.write('src/low/low.c', '#include "low/low.h"\n#  include "middle/up.h"\n')
        self.assert_wrong('src/low/low.c:2:', 'room low may not use room middle')

    def test_edge_not_listed(self):
        self.write('src/high/h.h', '')
        self.write('src/middle/deep/x.c', '#include "high/h.h"\n')
        self.assert_wrong('src/middle/deep/x.c:1:', 'room middle may not use room high')

    def test_linux_header_outside(self):
        self.write('src/high/high.c', 'int x;\n#include <sys/mman.h>\n')
        self.assert_wrong('src/high/high.c:2:', '<sys/mman.h>')

    def test_private_linux_header(self):
        self.write('src/low/map_linux.h', '#include <signal.h>\n')
        self.write('src/low/map_linux.c', '#include "low/map_linux.h"\n')
        self.assertEqual(self.check('--no-compile').returncode, 0)
        self.write('src/high/high.c', '#include "low/map_linux.h"\n')
        self.assert_wrong('src/high/high.c:1:', 'is for *_linux files')

    def test_path_outside_of_src(self):
        self.write('src/high/high.c', '#include "../tests/x.h"\n')
        self.assert_wrong('src/high/high.c:1:', 'is no "room/file.h"')

    def test_generated_header(self):
        self.write('src/high/high.c', '#include "made.h"\n')
        self.assert_wrong('src/high/high.c:1:', '"made.h"')
        self.write('tools/layers.txt', '@generated made.h\nlow:\nmiddle: low\nhigh: low\n')
        self.assertEqual(self.check('--no-compile').returncode, 0)

    def test_relative_path_in_a_subfolder(self):
        self.write('src/high/list.h', '')
        self.write('src/high/guest/g.c', '#include "../list.h"\n')
        self.assertEqual(self.check('--no-compile').returncode, 0)
        self.write('src/high/guest/g.c', '#include "../../middle/middle.c"\n')
        self.assert_wrong('src/high/guest/g.c:1:', 'is no "room/file.h"')

    def test_header_that_needs_another(self):
        self.write('src/high/high.h', 'pg_status high(void);\n')
        done = self.check()
        self.assertEqual(done.returncode, 1)
        self.assertIn('src/high/high.h: does not compile alone', done.stdout)

    def test_header_without_guard(self):
        self.write('src/high/high.h', 'enum high { HIGH };\n')
        self.assertEqual(self.check().returncode, 1)

    def test_room_without_row(self):
        self.write('src/extra/x.c', '')
        self.assert_wrong('src/extra', 'no row')

    def test_cycle_in_the_table(self):
        self.write('tools/layers.txt', 'low: middle\nmiddle: low\nhigh:\n')
        done = self.check('--no-compile')
        self.assertEqual(done.returncode, 2)
        self.assertIn('low may not use middle', done.stdout)

    def test_table_not_understood(self):
        self.write('tools/layers.txt', 'low\n')
        self.assertEqual(self.check('--no-compile').returncode, 2)


class Definitions(InTree):
    GOOD = ('#define NT_EXPORTS_KE(X) \\\n    X(KeSetEvent, NTOS, DONE, 2, 3) \\\n'
            '    X(KeStall, HAL, DONE, 15, 1)\n#define NT_DATA_EXPORTS_KE(X) X(KeTickCount, 8)\n')

    def make(self, rows):
        self.write('src/nt/exports_ke.h', rows)
        top = self.write('src/nt/exports.h', '#include "nt/exports_ke.h"\n'
                                             '#define NT_EXPORTS(X) NT_EXPORTS_KE(X)\n')
        self.ntos = os.path.join(self.root, 'ntos.def')
        self.hal = os.path.join(self.root, 'hal.def')
        return tool('make-def', top, 'NTOS=%s:ntoskrnl.exe' % self.ntos, 'HAL=%s:hal.dll' % self.hal)

    def test_good_table(self):
        done = self.make(self.GOOD)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(self.ntos, encoding='utf-8') as text:
            self.assertEqual(text.read(), 'LIBRARY ntoskrnl.exe\nEXPORTS\n    KeSetEvent\n'
                                          '    KeTickCount DATA\n')
        with open(self.hal, encoding='utf-8') as text:
            self.assertEqual(text.read(), 'LIBRARY hal.dll\nEXPORTS\n    KeStall\n')

    def assert_fails(self, rows, reason):
        done = self.make(rows)
        self.assertEqual(done.returncode, 1)
        self.assertIn(reason, done.stdout)

    def test_name_twice(self):
        self.assert_fails(self.GOOD.replace('KeStall', 'KeSetEvent'), 'exports_ke.h:3: KeSetEvent')

    def test_module_unknown(self):
        self.assert_fails(self.GOOD.replace('HAL', 'NDIS'), 'module NDIS')

    def test_row_not_understood(self):
        self.assert_fails(self.GOOD.replace('KeStall', '7'), 'exports_ke.h:3:')

    def test_empty_table(self):
        self.assert_fails('#define NT_EXPORTS_KE(X)\n', 'no exports')


class Placement(InTree):
    """The sample drivers pass; a source or an image that says something else does not."""

    def check(self, name, sources, **changes):
        """Runs the checker with the compiler's remarks from the build, and those of a test's own."""
        folder = os.path.join(DRIVERS, name + '.dir')
        remarks = [os.path.join(folder, f) for f in os.listdir(folder) if f.endswith('.yaml')]
        remarks += changes.get('remarks', [])
        image = changes.get('image', os.path.join(DRIVERS, name + '.sys'))
        pdb = os.path.join(DRIVERS, name + '.pdb')
        return tool('check-placement', '--image', image, *(['--pdb', pdb] if os.path.exists(pdb) else []),
                    '--llvm-suffix=' + SUFFIX, *changes.get('defines', []), '--sources', *sources,
                    '--remarks', *remarks)

    def source(self, name):
        return os.path.join(SOURCE, 'drivers', name)

    def changed_source(self, name, old, new):
        with open(self.source(name), encoding='utf-8') as source:
            text = source.read()
        self.assertIn(old, text)
        return self.write(name, text.replace(old, new))

    def assert_wrong(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stdout)

    def test_samples_pass(self):
        done = self.check('sections', [self.source('sections.c')])
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_pragma_that_is_not_kept(self):
        for driver, source in (('sections', 'sections.c'), ('isolate_split', 'isolate_split.c')):
            names = {'sections.c': ('PAGE, PlainFirst', 'PAGEAAAA, PlainFirst'),
                     'isolate_split.c': ('PAGE, IsolateMount', 'PAGEAAAA, IsolateMount')}[source]
            changed = self.changed_source(source, *names)
            sources = [changed] if driver == 'sections' else [changed, self.source('isolate_common.c')]
            self.assert_wrong(self.check(driver, sources), names[1].split()[1] + ': in PAGE', 'PAGEAAAA')

    def test_routine_without_pragma_in_page(self):
        changed = self.changed_source('sections.c', '#pragma alloc_text(PAGEBBBB, BetaFirst)\n', '')
        self.assert_wrong(self.check('sections', [changed]), 'BetaFirst: in PAGEBBBB', '.text')

    def test_routine_that_does_not_exist(self):
        changed = self.changed_source('sections.c', 'PAGE, PlainFirst', 'PAGE, Nothing')
        self.assert_wrong(self.check('sections', [changed]), 'Nothing: said to be in PAGE')

    def test_conditions(self):
        """Only pragmas that the compiler saw count; a condition that is no name leaves both."""
        pragma = '#pragma alloc_text(PAGE, PlainFirst)\n'
        wrong = pragma.replace('PAGE,', 'PAGEAAAA,')
        for name, text, defines in (
                ('ifdef', '#ifdef FIXED\n' + wrong + '#else\n' + pragma + '#endif\n', []),
                ('ifdef -D', '#ifdef FIXED\n' + pragma + '#else\n' + wrong + '#endif\n', ['-DFIXED']),
                ('ifndef', '#ifndef FIXED\n' + pragma + '#endif\n', []),
                ('nested', '#ifdef FIXED\n#ifndef OTHER\n' + wrong + '#endif\n#else\n' + pragma + '#endif\n',
                 []),
                ('if', '#if 1\n' + pragma + '#endif\n', [])):
            changed = self.changed_source('sections.c', pragma, text)
            with self.subTest(name):
                done = self.check('sections', [changed], defines=defines)
                self.assertEqual((done.returncode, done.stdout), (0, ''))
        changed = self.changed_source('sections.c', pragma, '#ifdef FIXED\n' + pragma + '#endif\n')
        self.assert_wrong(self.check('sections', [changed]), 'PlainFirst: in PAGE', '.text')

    def remark(self, callee, caller):
        return self.write('r.yaml', '--- !Passed\nPass:            inline\nName:            Inlined\n'
                          'Function:        %s\nArgs:\n  - String:          \'\'\'\'\n'
                          '  - Callee:          %s\n...\n' % (caller, callee))

    def test_copies(self):
        sources = [self.source('isolate_split.c'), self.source('isolate_common.c')]
        cases = (('IsolateDropReference', 'IsolateMount', 1),  # resident lines in PAGE: undone
                 ('IsolateMount', 'IsolateDeviceControl', 1),  # pageable lines in .text
                 ('IsolateComplete', 'IsolateOpenClose', 0),   # both resident
                 ('IsolateComplete', 'DriverEntry', 0),        # INIT may hold copies
                 ('InsertTailList', 'IsolateMount', 0))        # a helper of the headers
        for callee, caller, code in cases:
            done = self.check('isolate_split', sources, remarks=[self.remark(callee, caller)])
            self.assertEqual(done.returncode, code, (callee, caller, done.stdout))

    def test_image_flags_and_checksum(self):
        with open(os.path.join(DRIVERS, 'isolate_split.sys'), 'rb') as image:
            data = bytearray(image.read())
        sources = [self.source('isolate_split.c'), self.source('isolate_common.c')]
        path = os.path.join(self.root, 'changed.sys')
        for name, flag, word in ((b'PAGE\0\0\0\0', 0x08, 'PAGE is marked NOT_PAGED'),
                                 (b'.text\0\0\0', 0x08, '.text is not marked NOT_PAGED'),
                                 (b'INIT\0\0\0\0', 0x02, 'INIT is not marked DISCARDABLE')):
            changed = bytearray(data)
            changed[data.index(name) + 39] ^= flag
            with open(path, 'wb') as out:
                out.write(changed)
            self.assert_wrong(self.check('isolate_split', sources, image=path), word, 'checksum is')

    def test_image_without_unwind_data(self):
        with open(os.path.join(DRIVERS, 'isolate_split.sys'), 'rb') as image:
            data = image.read().replace(b'.pdata\0\0', b'.other\0\0')
        path = os.path.join(self.root, 'changed.sys')
        with open(path, 'wb') as out:
            out.write(data)
        sources = [self.source('isolate_split.c'), self.source('isolate_common.c')]
        self.assert_wrong(self.check('isolate_split', sources, image=path), 'no unwind data')

    def test_image_without_symbols(self):
        path = os.path.join(self.root, 'stripped.sys')
        shutil.copy(os.path.join(DRIVERS, 'isolate_resident.sys'), path)
        done = tool('check-placement', '--image', path, '--llvm-suffix=' + SUFFIX,
                    '--sources', self.source('isolate_resident.c'))
        self.assert_wrong(done, 'no symbols')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
