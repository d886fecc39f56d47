# SPDX-License-Identifier: MIT
"""The program as its users see it: output, exit codes, errors, on real drivers.

    test_cli.py PROGRAM DRIVERS SOURCE

With PAGABLE_REBASE=1 in the environment the golden files are rewritten instead of compared.
"""
import ctypes
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
SCENARIOS = os.path.join(SOURCE, 'scenarios')
RULES = ['pageable-at-raised-irql', 'init-called-late', 'lock-at-raised-irql', 'unlock-underflow',
         'lock-unknown-address', 'lock-nonpaged', 'lock-leak', 'section-flags-disagree', 'api-irql']


def driver(name):
    return os.path.join(DRIVERS, name + '.sys')


def scenario(name):
    return os.path.join(SCENARIOS, name + '.lua')


def pagable(*arguments, **environment):
    env = {key: value for key, value in os.environ.items()
           if key not in ('NO_COLOR', 'CLICOLOR_FORCE', '_NT_SYMBOL_PATH')}
    env.update(environment)
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, env=env, check=False, timeout=300)


def text(done):
    return done.stdout.decode(), done.stderr.decode()


class Case(unittest.TestCase):
    maxDiff = None

    def run_json(self, *arguments, code):
        done = pagable('run', '--json', *arguments)
        self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode()[-2000:])
        return json.loads(done.stdout)

    def golden(self, name, got):
        path = os.path.join(SOURCE, 'tests', 'cli', 'golden', name)
        if os.environ.get('PAGABLE_REBASE'):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as out:
                out.write(got)
            return
        with open(path, encoding='utf-8') as file:
            self.assertEqual(file.read(), got)


class Usage(Case):
    def assert_usage_error(self, *arguments, says):
        done = pagable(*arguments)
        out, err = text(done)
        self.assertEqual(done.returncode, 2, err)
        self.assertEqual(out, '')
        lines = err.splitlines()
        self.assertEqual(len(lines), 2, err)
        self.assertIn(says, lines[0])
        self.assertTrue(lines[1].startswith('Try `pagable'), lines[1])

    def test_errors_are_one_line_and_a_hint(self):
        sample = driver('isolate_split')
        self.assert_usage_error(says='no command given')
        self.assert_usage_error('walk', says='unknown command walk')
        self.assert_usage_error('--walk', says='unknown option --walk')
        for command in ('info', 'run'):
            self.assert_usage_error(command, says='no file given')
            self.assert_usage_error(command, sample, '--walk', says="unrecognized option '--walk'")
        self.assert_usage_error('info', sample, sample, says='one file at a time')
        self.assert_usage_error('run', sample, sample, says='two drivers are called')
        self.assert_usage_error('run', sample, '--seed', 'x', says="--seed: 'x' is not a number")
        self.assert_usage_error('run', sample, '--seed', '-1', says="'-1' is not a number")
        self.assert_usage_error('run', sample, '--seed', '', says="'' is not a number")
        self.assert_usage_error('run', sample, '--seed', '99999999999999999999', says='is more than')
        self.assert_usage_error('run', sample, '--budget', '5s', says="'5s' is not a number")
        self.assert_usage_error('run', sample, '--frames', '5000000000', says='is more than')
        self.assert_usage_error('run', sample, '--trim', 'often', says="'often' is none of")
        self.assert_usage_error('run', sample, '--pager', 'swap', says="'swap' is none of")
        self.assert_usage_error('run', sample, '--check', 'api-irql,typo', says="no rule 'typo'")
        self.assert_usage_error('run', sample, '--script', says="requires an argument")

    def test_help_and_version(self):
        for arguments in (['--help'], ['info', '--help'], ['run', '--help'], ['advise', '--help'],
                          ['isolate', '--help']):
            done = pagable(*arguments)
            out, err = text(done)
            self.assertEqual((done.returncode, err), (0, ''), arguments)
            self.assertIn('Usage: pagable', out)
        out, _ = text(pagable('--version'))
        self.assertRegex(out, r'^pagable \d+\.\d+\.\d+\n$')

    def test_every_option_is_in_the_manual(self):
        out, _ = text(pagable('--help'))
        commands = re.findall(r'^  ([a-z]+) ', out, re.M)
        self.assertEqual(commands, ['run', 'report', 'advise', 'isolate', 'info', 'explain'])
        with open(os.path.join(SOURCE, 'man', 'pagable.1.scd'), encoding='utf-8') as file:
            overview = file.read()
        for command in commands:
            for form in (f'*pagable {command}* [OPTION...]', f'\n*{command}*\n', f'*pagable-{command}*(1)'):
                self.assertIn(form, overview)
            out, _ = text(pagable(command, '--help'))
            with open(os.path.join(SOURCE, 'man', f'pagable-{command}.1.scd'),
                      encoding='utf-8') as file:
                page = file.read()
            for option in re.findall(r'--([a-z-]+)', out.split('Exit status')[0]):
                if option not in ('help', 'usage', 'version'):
                    self.assertIn(f'*--{option}*', page, command)

    def test_every_rule_is_in_the_manual(self):
        page = ''
        for command in ('run', 'advise'):
            with open(os.path.join(SOURCE, 'man', f'pagable-{command}.1.scd'),
                      encoding='utf-8') as file:
                page += file.read()
        with open(os.path.join(SOURCE, 'src', 'finding', 'rules.h'), encoding='utf-8') as file:
            ids = re.findall(r'^    X\([A-Z_]+, "([a-z-]+)"', file.read(), re.M)
        self.assertGreaterEqual(len(ids), len(RULES))
        for rule in ids + RULES:
            self.assertIn(f'*{rule}*', page)


