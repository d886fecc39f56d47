# SPDX-License-Identifier: MIT
"""Plug and play and power, on a driver that tells what is done to it (pnp_probe.sys).

    test_pnp.py PROGRAM DRIVERS
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS = sys.argv[1:3]

INF = '''; one of the computer's four ports, unless a test says otherwise
[Manufacturer]
%Maker% = Models, NTamd64
[Models.NTamd64]
%Device% = Install, ACPI\\PNP0501
[Strings]
Maker = "Test"
Device = "Probe"
'''
# Hardware that goes before the drivers start leaves one port: its order of requests is easy to read.
ONE = 'for i = 2, 4 do hardware("uart" .. i):pull_out() end\n'
PARAMETERS = '\\\\Registry\\\\Machine\\\\System\\\\CurrentControlSet\\\\Services\\\\pnp_probe\\\\Parameters'
ENUM = '\\\\Registry\\\\Machine\\\\System\\\\CurrentControlSet\\\\Enum\\\\ACPI\\\\PNP0501\\\\1'

CHECKS = ['properties', 'keys', 'interfaces', 'bus', 'target', 'custom', 'power', 'map', 'refused', 'wmi']
INVALIDATE, SAYS_FAILED, RELATIONS, EJECT, REQUEST_D3, NOT_PDO = range(0x900, 0x906)

START = ['AddDevice', 'FILTER_RESOURCE_REQUIREMENTS', 'START_DEVICE', 'QUERY_CAPABILITIES',
         'QUERY_PNP_DEVICE_STATE', 'QUERY_DEVICE_RELATIONS']
RESTART = ['QUERY_STOP_DEVICE', 'STOP_DEVICE'] + START[2:]
REMOVE = ['QUERY_REMOVE_DEVICE', 'REMOVE_DEVICE']


def order(name):
    return 'registry("%s", "%s", 1)\n' % (PARAMETERS, name)


def control(function, then=''):
    return 'f:control(ctl_code(0x22, 0x%x))%s\n' % (function, then)


def check(name):
    return control(0x800 + CHECKS.index(name))


OPEN = 'local h = hardware("uart1")\nlocal f = open(h:device())\n'


class Case(unittest.TestCase):
    maxDiff = None

    def run_probe(self, script, *options, code=0, inf=INF, drivers=('pnp_probe',)):
        """Run the probe under a script; what it said, the report, everything on stderr."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name in drivers:
                paths.append(shutil.copy(os.path.join(DRIVERS, name + '.sys'), folder))
            if inf is not None:
                with open(os.path.join(folder, 'pnp_probe.inf'), 'w', encoding='utf-8') as file:
                    file.write(inf)
            path = os.path.join(folder, 'test.lua')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(script)
            done = subprocess.run([PROGRAM, 'run', *paths, '--script', path, '--json', *options],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, check=False, timeout=120)
        errors, out = done.stderr.decode(), done.stdout.decode()
        self.assertEqual(done.returncode, code, errors + out[-3000:])
        said = [line.split(': ', 1)[1] for line in errors.splitlines()
                if line.startswith(('probe: ', 'filter: '))]
        return said, json.loads(out), errors

    def requests(self, said):
        """AddDevice and the names of requests, without the rest."""
        return [line for line in said if re.fullmatch(r'AddDevice|unload|[A-Z_]{5,}', line)]

    def rules(self, report):
        return [finding['rule'] for finding in report['findings']]


