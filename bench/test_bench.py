# SPDX-License-Identifier: MIT
"""The benchmark works and prints what its schema says; how fast is not a test's business.

    test_bench.py PROGRAM
"""
import json
import subprocess
import sys
import unittest

PROGRAM = sys.argv[1]


class Bench(unittest.TestCase):
    def test_schema(self):
        done = subprocess.run([PROGRAM, '--json', '--quick'], stdout=subprocess.PIPE, check=True)
        report = json.loads(done.stdout)
        self.assertEqual(report['schema'], 'pagable.bench/1')
        sections = [r for r in report['results'] if r['name'].startswith(('lock_', 'freestanding'))]
        self.assertEqual(len(sections), 9)
        for result in sections:
            self.assertGreater(result['value'], 0)
            self.assertGreater(result['ratio'], 0)
            self.assertIn(result['unit'], ('ns', 'bytes'))
            self.assertTrue(result['versus'])
            report['results'].remove(result)
        names = [result['name'] for result in report['results']]
        self.assertEqual(names, ['driver-entry', 'fault-in', 'fault-in-minimal', 'cold_lock_pe_16p',
                                 'cold_lock_pe_256p', 'trim_pe_256p', 'verified-ftdisk',
                                 'verified-serial', 'verified-parallel', 'cold_lock_16p',
                                 'cold_lock_256p', 'trim_256p', 'advise_10mb', 'advise_1mb'])
        for result in report['results']:
            self.assertGreater(result['value'], 0)
            self.assertGreater(result['ratio'], 0)
            self.assertIn(result['unit'], ('ms', 'us'))
            self.assertTrue(result['versus'])
            if result['name'].startswith('verified-'):
                self.assertGreater(result['trims'], 0)
                self.assertGreater(result['page_ins'], result['versus_page_ins'])
            if result['name'].startswith('advise_'):
                self.assertGreater(result['functions'], 100)
                self.assertGreater(result['calls'], 1000)
                self.assertGreater(result['bytes_decoded'], result['text_bytes'] // 2)

    def test_usage(self):
        done = subprocess.run([PROGRAM, '--fast'], stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