class Inputs(Case):
    def assert_input_error(self, *arguments, says, lines=(1, 2)):
        done = pagable(*arguments)
        out, err = text(done)
        self.assertEqual(done.returncode, 3, err)
        self.assertEqual(out, '')
        self.assertIn(len(err.splitlines()), lines, err)
        self.assertTrue(err.startswith('pagable: '), err)
        self.assertIn(says, err)

    def test_unreadable_files(self):
        with tempfile.TemporaryDirectory() as folder:
            empty = os.path.join(folder, 'empty.sys')
            with open(empty, 'w', encoding='utf-8'):
                pass
            for command in ('info', 'run'):
                self.assert_input_error(command, os.path.join(folder, 'none.sys'),
                                        says='none.sys: No such file or directory')
                self.assert_input_error(command, folder, says='Is a directory')
                self.assert_input_error(command, empty, says='empty.sys: ')
                self.assert_input_error(command, os.path.join(SOURCE, 'README.md') if
                                        os.path.exists(os.path.join(SOURCE, 'README.md')) else
                                        os.path.join(SOURCE, 'LICENSE'), says='MZ')

    def test_broken_image_names_structure_and_reason(self):
        with open(driver('isolate_split'), 'rb') as file:
            good = file.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'cut.sys')
            with open(path, 'wb') as file:
                file.write(good[:0x500])
            self.assert_input_error('info', path, says='cut.sys: section table entry')
            with open(path, 'wb') as file:  # machine: not x64
                pe = int.from_bytes(good[0x3c:0x40], 'little')
                file.write(good[:pe + 4] + b'\x4c\x01' + good[pe + 6:])
            self.assert_input_error('run', path, says='hint: pagable takes drivers for x64')

    def test_missing_script(self):
        self.assert_input_error('run', driver('isolate_split'), '--script', '/nonexistent.lua',
                                says='/nonexistent.lua: No such file')

    def test_bad_script(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'bad.lua')
            with open(path, 'w', encoding='utf-8') as file:
                file.write('local x = 1\nopen("\\\\Device\\\\Nothing")\n')
            done = pagable('run', driver('isolate_split'), '--script', path)
            out, err = text(done)
            self.assertEqual(done.returncode, 3)
            self.assertIn("bad.lua:2: there is no device '\\Device\\Nothing'", err)
            self.assertTrue(out.endswith('SUMMARY: pagable: the run ended early: no verdict\n'))
            report = self.run_json(driver('isolate_split'), '--script', path, code=3)
            self.assertEqual((report['result'], report['ended']), ('incomplete', 'bad-script'))

    def test_trace_that_cannot_be_written(self):
        done = pagable('run', driver('isolate_split'), '--trace', '/nonexistent/trace')
        self.assertEqual(done.returncode, 2)
        self.assertIn('--trace: /nonexistent/trace: No such file', text(done)[1])
        done = pagable('run', driver('isolate_mixed'), '--trace', '/dev/full')
        self.assertEqual(done.returncode, 4)

    def test_full_output(self):
        for arguments in (['info', driver('sections')], ['run', '--load-only', driver('sections')]):
            with open('/dev/full', 'w', encoding='utf-8') as full:
                done = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE,
                                      check=False)
            self.assertEqual(done.returncode, 4, arguments)
            self.assertIn(b'standard output', done.stderr)