class Starting(Case):
    def test_the_usual_order(self):
        for trim in 'irql', 'none', 'random':
            said, report, _ = self.run_probe(ONE + 'start()', '--trim', trim)
            self.assertEqual(self.requests(said), START + REMOVE + ['unload'])
            self.assertEqual(report['findings'], [])

    def test_resources(self):
        said, _, _ = self.run_probe(ONE + 'start()')
        self.assertEqual(
            [line for line in said if line.startswith(('raw', 'translated'))],
            ['raw: type 1 start 0x3f8 length 8 share 1 flags 0x11',
             'raw: interrupt level 4 vector 4 share 3 flags 0 affinity 1',
             'translated: type 1 start 0x3f8 length 8 share 1 flags 0x11',
             'translated: interrupt level 10 vector 164 share 3 flags 0 affinity 1'])

    def test_each_port_gets_a_device(self):
        said, _, _ = self.run_probe('start()')
        self.assertEqual(self.requests(said), START * 4 + REMOVE * 4 + ['unload'])
        self.assertEqual(re.findall(r'raw: type 1 start (\w+)', '\n'.join(said)),
                         ['0x3f8', '0x2f8', '0x3e8', '0x2e8'])

    def test_without_an_inf(self):
        script = 'start()\nexpect(hardware("uart1"):device().name == "\\\\Device\\\\00000001")'
        said, report, _ = self.run_probe(script, inf=None)
        expected = [r for r in START if r != 'FILTER_RESOURCE_REQUIREMENTS']
        self.assertEqual(self.requests(said), expected + REMOVE + ['unload'])
        self.assertIn('raw: no resources', said)
        self.assertEqual(report['findings'], [])

    def test_hardware_that_is_not_there(self):
        said, _, _ = self.run_probe('start()', inf=INF.replace('PNP0501', 'PNP9999'))
        self.assertIn('translated: no resources', said)
        self.assertEqual(said.count('AddDevice'), 1)

    def test_a_broken_inf_is_told_of(self):
        _, _, errors = self.run_probe('start()', inf='nothing of interest')
        self.assertIn('pnp_probe.inf: not used: it has no [Manufacturer] section', errors)

    def test_every_inside_check(self):
        script = ONE + OPEN + ''.join(check(name) for name in CHECKS) + 'f:close()'
        _, report, errors = self.run_probe(script)
        for name in CHECKS:
            self.assertIn(name + ' ok\n', errors)
        self.assertEqual(report['findings'], [])

    def test_requirements_may_be_replaced(self):
        _, report, _ = self.run_probe(ONE + order('NewRequirements') + 'start()')
        self.assertEqual(report['findings'], [])

    def test_the_default_scenario(self):
        with tempfile.TemporaryDirectory() as folder:
            driver = shutil.copy(os.path.join(DRIVERS, 'pnp_probe.sys'), folder)
            with open(os.path.join(folder, 'pnp_probe.inf'), 'w', encoding='utf-8') as file:
                file.write(INF)
            done = subprocess.run([PROGRAM, 'run', driver], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout.decode())

    def test_a_script_that_takes_the_stack_down_itself(self):
        said, report, _ = self.run_probe(ONE + 'hardware("uart1"):device():pnp(2)\n'
                                         'expect(hardware("uart1"):device().name ~= "")')
        self.assertEqual(self.requests(said), START + ['REMOVE_DEVICE', 'unload'])
        self.assertEqual(report['findings'], [])

    def test_children_are_told_of(self):
        script = ONE + order('Children') + OPEN + control(RELATIONS) + 'sleep(0.1) f:close()'
        said, _, errors = self.run_probe(script)
        self.assertEqual(errors.count('reports 1 device below it'), 2)
        self.assertEqual(said.count('QUERY_DEVICE_RELATIONS'), 2)

    def test_seeds_agree(self):
        script = OPEN + 'f:start_read(4)\nh:pull_out()\nf:close()'
        runs = [self.run_probe(script, '--seed', '7', '--trim', 'random')[2] for _ in range(2)]
        self.assertEqual(*runs)


