# SPDX-License-Identifier: MIT
"""The command line where the world is odd: closed streams, pipes for files, what is no text.

    test_cli_edges.py PROGRAM DRIVERS SOURCE
"""
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
MIXED = os.path.join(DRIVERS, 'isolate_mixed.sys')
TOUCH = os.path.join(DRIVERS, 'touch.sys')
MIXED_C = os.path.join(SOURCE, 'drivers', 'isolate_mixed.c')


def run(*arguments, **more):
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=60, **more)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # pylint: disable-next=consider-using-with
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name, content=None):
        path = os.path.join(self.folder.name, name)
        if content is not None:
            with open(path, 'wb') as file:
                file.write(content)
        return path

    def fails(self, code, says, *arguments, **more):
        """One line of complaint (a hint may follow), and nothing on standard output."""
        done = run(*arguments, **more)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, lines[0])
        self.assertTrue(len(lines) == 1 or lines[1].startswith(('hint: ', 'Try ')), lines)
        self.assertLessEqual(len(lines), 3 if code == 2 else 2)  # argp breaks a long line
        return done


class Streams(Case):
    def test_closed_output_is_told(self):
        for files in ([MIXED], [TOUCH], [MIXED, TOUCH]):
            done = subprocess.run(['sh', '-c', '"$0" "$@" >&-', PROGRAM, 'advise', *files],
                                  stderr=subprocess.PIPE, check=False, timeout=60)
            self.assertEqual(done.returncode, 4, (files, done.stderr))
            self.assertIn(b'standard output: Bad file descriptor', done.stderr)

    def test_closed_input_and_errors_do_no_harm(self):
        for closed in ('<&-', '2>&-', '<&- 2>&-'):
            done = subprocess.run(['sh', '-c', f'"$0" "$@" {closed}', PROGRAM, 'advise', TOUCH, MIXED],
                                  stdout=subprocess.PIPE, check=False, timeout=60)
            self.assertEqual(done.returncode, 1, closed)
            self.assertIn(b'2 files: 1 with violations, 0 could not', done.stdout)

    def test_a_list_from_closed_input_is_told(self):
        done = subprocess.run(['sh', '-c', '"$0" advise --files-from - <&-', PROGRAM],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (3, b'pagable: -: Bad file descriptor\n'))


class NoRegularFiles(Case):
    SAYS = 'is not a regular file'

    def fifo(self, name):
        path = self.path(name)
        os.mkfifo(path)
        return path

    def test_pipes(self):
        with open(MIXED_C, 'rb') as file:
            source = file.read()
        done = subprocess.run([PROGRAM, 'isolate', '/dev/stdin'], input=source, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (3, b'', b'pagable: /dev/stdin: is not a regular file\n'))

    def test_fifos(self):
        source, driver, text = self.fifo('a.c'), self.fifo('b.sys'), self.fifo('c.json')
        for arguments in (['isolate', source], ['info', driver], ['run', driver],
                          ['run', TOUCH, '--script', text], ['advise', TOUCH, '--join', text]):
            self.fails(3, self.SAYS, *arguments)

    def test_fifo_beside_a_driver(self):
        with open(TOUCH, 'rb') as file:
            driver = self.path('x.sys', file.read())
        self.fifo('x.lua')
        self.fails(3, 'x.lua: ' + self.SAYS, 'run', driver)

    def test_advise_goes_on_with_other_files(self):
        fifo = self.fifo('a.fifo')
        link = self.path('a.sys')
        os.symlink(fifo, link)
        for argument, named in ((fifo, fifo), (self.folder.name, link)):
            done = run('advise', argument, TOUCH)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stderr.decode(), f'pagable: {named}: {self.SAYS}\n')
            self.assertIn(b'2 files: 0 with violations, 1 could not be looked at', done.stdout)

    def test_folders_are_told_as_before(self):
        self.fails(3, 'Is a directory', 'isolate', self.folder.name)


