# SPDX-License-Identifier: MIT
"""parallel.sys on its printer: a day of it, a soak by seed, every way of refusing, and the mistake
of not locking its section.

    test_parallel.py PROGRAM DRIVERS SCENARIOS
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SCENARIOS = sys.argv[1:4]
POLICIES = ('irql', 'random', 'none')

# What the scripts below begin with.
PRELUDE = r'''
local LPT1, PORT = "\\DosDevices\\LPT1", 0x16
local QUERY_INFORMATION, SET_INFORMATION = ctl_code(PORT, 1), ctl_code(PORT, 2)
local QUERY_ID, QUERY_ID_SIZE = ctl_code(PORT, 3), ctl_code(PORT, 4)
local QUERY_RAW_ID = ctl_code(PORT, 12)
local SET_TIMEOUTS, GET_TIMEOUTS = ctl_code(0x1b, 7), ctl_code(0x1b, 8)
local SET_WAY, QUERY_STATISTICS = ctl_code(PORT, 0x800), ctl_code(PORT, 0x801)
local lpt = printer(1)
local function refuses(wanted, _, status)
    expect(status == wanted, string.format("status is 0x%x, not 0x%x", status or 0, wanted))
end
local function statistics(port)
    return table.pack(string.unpack("<I4I4I4I4I4I4", (port:control(QUERY_STATISTICS, "", 24))))
end
'''


def run(*options, driver='parallel.sys'):
    done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, driver), '--json', *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f'exit {done.returncode}: {done.stderr.decode()}')
    return done.returncode, json.loads(done.stdout), done


def script(text, *options, driver='parallel.sys'):
    with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
        file.write(PRELUDE + text)
        file.flush()
        return run('--script', file.name, *options, driver=driver)


class Parallel(unittest.TestCase):
    maxDiff = None

    def clean(self, result):
        code, report, done = result
        self.assertEqual([(f['rule'], f['message']) for f in report['findings']], [])
        self.assertIsNone(report['bugcheck'])
        self.assertEqual(code, 0, done.stderr.decode())
        return report

    def passes(self, text, *options):
        return self.clean(script(text, *options))


class Day(Parallel):
    def test_first_lock_by_address_the_others_by_handle(self):
        counters = self.clean(run())['counters']
        self.assertEqual(counters['section_locks_by_address'], 1)
        self.assertEqual(counters['section_locks_by_handle'], 2)
        self.assertEqual(counters['section_unlocks'], 3)
        self.assertGreater(counters['trims'], 1000)

    def test_whatever_is_trimmed_and_whoever_runs(self):
        for policy in POLICIES:
            for seed in range(1, 21):
                with self.subTest(policy=policy, seed=seed):
                    self.clean(run('--trim', policy, '--seed', str(seed)))

    def test_strict(self):
        self.clean(run('--strict'))

    def test_few_frames(self):
        self.clean(run('--frames', '4'))

    def test_the_same_seed_is_the_same_run(self):
        for seed in ('1', '7'):
            self.assertEqual(run('--seed', seed)[2].stdout, run('--seed', seed)[2].stdout)

    def test_default_scenario(self):
        with tempfile.TemporaryDirectory() as folder:  # nothing beside it
            for extension in ('sys', 'pdb', 'inf'):
                shutil.copy(os.path.join(DRIVERS, 'parallel.' + extension), folder)
            counters = self.clean(run(driver=os.path.join(folder, 'parallel.sys')))['counters']
            self.assertEqual(counters['section_locks_by_address'], 1)
            self.assertEqual(counters['interrupts'], 512)  # bytes that it writes


class Soak(Parallel):
    def test_seeds(self):
        soak = os.path.join(SCENARIOS, 'parallel-soak.lua')
        for policy in POLICIES:
            for seed in range(1, 21):
                with self.subTest(policy=policy, seed=seed):
                    self.clean(run('--script', soak, '--trim', policy, '--seed', str(seed)))

    def test_strict(self):
        soak = os.path.join(SCENARIOS, 'parallel-soak.lua')
        self.clean(run('--script', soak, '--strict', '--define=ROUNDS=1000'))


class Ways(Parallel):
    def test_polled_by_registry(self):
        self.passes(r'''
            registry("parallel\\Parameters", "UseInterrupt", 0)
            local port = open(LPT1)
            expect(port:write("polled") == 6)
            local s = statistics(port)
            expect(s[1] == 0 and s[2] == 6 and s[4] == 0)
            sleep(1)
            expect(lpt:output() == "polled" and lpt:counters().acks == 6)
        ''')

    def test_timeout_by_registry(self):
        self.passes(r'''
            registry("parallel\\Parameters", "WriteTimeout", 250)
            local port = open(LPT1)
            expect(string.unpack("<I4", (port:control(GET_TIMEOUTS, "", 20)), 17) == 250)
            lpt:offline()
            local job = port:start_write("x")
            expect(not job:wait(0.24) and job:wait(1) and job:status() == 0x80000010)
        ''')

    def test_a_registry_without_our_values(self):
        self.passes(r'''
            registry("parallel\\Parameters", "SomethingElse", 1)
            expect(open(LPT1):write("x") == 1)
        ''')

    def test_large_writes(self):
        for way in (0, 1):
            self.passes(f'''
                local port = open(LPT1)
                port:control(SET_WAY, string.pack("<I4", {way}))
                lpt:rate(1000000)
                local data = string.rep("0123456789abcdef", 4096)
                local job = port:start_write(data)
                expect(job:wait(60) and job:status() == 0)
                sleep(1)
                expect(lpt:output() == data)
                local s, c = statistics(port), lpt:counters()
                expect(s[2] + s[3] >= #data - #data // 4096 and s[{2 + (1 - way)}] == 0)
                expect(c.overruns + c.short_setups + c.short_holds + c.short_strobes == 0)
            ''')

    def test_two_ports_share_a_line(self):
        report = self.passes(r'''
            local second = add_printer("lpt2", 0x278, 7)
            local function locks()
                local s = section("parallel.sys", "PAGEPARW")
                expect(s.lock_count == 0 or s.resident_pages == s.pages)
                return s.lock_count
            end
            local a = open(LPT1)
            expect(locks() == 1)
            local b = open("\\DosDevices\\LPT2")
            expect(locks() == 2)
            local one, two = string.rep("one", 300), string.rep("two", 300)
            local jobs = {a:start_write(one), b:start_write(two)}
            expect(jobs[1]:wait(5) and jobs[2]:wait(5))
            sleep(1)
            expect(lpt:output() == one and second:output() == two)
            expect(statistics(a)[4] == #one and statistics(b)[4] == #two)
            expect(statistics(a)[5] > 0, "the line is shared, and nobody was called for the other")
            a:close()
            trim()
            expect(locks() == 1)
            expect(b:write("still") == 5)
            b:close()
            expect(locks() == 0)
            trim()
            expect(section("parallel.sys", "PAGEPARW").resident_pages == 0)
            expect(second.name == "lpt2")
        ''')
        self.assertEqual(report['counters']['section_locks_by_address'], 1)
        self.assertEqual(report['counters']['section_locks_by_handle'], 1)

    def test_autofeed(self):
        self.passes(r'''
            local port = open(LPT1)
            port:write("a\rb")
            sleep(1)
            expect(lpt:output() == "a\rb")
            port:control(SET_INFORMATION, string.char(3))
            port:write("a\rb")
            sleep(1)
            expect(lpt:output() == "a\r\nb" and lpt:counters().inits == 1)
            port:control(SET_INFORMATION, string.char(1))
            port:write("a\rb")
            sleep(1)
            expect(lpt:output() == "a\rb")
        ''')


class Refusals(Parallel):
    def test_device_control(self):
        self.passes(r'''
            local port = open(LPT1)
            local small, invalid = 0xc0000023, 0xc000000d
            refuses(0xc0000010, port:control(ctl_code(PORT, 0x77)))
            refuses(0xc0000010, port:read(10))
            refuses(small, port:control(QUERY_INFORMATION, "", 0))
            refuses(small, port:control(SET_INFORMATION, ""))
            refuses(small, port:control(QUERY_ID, "", 0))
            refuses(small, port:control(QUERY_ID, "", 10))
            refuses(small, port:control(QUERY_RAW_ID, "", 10))
            refuses(small, port:control(QUERY_ID_SIZE, "", 3))
            refuses(small, port:control(SET_TIMEOUTS, string.rep("\0", 19)))
            refuses(small, port:control(GET_TIMEOUTS, "", 19))
            refuses(small, port:control(SET_WAY, "\0\0\0"))
            refuses(small, port:control(QUERY_STATISTICS, "", 23))
            refuses(invalid, port:control(SET_WAY, string.pack("<I4", 2)))
            for _, init in ipairs({0, 2, 4, 5, 0x81, 0xff}) do
                refuses(invalid, port:control(SET_INFORMATION, string.char(init)))
            end
            expect(lpt:counters().inits == 0)
            refuses(0, port:write(""))
            expect(port:write("x") == 1)
        ''')

    def test_device_id(self):
        self.passes(r'''
            local port = open(LPT1)
            local function asks(status)
                for _, code in ipairs({QUERY_ID, QUERY_RAW_ID, QUERY_ID_SIZE}) do
                    refuses(status, port:control(code, "", 200))
                end
            end
            asks(0)
            lpt:ieee1284(false)
            asks(0xc00000bb)
            lpt:ieee1284(true)
            lpt:unplug()
            asks(0xc000009d)
            lpt:plug()
            lpt:power(false)
            asks(0x8000000f)
            lpt:power(true)
            lpt:offline()
            asks(0)
            lpt:offline(false)
            sleep(1)
            expect(port:write("and prints") == 10)
            sleep(1)
            expect(lpt:output() == "and prints")
        ''')

    def test_cancelled_while_it_waits_for_power(self):
        self.passes(r'''
            local port = open(LPT1)
            local top = hardware("lpt1"):device()
            expect(top:power("D3"))
            refuses(0xc00000a3, port:control(QUERY_INFORMATION, "", 1))
            local jobs = {port:start_write("held"),
                          port:start_control(QUERY_ID, "", 200),
                          port:start_control(SET_INFORMATION, "\1")}
            expect(not jobs[1]:wait(5))
            for _, job in ipairs(jobs) do
                job:cancel()
                expect(job:wait(1) and job:status() == 0xc0000120)
            end
            local held = port:start_write("held")
            expect(not held:wait(5))
            expect(top:power("D0"))
            expect(held:wait(1) and held:status() == 0)
            sleep(1)
            expect(lpt:output() == "held")
        ''')

    def test_not_removed_while_open(self):
        self.passes(r'''
            local self, port = driver(1), open(LPT1)
            expect(self:unload() == false)
            expect(port:write("still here") == 10)
            port:close()
            expect(self:unload())
            expect(device(LPT1) == nil)
            expect(self:load())
            port = open("\\DosDevices\\LPT1")
            expect(port:write("back") == 4)
            sleep(1)
            expect(lpt:output() == "still hereback")
        ''')

    def test_pulled_out(self):
        for moment in ('', 'expect(port:write("x") == 1)', 'lpt:offline() port:start_write("x")'):
            self.passes(f'''
                local port = open(LPT1)
                {moment}
                hardware("lpt1"):pull_out()
                sleep(1)
                refuses(0xc00002b6, port:write("gone"))
                refuses(0xc00002b6, port:control(QUERY_INFORMATION, "", 1))
                refuses(0xc00002b6, port:control(QUERY_ID, "", 200))
                refuses(0xc00002b6, port:control(SET_INFORMATION, "\\1"))
                expect(not device(LPT1))
                spurious(7)
                port:close()
                sleep(1)
                expect(not device("\\\\Device\\\\ParallelPort0"))
                expect(section("parallel.sys", "PAGEPARW").lock_count == 0)
            ''')

    def test_unloaded_as_soon_as_it_was_pulled_out_and_closed(self):
        result = script('local port = open(LPT1) hardware("lpt1"):pull_out() port:close()')
        self.clean(result)
        self.assertEqual(result[2].stderr, b'')

    def test_spurious_interrupts(self):
        self.passes(r'''
            local port = open(LPT1)
            local data = string.rep("spurious", 200)
            local job = port:start_write(data)
            while not job:wait(0.0003) do
                spurious(7)
            end
            expect(job:status() == 0)
            sleep(1)
            expect(lpt:output() == data)
            local s = statistics(port)
            expect(s[5] > 10 and s[4] == #data)
        ''')


class Script(unittest.TestCase):
    """The printer's part of the scripts' interface."""

    MISTAKES = (
        ('printer("x")', 'number expected'),
        ('printer(1):rate(0)', 'must be 1 to 1000000'),
        ('printer(1):rate(1000001)', 'must be 1 to 1000000'),
        ('printer(1):buffer(0)', 'must be 1 to 65536'),
        ('printer(1):buffer(65537)', 'must be 1 to 65536'),
        ('printer(1):offline(1)', 'boolean expected'),
        ('printer(1).output(1)', 'printer expected'),
        ('printer(1):jam()', "a nil value (method 'jam')"),
        ('add_printer("", 0x278, 5)', 'must have 1 to 31 bytes'),
        ('add_printer(("x"):rep(32), 0x278, 5)', 'must have 1 to 31 bytes'),
        ('add_printer("lpt1", 0x278, 5)', 'the computer has hardware of that name'),
        ('add_printer("lpt2", 0x37a, 5)', 'other hardware is there'),
        ('add_printer("lpt2", 0xfffe, 5)', 'no such port'),
        ('add_printer("lpt2", -1, 5)', 'no such port'),
        ('add_printer("lpt2", 0x278, 24)', 'the computer has lines 0 to 23'),
    )

    def test_mistakes(self):
        for text, message in self.MISTAKES:
            with self.subTest(text), tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
                file.write(text)
                file.flush()
                done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'parallel.sys'),
                                       '--script', file.name], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, universal_newlines=True, check=False)
                self.assertEqual(done.returncode, 3)
                self.assertIn(message, done.stderr)

    def test_beyond_the_last(self):
        code, _, _ = script('expect(printer(0) == nil and printer(2) == nil and printer(-1) == nil)'
                            'expect(lpt.name == "lpt1" and lpt:output() == "")')
        self.assertEqual(code, 0)


class Forgets(Parallel):
    """The same driver without its lock: what the section is locked for is found at once."""

    WRITE = 'local port = open(LPT1)\nport:write("x")\n'

    def test_bug_check(self):
        code, report, _ = script(self.WRITE, driver='parallel_test/parallel_forgets.sys')
        self.assertEqual(code, 1)
        self.assertIsNotNone(report['bugcheck'])
        self.assertEqual(report['bugcheck']['code'], '0xD1')
        self.assertEqual([f['rule'] for f in report['findings']], ['spin-lock-in-pageable'])
        self.assertEqual(report['bugcheck']['finding'], 0)
        self.assertEqual(report['findings'][0]['section'], 'PAGEPARW')
        self.assertEqual(report['findings'][0]['function'], 'ParQueueAcquire')

    def test_found_though_nothing_was_trimmed(self):
        code, report, _ = script(self.WRITE, '--trim', 'none', '--strict',
                                 driver='parallel_test/parallel_forgets.sys')
        self.assertEqual(code, 1)
        self.assertTrue(report['findings'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
