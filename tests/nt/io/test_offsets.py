# SPDX-License-Identifier: MIT
"""The layout check: a wrong offset, size or count stops the build; bad input is refused.

    test_offsets.py SOURCE HEADER COMPILER
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, HEADER, COMPILER = sys.argv[1:4]
TOOL = os.path.join(SOURCE, 'tools', 'nt-offsets')


class Layout(unittest.TestCase):
    def compile(self, change):
        """Compile offsets.c with a changed header; what the compiler said, None when it took it."""
        with open(HEADER, encoding='utf-8') as file:
            text = change(file.read())
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'nt_offsets.h'), 'w', encoding='utf-8') as file:
                file.write(text)
            done = subprocess.run(
                [COMPILER, '-std=gnu11', '-fsyntax-only', '-I' + folder,
                 '-I' + os.path.join(SOURCE, 'src'), os.path.join(SOURCE, 'src', 'nt', 'offsets.c')],
                stderr=subprocess.PIPE, check=False, timeout=120)
        return None if done.returncode == 0 else done.stderr.decode()

    def test_the_real_header_is_accepted(self):
        self.assertIsNone(self.compile(lambda text: text))

    def test_each_kind_of_difference_is_refused(self):
        field = 'NT_OFFSET(irp, IoStatus, 48, 16)'
        for old, new, says in (
                (field, 'NT_OFFSET(irp, IoStatus, 56, 16)', 'irp.IoStatus'),
                (field, 'NT_OFFSET(irp, IoStatus, 48, 8)', 'irp.IoStatus'),
                ('NT_SIZE(mdl, 48)', 'NT_SIZE(mdl, 40)', 'struct mdl'),
                # As many entries as the tool found: one that the compiler lost is missed.
                ('NT_LAYOUT_ENTRIES ', 'NT_LAYOUT_ENTRIES -1 + ', 'not complete')):
            with open(HEADER, encoding='utf-8') as file:
                self.assertIn(old, file.read())
            self.assertIn(says, self.compile(lambda text: text.replace(old, new)) or '')

    def run_tool(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, 'list.s'), os.path.join(folder, 'out.h')
            with open(source, 'w', encoding='utf-8') as file:
                file.write(text)
            done = subprocess.run([sys.executable, '-B', TOOL, source, target],
                                  stderr=subprocess.PIPE, check=False, timeout=60)
            made = None
            if os.path.exists(target):
                with open(target, encoding='utf-8') as file:
                    made = file.read()
        return done.returncode, done.stderr.decode(), made

    def test_the_tool(self):
        code, _, made = self.run_tool('x\n@@NT_SIZE(irp, 208)\n@@NT_OFFSET(irp, Tail.Apc, 120, 88)\n')
        self.assertEqual(code, 0)
        self.assertTrue(re.search(r'NT_OFFSET\(irp, Tail.Apc, 120, 88\)\n#define \w+ 2\n$', made))
        for text, says in (('nothing\n', 'no layout entry'), ('\n@@NT_SIZE(irp, x)\n', ':2: not a layout')):
            code, error, made = self.run_tool(text)
            self.assertEqual(code, 1)
            self.assertIn(says, error)
            self.assertIsNone(made)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
