# SPDX-License-Identifier: MIT
"""SARIF that is printed is valid by the schema of OASIS.

    test_sarif_schema.py PROGRAM DRIVERS SOURCE

PAGABLE_SARIF_SCHEMA names the schema of SARIF 2.1.0; without it, the one in ../shared/data beside the
checkout is taken, if it is there.  What is missing is told, and ends the test with 77.
"""
import json
import os
import subprocess
import sys

PROGRAM, DRIVERS, SOURCE = sys.argv[1:4]
SCHEMA = os.environ.get('PAGABLE_SARIF_SCHEMA') or os.path.join(
    os.path.dirname(SOURCE), 'shared', 'data', 'sarif-schema-2.1.0.json')


def skip(why):
    print(f'skipped: {why}')
    sys.exit(77)


def main():
    try:
        import jsonschema
    except ImportError:
        skip('there is no python3-jsonschema')
    if not os.path.exists(SCHEMA):
        skip(f'there is no {SCHEMA}: PAGABLE_SARIF_SCHEMA names the schema of SARIF 2.1.0')
    with open(SCHEMA, encoding='utf-8') as file:
        schema = json.load(file)
    done = subprocess.run([PROGRAM, 'advise', '--format', 'sarif', '--small', DRIVERS, 'none.sys'],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=300)
    assert done.returncode == 3, done.returncode
    log = json.loads(done.stdout)
    jsonschema.Draft7Validator(schema).validate(log)
    results = len(log['runs'][0]['results'])
    assert results > 20, results


main()
