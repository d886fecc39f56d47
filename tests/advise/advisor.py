# SPDX-License-Identifier: MIT
"""Runs `pagable advise` over many images and reads what it says."""
import json
import os
import subprocess

# Notes are advice, not violations.
ADVICE = ('could-be-pageable', 'isolate')


def is_violation(finding):
    return finding['rule'] not in ADVICE and not finding['rule'].startswith('layout-')


def advise(program, images, options=()):
    """{image: report} of images that can all be read; reports are those of --json."""
    done = subprocess.run(
        [program, 'advise', '--format', 'jsonl', '-j', str(os.cpu_count()), *options,
         '--files-from', '-'], input='\n'.join(images) + '\n', stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError('pagable advise: exit %d: %s' % (done.returncode, done.stderr))
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    if len(reports) != len(images):
        raise RuntimeError('%d images, %d reports' % (len(images), len(reports)))
    for report in reports:
        report['violations'] = [f for f in report['findings'] if is_violation(f)]
    return dict(zip(images, reports))


def in_words(finding):
    return '%(verdict)s %(rule)s in %(function)s: %(message)s' % finding