class Info(Case):
    def info(self, name):
        done = pagable('info', '--json', driver(name))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_schema(self):
        for name in ('isolate_mixed', 'isolate_split', 'isolate_resident', 'sections'):
            report = self.info(name)
            self.assertEqual(next(iter(report)), 'schema')
            self.assertEqual(report['schema'], 'pagable.info/1')
            for section in report['sections']:
                self.assertIn(section['class'], ('pageable', 'resident', 'discardable'))
                self.assertEqual(section['class'], 'pageable' if section['name'].startswith('PAGE')
                                 else 'discardable' if section['name'] == 'INIT' else 'resident')
                self.assertEqual(section['pages'], (section['virtual_size'] + 4095) // 4096)
                for function in section['functions']:
                    self.assertGreaterEqual(function['rva'], section['rva'])
                    self.assertLess(function['rva'], section['rva'] + section['virtual_size'])
            self.assertGreater(len(report['imports']), 5)
            for entry in report['imports']:
                self.assertEqual((entry['module'], entry['state']), ('ntoskrnl.exe', 'done'))
            self.assertEqual(report['entry']['name'], 'DriverEntry')

    def test_isolating_makes_bytes_pageable(self):
        resident, split = self.info('isolate_resident'), self.info('isolate_split')
        self.assertEqual(resident['totals']['pageable'], {'bytes': 0, 'pages': 0})
        self.assertGreater(split['totals']['pageable']['bytes'], 100)
        self.assertLess(split['totals']['pageable']['bytes'], 400)

    def test_routines_are_where_the_source_says(self):
        where = {f['name']: s['name'] for s in self.info('sections')['sections']
                 for f in s['functions']}
        for routine, section in (('AlphaFirst', 'PAGEAAAA'), ('AlphaSecond', 'PAGEAAAA'),
                                 ('BetaFirst', 'PAGEBBBB'), ('PlainFirst', 'PAGE'),
                                 ('InitOnly', 'INIT'), ('DriverEntry', 'INIT')):
            self.assertEqual(where[routine], section)

    def test_missing_import_is_missing(self):
        with open(driver('isolate_mixed'), 'rb') as file:
            image = file.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'odd.sys')
            with open(path, 'wb') as file:
                file.write(image.replace(b'IoDeleteDevice\0', b'IoInventDevice\0'))
            report = json.loads(pagable('info', '--json', path).stdout)
            states = {i['name']: i['state'] for i in report['imports']}
            self.assertEqual(states['IoInventDevice'], 'missing')
            # Calling it ends the run, and the message names it and its caller.
            done = pagable('run', path, '--trim', 'none')
            _, err = text(done)
            self.assertEqual(done.returncode, 3, err)
            self.assertIn('IoInventDevice', err)
            self.assertRegex(err, r'odd!Isolate\w+\+0x[0-9a-f]+ at \S*isolate_common\.c:\d+')
            self.assertIn('hint: ', err)

    def test_text(self):
        done = pagable('info', driver('sections'))
        out, err = text(done)
        self.assertEqual((done.returncode, err), (0, ''))
        self.assertIn('PAGEAAAA   pageable', out)
        self.assertIn('AlphaFirst', out)
        quiet, _ = text(pagable('info', '-q', driver('sections')))
        self.assertIn('PAGEAAAA   pageable', quiet)
        self.assertNotIn('AlphaFirst', quiet)


