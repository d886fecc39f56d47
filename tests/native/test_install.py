#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Install libpagable into a folder of its own and use it from there as others would.

    test_install.py SOURCE_FOLDER BUILD_FOLDER

Builds the examples by CMake and by pkg-config, runs them, the program in README, and what docs/ shows: each C program in
a page (its first line is a comment with its file name) is written to a file, and each console block is
executed and its output compared.  In expected output "..." stands for anything within a line.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PAGES = ('tutorial.md', 'api.md', 'coming-from-mlockall.md')

failures = []
ran = 0


def run(command, folder=None, environment=None):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=folder,
                          env=environment, shell=isinstance(command, str))


def expect(condition, what, result):
    global ran
    ran += 1
    if not condition:
        failures.append('%s: exit code %s\n%s%s' % (what, result.returncode, result.stdout, result.stderr))
    return condition


def succeed(command, folder=None, environment=None):
    result = run(command, folder, environment)
    if not expect(result.returncode == 0, command if isinstance(command, str) else ' '.join(command), result):
        sys.exit('\n'.join(failures))  # what follows needs it
    return result


def check_examples(folder, plugin, environment):
    for name in ('realtime', 'realtime_static'):
        program = os.path.join(folder, name)
        if os.path.exists(program):
            result = succeed([program], environment=environment)
            expect(re.search(r'^locked +: \d+ cycles, 0 page faults', result.stdout, re.M), name, result)
            expect(re.search(r'^unlocked: \d+ cycles, [1-9]\d* page faults', result.stdout, re.M), name, result)
    result = succeed([os.path.join(folder, 'plugin_host'), plugin], environment=environment)
    expect('handle of an image that is no longer loaded' in result.stdout and '7 * 7 = 49' in result.stdout,
           'plugin_host', result)
    early = os.path.join(folder, 'early')
    result = succeed([early], environment=environment)
    expect('the work goes on: cbf43926' in result.stdout, 'early', result)
    result = run([early, 'late'], environment=environment)
    expect(result.returncode == -11 and re.search(r'(make_table|noise\S*) in INIT', result.stderr), 'early late', result)


def by_cmake(prefix, work):
    build = os.path.join(work, 'by-cmake')
    succeed(['cmake', '-S', os.path.join(source, 'examples'), '-B', build, '-G', 'Ninja',
             '-DCMAKE_PREFIX_PATH=' + prefix, '-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_C_FLAGS=-Wall -Wextra -Werror'])
    succeed(['cmake', '--build', build])
    check_examples(build, os.path.join(build, 'plugin.so'), None)
    result = succeed([os.path.join(build, 'early')])
    expect('after the discard: 0 of 256 pages' in result.stdout, 'early, sections on pages of their own', result)


def by_pkg_config(work, environment):
    build = os.path.join(work, 'by-pkg-config')
    os.mkdir(build)
    flags = succeed(['pkg-config', '--cflags', '--libs', 'pagable'], environment=environment).stdout.split()
    examples = os.path.join(source, 'examples')
    for name in ('realtime', 'plugin_host', 'early'):
        succeed(['cc', '-O2', os.path.join(examples, name + '.c'), '-o', os.path.join(build, name), *flags])
    succeed(['cc', '-O2', '-shared', '-fPIC', os.path.join(examples, 'plugin.c'), '-o',
             os.path.join(build, 'plugin.so'), *flags])
    check_examples(build, os.path.join(build, 'plugin.so'), environment)


def only_public_symbols(prefix_lib):
    for arguments, file in (('-D', 'libpagable.so'), ('-g', 'libpagable.a')):
        result = succeed(['nm', arguments, '--defined-only', os.path.join(prefix_lib, file)])
        names = [line.split()[2].split('@')[0] for line in result.stdout.splitlines() if len(line.split()) == 3]
        wrong = [n for n in names if not re.match(r'(pagable_|pg_|PAGABLE_0\.1$)', n)]
        expect(names and not wrong, file + ' shows ' + ' '.join(wrong), result)


