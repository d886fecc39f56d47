# SPDX-License-Identifier: MIT
"""`pagable isolate` as its users see it, and what becomes of what it writes.

    test_isolate.py PROGRAM SOURCE TOOLCHAIN LLVM_SUFFIX HOST_CC

TOOLCHAIN is a file of JSON: how the build compiles and links drivers.
The diffs in golden/ are rewritten instead of compared with PAGABLE_REBASE=1 in the environment.
"""
import collections
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE, TOOLCHAIN, SUFFIX, HOST_CC = sys.argv[1:6]
with open(TOOLCHAIN, encoding='utf-8') as description:
    TOOLS = json.load(description)
HERE = os.path.join(SOURCE, 'tests/source')
SHAPES = 'tests/source/shapes/shapes.c'
MIXED = 'drivers/isolate_mixed.c'
RESIDENT = 'drivers/isolate_resident.c'
WORD = re.compile(rb'"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d[\w.]*')
COMMENT = re.compile(rb'/\*.*?\*/|//[^\n]*', re.S)


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False, **more)


def isolate(*arguments, program=PROGRAM, **more):
    done = run(program, 'isolate', *arguments, **{'cwd': SOURCE, **more})
    return done.returncode, done.stdout, done.stderr.decode()


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, content):
    with open(path, 'wb') as file:
        file.write(content)


def tokens(text):
    """Words, numbers and strings: what is moved is not lost.  Of operators some change (. and ->)."""
    return collections.Counter(WORD.findall(COMMENT.sub(b' ', text)))