class Run(Case):
    def test_mixed_is_a_bug_check(self):
        report = self.run_json(driver('isolate_mixed'), code=1)
        self.assertEqual(report['schema'], 'pagable.run/1')
        self.assertEqual((report['result'], report['seed']), ('bugcheck', 1))
        check = report['bugcheck']
        self.assertEqual((check['code'], check['name']), ('0xD1', 'DRIVER_IRQL_NOT_LESS_OR_EQUAL'))
        self.assertEqual((check['module'], check['function'], check['section'], check['irql']),
                         ('isolate_mixed.sys', 'IsolateMount', 'PAGE', 2))
        self.assertTrue(check['file'].endswith('isolate_mixed.c'))
        self.assertEqual(int(check['params'][1], 16), 2)
        self.assertIn(int(check['params'][2], 16), (2, 8))
        self.assertEqual(check['params'][0], check['params'][3])
        info = json.loads(pagable('info', '--json', driver('isolate_mixed')).stdout)
        page = next(s for s in info['sections'] if s['name'] == 'PAGE')
        self.assertLess((int(check['params'][0], 16) & 0xffff) - page['rva'], page['virtual_size'])
        self.assertTrue(check['stack'][0].startswith('isolate_mixed!IsolateMount+0x'))
        finding = report['findings'][check['finding']]
        self.assertEqual(finding['rule'], 'spin-lock-in-pageable')
        with open(os.path.join(SOURCE, 'drivers', 'isolate_mixed.c'), encoding='utf-8') as file:
            lines = file.read().splitlines()
        around = '\n'.join(lines[check['line'] - 2:check['line'] + 1])
        self.assertIn('KeAcquireSpinLock', around)

    def test_split_and_resident_are_clean(self):
        for name in ('isolate_split', 'isolate_resident', 'sections'):
            report = self.run_json(driver(name), code=0)
            self.assertEqual((report['result'], report['bugcheck'], report['findings']),
                             ('clean', None, []), name)
            self.assertGreater(report['counters']['irps'], 0)
            if name != 'sections':
                self.assertGreater(report['counters']['trims'], 0)

    def test_the_bug_hides_without_pressure(self):
        for name in ('isolate_mixed', 'isolate_split'):
            report = self.run_json(driver(name), '--trim', 'none', '--check', 'none', code=0)
            self.assertEqual(report['result'], 'clean')

    def test_a_driver_without_devices_is_told(self):
        done = pagable('run', '-q', driver('touch'))
        self.assertEqual(done.returncode, 0)
        self.assertIn('touch.sys made no device', text(done)[1])
        self.assertNotIn('made no device', text(pagable('run', driver('isolate_split')))[1])

    def test_several_drivers(self):
        report = self.run_json(driver('isolate_split'), driver('sections'), code=0)
        self.assertEqual(report['drivers'], ['isolate_split.sys', 'sections.sys'])
        self.assertEqual({s['image'] for s in report['sections']},
                         {'isolate_split.sys', 'sections.sys'})

    def test_frames_and_random_trims(self):
        for options in (['--frames', '4'], ['--trim', 'random'], ['--trim', 'random', '--seed', '9']):
            self.run_json(driver('sections'), *options, code=0)
            self.run_json(driver('isolate_split'), *options, code=0)
        report = self.run_json(driver('sections'), '--frames', '4', '--trim', 'none',
                               '--script', scenario('sections-frames'), code=0)
        self.assertGreater(report['counters']['evictions'], 0)

    def test_load_only(self):
        report = self.run_json(driver('isolate_mixed'), '--load-only', code=0)
        self.assertEqual((report['result'], report['counters']['irps']), ('clean', 0))
        self.assertEqual(report['counters']['export_calls'], 0)

    def test_text_is_golden(self):
        done = pagable('run', driver('isolate_mixed'))
        out, err = text(done)
        self.assertEqual((done.returncode, err), (1, ''))
        lines = out.splitlines()
        self.assertRegex(lines[-1], r'^SUMMARY: pagable: spin-lock-in-pageable: bug check 0xD1 '
                                    r'\S*isolate_mixed\.c:\d+ in isolate_mixed!IsolateMount$')
        # What depends on the compiler is left out: offsets, addresses, counts, debug sections.
        self.golden('isolate_mixed.txt', re.sub(r'(?m)(?<= )\d+( s)?$', 'N', re.sub(
            r'0x[0-9a-f]{3,}|\b[0-9a-f]{16}\b|(?<=\+)0x[0-9a-f]+|(?<=\.c:)\d+|(?<=@ )\d+', 'N',
            re.sub(r'\d+\.\d{7} s', 'T s', re.sub(r'(?m)^  \S+ +/\d+ .*\n', '', out)))))

    def test_quiet_prints_one_line(self):
        out, _ = text(pagable('run', '-q', driver('isolate_split')))
        self.assertEqual(out, 'SUMMARY: pagable: clean: isolate_split.sys\n')

    def test_colour(self):
        arguments = ['run', driver('isolate_mixed')]
        self.assertNotIn(b'\033', pagable(*arguments).stdout)
        self.assertIn(b'\033', pagable(*arguments, CLICOLOR_FORCE='1').stdout)
        self.assertNotIn(b'\033', pagable(*arguments, CLICOLOR_FORCE='1', NO_COLOR='1').stdout)
        self.assertNotIn(b'\033', pagable(*arguments, CLICOLOR_FORCE='0').stdout)

    def test_script_beside_the_driver(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'beside.sys')
            shutil.copy(driver('isolate_split'), path)
            with open(os.path.join(folder, 'beside.lua'), 'w', encoding='utf-8') as file:
                file.write('log("I am beside it")\n')
            done = pagable('run', path)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(text(done)[1], 'pagable: I am beside it\n')
            # A script that is named wins, and --load-only runs none.
            self.assertEqual(text(pagable('run', path, '--load-only'))[1], '')
            named = os.path.join(folder, 'named.lua')
            with open(named, 'w', encoding='utf-8') as file:
                file.write('log("I am named")\n')
            self.assertEqual(text(pagable('run', path, '--script', named))[1],
                             'pagable: I am named\n')

    def test_expectation(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('\nexpect(1 == 2, "one is not two")\n')
            file.flush()
            report = self.run_json(driver('isolate_split'), '--script', file.name, code=1)
        self.assertEqual(report['result'], 'findings')
        self.assertEqual(report['findings'][0]['rule'], 'expectation-failed')
        self.assertIn(':2: one is not two', report['findings'][0]['message'])

    def test_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'trace')
            self.run_json(driver('isolate_split'), '--trace', path, code=0)
            with open(path, encoding='utf-8') as file:
                events = [json.loads(line) for line in file]
        self.assertEqual(events[0]['schema'], 'pagable.trace/1')
        kinds = {event['event'] for event in events[1:]}
        self.assertTrue({'module', 'section', 'page-in', 'trim', 'discard'} <= kinds, kinds)
        times = [event['time'] for event in events if 'time' in event]
        self.assertEqual(times, sorted(times))


