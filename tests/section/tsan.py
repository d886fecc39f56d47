# SPDX-License-Identifier: MIT
"""The threads of the section core and of libpagable under the race detector.

    tsan.py CC SOURCE BUILD

Builds the tests that have threads with TSan in BUILD and runs them.  Before that it looks whether TSan works
here at all (some kernels lay memory out in a way that its runtime refuses: then once more without
randomization) and finds a race that is there; if not, the exit code is 77, which CTest takes for
"skipped".
"""
import os
import subprocess
import sys

CC, SOURCE, BUILD = sys.argv[1:]
SKIPPED = 77
TESTS = ['section/test_section_threads', 'native/test_native_threads', 'native/test_native_forks']
FLAGS = ['-fsanitize=thread', '-g', '-O1', '-pthread']
CANARY = '''
#include <pthread.h>
#include <stdatomic.h>
static int plain;
static _Atomic int go;
static void *add(void *p) { go++; while (go < 2) { } for (int i = 0; i < 1000; i++) { plain++; } return p; }
int main(void)
{
    pthread_t a;
    pthread_create(&a, 0, add, 0);
    add(0);
    pthread_join(a, 0);
    return 0;
}
'''


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', check=False, **more)


def launcher():
    """What to put before a program so that TSan sees a race in it; None: nothing helps."""
    canary = os.path.join(BUILD, 'canary')
    os.makedirs(BUILD, exist_ok=True)
    with open(canary + '.c', 'w', encoding='ascii') as file:
        file.write(CANARY)
    if run([CC, *FLAGS, canary + '.c', '-o', canary]).returncode != 0:
        return None
    for prefix in ([], ['setarch', '-R']):
        try:
            if 'WARNING: ThreadSanitizer: data race' in run([*prefix, canary]).stdout:
                return prefix
        except FileNotFoundError:
            pass
    return None


def main():
    prefix = launcher()
    if prefix is None:
        print('TSan does not work here: skipped')
        return SKIPPED
    steps = [
        ['cmake', '-S', SOURCE, '-B', BUILD, '-DPAGABLE_TSAN=ON', '-DCMAKE_C_COMPILER=' + CC,
         '-DCMAKE_BUILD_TYPE=RelWithDebInfo'],
        ['cmake', '--build', BUILD, '--target', *map(os.path.basename, TESTS)],
        # one process: the runtime would follow a fork, but its report would not name the test
        *([*prefix, os.path.join(BUILD, 'tests', test)] for test in TESTS),
    ]
    environment = dict(os.environ, CK_FORK='no',
                       # a forked child has no other threads, and the runtime thinks they leaked
                       TSAN_OPTIONS='halt_on_error=1:exitcode=66:report_thread_leaks=0')
    for step in steps:
        done = run(step, env=environment)
        if done.returncode != 0:
            print(' '.join(step), done.stdout, sep='\n')
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