def headers_stand_alone(prefix):
    folder = os.path.join(prefix, 'include', 'pagable')
    for name in sorted(os.listdir(folder)):
        text = '#include <pagable/%s>\nint used;\n' % name
        for compiler in (['cc', '-x', 'c', '-std=c11', '-pedantic'], ['c++', '-x', 'c++', '-std=c++17']):
            if compiler[0] == 'c++' and (name == 'section.h' or not shutil.which('c++')):
                continue  # the core's own header is for C only
            result = subprocess.run([*compiler, '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                                     '-I' + os.path.join(prefix, 'include'), '-'],
                                    input=text, capture_output=True, text=True, check=False)
            expect(result.returncode == 0, name + ' with ' + compiler[0], result)


def matches(expected, actual):
    pattern = '.*'.join(re.escape(part) for part in expected.split('...'))
    return re.fullmatch(pattern, actual) is not None


def console(page, block, folder, environment):
    """'$ command' lines, each followed by what it prints (both streams)."""
    for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
        command, *expected = part.rstrip('\n').split('\n')
        result = run(command + ' 2>&1', folder, environment)
        printed = result.stdout.rstrip('\n').split('\n') if result.stdout else []
        expect(len(printed) == len(expected) and all(map(matches, expected, printed)),
               '%s: $ %s\nexpected:\n%s\nprinted:' % (page, command, '\n'.join(expected)), result)


def check_page(page, work, environment):
    folder = os.path.join(work, page + '.d')
    os.mkdir(folder)
    with open(os.path.join(source, 'docs', page), encoding='utf-8') as file:
        text = file.read()
    blocks = re.findall(r'^```(\w*)\n(.*?)^```$', text, re.M | re.S)
    expect(blocks, page + ' has no blocks', run(['true']))
    for kind, block in blocks:
        named = re.match(r'(?:/\*|#) (\S+\.(?:c|txt)) ?(?:\*/)?\n', block)
        if kind in ('c', 'cmake'):
            expect(named, '%s: a %s block without a file name:\n%s' % (page, kind, block), run(['true']))
            name = named.group(1)
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(block)
        elif kind == 'console':
            console(page, block, folder, environment)


def check_readme(work, environment):
    with open(os.path.join(source, 'README.md'), encoding='utf-8') as file:
        programs = re.findall(r'^```c\n(.*?)^```$', file.read(), re.M | re.S)
    expect(programs, 'README.md has no program', run(['true']))
    for number, text in enumerate(programs):
        program = os.path.join(work, 'readme%d' % number)
        with open(program + '.c', 'w', encoding='utf-8') as file:
            file.write(text)
        succeed('cc -O2 -Wall -Wextra -Werror %s.c -o %s $(pkg-config --cflags --libs pagable)' % (program, program),
                environment=environment)
        result = succeed([program], environment=environment)
        expect(result.stderr == '', 'README.md', result)


def main():
    with tempfile.TemporaryDirectory() as work:
        prefix = os.path.join(work, 'prefix')
        succeed(['cmake', '--install', build_folder, '--prefix', prefix, '--component', 'library'])
        libraries = [d for d, _, files in os.walk(prefix) if 'libpagable.so' in files]
        assert libraries, failures
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libraries[0], 'pkgconfig'),
                           LD_LIBRARY_PATH=libraries[0], CMAKE_PREFIX_PATH=prefix)
        only_public_symbols(libraries[0])
        headers_stand_alone(prefix)
        by_cmake(prefix, work)
        by_pkg_config(work, environment)
        check_readme(work, environment)
        for page in PAGES:
            check_page(page, work, environment)
    for failure in failures:
        print(failure)
    print('%d checks, %d failures' % (ran, len(failures)))
    return 1 if failures else 0


source, build_folder = sys.argv[1:3]
sys.exit(main())
