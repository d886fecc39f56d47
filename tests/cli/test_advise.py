# SPDX-License-Identifier: MIT
"""`pagable advise` as its users see it: forms, exit codes, batches, files that are no drivers.

    test_advise.py PROGRAM DRIVERS SOURCE

With PAGABLE_REBASE=1 in the environment the golden files are rewritten instead of compared.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
GOLDEN = os.path.join(SOURCE, 'tests', 'cli', 'golden')
MIXED = os.path.join(DRIVERS, 'isolate_mixed.sys')
SPLIT = os.path.join(DRIVERS, 'isolate_split.sys')
POSSIBLE = os.path.join(DRIVERS, 'gallery', 'systeminformer_callback.sys')  # a finding, of this verdict
UNKNOWN = os.path.join(DRIVERS, 'serial.sys')
PLACE = {'function', 'section', 'rva', 'file', 'line'}


def advise(*arguments, stdin=b'', cwd=None, program=PROGRAM, user=None, **environment):
    env = {key: value for key, value in os.environ.items()
           if key not in ('NO_COLOR', 'CLICOLOR_FORCE', '_NT_SYMBOL_PATH')}
    env.update(environment)
    other = {'user': user, 'group': user, 'extra_groups': []} if user is not None else {}
    return subprocess.run([program, 'advise', *arguments], stdout=subprocess.PIPE, input=stdin,
                          stderr=subprocess.PIPE, env=env, check=False, timeout=300, cwd=cwd, **other)


class Case(unittest.TestCase):
    maxDiff = None

    def advise(self, *arguments, code=0, err='', **more):
        done = advise(*arguments, **more)
        self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode()[-2000:])
        self.assertRegex(done.stderr.decode(), f'^{err}$')
        return done.stdout.decode()

    def golden(self, name, text):
        text = text.replace(DRIVERS, 'DRIVERS')
        path = os.path.join(GOLDEN, name)
        if os.environ.get('PAGABLE_REBASE'):
            with open(path, 'w', encoding='utf-8') as out:
                out.write(text)
        with open(path, encoding='utf-8') as file:
            self.assertEqual(file.read(), text)

    def lines(self, *arguments, **more):
        return [json.loads(line) for line in self.advise(*arguments, **more).splitlines()]


class Usage(Case):
    def test_errors_are_one_line_and_a_hint(self):
        for arguments, says in (
                ([], 'no file given'),
                ([MIXED, '--walk'], "unrecognized option '--walk'"),
                ([MIXED, '--check', 'typo'], "no rule 'typo'"),
                ([MIXED, '--format', 'xml'], "'xml' is none of text, json, jsonl, sarif"),
                ([MIXED, '--fail-on', 'x'], "'x' is none of definite, possible, unknown"),
                ([MIXED, '--emit', 'x'], "'x' is none of alloc-text"),
                ([MIXED, '-j', '0'], '0 is not from 1 to 256'),
                ([MIXED, '-j', 'x'], "'x' is not a number"),
                ([MIXED, '--budget', '-1'], "'-1' is not a number"),
                ([MIXED, '--seed', 'x'], "'x' is not a number"),
                *(([MIXED, '--shard', bad], f"'{bad}' is not I/N") for bad in
                  ('', '1', '0/4', '5/4', '1/0', '1/4x', '-1/4', '1/99999999'))):
            done = advise(*arguments)
            lines = done.stderr.decode().splitlines()
            self.assertEqual((done.returncode, done.stdout, len(lines)), (2, b'', 2), lines)
            self.assertIn(says, lines[0])
            self.assertTrue(lines[1].startswith('Try `pagable advise'), lines)

    def test_a_full_disk_is_told(self):
        for arguments in (['--json', MIXED], *(['--format', form, *files] for files in
                                               ([MIXED], [SPLIT, MIXED] * 20) for form in
                                               ('text', 'json', 'jsonl', 'sarif'))):
            with open('/dev/full', 'wb') as full:
                done = subprocess.run([PROGRAM, 'advise', *arguments], stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual((done.returncode, done.stderr),
                             (4, b'pagable: standard output: No space left on device\n'), arguments)


class Forms(Case):
    def test_text(self):
        text = self.advise(MIXED, code=1, cwd=SOURCE)
        self.assertNotIn('\033', text)
        text = re.sub(r'0x[0-9a-f]+', '0x...', text)
        self.golden('advise_isolate_mixed.txt',
                    re.sub(r'[0-9,]+ of [0-9,]+ bytes', '... bytes', text))
        self.assertIn('\033[', self.advise(MIXED, code=1, CLICOLOR_FORCE='1'))
        self.assertNotIn('\033', self.advise(MIXED, code=1, CLICOLOR_FORCE='1', NO_COLOR='1'))
        quiet = self.advise('-q', MIXED, code=1)
        self.assertRegex(quiet, r'^SUMMARY: pagable: .*isolate_mixed\.sys: 1 definite.*\n$')

    def test_json(self):
        text = self.advise('--json', MIXED, code=1)
        document = json.loads(text)
        self.assertTrue(text.startswith('{\n  "schema": "pagable.advise/1",\n'))
        finding, = document['findings']
        self.assertEqual((finding['rule'], finding['verdict'], finding['function']),
                         ('spin-lock-in-pageable', 'definite', 'IsolateMount'))
        self.assertEqual(finding['section'], 'PAGE')
        self.assertTrue(finding['file'].endswith('isolate_mixed.c'))
        with open(os.path.join(SOURCE, 'drivers', 'isolate_mixed.c'), encoding='utf-8') as file:
            line = file.read().splitlines()[finding['line'] - 1]
        self.assertIn('KeAcquireSpinLock(', line)
        self.assertGreater(len(finding['path']), 0)
        for step in finding['path']:
            self.assertEqual(set(step), PLACE | {'irql', 'what'})
            self.assertIn(step['irql'], (0, 1, 2, 3, None))
        self.assertLessEqual({'bytes_executable', 'bytes_decoded', 'calls', 'calls_unresolved'},
                             set(document['coverage']))
        self.assertIsNone(document['error'])

    def test_same_output_each_time(self):
        for form in ('text', 'jsonl', 'sarif'):
            outputs = {self.advise('--format', form, '-j', jobs, DRIVERS, code=1)
                       for jobs in ('1', '2', '7')}
            self.assertEqual(len(outputs), 1, form)

    def test_clean_is_0(self):
        text = self.advise(SPLIT)
        self.assertIn('no violation', text)

    def test_fail_on_and_check(self):
        verdicts = ('definite', 'possible', 'unknown')
        self.advise('--check', 'all,-spin-lock-in-pageable', MIXED)
        self.advise('--check', 'spin-lock-in-pageable', MIXED, code=1)
        self.advise('--check', 'none', MIXED)
        for file, first in ((MIXED, 'definite'), (POSSIBLE, 'possible'), (UNKNOWN, 'unknown')):
            found = json.loads(self.advise('--json', file, code=first != 'unknown'))['findings']
            self.assertEqual({finding['verdict'] for finding in found}, {first})
            for level, verdict in enumerate(verdicts):
                self.advise('--fail-on', verdict, file, code=int(level >= verdicts.index(first)))

    def test_seed_changes_nothing(self):
        self.assertEqual(self.advise('--seed', '7', MIXED, code=1), self.advise(MIXED, code=1))

    def test_pragmas(self):
        ftdisk, fixed = (os.path.join(DRIVERS, name) for name in
                         ('ftdisk.sys', 'gallery/section_flags_disagree_fixed.sys'))
        pragmas = self.advise('--emit', 'alloc-text', ftdisk)
        self.assertIn('\n#pragma alloc_text(PAGE, FtFlush,', pragmas)
        self.golden('advise_pragmas.txt', self.advise('--emit', 'alloc-text', ftdisk, SPLIT, fixed))
        self.assertIn(f'// {ftdisk}\n{pragmas}// {fixed}\n',
                      self.advise('--emit', 'alloc-text', ftdisk, SPLIT, fixed))
        self.assertEqual(self.advise('--emit', 'alloc-text', MIXED, code=1),
                         self.advise('--emit', 'alloc-text', '-q', MIXED, code=1))

    def test_join(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, 'run.json')
            done = subprocess.run([PROGRAM, 'run', '--json', MIXED], stdout=subprocess.PIPE,
                                  check=False)
            with open(run, 'wb') as out:
                out.write(done.stdout)
            rules = {f['rule'] for f in json.loads(done.stdout)['findings']}
            self.assertIn('spin-lock-in-pageable', rules)
            document = json.loads(self.advise('--json', '--join', run, MIXED, code=1))
            self.assertTrue(document['findings'][0]['observed'])
            self.assertIn('observed:', self.advise('--join', run, MIXED, code=1))
            with open(run, 'w', encoding='utf-8') as out:
                out.write('{}')
            self.advise('--join', run, MIXED, code=3, err=r'pagable: .*not a report of .*\n'
                        r'hint: make one with: pagable run --json\n')
            self.advise('--join', run + 'x', MIXED, code=3, err=r'pagable: .*No such file.*\n')

    def test_what_only_a_run_saw(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, 'run.json')
            for file, code in ((MIXED, 1), (SPLIT, 0)):
                for count, says in ((0, ''), (1, 'the run found 1 thing that is not seen here'),
                                    (2, 'the run found 2 things that are not seen here')):
                    modules = [*[os.path.basename(file)] * count, 'another.sys']
                    with open(run, 'w', encoding='utf-8') as out:
                        json.dump({'schema': 'pagable.run/1', 'findings': [
                            {'rule': 'spin-lock-in-pageable', 'module': module, 'rva': 1,
                             'function': f'NotThere{i}'} for i, module in enumerate(modules)]}, out)
                    text = self.advise('--join', run, file, code=code,
                                       err=says and f'pagable: {re.escape(file)}: {says}\n')
                    self.assertEqual(text, self.advise(file, code=code))

    def test_source(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'some.c')
            with open(path, 'w', encoding='utf-8') as out:
                out.write('void F(void);\n#pragma alloc_text(PAGE, F)\nvoid F(void)\n{\n}\n')
            document = json.loads(self.advise('--json', path, code=1))
            self.assertEqual(document['kind'], 'source')
            self.assertEqual([f['rule'] for f in document['findings']], ['paged-code-missing'])
            self.assertIn('some.c:', self.advise(path, code=1))


class Sarif(Case):
    def test_log(self):
        log = json.loads(self.advise('--format', 'sarif', MIXED, SPLIT, 'none.sys', code=3,
                                     err='pagable: none.sys: No such file or directory\n',
                                     cwd=SOURCE))
        run, = log['runs']
        result = next(r for r in run['results'] if r['ruleId'] == 'spin-lock-in-pageable')
        place = result['locations'][0]['physicalLocation']
        self.assertEqual((result['level'], result['kind']), ('error', 'fail'))
        self.assertEqual(place['artifactLocation']['uri'], 'drivers/isolate_mixed.c')
        self.assertIn('KeAcquireSpinLock', place['region']['snippet']['text'])
        self.assertEqual(run['tool']['driver']['rules'][result['ruleIndex']]['id'],
                         result['ruleId'])
        self.assertIn('primaryLocationLineHash', result['partialFingerprints'])
        self.assertFalse(run['invocations'][0]['executionSuccessful'])
        for rule in run['tool']['driver']['rules']:
            self.assertLessEqual(len(rule['shortDescription']['text']), 1024)
            self.assertLessEqual(len(rule['fullDescription']['text']), 1024)


class Batches(Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.names = []
        for i, deep in enumerate(('', 'b', 'b/c', 'z')):
            os.makedirs(os.path.join(self.folder.name, deep), exist_ok=True)
            self.names.append(os.path.join(self.folder.name, deep, f'{i}.SYS'))
            shutil.copy(SPLIT, self.names[-1])

    def tearDown(self):
        self.folder.cleanup()

    def files(self, *arguments, **more):
        return [line['file'] for line in self.lines('--json', *arguments, **more)]

    def test_folders(self):
        with open(os.path.join(self.folder.name, 'x.txt'), 'w', encoding='utf-8'):
            pass
        self.assertEqual(self.files(self.folder.name), [os.path.join(self.folder.name, n) for n in
                                                        ('0.SYS', 'b/1.SYS', 'b/c/2.SYS', 'z/3.SYS')])
        os.symlink('nowhere', os.path.join(self.folder.name, 'y.sys'))
        os.mkdir(os.path.join(self.folder.name, 'x.sys'))
        inside = os.path.join(self.folder.name, 'x.sys', 'in.sys')
        shutil.copy(SPLIT, inside)
        lines = self.lines('--json', self.folder.name, code=3,
                           err=r'pagable: .*/y\.sys: No such file or directory\n')
        self.assertEqual([(line['file'], line['error']) for line in lines],
                         [(self.names[0], None), *((name, None) for name in self.names[1:3]),
                          (inside, None),
                          (os.path.join(self.folder.name, 'y.sys'), 'No such file or directory'),
                          (self.names[3], None)])
        self.assertEqual(self.files(os.path.dirname(inside)), [inside])
        os.mkdir(os.path.join(self.folder.name, 'empty'))
        self.assertEqual(self.files(os.path.join(self.folder.name, 'empty')), [])

    def test_lists(self):
        lines = '\n'.join([*self.names, '', self.names[0]]).encode()
        expected = [*self.names, self.names[0]]
        self.assertEqual(self.files('--files-from', '-', stdin=lines), expected)
        self.assertEqual(self.files('--files-from', '-', stdin=lines + b'\n'), expected)
        self.assertEqual(self.files('-0', '--files-from', '-', stdin=lines.replace(b'\n', b'\0')),
                         expected)
        self.assertEqual(self.files(SPLIT, '--files-from', '-', stdin=lines), [SPLIT, *expected])
        self.assertEqual(self.files('--files-from', '-', stdin=b''), [])
        path = os.path.join(self.folder.name, 'list')
        with open(path, 'wb') as out:
            out.write(lines)
        self.assertEqual(self.files('--files-from', path), expected)
        self.advise('--files-from', path + 'x', code=3, err=r'pagable: .*listx: No such file.*\n')

    def test_shards_are_a_partition(self):
        whole = self.files(DRIVERS, code=1)
        for shards in (1, 2, 3, 7):
            parts = [self.files('--shard', f'{i}/{shards}', '--fail-on', 'definite', '--check',
                                'none', DRIVERS) for i in range(1, shards + 1)]
            self.assertEqual(sorted(sum(parts, [])), sorted(whole))
            for part in parts:
                self.assertGreater(len(part), len(whole) / shards / 4)
                self.assertLess(len(part), len(whole) / shards + len(whole) / 4)
                self.assertEqual(part, [file for file in whole if file in set(part)])

    def test_bad_files_do_not_stop_the_rest(self):
        bad = os.path.join(self.folder.name, 'bad.sys')
        with open(bad, 'wb') as out:
            out.write(b'MZ' + bytes(100))
        lines = self.lines('--json', self.names[0], bad, 'gone.sys', self.names[1], code=3,
                           err=r'pagable: .*bad\.sys: .*\nhint: .*\npagable: gone\.sys: .*\n')
        self.assertEqual([bool(line['error']) for line in lines], [False, True, True, False])
        self.assertEqual(lines[1]['findings'], [])
        text = self.advise('-q', self.names[0], bad, MIXED, code=3,
                           err=r'pagable: .*bad\.sys: .*\nhint: .*\n')
        self.assertTrue(text.endswith(
            'SUMMARY: pagable: 3 files: 1 with violations, 1 could not be looked at\n'))

    def test_a_folder_that_cannot_be_read(self):
        """Root reads everything: the program runs as nobody then, who has to reach it."""
        program, closed = (os.path.join(self.folder.name, name) for name in ('pagable', 'b'))
        shutil.copy(PROGRAM, program)
        os.chmod(self.folder.name, 0o755)
        os.chmod(closed, 0)
        lines = self.lines('--json', self.folder.name, code=3, cwd=self.folder.name,
                           err=f'pagable: {closed}: Permission denied\n', program=program,
                           user=65534 if os.geteuid() == 0 else None)
        os.chmod(closed, 0o700)
        self.assertEqual([(line['file'], line['error']) for line in lines],
                         [(self.names[0], None), (closed, 'Permission denied'),
                          (self.names[3], None)])

    def test_names_of_any_kind(self):
        name = os.path.join(os.fsencode(self.folder.name), b'new\nline \xff.sys')
        shutil.copy(SPLIT, name)
        line, = self.lines('--json', '-0', '--files-from', '-', stdin=name)
        self.assertTrue(line['file'].endswith('new?line ?.sys'))
        long = os.path.join(self.folder.name, *['d' * 200] * 25, 'x.sys')
        self.advise(long, code=3, err=r'pagable: .*: File name too long\n')


class Foreign(Case):
    """What people bring: never a crash, and one clear line for what is not supported."""

    def refusal(self, change):
        with open(SPLIT, 'rb') as file:
            image = bytearray(file.read())
        change(image, int.from_bytes(image[0x3c:0x40], 'little'))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.sys')
            with open(path, 'wb') as out:
                out.write(image)
            done = advise(path)
        lines = done.stderr.decode().splitlines()
        self.assertEqual((done.returncode, done.stdout, len(lines)), (3, b'', 2), lines)
        self.assertTrue(lines[1].startswith('hint: '))
        return lines[0]

    def test_other_machines(self):
        def machine(code, magic):
            def change(image, pe):
                image[pe + 4:pe + 6] = code.to_bytes(2, 'little')
                image[pe + 24:pe + 26] = magic.to_bytes(2, 'little')
            return change
        self.assertIn('32-bit', self.refusal(machine(0x14c, 0x10b)))
        self.assertIn('ARM64', self.refusal(machine(0xaa64, 0x20b)))

    def test_mutations(self):
        generator = random.Random(1)
        with open(MIXED, 'rb') as file:
            mixed = file.read()
        with open(os.path.join(DRIVERS, 'serial.sys'), 'rb') as file:
            images = (mixed, file.read())
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i in range(200):
                image = bytearray(images[i % 2])
                for _ in range(generator.choice((1, 8, 64, 512))):
                    image[generator.randrange(len(image))] = generator.randrange(256)
                if i % 5 == 0:
                    del image[generator.randrange(len(image)):]
                paths.append(os.path.join(folder, f'{i}.sys'))
                with open(paths[-1], 'wb') as out:
                    out.write(image)
            done = advise('--json', *paths)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertIn(done.returncode, (1, 3), done.stderr.decode()[-2000:])
            self.assertEqual([line['file'] for line in lines], paths)
            self.assertGreater(len([line for line in lines if not line['error']]), 50)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
