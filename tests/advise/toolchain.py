# SPDX-License-Identifier: MIT
"""Compiles and links drivers as cmake/drivers.cmake does, at any level and for both of clang's targets.

What the build knows (programs, flags, import libraries) comes in a file of JSON that
tests/advise/CMakeLists.txt writes, so nothing is said twice.  Each combination of target and level has
a precompiled <ntddk.h>: most of what a small driver costs to compile is that header.
"""
import concurrent.futures
import json
import os
import subprocess

LEVELS = ('-O0', '-O1', '-O2', '-Os')

# The headers are MinGW's.  For Microsoft's target they are read as GNU C, which they are written in;
# code, calling convention, names and unwinding are the target's all the same.
TARGETS = {
    'mingw': ('--target=x86_64-w64-mingw32',),
    'msvc': ('--target=x86_64-pc-windows-msvc', '-fmsc-version=0', '-fgnuc-version=4.2.1'),
}

VARIANTS = [(target, level) for target in TARGETS for level in LEVELS]


def parallel(function, items):
    """[function(item) for item in items], a thread for each processor."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


class Toolchain:
    """`work` is a folder of its own, which has what is made for all drivers alike."""

    def __init__(self, description, work):
        with open(description, encoding='utf-8') as file:
            self.tools = json.load(file)
        self.work = os.path.abspath(work)
        os.makedirs(self.work, exist_ok=True)

    def prepare(self, variants=tuple(VARIANTS)):
        """Precompiles the header for these targets and levels."""
        header = os.path.join(self.work, 'before.h')
        with open(header, 'w', encoding='utf-8') as file:
            file.write('#include <ntddk.h>\n')
        parallel(lambda v: self._run(self._compiler(*v) + [
            '-x', 'c-header', header, '-o', self._header(*v)]), variants)

    def _header(self, target, level):
        return os.path.join(self.work, 'before%s.%s.pch' % (level, target))

    def _compiler(self, target, level):
        return [self.tools['clang'], *self.tools['cflags'], *TARGETS[target], level,
                '-g', '-gcodeview', '-gno-codeview-command-line']

    def _run(self, command):
        done = subprocess.run(command, cwd=self.work, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        if done.returncode:
            raise RuntimeError('%s\n%s' % (' '.join(command), done.stdout))

    def compile(self, source, output, variant, flags=()):
        """Flags that change what headers say (DBG) cannot go with the precompiled one."""
        header = []
        if not any(flag.startswith('-DDBG') for flag in flags):
            header = ['-include-pch', self._header(*variant)]
        os.makedirs(os.path.dirname(output), exist_ok=True)
        self._run([*self._compiler(*variant), *header, *flags, '-c', source, '-o', output])
        return output

    def link(self, image, objects, flags=()):
        """Makes `image` and a PDB beside it."""
        stem = os.path.splitext(image)[0]
        os.makedirs(os.path.dirname(image), exist_ok=True)
        self._run([self.tools['lld-link'], *self.tools['linkflags'], '/debug',
                   '/pdb:%s.pdb' % stem, '/pdbaltpath:%s.pdb' % os.path.basename(stem), *flags,
                   '/out:' + image, *objects, *self.tools['libraries']])
        return image

    def driver(self, image, source, variant, flags=(), link=()):
        """A driver of one source file."""
        output = self.compile(source, os.path.splitext(image)[0] + '.obj', variant, flags)
        self.link(image, [output], link)
        os.unlink(output)
        return image


def functions_of(image, tools):
    """{name: section} of the routines in an image that has a PDB beside it."""
    pdb = os.path.splitext(image)[0] + '.pdb'
    text = subprocess.run([tools['llvm-pdbutil'], 'dump', '-symbols', '-section-headers', pdb],
                          stdout=subprocess.PIPE, universal_newlines=True, check=True,
                          errors='replace').stdout # it prints raw bytes of some records too
    return _routines(text)


def _routines(text):
    names, sections = {}, []
    lines = text.splitlines()
    for index, line in enumerate(lines):
        words = line.split()
        if 'SECTION HEADER #' in line:
            sections.append(lines[index + 1].split()[0])
        elif len(words) > 2 and words[2] in ('S_GPROC32', 'S_LPROC32', 'S_GPROC32_ID',
                                             'S_LPROC32_ID'):
            name = line[line.index('`') + 1:line.rindex('`')]
            rest = ' '.join(lines[index + 1:index + 3])
            number = int(rest.split('addr = ')[1].split(':')[0])
            names[name] = number
    return {name: sections[number - 1] for name, number in names.items()}