class Isolate(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def rewritten(self, file, *arguments):
        """The new text of a file of the tree."""
        copy = self.path(os.path.basename(file))
        shutil.copy(os.path.join(SOURCE, file), copy)
        code, out, err = isolate('--apply', *arguments, copy)
        self.assertEqual((code, out, err), (0, b'', ''))
        return read(copy)

    def golden(self, name, text):
        path = os.path.join(HERE, 'golden', name)
        if os.environ.get('PAGABLE_REBASE') == '1':
            write(path, text)
        self.assertEqual(read(path).decode(), text.decode())

    def object(self, path, *more):
        obj = self.path(os.path.basename(path) + '.obj')  # never in the source tree
        done = run(TOOLS['clang'], *TOOLS['cflags'], '-I', os.path.join(SOURCE, 'drivers'), '-I',
                   os.path.join(HERE, 'shapes'), '-c', path, '-o', obj, *more)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return obj

    def raises_in_page(self, path, *more):
        """What code in PAGE of the compiled file calls that raises the IRQL, and the section's size."""
        obj = self.object(path, *more)
        dump = run('llvm-objdump' + SUFFIX, '-r', '-j', 'PAGE', obj).stdout.decode()
        head = run('llvm-objdump' + SUFFIX, '-h', obj).stdout.decode()
        size = re.search(r'^\s*\d+ PAGE\s+([0-9a-f]+)', head, re.M)
        names = re.findall(r'__imp_(\w*(?:Acquire|Raise)\w*)', dump)
        return names, int(size.group(1), 16) if size else 0

    def test_diffs(self):
        for name, file, arguments in (('mixed.diff', MIXED, ()), ('shapes.diff', SHAPES, ()),
                                      ('resident.diff', RESIDENT, ('--function', 'IsolateMount'))):
            code, out, err = isolate(*arguments, file)
            self.assertEqual((code, err), (0, ''))
            self.golden(name, out)

    def test_others_take_the_diff(self):
        for tool in (['patch', '-p1', '--silent'], ['git', 'apply']):
            for file, arguments in ((MIXED, ()), (SHAPES, ()), (RESIDENT, ('--function', 'IsolateMount'))):
                tree = self.path('tree-' + tool[0])
                os.makedirs(os.path.dirname(os.path.join(tree, file)), exist_ok=True)
                shutil.copy(os.path.join(SOURCE, file), os.path.join(tree, file))
                write(self.path('diff'), isolate(*arguments, file)[1])
                with open(self.path('diff'), 'rb') as diff:
                    done = subprocess.run(tool, stdin=diff, cwd=tree, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(read(os.path.join(tree, file)), self.rewritten(file, *arguments))

    def test_no_lock_is_left_in_page(self):
        for file in (MIXED, SHAPES):
            before, _ = self.raises_in_page(os.path.join(SOURCE, file))
            self.assertGreater(len(before), 0)
            self.rewritten(file)
            for level in ('-O0', '-O1', '-O2', '-Os', '-O3'):
                after, size = self.raises_in_page(self.path(os.path.basename(file)), level)
                self.assertEqual(after, [], (file, level))
                self.assertGreater(size, 0)

    def test_a_resident_routine_becomes_pageable(self):
        self.assertEqual(self.raises_in_page(os.path.join(SOURCE, RESIDENT)), ([], 0))
        self.rewritten(RESIDENT, '--function', 'IsolateMount')
        names, size = self.raises_in_page(self.path('isolate_resident.c'))
        self.assertEqual(names, [])
        self.assertGreater(size, 0)

    def test_nothing_is_lost(self):
        for file in (MIXED, SHAPES):
            before, after = tokens(read(os.path.join(SOURCE, file))), tokens(self.rewritten(file))
            self.assertEqual(before - after, collections.Counter())

    def test_comments_stay(self):
        comments = COMMENT.findall(self.rewritten(SHAPES))
        for comment in COMMENT.findall(read(os.path.join(SOURCE, SHAPES))):
            self.assertIn(comment, comments)

    def test_line_ends_of_windows(self):
        plain = self.rewritten(SHAPES)
        write(self.path('crlf.c'), read(os.path.join(SOURCE, SHAPES)).replace(b'\n', b'\r\n'))
        code, _, err = isolate('--apply', self.path('crlf.c'))
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(read(self.path('crlf.c')), plain.replace(b'\n', b'\r\n'))

    def test_twice_is_once(self):
        self.rewritten(SHAPES)
        once = read(self.path('shapes.c'))
        code, out, err = isolate(self.path('shapes.c'))
        self.assertEqual((code, out), (0, b''))
        self.assertIn('nothing to isolate', err)
        self.assertEqual(read(self.path('shapes.c')), once)

    def test_same_behaviour(self):
        """Every shape with many inputs, on the host: the locks' trace and the results are the same."""
        self.rewritten(SHAPES)
        traces = []
        for file in (os.path.join(SOURCE, SHAPES), self.path('shapes.c')):
            program = self.path('play')
            done = run(HOST_CC, '-w', '-O1', '-g', '-fsanitize=address,undefined', '-I', os.path.join(HERE, 'host'),
                       '-I', os.path.join(HERE, 'shapes'), f'-DSHAPES="{file}"',
                       os.path.join(HERE, 'host/play.c'), '-o', program)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            played = run(program)
            self.assertEqual(played.returncode, 0, played.stdout[-300:] + played.stderr)
            traces.append(played.stdout)
        self.assertGreater(traces[0].count(b'acquire at'), 1000)
        self.assertEqual(traces[0], traces[1])

    def driver(self, name, source):
        """A driver of a source and isolate_common.c, linked as the samples are."""
        objects = [self.object(source, '-g', '-gdwarf-4')]
        shutil.copy(os.path.join(SOURCE, 'drivers/isolate_common.c'), self.path('isolate_common.c'))
        objects.append(self.object(self.path('isolate_common.c'), '-g', '-gdwarf-4'))
        image = self.path(name)
        done = run(TOOLS['lld-link'], *TOOLS['linkflags'], '/debug:dwarf', '/out:' + image, *objects,
                   *TOOLS['libraries'])
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
        return image

    def test_the_documents_fragment(self):
        """From a driver that both the advisor and a run find fault with to one that neither does."""
        shutil.copy(os.path.join(SOURCE, MIXED), self.path('mixed.c'))
        verdicts = []
        for step in ('before', 'after'):
            image = self.driver(step + '.sys', self.path('mixed.c'))
            advised = run(PROGRAM, 'advise', '--json', '--check', 'spin-lock-in-pageable', image)
            ran = run(PROGRAM, 'run', '--trim', 'irql', '--json', image)
            found = {f['rule'] for f in json.loads(advised.stdout)['findings']}
            verdicts.append((advised.returncode, found, ran.returncode))
            self.assertEqual(isolate('--apply', self.path('mixed.c'))[0], 0)
        self.assertEqual(verdicts, [(1, {'spin-lock-in-pageable'}, 1), (0, set(), 0)])

    def test_apply(self):
        copy, link = self.path('a.c'), self.path('link.c')
        shutil.copy(os.path.join(SOURCE, MIXED), copy)
        os.chmod(copy, 0o640)
        os.symlink('a.c', link)
        self.assertEqual(isolate('--apply', link), (0, b'', ''))
        self.assertTrue(os.path.islink(link))
        self.assertEqual(stat.S_IMODE(os.stat(copy).st_mode), 0o640)
        self.assertIn(b'IsolateMountLocked', read(copy))
        self.assertEqual(sorted(os.listdir(self.folder)), ['a.c', 'link.c'])

    def two(self):
        """A file with a region that can be moved and one that cannot; what is said of the latter."""
        path = self.path('two.c')
        write(path, b'void F(E *e);\nvoid G(E *e);\n#pragma alloc_text(PAGE, F, G)\n'
                    b'void F(E *e)\n{\n    KIRQL q;\n    KeAcquireSpinLock(&e->l, &q);\n    e->a++;\n'
                    b'    KeReleaseSpinLock(&e->l, q);\n}\n'
                    b'void G(E *e)\n{\n    KIRQL q;\n    KeAcquireSpinLock(&e->l, &q);\n}\n')
        return path, (f'pagable: {path}:14: G stays as it is: the lock is still held on a path '
                      'through line 14\nhint: release it in the routine that acquires it, on every path\n')

    def test_moved_and_refused(self):
        path, says = self.two()
        before = read(path)
        code, diff, err = isolate(path)
        self.assertEqual((code, err), (1, says))
        self.assertIn(b'+    FLocked(e);\n', diff)
        self.assertNotIn(b'GLocked', diff)
        self.assertEqual(read(path), before)
        self.assertEqual(isolate('-q', path), (1, diff, ''))
        report = json.loads(isolate('--json', path)[1])
        self.assertEqual(([r['function'] for r in report['regions']],
                          [r['function'] for r in report['refusals']]), (['F'], ['G']))
        self.assertEqual(isolate('--apply', path), (1, b'', says))
        self.assertIn(b'    FLocked(e);\n', read(path))
        write(path, before)
        self.assertEqual(isolate('--apply', '-q', path), (1, b'', ''))
        self.assertIn(b'    FLocked(e);\n', read(path))

    def test_apply_tells_programs(self):
        new, copy = self.rewritten(MIXED), self.path('b.c')
        shutil.copy(os.path.join(SOURCE, MIXED), copy)
        code, out, err = isolate('--apply', '--json', copy)
        report = json.loads(out)
        self.assertEqual((code, err, report['applied']), (0, '', True))
        self.assertIn('+    if (IsolateMountLocked(DeviceObject, Extension)) {\n', report['diff'])
        self.assertEqual(read(copy), new)

    def test_a_file_that_cannot_be_replaced(self):
        """Root may write everywhere: the program runs as nobody then, who has to reach it."""
        folder, program = self.path('fixed'), self.path('pagable')
        os.mkdir(folder)
        shutil.copy(os.path.join(SOURCE, MIXED), os.path.join(folder, 'a.c'))
        shutil.copy(PROGRAM, program)
        os.chmod(self.folder, 0o755)
        os.chmod(folder, 0o555)
        self.addCleanup(os.chmod, folder, 0o755)
        nobody = {'user': 65534, 'group': 65534, 'extra_groups': []} if os.geteuid() == 0 else {}
        for form in ((), ('--json',)):
            code, out, err = isolate('--apply', *form, 'a.c', program=program, cwd=folder, **nobody)
            self.assertEqual((code, out, err),
                             (4, b'', 'pagable: a.c: not changed: Permission denied\n'))
        self.assertEqual(read(os.path.join(folder, 'a.c')), read(os.path.join(SOURCE, MIXED)))
        self.assertEqual(os.listdir(folder), ['a.c'])

    def test_a_full_disk_is_told(self):
        for form in ((), ('--json',)):
            with open('/dev/full', 'wb') as full:
                done = subprocess.run([PROGRAM, 'isolate', *form, MIXED], cwd=SOURCE, stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 4)
            self.assertIn(b'No space left on device', done.stderr)

    def test_files_that_are_none(self):
        large = self.path('large.c')
        write(large, b' ' * (16 << 20))
        self.assertEqual(isolate(large)[0], 0)
        with open(large, 'ab') as out:
            out.write(b'\n')
        for path, why in ((large, 'File too large'), (self.folder, 'Is a directory')):
            self.assertEqual(isolate(path), (3, b'', f'pagable: {path}: {why}\n'))

    def test_check(self):
        code, out, err = isolate('--check', MIXED)
        self.assertEqual(code, 0, err)
        self.assertRegex(err, r'^check: pageable code \d+ -> \d+ bytes \([+-]\d+\), resident code '
                              r'\d+ -> \d+ bytes, locks and raises in pageable code [1-9]\d* -> 0\n$')
        self.assertTrue(out.startswith(b'--- a/' + MIXED.encode()))
        code, out, _ = isolate('--check', '--json', RESIDENT, '--function', 'IsolateMount')
        check = json.loads(out)['check']
        self.assertEqual(code, 0)
        self.assertEqual(check['before']['pageable_bytes'], 0)
        self.assertGreater(check['after']['pageable_bytes'], 100)
        self.assertEqual(check['after']['violations'], 0)
        self.assertEqual(isolate('--check', '-q', MIXED), (0, isolate(MIXED)[1], ''))

    def compiler(self):
        return [TOOLS['clang'], *TOOLS['cflags'], '-I', os.path.join(SOURCE, 'drivers')]

    def test_check_with_a_compiler(self):
        self.assertEqual(isolate('--check', '--cc', shlex.join(self.compiler()), MIXED),
                         isolate('--check', MIXED))

    def test_check_that_finds_more(self):
        """A compiler that takes another text, with the mistake, for the one that was made."""
        copy, cc = self.path('resident.c'), self.path('cc')
        shutil.copy(os.path.join(SOURCE, RESIDENT), copy)
        mixed = shlex.quote(os.path.join(SOURCE, MIXED))
        write(cc, f'#!/bin/sh\ncase "$*" in *" after.c "*) cp {mixed} after.c;; esac\n'
                  f'exec {shlex.join(self.compiler())} "$@"\n'.encode())
        os.chmod(cc, 0o755)
        code, out, err = isolate('--check', '--apply', '--cc', cc, '--function', 'IsolateMount', copy)
        self.assertEqual((code, out), (4, b''))
        self.assertRegex(err, r'locks and raises in pageable code 0 -> [1-9]\d*\npagable: .*/resident\.c: '
                              r'the advisor finds more to complain about afterwards\n$')
        self.assertEqual(read(copy), read(os.path.join(SOURCE, RESIDENT)))

    def test_check_without_a_place(self):
        code, out, err = isolate('--check', MIXED, env={**os.environ, 'TMPDIR': '/does/not/exist'})
        self.assertEqual((code, out, err), (4, b'', 'pagable: --check: No such file or directory\nhint: set '
                                                    'TMPDIR to a folder that can be written to\n'))

    def test_check_with_a_command(self):
        code, out, err = isolate('--check', '--cc', 'no-such-compiler', MIXED)
        self.assertEqual((code, out), (3, b''))
        self.assertIn('no-such-compiler', err)
        copy = self.path('broken.c')
        write(copy, read(os.path.join(SOURCE, MIXED)) + b'int broken(void) { return nothing; }\n')
        before = read(copy)
        code, out, err = isolate('--check', '--apply', copy)
        self.assertEqual((code, out), (3, b''))
        self.assertIn('compiling of the text before failed', err)
        self.assertEqual(read(copy), before)

    def test_json(self):
        code, out, err = isolate('--json', MIXED)
        report = json.loads(out)
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(list(report), ['schema', 'file', 'regions', 'refusals', 'applied', 'check', 'diff'])
        self.assertEqual((report['schema'], report['applied'], report['check']),
                         ('pagable.isolate/1', False, None))
        line = read(os.path.join(SOURCE, MIXED)).decode().split('KeAcquireSpinLock(&')[0].count('\n') + 1
        self.assertEqual(report['regions'], [{
            'function': 'IsolateMount', 'routine': 'IsolateMountLocked', 'line_begin': line,
            'line_end': line + 8, 'parameters': 2, 'exits': 2, 'result': None}])
        self.assertEqual(report['diff'].encode(), isolate(MIXED)[1])

    def test_refusals(self):
        path = self.path('held.c')
        write(path, b'void F(E *e);\n#pragma alloc_text(PAGE, F)\nvoid F(E *e)\n{\n    KIRQL q;\n'
                    b'    KeAcquireSpinLock(&e->l, &q);\n    if (e->a)\n        return;\n'
                    b'    KeReleaseSpinLock(&e->l, q);\n}\n')
        code, out, err = isolate(path)
        self.assertEqual((code, out), (1, b''))
        self.assertEqual(err, f'pagable: {path}:8: F stays as it is: the lock is still held on a path through '
                              'line 8\nhint: release it in the routine that acquires it, on every path\n')
        refusal = json.loads(isolate('--json', path)[1])['refusals'][0]
        self.assertEqual((refusal['function'], refusal['line']), ('F', 8))

    def test_other_encodings(self):
        """UTF-16 is told, by its mark or by its zeros, rather than found to hold nothing."""
        text = read(os.path.join(SOURCE, MIXED)).decode()
        for encoding in ('utf-16', 'utf-16-be', 'utf-16-le'):
            write(self.path('wide.c'), text.encode(encoding))
            code, out, err = isolate(self.path('wide.c'))
            self.assertEqual((code, out), (3, b''))
            self.assertIn('wide.c: is UTF-16\nhint: save it as UTF-8', err)
            self.assertEqual(run(PROGRAM, 'advise', self.path('wide.c')).returncode, 3)
        write(self.path('mark.c'), b'\xef\xbb\xbf' + text.encode())
        self.assertEqual(isolate('--apply', self.path('mark.c')), (0, b'', ''))
        self.assertEqual(read(self.path('mark.c')), b'\xef\xbb\xbf' + self.rewritten(MIXED))

    def test_usage(self):
        for arguments, code, words in (((), 2, 'no file given'), (('a.c', 'b.c'), 2, 'second'),
                                       (('--line', '0', 'a.c'), 2, '--line'),
                                       (('--section', 'page', 'a.c'), 2, '--section'),
                                       (('--section', 'PAGETOOLONG', 'a.c'), 2, '--section'),
                                       (('--name', '1x', 'a.c'), 2, '--name'),
                                       (('/does/not/exist.c',), 3, '/does/not/exist.c: No such file'),
                                       (('--function', 'Nothing', MIXED), 3, 'no routine Nothing'),
                                       (('--line', '1', MIXED), 3, 'no routine that acquires')):
            got, out, err = isolate(*arguments)
            self.assertEqual((got, out), (code, b''), err)
            self.assertIn(words, err)


unittest.main(argv=sys.argv[:1])