class Scenarios(Case):
    def test_sections_done_right(self):
        report = self.run_json(driver('sections'), '--script', scenario('sections'), code=0)
        self.assertEqual(report['findings'], [])
        self.assertGreater(report['counters']['write_backs'], 0)

    def bugcheck(self, name, rule):
        report = self.run_json(driver('sections'), '--script', scenario(name), code=1)
        self.assertEqual(report['result'], 'bugcheck')
        self.assertIn(rule, [f['rule'] for f in report['findings']])
        check = report['bugcheck']
        return check['code'], [int(p, 16) for p in check['params']]

    def test_pageable_at_raised_irql(self):
        code, params = self.bugcheck('pageable-at-raised-irql', 'pageable-at-raised-irql')
        self.assertEqual((code, params[1]), ('0xD1', 2))

    def test_init_called_late(self):
        code, params = self.bugcheck('init-called-late', 'init-called-late')
        self.assertEqual((code, params[1], params[3]), ('0x50', 0x10, 0))

    def test_unlock_underflow(self):
        code, params = self.bugcheck('unlock-underflow', 'unlock-underflow')
        self.assertEqual((code, params[0], params[3]), ('0x1A', 0x1010, 0))

    def test_lock_unknown_address(self):
        code, params = self.bugcheck('lock-unknown-address', 'lock-unknown-address')
        self.assertEqual((code, params[0]), ('0x1A', 0x1234))

    def findings(self, name):
        report = self.run_json(driver('sections'), '--script', scenario(name), code=1)
        self.assertEqual(report['result'], 'findings')
        return [f['rule'] for f in report['findings']]

    def test_findings(self):
        self.assertEqual(self.findings('lock-nonpaged'), ['lock-nonpaged'])
        self.assertEqual(self.findings('lock-at-raised-irql'), ['lock-at-raised-irql'])
        self.assertEqual(self.findings('lock-leak'), ['lock-leak', 'lock-leak'])

    def test_rules_can_be_off(self):
        for name in ('lock-nonpaged', 'lock-at-raised-irql', 'lock-leak'):
            report = self.run_json(driver('sections'), '--script', scenario(name), '--check', 'none',
                                   code=0)
            self.assertEqual(report['findings'], [])
        # What Windows does by itself stays.
        for name, code in (('unlock-underflow', '0x1A'), ('lock-unknown-address', '0x1A'),
                           ('init-called-late', '0x50'), ('pageable-at-raised-irql', '0xD1')):
            report = self.run_json(driver('sections'), '--script', scenario(name), '--check', 'none',
                                   code=1)
            self.assertEqual((report['bugcheck']['code'], report['findings']), (code, []))