class Refusing(Case):
    def test_add_device_fails(self):
        said, report, _ = self.run_probe(ONE + order('FailAdd') + 'start()', code=1)
        self.assertEqual(self.requests(said), ['AddDevice', 'unload'])
        self.assertEqual(self.rules(report), ['device-start-failed'])
        self.assertIn('AddDevice of pnp_probe.sys returned 0xc000000e for uart1',
                      report['findings'][0]['message'])
        self.assertEqual(report['findings'][0]['function'], 'ProbeAddDevice')

    def test_start_fails(self):
        said, report, _ = self.run_probe(ONE + order('FailStart') + 'start()', code=1)
        self.assertEqual(self.requests(said), START[:3] + ['REMOVE_DEVICE', 'unload'])
        self.assertEqual(self.rules(report), ['device-start-failed'])
        self.assertIn('0xc0000182', report['findings'][0]['message'])

    def test_start_never_ends(self):
        _, report, _ = self.run_probe(ONE + order('HangStart') + 'start()', code=1)
        self.assertEqual(self.rules(report), ['thread-hang'])
        self.assertIn('IRP_MN_START_DEVICE', report['findings'][0]['message'])
        self.assertEqual(report['findings'][0]['function'], 'ProbePnp')

    def test_remove_never_ends(self):
        _, report, _ = self.run_probe(ONE + order('HangRemove') + 'start()', code=1)
        self.assertEqual(self.rules(report), ['thread-hang'])
        self.assertIn('IRP_MN_REMOVE_DEVICE', report['findings'][0]['message'])

    def test_what_never_ends_holds_up_the_rest(self):
        script = (ONE + order('HangRemove') + 'hardware("uart1"):device()\n'
                  'local ok, status = hardware("uart1"):pull_out()\n'
                  'expect(ok == nil and status == 0x103)\n'
                  'ok, status = hardware("uart1"):restart()\n'
                  'expect(ok == nil and status == 0x103)')
        _, report, _ = self.run_probe(script, code=1)
        self.assertEqual(self.rules(report), ['thread-hang'])

    def test_hardware_is_free_again(self):
        """The same driver, loaded once more, gets the device that its start left."""
        script = (ONE + 'start()\nlocal d = driver(1)\nexpect(d:unload())\n'
                  'expect(hardware("uart1"):device().name == "\\\\Device\\\\00000001")\n'
                  'expect(d:load())\nexpect(hardware("uart1"):device().name == "")')
        said, _, _ = self.run_probe(script)
        self.assertEqual(self.requests(said), (START + REMOVE + ['unload']) * 2)

    def test_remove_refused(self):
        said, report, errors = self.run_probe(ONE + order('RefuseRemove') + 'start()')
        self.assertEqual(self.requests(said),
                         START + ['QUERY_REMOVE_DEVICE', 'CANCEL_REMOVE_DEVICE'])
        self.assertIn('uart1 stays: its driver refused', errors)
        self.assertIn('pnp_probe.sys stays loaded', errors)
        self.assertEqual(report['findings'], [])

    def test_remove_with_an_open_file(self):
        script = (ONE + OPEN + 'local d = driver(1)\nexpect(not d:unload())\nf:close()\n'
                  'expect(d:unload())')
        said, _, errors = self.run_probe(script)
        self.assertEqual(
            self.requests(said),
            START + ['QUERY_REMOVE_DEVICE', 'CANCEL_REMOVE_DEVICE'] + REMOVE + ['unload'])
        self.assertIn('uart1 stays: a file on it is open', errors)

    def test_listener_refuses(self):
        script = ONE + order('VetoTarget') + OPEN + check('target') + 'f:close()'
        said, _, _ = self.run_probe(script)
        self.assertEqual(said[-2:], ['target event cb3a4006', 'target event cb3a4007'])
        self.assertNotIn('QUERY_REMOVE_DEVICE', said)

    def test_listener_closes_its_file(self):
        script = ONE + OPEN + check('target') + 'f:close()'
        said, _, _ = self.run_probe(script)
        self.assertEqual(self.requests(said), START + REMOVE + ['unload'])

    def test_stop_refused(self):
        script = (ONE + order('RefuseStop') +
                  'local ok, status = hardware("uart1"):restart()\n'
                  'expect(ok == nil and status == 0xc0000001)')
        said, _, _ = self.run_probe(script)
        self.assertEqual(self.requests(said),
                         START + ['QUERY_STOP_DEVICE', 'CANCEL_STOP_DEVICE'] + REMOVE + ['unload'])

    def test_left_device(self):
        _, report, _ = self.run_probe(ONE + order('KeepDevice') + 'start()', code=1)
        self.assertEqual(self.rules(report), ['unload-left-behind'])
        self.assertIn('1 device', report['findings'][0]['message'])

    def test_left_attached(self):
        _, report, _ = self.run_probe(ONE + order('KeepAttached') + 'start()', code=1)
        self.assertEqual(self.rules(report), ['unload-left-behind'])
        self.assertIn('left it attached', report['findings'][0]['message'])