class NoText(Case):
    def test_binaries_and_wide_text(self):
        with open(TOUCH, 'rb') as file:
            driver = file.read()
        wide = 'void F(void);\n'
        for content, says, hint in (
                (driver, 'is not text', 'give a C or C++ source'),
                (b'int a;\n\0', 'is not text', 'give a C or C++ source'),
                (b'\0', 'is not text', 'give a C or C++ source'),
                (b'i\0nt a;', 'is not text', 'give a C or C++ source'),
                (wide.encode('utf-16'), 'is UTF-16', 'save it as UTF-8'),
                (wide.encode('utf-16-le'), 'is UTF-16', 'save it as UTF-8'),
                (wide.encode('utf-16-be'), 'is UTF-16', 'save it as UTF-8')):
            path = self.path('bin.c', content)
            for command in ('isolate', 'advise'):
                done = run(command, path)
                self.assertEqual((done.returncode, done.stdout, done.stderr.decode()),
                                 (3, b'', f'pagable: {path}: {says}\nhint: {hint}\n'))
        self.fails(3, 'is not text', 'isolate', TOUCH)

    def test_extensions_of_sources(self):
        for extension in ('c', 'h', 'cc', 'cpp', 'cxx', 'c++', 'hpp', 'hxx', 'HXX'):
            path = self.path('x.' + extension, b'int a;\n')
            done = run('advise', '--json', path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b'"kind": "source"', done.stdout)


class Isolate(Case):
    LOCKED = ('void F(E *e);\n#pragma alloc_text(PAGE, F)\nvoid F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n'
              '    KeAcquireSpinLock(&e->l, &q);\n    e->a = 1;\n    KeReleaseSpinLock(&e->l, q);\n    G(e);\n'
              '    KeAcquireSpinLock(&e->l, &q);\n    e->a = 2;\n    KeReleaseSpinLock(&e->l, q);\n}\n')

    def test_names(self):
        path = self.path('a.c', self.LOCKED.encode())
        for word in ('if', 'return', 'while', '__try', 'static'):
            self.fails(2, f"'{word}' is a keyword", 'isolate', '--name', word, path)
        for word in ('F', 'G', 'KIRQL'):
            self.fails(3, f'--name: {word} is a name of the file already', 'isolate', '--name', word,
                       '--apply', path)
        with open(path, encoding='utf-8') as file:
            self.assertEqual(file.read(), self.LOCKED)
        done = run('isolate', '--name', 'Set', path)
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.assertIn(b'+    Set(', done.stdout)
        self.assertIn(b'+    Set2(', done.stdout)

    def test_nothing_to_do(self):
        path = self.path('a.c', self.LOCKED.encode())
        self.fails(3, 'a.c: no routine G that', 'isolate', '--function', 'G', path)
        self.fails(3, 'a.c:3: no routine that', 'isolate', '--line', '3', path)
        self.fails(3, 'a.c:10: no spin lock or raised IRQL of a routine F here', 'isolate',
                   '--function', 'F', '--line', '10', path)
        path = self.path('b.c', b'int a;\n')
        self.fails(0, 'nothing to isolate', 'isolate', path)
        done = run('isolate', '-q', path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b'', b''))

    def test_compilers_that_fail(self):
        path = self.path('a.c', self.LOCKED.encode())
        self.fails(3, '--check: compiling of the text before failed: it exited with 1 and printed nothing',
                   'isolate', '--check', '--cc', 'false', path)
        self.fails(3, 'failed: x.c:1: error: first', 'isolate', '--check', '--cc',
                   "echo 'x.c:1: error: first'; head -c 2000000 /dev/zero | tr '\\0' 'x'; false", path)


class Options(Case):
    def test_emit_and_format(self):
        for other in (['--json'], ['--format', 'sarif'], ['--format', 'text']):
            for arguments in (['--emit', 'alloc-text', *other], [*other, '--emit', 'alloc-text']):
                self.fails(2, '--emit and --format', 'advise', *arguments, MIXED)

    def test_seed(self):
        for command in (['advise', TOUCH], ['info', TOUCH], ['isolate', MIXED_C]):
            self.fails(2, "'x' is not a number", *command, '--seed', 'x')
            self.fails(2, '99999999999999999999 is too large', *command, '--seed', '9' * 20)
            for good in ('0', '0x10', '18446744073709551615'):
                self.assertLess(run(*command, '--seed', good).returncode, 2)


class Lists(Case):
    def test_list_that_cannot_be_read(self):
        done = run('advise', '--files-from', self.folder.name, TOUCH)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stderr.decode(), f'pagable: {self.folder.name}: Is a directory\n')
        self.assertIn(b'1 file: 0 with violations', done.stdout)

    def test_lists_that_are_pipes(self):
        for arguments in (['--files-from', '-'], ['--files-from', '/dev/stdin']):
            done = subprocess.run([PROGRAM, 'advise', *arguments], input=TOUCH.encode(), check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            self.assertIn(b'1 file: 0 with violations', done.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