class SameSeed(Case):
    def test_same_bytes(self):
        cases = [
            ['run', driver('isolate_mixed')],
            ['run', driver('isolate_split'), '--json'],
            ['run', driver('sections'), '--json', '--script', scenario('sections')],
            ['run', driver('sections'), '--json', '--trim', 'random', '--seed', '7'],
            ['run', driver('sections'), '--json', '--frames', '3', '--seed', '12'],
            ['info', driver('sections')],
        ]
        for arguments in cases:
            first, second = pagable(*arguments), pagable(*arguments)
            self.assertEqual(first.stdout, second.stdout, arguments)
            self.assertEqual(first.stderr, second.stderr, arguments)
            self.assertEqual(first.returncode, second.returncode, arguments)

    def test_same_bytes_with_either_pager(self):
        cases = [
            [driver('isolate_mixed')],
            [driver('sections'), '--json', '--script', scenario('sections')],
            [driver('sections'), '--json', '--script', scenario('pageable-at-raised-irql')],
            [driver('sections'), '--json', '--script', scenario('init-called-late')],
            [driver('sections'), '--json', '--trim', 'random', '--seed', '7'],
            [driver('sections'), '--json', '--frames', '3', '--seed', '12'],
            [driver('sections'), '--json', '--strict', '--script', scenario('sections')],
        ]
        with tempfile.TemporaryDirectory() as folder:
            for arguments in cases:
                results = []
                for pager in ('protect', 'userfaultfd', 'auto'):
                    path = os.path.join(folder, 'trace')
                    done = pagable('run', *arguments, '--pager', pager, '--trace', path)
                    with open(path, 'rb') as file:
                        results.append((done.returncode, done.stdout, file.read()))
                self.assertEqual(results[0], results[1], arguments)
                self.assertEqual(results[0], results[2], arguments)

    def test_a_refused_pager_is_noted(self):
        def refuse():
            """From here on the kernel answers EPERM to userfaultfd, system call 323."""
            code = b''.join(struct.pack('HBBI', *each) for each in (
                (0x20, 0, 0, 0), (0x15, 0, 1, 323), (0x06, 0, 0, 0x00050001),
                (0x06, 0, 0, 0x7fff0000)))
            memory = ctypes.create_string_buffer(code, len(code))
            program = struct.pack('HxxxxxxQ', 4, ctypes.addressof(memory))
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
                os._exit(99)

        plain = pagable('run', driver('sections'), '--pager', 'protect')
        for pager, says in (('userfaultfd', 'userfaultfd cannot be used: Operation not permitted'),
                            ('auto', ''), ('protect', '')):
            done = subprocess.run([PROGRAM, 'run', driver('sections'), '--pager', pager],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  preexec_fn=refuse, check=False, timeout=300)
            self.assertEqual((done.returncode, done.stdout), (plain.returncode, plain.stdout))
            self.assertIn(says, done.stderr.decode())
            self.assertEqual('userfaultfd' in done.stderr.decode(), says != '')

    def test_the_seed_is_printed_and_counts(self):
        traces = []
        with tempfile.TemporaryDirectory() as folder:
            for seed in ('1', '2', '3', '1'):
                path = os.path.join(folder, 'trace')
                report = self.run_json(driver('sections'), '--seed', seed, '--trim', 'random',
                                       '--trace', path, '--script', scenario('sections-random'),
                                       code=0)
                self.assertEqual(report['seed'], int(seed))
                with open(path, encoding='utf-8') as file:
                    traces.append(file.read())
        self.assertEqual(traces[0], traces[3])
        self.assertGreater(len(set(traces)), 1)
        out, _ = text(pagable('run', driver('isolate_split'), '--seed', '77'))
        self.assertIn('seed 77', out.splitlines()[0])