class Moving(Case):
    def test_restart(self):
        script = ONE + OPEN + 'expect(h:restart())\nf:close()'
        said, _, _ = self.run_probe(script)
        self.assertEqual(self.requests(said), START + RESTART + REMOVE + ['unload'])

    def test_restart_fails(self):
        script = (ONE + order('FailRestart') + OPEN + 'local ok, status = h:restart()\n'
                  'expect(status == 0xc0000182)\nf:close()')
        said, report, _ = self.run_probe(script, code=1)
        self.assertEqual(self.requests(said),
                         START + ['QUERY_STOP_DEVICE', 'STOP_DEVICE', 'START_DEVICE',
                                  'SURPRISE_REMOVAL', 'REMOVE_DEVICE', 'unload'])
        self.assertEqual(self.rules(report), ['device-start-failed'])

    def test_surprise_with_a_pending_request(self):
        script = (ONE + OPEN + 'local r = f:start_read(4)\nexpect(not r:wait(0.1))\n'
                  'expect(h:pull_out())\nexpect(not h.present)\n'
                  'expect(r:wait(1) and r:status() == 0xc00000c0, r:status())\n'
                  'expect(h:device())\nf:close()\nsleep(0.1)\nexpect(h:device() == nil)\n'
                  'local ok, status = h:pull_out()\nexpect(ok == nil and status == 0xc000000e)\n'
                  'ok, status = h:restart()\nexpect(ok == nil and status == 0xc000000e)')
        for seed in '1', '2', '3':
            said, report, _ = self.run_probe(script, '--seed', seed)
            self.assertEqual(self.requests(said),
                             START + ['SURPRISE_REMOVAL', 'REMOVE_DEVICE', 'unload'])
            self.assertEqual(report['findings'], [])

    def test_surprise_without_files(self):
        script = (ONE + 'start()\nhardware("uart1"):pull_out()\n'
                  'expect(not device("\\\\Device\\\\00000001"))')
        said, _, _ = self.run_probe(script)
        self.assertEqual(self.requests(said), START + ['SURPRISE_REMOVAL', 'REMOVE_DEVICE', 'unload'])

    def test_driver_says_that_it_failed(self):
        script = (ONE + OPEN + control(SAYS_FAILED) + control(INVALIDATE) +
                  'sleep(0.1)\nf:close()\nsleep(0.1)\nexpect(h.present)')
        said, _, errors = self.run_probe(script)
        self.assertEqual(self.requests(said), START + ['QUERY_PNP_DEVICE_STATE', 'SURPRISE_REMOVAL',
                                                       'REMOVE_DEVICE', 'unload'])
        self.assertIn('uart1: its driver says that the device has failed', errors)

    def test_eject(self):
        said, _, errors = self.run_probe(ONE + OPEN + control(EJECT) + 'sleep(0.1)\nf:close()')
        self.assertEqual(said.count('CANCEL_REMOVE_DEVICE'), 1)
        self.assertIn('uart1 was not ejected', errors)

    def test_interfaces_leave_with_the_device(self):
        said, _, _ = self.run_probe(ONE + OPEN + check('interfaces') + 'f:close()\nh:pull_out()\nsleep(0.1)')
        name = '\\??\\ACPI#PNP0501#1#{86e0d1e0-8089-11d0-9ce4-08003e301f73}'
        self.assertIn('interface arrives ' + name, said)
        self.assertNotIn('interface leaves ' + name, said)  # its listener went before

    def test_open_by_interface(self):
        script = (ONE + 'local f = open("\\\\??\\\\ACPI#PNP0501#1#{86e0d1e0-8089-11d0-9ce4-08003e301f73}")\n'
                  'expect(f)\nf:close()')
        self.run_probe(script)

    def test_no_physical_device(self):
        _, report, _ = self.run_probe(ONE + OPEN + control(NOT_PDO), code=1)
        self.assertEqual(int(report['bugcheck']['code'], 16), 0xca)
        self.assertEqual(int(report['bugcheck']['params'][0], 16), 2)


class Power(Case):
    def test_device_states(self):
        script = (ONE + 'local d = hardware("uart1"):device()\nexpect(d:power("D3"))\n'
                  'expect(d:power("D0"))')
        said, _, _ = self.run_probe(script)
        self.assertEqual([line for line in said if line.startswith('power')],
                         ['power 2 type 1 state 4 irql 0', 'power 2 type 1 state 1 irql 0'])

    def test_system_states(self):
        script = (ONE + 'local d = hardware("uart1"):device()\nexpect(d:power("S3"))\n'
                  'expect(d:power("S0"))\nexpect(not pcall(d.power, d, "D4"))\n'
                  'expect(not pcall(d.power, d, "X0"))')
        said, _, _ = self.run_probe(script)
        self.assertEqual([line for line in said if line.startswith('power')],
                         ['power 3 type 0 state 4 irql 0', 'power 2 type 0 state 4 irql 0',
                          'power 2 type 0 state 1 irql 0'])

    def test_pageable_power_is_sent_at_passive_level(self):
        """One of the requests of the check is made at DISPATCH_LEVEL."""
        said, _, _ = self.run_probe(ONE + OPEN + check('power') + 'f:close()')
        power = [line for line in said if line.startswith('power')]
        self.assertEqual(power, ['power 2 type 1 state 4 irql 0', 'power request 2 to 4: 00000000',
                                 'power 3 type 1 state 1 irql 0', 'power request 3 to 1: 00000000',
                                 'power 2 type 1 state 1 irql 0', 'power request 2 to 1: 00000000',
                                 'power 0 type 0 state 0 irql 0', 'power request 0 to 1: c00000bb'])


