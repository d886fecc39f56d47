# SPDX-License-Identifier: MIT
"""./dev lists and installs packages as its usage says; with stand-ins for Debian's tools.

    test_dev.py SOURCE
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = sys.argv[1]


class Dev(unittest.TestCase):
    """A copy of ./dev in a folder of its own, with only what a bare system has in PATH."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='pagable-dev-')
        self.addCleanup(shutil.rmtree, self.root)
        self.bin = os.path.join(self.root, 'bin')
        self.log = os.path.join(self.root, 'log')
        os.mkdir(self.bin)
        shutil.copy(os.path.join(SOURCE, 'dev'), self.root)
        for name in ('sh', 'cat', 'dirname', 'basename', 'sort', 'tr', 'env', 'grep', 'mkdir'):
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        self.stand_in('id', 'echo 0')
        # Installed is what the file says; a package that was removed leaves its configuration.
        self.installed = os.path.join(self.root, 'installed')
        self.stand_in('dpkg-query', 'for p; do :; done\n'
                      'if grep -qx "$p" %s; then echo installed\n'
                      'elif [ "$p" = clang-19 ]; then echo config-files\n'
                      'else echo "no packages found" >&2; exit 1; fi' % self.installed)
        self.stand_in('apt-get', 'echo "apt-get $*" >>%s' % self.log)
        self.set_installed('')

    def stand_in(self, name, body):
        path = os.path.join(self.bin, name)
        with open(path, 'w', encoding='utf-8') as script:
            script.write('#!/bin/sh\n' + body + '\n')
        os.chmod(path, 0o755)

    def set_installed(self, text):
        with open(self.installed, 'w', encoding='utf-8') as out:
            out.write(text)

    def dev(self, *arguments):
        return subprocess.run([os.path.join(self.root, 'dev'), *arguments], env={'PATH': self.bin},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, check=False)

    def listed(self, done):
        line = next(l for l in done.stderr.splitlines() if l.startswith('dev: missing packages: '))
        return line.split(': ', 2)[2].split()

    def logged(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding='utf-8') as log:
            return log.read().splitlines()

    def test_no_install_refuses_with_the_list(self):
        for command in ('demo', 'test', 'bench', 'lint', 'fuzz', 'build'):
            done = self.dev('--no-install', command)
            self.assertEqual(done.returncode, 2, command)
            self.assertIn('ninja-build', self.listed(done))
            self.assertIn('clang-19', self.listed(done))
            self.assertEqual(done.stdout, '')
        self.assertEqual(self.logged(), [])

    def test_installs_what_was_listed_first(self):
        done = self.dev('install')
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install = self.logged()
        self.assertTrue(update.startswith('apt-get update'))
        words = install.split()
        self.assertEqual(words[:2], ['apt-get', 'install'])
        self.assertEqual(sorted(w for w in words[2:] if not w.startswith('-')), self.listed(done))

    def test_only_what_is_missing(self):
        everything = self.listed(self.dev('--no-install', 'install'))
        self.set_installed('\n'.join(p for p in everything if p != 'cppcheck') + '\n')
        self.assertEqual(self.listed(self.dev('--no-install', 'install')), ['cppcheck'])
        self.assertEqual(self.listed(self.dev('--no-install', 'lint')), ['cppcheck'])
        self.set_installed('\n'.join(everything) + '\n')
        done = self.dev('install')
        self.assertEqual((done.returncode, done.stderr, self.logged()), (0, '', []))

    def test_failed_install_stops(self):
        self.stand_in('apt-get', 'echo "apt-get $*" >>%s; [ "$1" = update ]' % self.log)
        self.stand_in('cmake', 'echo cmake >>%s' % self.log)
        self.assertNotEqual(self.dev('build').returncode, 0)
        self.assertNotIn('cmake', self.logged())

    def test_needs_root_or_sudo(self):
        self.stand_in('id', 'echo 1000')
        done = self.dev('install')
        self.assertEqual(done.returncode, 2)
        self.assertIn('root or sudo', done.stderr)
        self.stand_in('sudo', 'echo sudo >>%s; exec "$@"' % self.log)
        self.assertEqual(self.dev('install').returncode, 0)
        self.assertEqual(self.logged()[0], 'sudo')

    def test_demo_checks_exit_codes(self):
        everything = self.listed(self.dev('--no-install', 'install'))
        self.set_installed('\n'.join(everything) + '\n')
        self.stand_in('cmake', ':')
        os.mkdir(os.path.join(self.root, 'build'))
        program = os.path.join(self.root, 'build', 'pagable')
        for body, code in (('case $* in *mixed*) exit 1;; esac', 0), ('exit 0', 1), ('exit 1', 1)):
            with open(program, 'w', encoding='utf-8') as script:
                script.write('#!/bin/sh\n' + body + '\n')
            os.chmod(program, 0o755)
            self.assertEqual(self.dev('demo').returncode, code, body)

    def test_wrong_command(self):
        for arguments in ((), ('nonsense',), ('fuzz', 'long')):
            done = self.dev(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn('usage: ./dev', done.stderr)
        self.assertEqual(self.dev('--help').returncode, 0)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
