# SPDX-License-Identifier: MIT
"""`pagable explain`: every rule in words, as text, JSON and the page docs/RULES.md.

    test_explain.py PROGRAM SOURCE

With PAGABLE_REBASE=1 in the environment docs/RULES.md is rewritten instead of compared.
"""
import json
import os
import re
import subprocess
import sys
import unittest

PROGRAM, SOURCE = sys.argv[1:3]
PAGE = os.path.join(SOURCE, 'docs/RULES.md')


def explain(*arguments):
    env = {key: value for key, value in os.environ.items()
           if key not in ('NO_COLOR', 'CLICOLOR_FORCE')}
    done = subprocess.run([PROGRAM, 'explain', *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env, check=False,
                          universal_newlines=True)
    return done.returncode, done.stdout, done.stderr


def rules():
    code, out, _ = explain('--json')
    assert code == 0
    return json.loads(out)['rules']


class Explain(unittest.TestCase):
    maxDiff = None

    def test_schema(self):
        code, out, err = explain('--json')
        report = json.loads(out)
        self.assertEqual((code, err, report['schema']), (0, '', 'pagable.explain/1'))
        for rule in report['rules']:
            self.assertEqual(list(rule), ['id', 'severity', 'title', 'document', 'cause', 'fix',
                                          'wrong', 'right'])
            for key, value in rule.items():
                self.assertGreater(len(value), 3, (rule['id'], key))
            self.assertIn(rule['severity'], ('error', 'warning', 'note'))
            self.assertNotEqual(rule['wrong'], rule['right'])

    def test_one(self):
        for rule in rules():
            code, out, err = explain(rule['id'])
            self.assertEqual((code, err), (0, ''))
            self.assertTrue(out.startswith(f'{rule["id"]} ({rule["severity"]})\n'), out)
            words = ' '.join(out.split())
            for key in ('title', 'document', 'cause', 'fix', 'wrong', 'right'):
                self.assertIn(' '.join(rule[key].split()), words)
            self.assertLessEqual(max(map(len, out.splitlines())), 100, rule['id'])
            report = json.loads(explain('--json', rule['id'])[1])
            self.assertEqual(report['rules'], [rule])

    def test_several_in_the_order_asked_for(self):
        _, out, _ = explain('lock-leak', 'api-irql', 'lock-leak')
        self.assertEqual(re.findall(r'^(\S+) \(', out, re.M), ['lock-leak', 'api-irql'])

    def test_list(self):
        code, out, err = explain()
        self.assertEqual((code, err), (0, ''))
        self.assertEqual([line.split()[:2] for line in out.splitlines()],
                         [[rule['id'], rule['severity']] for rule in rules()])

    def test_unknown(self):
        for word, hint in (('spinlock-in-pagable', 'did you mean spin-lock-in-pageable?'),
                           ('lock-leaks', 'did you mean lock-leak?'),
                           ('handle', 'did you mean handle-after-unload?'),
                           ('unlock', 'did you mean unlock-underflow or '
                                      'unlock-with-requests-outstanding?')):
            code, out, err = explain(word)
            self.assertEqual((code, out), (2, ''))
            self.assertTrue(err.startswith(f"pagable explain: there is no rule '{word}'; {hint}\n"),
                            err)
        for word in ('xyzzy', '', 'x' * 5000):
            code, out, err = explain(word)
            self.assertEqual((code, out), (2, ''))
            self.assertNotIn('did you mean', err)

    def test_wrong_usage(self):
        for arguments in (['--markdown', '--json'], ['--markdown', 'lock-leak'], ['--walk']):
            self.assertEqual(explain(*arguments)[0], 2, arguments)

    def test_page_is_current(self):
        code, out, _ = explain('--markdown')
        self.assertEqual(code, 0)
        for rule in rules():
            self.assertIn(f'\n## {rule["id"]}\n', out)
        if os.environ.get('PAGABLE_REBASE'):
            with open(PAGE, 'w', encoding='utf-8') as file:
                file.write(out)
            return
        with open(PAGE, encoding='utf-8') as file:
            self.assertEqual(file.read(), out, 'PAGABLE_REBASE=1 writes it')

    def test_full_output(self):
        for arguments in ([], ['--json'], ['--markdown'], ['lock-leak']):
            with open('/dev/full', 'w', encoding='utf-8') as full:
                done = subprocess.run([PROGRAM, 'explain', *arguments], stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 4, arguments)

    def test_every_option_is_in_the_manual(self):
        with open(os.path.join(SOURCE, 'man/pagable-explain.1.scd'), encoding='utf-8') as file:
            page = file.read()
        for option in re.findall(r'--([a-z-]+)', explain('--help')[1]):
            if option not in ('help', 'usage', 'version'):
                self.assertIn(f'*--{option}*', page)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