class Wmi(Case):
    def test_a_provider_is_asked(self):
        said, report, _ = self.run_probe(ONE + OPEN + check('wmi') + 'sleep(0.1)\nf:close()')
        self.assertEqual([line for line in said if line.startswith('system')], ['system control 11'])
        self.assertEqual(report['findings'], [])


class Usage(Case):
    def test_a_port_holds_no_paging_file(self):
        script = (ONE + 'local h = hardware("uart1")\nlocal ok, status = h:usage("paging", true)\n'
                  'expect(ok == nil and status == 0xc00000bb)\n'
                  'ok, status = h:device():usage("dump", true)\nexpect(status == 0xc00000bb)\n'
                  'expect(not pcall(h.usage, h, "swap", true))')
        said, _, _ = self.run_probe(script)
        self.assertEqual(said.count('DEVICE_USAGE_NOTIFICATION'), 2)


    def test_a_disk_does(self):
        """The system's own disk driver counts; its disk cannot be stopped or removed meanwhile."""
        script = ('local h = hardware("disk1")\nlocal d = h:device()\n'
                  'expect(d.name == "\\\\Device\\\\Harddisk0\\\\DR0")\n'
                  'expect(h:restart())\n'
                  'expect(h:usage("paging", true))\nexpect(disk(1):usage().paging == 1)\n'
                  'expect(not h:restart())\nexpect(d:usage("paging", false))\n'
                  'expect(disk(1):usage().paging == 0)\nexpect(not d:usage("paging", false))\n'
                  'expect(h:restart())\nexpect(h:pull_out())\nexpect(h:device() == nil)\n'
                  'expect(not device("\\\\Device\\\\Harddisk0\\\\DR0"))')
        self.run_probe(script)


class Filters(Case):
    FILTER = 'registry("%s", "%sFilters", {"pnp_filter"})\n'

    def run_filtered(self, where, drivers, script='start()'):
        return self.run_probe(ONE + self.FILTER % (ENUM, where) + script, drivers=drivers)

    def test_above(self):
        said, report, _ = self.run_filtered('Upper', ('pnp_filter', 'pnp_probe'))
        self.assertEqual(report['findings'], [])
        self.assertEqual(said[:2], ['AddDevice', 'AddDevice above'])
        self.assertEqual(said[2:4], ['pnp 13', 'FILTER_RESOURCE_REQUIREMENTS'])

    def test_below(self):
        said, _, _ = self.run_filtered('Lower', ('pnp_filter', 'pnp_probe'))
        self.assertEqual(said[:2], ['AddDevice below', 'AddDevice'])
        self.assertEqual(said[2:4], ['FILTER_RESOURCE_REQUIREMENTS', 'pnp 13'])

    def test_loaded_afterwards(self):
        """The stack is taken down and built again with the filter in it."""
        said, report, _ = self.run_filtered('Upper', ('pnp_probe', 'pnp_filter'))
        self.assertEqual(report['findings'], [])
        self.assertEqual(self.requests(said), START + REMOVE + START + REMOVE + ['unload'])
        self.assertEqual(said.count('AddDevice above'), 1)

    def test_initializing_device_takes_no_filter(self):
        script = ONE + order('Initializing') + self.FILTER % (ENUM, 'Upper') + 'start()'
        said, report, errors = self.run_probe(script, drivers=('pnp_filter', 'pnp_probe'), code=1)
        self.assertIn('pnp_probe.sys: AddDevice left DO_DEVICE_INITIALIZING set', errors)
        self.assertEqual(self.rules(report), ['device-start-failed'])
        self.assertIn('AddDevice of pnp_filter.sys', report['findings'][0]['message'])
        self.assertEqual(self.requests(said), ['AddDevice', 'REMOVE_DEVICE', 'unload'])

    def test_requests_pass(self):
        script = (OPEN + check('refused') + 'f:start_read(4)\nh:pull_out()\nf:close()')
        said, report, _ = self.run_filtered('Upper', ('pnp_filter', 'pnp_probe'), script)
        self.assertEqual(report['findings'], [])
        self.assertIn('pnp 23', said)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
