# SPDX-License-Identifier: MIT
"""serial.sys and serial_entire.sys on their UARTs: a day of each, a soak by seed, a megabyte each way,
and what happens to a driver that makes one mistake.

    test_serial.py PROGRAM DRIVERS SCENARIOS
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SCENARIOS = sys.argv[1:4]
POLICIES = (('--trim=irql',), ('--trim=random',), ('--trim=none',), ('--frames=4',), ('--strict',))
MEGABYTE = 1 << 20

# Opens the first port and moves a few bytes, with all four ports' interrupts about.
SHORT_DAY = r'''
local file = open("\\DosDevices\\COM1")
local reading = file:start_read(3)
sleep(0.001)
trim()
uart(1):send("abc")
expect(reading:result() == "abc")
trim()
expect(file:write("abc") == 3)
file:close()
trim()
spurious(4)
sleep(0.1)
'''


def run(driver, *options):
    done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, driver), '--json', *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f'exit {done.returncode}: {done.stderr.decode()}')
    return json.loads(done.stdout), done


def script(driver, text, *options):
    with tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
        file.write(text)
        file.flush()
        return run(driver, '--script', file.name, *options)


def scenario(name):
    return ('--script', os.path.join(SCENARIOS, name))


class Serial(unittest.TestCase):
    maxDiff = None

    def clean(self, result):
        report, done = result
        self.assertEqual([(f['rule'], f['message']) for f in report['findings']], [])
        self.assertIsNone(report['bugcheck'])
        self.assertEqual(done.returncode, 0)
        return report

    def everywhere(self, driver, *options, seeds=range(1, 5)):
        for policy in POLICIES:
            for seed in seeds:
                with self.subTest(policy=policy, seed=seed):
                    self.clean(run(driver, *options, *policy, '--seed', str(seed)))

    def rules(self, result):
        return [f['rule'] for f in result[0]['findings']]


class Day(Serial):
    def test_first_open_locks_by_address_later_ones_by_handle(self):
        counters = self.clean(run('serial.sys'))['counters']
        self.assertEqual(counters['section_locks_by_address'], 1)
        self.assertEqual(counters['section_locks_by_handle'], 4)
        self.assertEqual(counters['section_unlocks'], 5)
        self.assertGreater(counters['trims'], 1000)
        self.assertGreater(counters['interrupts'], 1000)

    def test_whatever_leaves_and_whoever_runs(self):
        self.everywhere('serial.sys')

    def test_the_same_seed_is_the_same_run(self):
        for seed in ('1', '7'):
            self.assertEqual(run('serial.sys', '--seed', seed)[1].stdout,
                             run('serial.sys', '--seed', seed)[1].stdout)

    def test_default_scenario(self):
        # Beside nothing: what is done to any driver is done to this one.
        with tempfile.TemporaryDirectory() as folder:
            for name in ('serial.sys', 'serial.inf'):
                os.symlink(os.path.join(DRIVERS, name), os.path.join(folder, name))
            report = self.clean(run(os.path.join(folder, 'serial.sys')))
            self.assertGreater(report['counters']['irps'], 20)
            self.assertEqual(report['counters']['section_locks_by_handle'], 3)

    def test_a_chip_in_memory(self):
        report = self.clean(script('serial.sys', r'''
            local u = add_uart("uart5", "memory", 0xd0000000, 10)
            local shared = add_uart("uart6", "memory", 0xd0001000, 4)
            for n, chip in pairs { [5] = u, [6] = shared } do
                local file = open("\\DosDevices\\COM" .. n)
                local text = ("in memory "):rep(300)
                expect(chip.name == "uart" .. n)
                chip:echo(true)
                local reading = file:start_read(#text)
                expect(file:write(text) == #text)
                expect(reading:result() == text)
                file:close()
                expect(hardware("uart" .. n):restart())
            end'''))
        self.assertGreater(report['counters']['register_accesses'], 10000)

    def test_a_chip_without_power_is_not_opened(self):
        self.clean(script('serial.sys', r'''
            start()
            local top = hardware("uart1"):device()
            expect(top:power("D3"))
            local file, status = open("\\DosDevices\\COM1")
            expect(not file and status == 0xc00000a3, string.format("0x%x", status))
            expect(section("serial.sys", "PAGESER").lock_count == 0)
            expect(top:power("D0"))
            expect(open("\\DosDevices\\COM1"))'''))

    def test_a_device_without_resources_does_not_start(self):
        # Without a chip the driver gets a device that has nothing.
        report, _ = script('serial.sys', r'''
            for n = 1, 4 do
                hardware("uart" .. n):pull_out()
            end
            start()
            expect(device("\\DosDevices\\COM1") == nil)
            expect(section("serial.sys", "PAGESER").lock_count == 0)''')
        self.assertEqual([f['rule'] for f in report['findings']], ['device-start-failed'])
        self.assertIn('0xc000009a', report['findings'][0]['message'])

    def test_a_storm_at_the_lowest_trigger_without_fifos(self):
        self.clean(script('serial.sys', r'''
            local function code(n) return ctl_code(0x1b, n) end
            local file, u = open("\\DosDevices\\COM1"), uart(1)
            expect(file:control(code(1), string.pack("<I4", 57600)))
            for _, fifo in ipairs { 0x00, 0x01, 0x41, 0x81, 0xc1 } do
                expect(file:control(code(39), string.pack("<I4", fifo)))
                u:echo(true)
                local text = string.format("fifo control %02x ", fifo):rep(50)
                local reading = file:start_read(#text)
                expect(file:write(text) == #text)
                expect(reading:result() == text)
                u:echo(false)
            end
            expect(u:counters().overruns == 0)'''))


class Transfer(Serial):
    def test_a_megabyte_each_way(self):
        for policy in ('--trim=irql', '--trim=none'):
            counters = self.clean(run('serial.sys', *scenario('serial-transfer.lua'), '--budget=0',
                                      policy))['counters']
            # Two characters share an interrupt at most fourteen or sixteen times.
            self.assertGreater(counters['interrupts'], MEGABYTE // 14 + MEGABYTE // 16)
            self.assertGreaterEqual(counters['port_accesses'], 2 * MEGABYTE)
            self.assertEqual(counters['section_locks_by_address'], 1)
            if policy == '--trim=irql':
                self.assertGreater(counters['trims'], MEGABYTE // 16)


class Soak(Serial):
    def test_seeds(self):
        self.everywhere('serial.sys', *scenario('serial-soak.lua'), '--define=ROUNDS=1500',
                        seeds=range(1, 5))

    def test_long(self):
        self.clean(run('serial.sys', *scenario('serial-soak.lua'), '--define=ROUNDS=10000',
                       '--budget=0', '--trim=irql'))


class Entire(Serial):
    def test_whatever_leaves_and_whoever_runs(self):
        self.everywhere('serial_entire.sys', seeds=range(1, 6))

    def test_it_locks_no_section(self):
        counters = self.clean(run('serial_entire.sys'))['counters']
        self.assertEqual(counters['section_locks_by_address'], 0)
        self.assertEqual(counters['section_locks_by_handle'], 0)

    def test_a_day_of_the_other_one(self):
        # The same behaviour, but for what is in memory when.
        with open(os.path.join(SCENARIOS, 'serial.lua'), encoding='utf-8') as file:
            text = file.read()
        head, tail = text.split('local function expect_section(', 1)
        text = (head + 'local function expect_section() end\nlocal function unused_section(' + tail)
        self.clean(script('serial_entire.sys', text.replace('"serial.sys"', '"serial_entire.sys"')))


class Mistakes(Serial):
    def test_a_section_that_nobody_locked(self):
        report, _ = script('serial_test/serial_forget_lock.sys', SHORT_DAY)
        self.assertEqual(report['result'], 'bugcheck')
        self.assertEqual(report['bugcheck']['code'], '0xD1')
        finding = report['findings'][report['bugcheck']['finding']]
        self.assertEqual(finding['rule'], 'spin-lock-in-pageable')
        self.assertEqual((finding['section'], finding['function']), ('PAGESER', 'SerialRead'))

    def test_a_section_that_stays_locked(self):
        self.assertEqual(self.rules(script('serial_test/serial_forget_unlock.sys', SHORT_DAY)),
                         ['lock-leak'])

    def test_paged_out_with_the_interrupt_connected(self):
        self.assertIn('page-entire-with-interrupt',
                      self.rules(script('serial_test/serial_forget_disconnect.sys', SHORT_DAY)))

    def test_opened_while_all_of_it_is_pageable(self):
        report, _ = script('serial_test/serial_forget_reset.sys', SHORT_DAY)
        self.assertEqual(report['result'], 'bugcheck')
        self.assertEqual(report['bugcheck']['code'], '0xD1')


class Scripts(Serial):
    """What a script may not ask of a UART: one line, exit status 3."""

    def test_mistakes_are_one_line(self):
        for text, words in (
                ('uart(1):send()', 'string expected'),
                ('uart(1):inject("noise")', 'invalid option'),
                ('uart(1):inject("break", "x")', 'a break has no data'),
                ('uart(1):modem{clear=true}', 'cts, dsr, ri, dcd'),
                ('uart(1):modem(1)', 'table expected'),
                ('uart(1):received(-1)', 'must not be negative'),
                ('uart(1):flow("maybe")', 'invalid option'),
                ('uart(1):echo()', 'value expected'),
                ('uart(5):send("x")', 'nil value'),
                ('add_uart("uart1", "port", 0x100, 4)', 'hardware of that name'),
                ('add_uart("other", "port", 0x3fa, 4)', 'other hardware is there'),
                ('add_uart("other", "port", 0xfffa, 4)', 'no such address'),
                ('add_uart("other", "memory", -8, 4)', 'no such address'),
                ('add_uart("other", "port", 0x100, 24)', 'no such line'),
                ('for i = 1, 100 do uart(1):send(("x"):rep(1 << 20)) end', '64 MiB wait')):
            with self.subTest(text=text), tempfile.NamedTemporaryFile('w', suffix='.lua') as file:
                file.write(text + '\n')
                file.flush()
                done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'serial.sys'), '-q',
                                       '--script', file.name],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 3)
                self.assertIn(words, done.stderr.decode())
                self.assertEqual(done.stderr.count(b'pagable: '), 1)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
