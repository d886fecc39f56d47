#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build subject.c in every way that programs are built, and run it.

    test_matrix.py INCLUDE LIBRARY_FOLDER PAGABLE_SECTIONS_CMAKE SOURCE_FOLDER

Compilers, linkers, kinds of executable, sections aligned or not, stripped or not.  A compiler or
linker that is not installed is left out, but one of each must be there.
"""
import itertools
import os
import shutil
import struct
import subprocess
import sys
import tempfile

KINDS = {
    'pie': ['-fPIE', '-pie'],
    'no-pie': ['-fno-pie', '-no-pie'],
    'static': ['-fno-pie', '-static'],
    'static-pie': ['-fPIE', '-static-pie'],
}

failures = []


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def check(condition, what, result):
    if not condition:
        failures.append('%s: exit code %s\n%s%s' % (what, result.returncode, result.stdout, result.stderr))


def build(compiler, linker, options, output):
    result = run([compiler, '-O2', '-Wall', '-Wextra', '-Werror', '-fuse-ld=' + linker,
                  '-I' + include, *options, '-o', output])
    check(result.returncode == 0, 'build of ' + output, result)
    return result.returncode == 0


def aligned_options(how, folder):
    """Options that align sections, or give them whole pages."""
    if how == 'plain':
        return []
    if how == 'hand':
        return ['-DBY_HAND']
    stem = os.path.join(folder, 'made')
    result = run(['cmake', '-DMODULE=' + module, '-DSTEM=' + stem, '-P',
                  os.path.join(sources, 'write_sections.cmake')])
    check(result.returncode == 0, 'pagable_sections_write', result)
    # First of all files: the end is padded by the script, not by chance.
    return ['-DALIGNED', '-Wl,-T,' + stem + '.ld', stem + '.c']


def link_with(kind, folder):
    if 'static' in kind:
        return [os.path.join(library, 'libpagable.a')], []
    plugin = os.path.join(folder, 'plugin.so')
    return (['-L' + library, '-lpagable', '-Wl,-rpath,' + library],
            ['-DPLUGIN="%s"' % plugin])


def late(program, argument, name, what):
    result = run([program, argument])
    check(result.returncode == -11, what + ' ' + argument + ' must die of SIGSEGV', result)
    check(name in result.stderr and 'after the section was discarded' in result.stderr,
          what + ' ' + argument + ' must name ' + name, result)


def check_stripped(program, what):
    result = run(['strip', program])
    check(result.returncode == 0, 'strip ' + what, result)
    result = run([program])
    check(result.returncode == 0, what + ' stripped', result)
    result = run([program, 'late'])
    check(result.returncode == -11 and 'INIT of' in result.stderr, what + ' stripped, late', result)


def check_sstripped(program, what):
    """No section headers: nothing works, and the message says why."""
    with open(program, 'r+b') as file:
        file.seek(0x28)  # e_shoff
        file.write(struct.pack('<Q', 0))
        file.seek(0x3c)  # e_shnum, e_shstrndx
        file.write(struct.pack('<HH', 0, 0))
    result = run([program])
    check(result.returncode == 1 and 'has no section headers' in result.stderr,
          what + ' without section headers', result)


def check_one(compiler, linker, kind, how, folder):
    what = ' '.join((compiler, linker, kind, how))
    program = os.path.join(folder, 'subject')
    options = aligned_options(how, folder)
    libraries, defines = link_with(kind, folder)
    if not build(compiler, linker, ['-fPIC', '-shared', '-DBY_HAND', os.path.join(sources, 'plugin.c'),
                                    '-L' + library, '-lpagable', '-Wl,-rpath,' + library],
                 os.path.join(folder, 'plugin.so')):
        return
    if not build(compiler, linker, [*KINDS[kind], *options, *defines, os.path.join(sources, 'subject.c'),
                                    *libraries, '-Wl,--gc-sections'], program):
        return
    result = run([program])
    check(result.returncode == 0, what, result)
    if how != 'plain':
        late(program, 'late', 'init_routine', what)
        late(program, 'late-data', 'init_data', what)
        check_stripped(program, what)
    check_sstripped(program, what)


def main():
    compilers = [c for c in ('gcc-12', 'clang-14') if shutil.which(c)]
    linkers = [n for n in ('bfd', 'lld', 'gold') if shutil.which('ld.' + n)]
    assert compilers and linkers, 'no compiler or linker'
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for combination in itertools.product(compilers, linkers, KINDS, ('plain', 'hand', 'script')):
            if combination[1] == 'gold' and {'script', 'static-pie'} & set(combination):
                continue  # it knows neither INSERT nor static PIE
            check_one(*combination, folder)
            count += 1
    for failure in failures:
        print(failure)
    print('%d programs with %s and %s: %d failures' % (count, compilers, linkers, len(failures)))
    return 1 if failures else 0


include, library, module, sources = sys.argv[1:5]
sys.exit(main())
