# SPDX-License-Identifier: MIT
"""Pages in headless Chromium; check.js says what is looked at.

    test_browser.py PROGRAM DRIVERS SOURCE FOLDER

Pages and screenshots go to FOLDER.  Without node, npm, Chromium or the package that drives it the
test is skipped, aloud (exit status 77); where CI is set in the environment that is a failure.
"""
import json
import os
import shutil
import subprocess
import sys

PROGRAM, DRIVERS, SOURCE, FOLDER = sys.argv[1:5]
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = os.path.join(FOLDER, 'packages')
PAGES = os.path.join(FOLDER, 'pages')
SKIPPED = 77


def cannot(reason):
    print(f'the browser test cannot run: {reason}', file=sys.stderr)
    sys.exit(1 if os.environ.get('CI') else SKIPPED)


def tool(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return cannot(f'there is no {names[0]}')


def install(npm):
    """The package of the lock file, in the build folder; nothing is fetched twice."""
    lock = os.path.join(HERE, 'package-lock.json')
    stamp = os.path.join(PACKAGES, 'stamp')
    with open(lock, 'rb') as file:
        wanted = file.read()
    if os.path.exists(stamp):
        with open(stamp, 'rb') as file:
            if file.read() == wanted:
                return
    os.makedirs(PACKAGES, exist_ok=True)
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, name), PACKAGES)
    done = subprocess.run([npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], cwd=PACKAGES,
                          env={**os.environ, 'PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD': '1'}, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    if done.returncode != 0:
        cannot('npm ci failed:\n' + done.stdout.decode(errors='replace'))
    with open(stamp, 'wb') as file:
        file.write(wanted)


def expect(name, **what):
    with open(os.path.join(PAGES, name + '.json'), 'w', encoding='utf-8') as out:
        json.dump(what, out)


def run(name, driver, script, code, **what):
    arguments = [PROGRAM, 'run', os.path.join(DRIVERS, driver + '.sys'), '--report',
                 os.path.join(PAGES, name + '.html')]
    if script:
        arguments += ['--script', os.path.join(SOURCE, 'scenarios', script + '.lua')]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=300)
    if done.returncode != code:
        sys.exit(f'{arguments}: exit status {done.returncode}\n{done.stderr.decode()}')
    expect(name, **what)


def hostile():
    """A trace of somebody who wants more than to be drawn."""
    evil = '</script><script>alert(1)</script><img src="http://127.0.0.1:9/x" onerror="alert(2)">\'&'
    name = '<b>"&\''
    lines = [
        {'schema': 'pagable.trace/1', 'pagable': evil, 'seed': 1, 'trim': evil, 'frames': 0,
         'scenario': evil, 'level': 'paging', 'drivers': [evil]},
        {'time': 0, 'event': 'module', 'module': 0, 'name': '</script><a>.sys', 'base': '0x1000',
         'bytes': 8192},
        {'event': 'section', 'section': 0, 'module': 0, 'name': name, 'class': 'pageable', 'rva': 0,
         'bytes': 4096, 'pages': 1},
        {'event': 'device', 'device': 0, 'name': evil[:60], 'driver': '</script><i>'},
        {'time': 1, 'event': 'open', 'irql': 0, 'device': 0},
        {'event': 'place', 'caller': '0x1010', 'symbol': evil, 'file': evil, 'line': 1},
        {'time': 2, 'event': 'page-keep', 'irql': 0, 'section': 0, 'page': 0, 'pages': 1},
        {'time': 2, 'event': 'lock', 'irql': 0, 'section': 0, 'count': 1, 'caller': '0x1010'},
        {'time': 3, 'event': 'mark', 'label': '<script>alert(3)</script>'},
        {'time': 4, 'event': 'finding', 'finding': 0, 'rule': evil},
        {'event': 'result', 'run': {
            'schema': 'pagable.run/1', 'drivers': [evil], 'seed': 1, 'result': 'findings',
            'findings': [{'rule': evil, 'severity': evil, 'message': evil, 'help': evil, 'irql': 99,
                          'time': -1, 'module': evil, 'function': evil, 'file': evil, 'line': 1,
                          'section': name, 'stack': [evil, {evil: [evil, [evil]]}]}],
            'counters': {evil: 1, 'virtual_time': 10}, 'reason': evil,
            'marks': [{'label': evil, 'time': 3, 'sections': [
                {'image': evil, 'name': name, 'pages': 1, 'resident_pages': 1, 'lock_count': 1}]}],
        }},
    ]
    trace = os.path.join(FOLDER, 'hostile.jsonl')
    with open(trace, 'w', encoding='utf-8') as out:
        for line in lines:
            out.write(json.dumps(line) + '\n')
    subprocess.run([PROGRAM, 'report', trace, '-o', os.path.join(PAGES, 'hostile.html')], check=True)
    expect('hostile', figures=['timeline', 'locks', 'pages', 'memory'], result='findings',
           tables=['marks', 'moments', 'sites', 'categories', 'sections', 'counters'],
           texts=[evil[:40]])


def main():
    node, npm = tool('node'), tool('npm')
    chromium = tool('chromium', 'chromium-browser')
    shutil.rmtree(PAGES, ignore_errors=True)
    os.makedirs(PAGES)
    install(npm)
    every = ['timeline', 'locks', 'pages', 'memory']
    run('sections', 'sections', 'sections', 0, figures=every, result='clean',
        tables=['moments', 'sites', 'categories', 'sections', 'counters'],
        texts=['sections.sys', 'PAGEAAAA', 'No rule about IRQL or paging was broken'])
    run('bugcheck', 'sections', 'pageable-at-raised-irql', 1, result='bugcheck',
        figures=['timeline', 'pages', 'memory'],
        tables=['moments', 'categories', 'sections', 'counters'],
        texts=['DRIVER_IRQL_NOT_LESS_OR_EQUAL', 'pageable-at-raised-irql'])
    run('serial', 'serial', 'serial-day', 0, figures=every, result='clean',
        tables=['marks', 'moments', 'sites', 'categories', 'sections', 'counters'],
        texts=['serial.sys', 'PAGESER', 'both open'])
    hostile()
    done = subprocess.run([node, os.path.join(HERE, 'check.js'), PAGES, chromium], check=False,
                          env={**os.environ, 'NODE_PATH': os.path.join(PACKAGES, 'node_modules')},
                          timeout=600)
    sys.exit(done.returncode)


main()