class Wild(Case):
    """Drivers that do the worst: the program outlives them and says what happened."""

    def wild(self, code, *options, expect=1, length=4, json_output=True):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('local f = open("\\\\Device\\\\Wild")\n'
                       f'f:control(0x{code:x}, string.rep("x", {length}), 0)\nf:close()\n')
            file.flush()
            done = pagable('run', driver('wild'), '--script', file.name, *options,
                           *(['--json'] if json_output else []))
        self.assertEqual(done.returncode, expect, done.stderr[-2000:])
        return json.loads(done.stdout) if json_output else done

    def rules(self, report):
        return [f['rule'] for f in report['findings']]

    def test_harmless_when_left_alone(self):
        self.run_json(driver('wild'), code=0)

    def test_endless_loop(self):
        report = self.wild(0x222000, '--budget', '1')
        self.assertEqual(self.rules(report), ['budget-exhausted'])
        self.assertEqual(report['findings'][0]['function'], 'BeWild'
                         if report['findings'][0]['function'] == 'BeWild' else 'WildControl')
        self.assertEqual(report['ended'], 'stopped')

    def test_end_of_the_process(self):
        report = self.wild(0x222004)
        self.assertEqual(self.rules(report), ['computer-died'])
        self.assertIn('42', report['findings'][0]['message'])
        self.assertEqual((report['result'], report['ended']), ('findings', 'died'))

    def test_kill_of_the_process(self):
        report = self.wild(0x222028)
        self.assertEqual(self.rules(report), ['computer-died'])
        self.assertIn('killed by signal 9', report['findings'][0]['message'])

    def test_text_reaches_stderr(self):
        for options in ([], ['-q'], ['--json']):
            done = self.wild(0x222008, *options, expect=0, json_output=False)
            self.assertEqual(text(done)[1], 'plain \\x1b[31mred\\x1b[0m text\n', options)

    def test_more_text_than_fits(self):
        done = self.wild(0x222020, expect=0, json_output=False)
        lines = text(done)[1].splitlines()
        self.assertEqual(len(lines), 20000)
        self.assertTrue(lines[-1].startswith('line 19999: '))

    def test_null_and_nowhere(self):
        for code in (0x22200c, 0x222018):
            report = self.wild(code)
            self.assertEqual(report['result'], 'bugcheck')
            self.assertIn(report['bugcheck']['code'], ('0x1E', '0x50', '0x7E', '0x3B'))
        self.assertIn('wild!', ' '.join(report['bugcheck']['stack']))

    def test_stack_overflow(self):
        report = self.wild(0x222010)
        self.assertEqual(report['bugcheck']['code'], '0x7F')
        self.assertIn(report['bugcheck']['function'], ('Recurse', 'WildControl', 'BeWild'))

    def test_bug_check_of_its_own(self):
        report = self.wild(0x22201c)
        self.assertEqual(report['bugcheck']['code'], '0xDEADDEAD')
        self.assertIsNone(report['bugcheck']['name'])
        self.assertEqual(report['bugcheck']['params'], ['0x1', '0x2', '0x3', '0x4'])

    def test_request_that_never_ends(self):
        report = self.wild(0x222014)
        self.assertIn('irp-not-cancellable', self.rules(report))

    def test_forgotten_request(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('local f = open("\\\\Device\\\\Wild")\n'
                       'local data, status = f:read(13)\n'
                       'expect(data == nil and status == 0x103 and time() >= 20)\n')
            file.flush()
            report = self.run_json(driver('wild'), '--script', file.name, code=1)
        finding = next(f for f in report['findings'] if f['rule'] == 'irp-not-cancellable')
        self.assertEqual(finding['function'], 'WildRead')

    def test_endless_script(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('while true do\nend\n')
            file.flush()
            done = pagable('run', driver('wild'), '--script', file.name, '--budget', '1')
        self.assertEqual(done.returncode, 3)
        self.assertIn(': the script used up the processor time of the run', text(done)[1])

    def test_script_that_only_the_host_can_end(self):
        with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
            file.write('string.find(("a"):rep(45), ("a?"):rep(45) .. ("a"):rep(45))\n')
            file.flush()
            report = self.run_json(driver('wild'), '--script', file.name, '--budget', '1', code=1)
        self.assertEqual(self.rules(report), ['budget-exhausted'])
        self.assertEqual(report['ended'], 'died')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
