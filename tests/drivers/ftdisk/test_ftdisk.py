# SPDX-License-Identifier: MIT
"""ftdisk.sys on the computer's disks: a day of it, the soak by seed, each request to a disk failing in
turn, too little memory, sets that come and go under load, and the mistake of not locking its sections.

    test_ftdisk.py PROGRAM DRIVERS SCENARIOS
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS, SCENARIOS = sys.argv[1:4]
POLICIES = ('irql', 'random', 'none')
DAY = os.path.join(SCENARIOS, 'ftdisk.lua')
SOAK = os.path.join(SCENARIOS, 'ftdisk-soak.lua')

# What the scripts below begin with.
PRELUDE = r'''
local CREATE, DELETE, QUERY, RESYNC = 0x8046a000, 0x8046a004, 0x80462008, 0x8046a00c
local MIRROR, STRIPE, VOLUME_SET = 0, 1, 2
local ACTIVE, STALE, RECOVERING = 0, 1, 2
local IN_SYNC = 1
local KiB, MiB = 1 << 10, 1 << 20
local ftcontrol
local function ask(code, input, bytes)
    ftcontrol = ftcontrol or open("\\Device\\FtControl")
    return ftcontrol:control(code, input, bytes or 0)
end
local function description(kind, chunk, flags, members)
    local input = string.pack("<I4I4I4I4", kind, chunk, flags, #members)
    for _, m in ipairs(members) do
        input = input .. string.pack("<I4I4I8I8", m[1], 0, m[2] or 0, m[3] or 0)
    end
    return input
end
local function create(kind, chunk, flags, members)
    local output, status = ask(CREATE, description(kind, chunk, flags, members), 4)
    return output and string.unpack("<I4", output), status
end
local function volume(...)
    local number, status = create(...)
    expect(number, string.format("a set cannot be made: 0x%x", status))
    return open("\\Device\\FtDisk" .. number), number
end
local function state(number, member)
    return string.unpack("<I4", (ask(QUERY, string.pack("<I4", number), 256)), 24 + 16 * (member - 1) + 5)
end
local function number(n)
    return string.pack("<I4", n)
end
local function refuses(wanted, _, status)
    expect(status == wanted, string.format("status is 0x%x, not 0x%x", status or 0, wanted))
end
local function locks(name)
    return section("ftdisk", name).lock_count
end
'''


def run(*options, driver='ftdisk.sys'):
    done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, driver), '--json', '--budget', '120', *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f'exit {done.returncode}: {done.stderr.decode()}')
    return done.returncode, json.loads(done.stdout), done


def script(text, *options, driver='ftdisk.sys'):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'test.lua')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(PRELUDE + text)
        return run('--script', path, *options, driver=driver)


class Case(unittest.TestCase):
    maxDiff = None

    def clean(self, result):
        code, report, done = result
        self.assertEqual([(f['rule'], f['message']) for f in report['findings']], [], done.stderr.decode())
        self.assertIsNone(report['bugcheck'])
        self.assertEqual(code, 0, done.stderr.decode())
        return report, done.stderr.decode()

    def passes(self, text, *options):
        return self.clean(script(text, *options))


class Scenarios(Case):
    def test_day(self):
        for trim in POLICIES:
            for seed in ('1', '2', '3'):
                with self.subTest(trim=trim, seed=seed):
                    self.clean(run('--trim', trim, '--seed', seed))

    def test_day_strictly(self):
        self.clean(run('--strict'))

    def test_day_with_few_frames(self):
        self.clean(run('--frames', '7'))

    def test_each_kind_is_looked_up_once(self):
        counters = self.clean(run())[0]['counters']
        self.assertEqual(counters['section_locks_by_address'], 3)
        self.assertGreater(counters['section_locks_by_handle'], 0)
        self.assertEqual(counters['section_unlocks'],
                         counters['section_locks_by_address'] + counters['section_locks_by_handle'])

    def soak(self, *options, requests=6000):
        report, said = self.clean(run('--script', SOAK, '--define', f'REQUESTS={requests}', *options))
        match = re.search(r'(\d+) requests, .* \((\d+) or more in every 1000 requests\)', said)
        self.assertIsNotNone(match, said)
        self.assertGreaterEqual(int(match.group(1)), requests)
        return report['counters'], int(match.group(1)), int(match.group(2))

    def test_soak(self):
        for seed in range(1, 6):
            with self.subTest(seed=seed):
                counters, requests, fewest = self.soak('--seed', str(seed))
                self.assertGreaterEqual(counters['trims'], requests)
                self.assertGreaterEqual(fewest, 1)

    def test_soak_under_every_policy(self):
        for options in (('--trim', 'none'), ('--trim', 'random'), ('--strict',), ('--frames', '7')):
            with self.subTest(options=options):
                self.soak(*options, '--seed', '7')

    def test_same_seed_same_run(self):
        first = run('--script', SOAK, '--define', 'REQUESTS=2000', '--seed', '11')[2].stdout
        second = run('--script', SOAK, '--define', 'REQUESTS=2000', '--seed', '11')[2].stdout
        other = run('--script', SOAK, '--define', 'REQUESTS=2000', '--seed', '12')[2].stdout
        self.assertEqual(first, second)
        self.assertNotEqual(first, other)


class Configuration(Case):
    def test_nothing_configured_nothing_locked(self):
        self.passes(r'''
            start()
            for _, name in ipairs({"PAGEmirr", "PAGEstrp", "PAGEvolm"}) do
                expect(locks(name) == 0 and section("ftdisk", name).resident_pages == 0)
            end
            expect(device("\\Device\\FtDisk0") == nil)''')

    def test_registry(self):
        _, said = self.passes(r'''
            registry("ftdisk\\Parameters", "Sets", {
                "volume 0:0:4M 1:8M:512K", "  stripe  4K 2:0:1M  3:0:1M ", "volume 2:4M:1536",
                "mirror 0 1", "mirror 0:8M:1M", "stripe 0 2 3", "stripe 4K 2:8M: 3", "stripe 4K 2:8M:1M 3:8M:x",
                "raid5 0 1 2", "mirrors 2 3", "volume 99", "volume 3:8M:1000", "volume 3:8M:64M", "volume",
                "volume 3:8M:1M 3:8M:1M", "mirror 4294967296 1", "volume 1 1 1 1 1 1 1 1 1"})
            start()
            expect(locks("PAGEvolm") == 1 and locks("PAGEstrp") == 1 and locks("PAGEmirr") == 0)
            local bytes = {4 * MiB + 512 * KiB, 2 * MiB, 1536}
            for i, wanted in ipairs(bytes) do
                local f = open("\\DosDevices\\FtDisk" .. i - 1)
                expect(string.unpack("<I8", (f:control(0x7405c, "", 8))) == wanted)
                f:close()
            end
            expect(device("\\Device\\FtDisk3") == nil)''')
        self.assertEqual(said.count('ftdisk: there will be no set "'), 14, said)

    def test_registry_without_a_list(self):
        self.passes(r'''registry("ftdisk\\Parameters", "Sets", "volume 0:0:1M")
            start()
            expect(device("\\Device\\FtDisk0") ~= nil)''')
        self.passes(r'''registry("ftdisk\\Parameters", "Sets", 7)
            start()
            expect(device("\\Device\\FtDisk0") == nil)''')

    def test_refusals(self):
        self.passes(r'''
            local INVALID, SMALL, NO_DEVICE = 0xc000000d, 0xc0000023, 0xc000000e
            local good = description(STRIPE, 0, 0, {{0}, {1}})
            refuses(SMALL, ask(CREATE, good, 3))
            refuses(INVALID, ask(CREATE, good:sub(1, -2), 4))
            refuses(INVALID, ask(CREATE, good:sub(1, 15), 4))
            refuses(INVALID, ask(CREATE, "", 4))
            refuses(INVALID, create(3, 0, 0, {{0}, {1}}))
            refuses(INVALID, create(STRIPE, 0, 0, {{0}}))
            refuses(INVALID, create(MIRROR, 0, 0, {{0}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {}))
            refuses(INVALID, create(STRIPE, 100, 0, {{0}, {1}}))
            refuses(INVALID, create(STRIPE, 32 * MiB, 0, {{0}, {1}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0, 1}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0, 0, 513}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0, 16 * MiB}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0, 8 * MiB, 8 * MiB + 512}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0, 512, -512}}))
            refuses(INVALID, create(VOLUME_SET, 0, 0, {{0}, {1}, {2}, {3}, {0}, {1}, {2}, {3}, {0}}))
            refuses(0xc0000018, create(VOLUME_SET, 0, 0, {{0}, {1}, {0}}))
            refuses(0xc000003a, create(VOLUME_SET, 0, 0, {{0}, {4}}))
            refuses(SMALL, ask(QUERY, number(0), 100))
            refuses(INVALID, ask(QUERY, "abc", 256))
            refuses(NO_DEVICE, ask(QUERY, number(0), 256))
            refuses(NO_DEVICE, ask(DELETE, number(0)))
            refuses(INVALID, ask(DELETE, ""))
            refuses(NO_DEVICE, ask(RESYNC, string.pack("<I4I4", 0, 0)))
            refuses(INVALID, ask(RESYNC, number(0)))
            refuses(0xc0000010, ask(0x80462ffc, ""))
            for _, name in ipairs({"PAGEmirr", "PAGEstrp", "PAGEvolm"}) do
                expect(locks(name) == 0, "what was not made holds nothing")
            end
            local f, n = volume(STRIPE, 0, 0, {{0}, {1}})
            refuses(INVALID, ask(RESYNC, string.pack("<I4I4", n, 0)))
            refuses(0xc0000018, create(MIRROR, 0, 0, {{2}, {1, 8 * MiB, MiB}}))
            local m, k = volume(MIRROR, 0, IN_SYNC, {{2}, {3}})
            refuses(INVALID, ask(RESYNC, string.pack("<I4I4", k, 2)))
            refuses(0, ask(RESYNC, string.pack("<I4I4", k, 1)))
            refuses(0xc0000010, m:control(0x70c000, ""))
            refuses(SMALL, m:control(0x70000, "", 23))
            refuses(SMALL, m:control(0x7405c, "", 7))
            refuses(0, m:control(0x70024, ""))
            refuses(0, m:control(0x74800, ""))
            refuses(0xc0000010, open("\\Device\\FtControl"):read(512))''')

    def test_numbers_are_used_again(self):
        self.passes(r'''
            local names = {}
            for i = 1, 5 do
                local f, n = volume(VOLUME_SET, 0, 0, {{0, (i - 1) * MiB, MiB}})
                expect(n == i - 1)
                f:close()
            end
            expect(locks("PAGEvolm") == 1)
            refuses(0, ask(DELETE, number(1)))
            refuses(0, ask(DELETE, number(3)))
            local f, n = volume(VOLUME_SET, 0, 0, {{0, 3 * MiB, MiB}})
            expect(n == 1)
            f, n = volume(VOLUME_SET, 0, 0, {{1}})
            expect(n == 3)
            for i = 0, 4 do
                refuses(0, ask(DELETE, number(i)))
            end
            expect(locks("PAGEvolm") == 0)''')

    def test_load_again(self):
        self.passes(r'''
            local f = volume(STRIPE, 0, 0, {{0, 0, MiB}, {1, 0, MiB}})
            f:close()
            ftcontrol:close()
            local d = driver("ftdisk")
            expect(d:unload() and d:load())
            expect(device("\\Device\\FtDisk0") == nil and locks("PAGEstrp") == 0)''')


class Failures(Case):
    def test_each_request_to_a_disk_fails_in_turn(self):
        """Of a stripe set and a volume set the request concerned fails and no other; of a mirror none."""
        for kind, chunk, members in (('MIRROR', 0, 3), ('STRIPE', 1024, 3), ('VOLUME_SET', 0, 3)):
            with self.subTest(kind=kind):
                _, said = self.passes(f'local KIND, CHUNK, MEMBERS = {kind}, {chunk}, {members}\n' + r'''
                    local members = {}
                    for i = 1, MEMBERS do
                        members[i] = {i - 1, 0, 8 * KiB}
                    end
                    local f, n = volume(KIND, CHUNK, IN_SYNC, members)
                    local bytes = KIND == MIRROR and 8 * KiB or 24 * KiB
                    local model = memory(bytes)
                    -- What one pass does; the results of all that failed.
                    local function pass(seed)
                        local failed = 0
                        for i, r in ipairs({{0, 4096}, {700, 3000}, {1000, 10}, {bytes - 5, 5}, {511, 7000}}) do
                            local data = noise(seed * 10 + i, r[2])
                            local _, status = f:write(data, r[1])
                            if status ~= 0 then
                                failed = failed + 1
                                data = f:read(r[2], r[1])
                                expect(data, "one failure is one failure")
                            end
                            model:write(r[1], data)
                            data, status = f:read(r[2], r[1])
                            failed = failed + (status ~= 0 and 1 or 0)
                            expect(status ~= 0 or model:matches(r[1], data))
                            _, status = f:flush()
                            failed = failed + (status ~= 0 and 1 or 0)
                        end
                        return failed
                    end
                    for d = 1, MEMBERS do
                        local nth = 0
                        repeat
                            nth = nth + 1
                            local before = disk(d):counters().failures
                            disk(d):fail("nth", nth)
                            local failed = pass(d * 100 + nth)
                            disk(d):restore()
                            local happened = disk(d):counters().failures - before
                            expect(failed == (KIND == MIRROR and 0 or happened))
                            if KIND == MIRROR then
                                expect(state(n, d) == (happened == 1 and STALE or ACTIVE))
                                ask(RESYNC, string.pack("<I4I4", n, d - 1))
                                while state(n, d) ~= ACTIVE do sleep(0.01) end
                                for k = 1, MEMBERS do
                                    expect(model:matches(0, disk(k):read(0, bytes)))
                                end
                            end
                            expect(model:matches(0, (f:read(bytes))))
                        until happened == 0
                        print("disk " .. d .. ": " .. nth - 1 .. " failures")
                    end''')
                counts = [int(n) for n in re.findall(r'disk \d: (\d+) failures', said)]
                self.assertEqual(len(counts), members)
                self.assertGreaterEqual(min(counts), 5)

    def test_last_copy_is_never_given_up(self):
        self.passes(r'''
            local f, n = volume(MIRROR, 0, IN_SYNC, {{0, 0, MiB}, {1, 0, MiB}})
            for _, how in ipairs({"all", "gone", "writes"}) do
                disk(1):fail(how)
                disk(2):fail(how)
                expect(select(2, f:write("x", 0)) >= 0xc0000000)
                if how ~= "writes" then
                    expect(select(2, f:read(1)) >= 0xc0000000)
                    expect(select(2, f:flush()) >= 0xc0000000)
                end
                disk(1):restore()
                disk(2):restore()
                expect(state(n, 1) == ACTIVE, "one copy says what the set has")
                refuses(0, f:write("y", 0))
                expect(f:read(1) == "y")
                ask(RESYNC, string.pack("<I4I4", n, 1))
                sleep(1)
                expect(state(n, 2) == ACTIVE and disk(2):read(0, 1) == "y")
            end''')

    def test_flush_that_fails_loses_the_member(self):
        self.passes(r'''
            local f, n = volume(MIRROR, 0, IN_SYNC, {{0, 0, MiB}, {1, 0, MiB}})
            refuses(0, f:write(noise(1, 3 * 64 * KiB), 0))
            disk(2):fail("nth", 1)
            refuses(0, f:flush())
            expect(state(n, 2) == STALE)
            expect(string.unpack("<I4", (ask(QUERY, number(n), 256)), 24 + 16 + 13) == 16, "all of it")
            disk(2):write(0, noise(2, MiB))
            ask(RESYNC, string.pack("<I4I4", n, 1))
            sleep(1)
            expect(state(n, 2) == ACTIVE and disk(2):read(0, MiB) == disk(1):read(0, MiB))''')

    def test_resynchronisation_that_fails(self):
        self.passes(r'''
            local f, n = volume(MIRROR, 0, IN_SYNC, {{0, 0, MiB}, {1, 0, MiB}})
            local data = noise(1, 300000)
            disk(2):fail("writes")
            refuses(0, f:write(data, 5000))
            for _, trouble in ipairs({"target", "source", "middle"}) do
                if trouble ~= "target" then disk(2):restore() end
                if trouble == "source" then disk(1):fail("reads") end
                if trouble == "middle" then disk(2):fail("nth", 3) end
                refuses(0, ask(RESYNC, string.pack("<I4I4", n, 1)))
                sleep(1)
                expect(state(n, 2) == STALE, trouble)
                disk(1):restore()
                expect(f:read(300000, 5000) == data)
            end
            disk(2):restore()
            refuses(0, ask(RESYNC, string.pack("<I4I4", n, 1)))
            sleep(1)
            expect(state(n, 2) == ACTIVE and disk(2):read(5000, 300000) == data)''')

    def test_too_little_memory(self):
        """Nonpaged pool is filled to the brim and emptied again a few hundred bytes at a time.  After each
        step a write finds memory for all that it needs or fails as a whole: first its packet, then the
        driver's request, its children one by one ..."""
        for kind, chunk in (('MIRROR', 0), ('STRIPE', 512), ('VOLUME_SET', 0)):
            with self.subTest(kind=kind):
                _, said = self.passes(f'local KIND, CHUNK = {kind}, {chunk}\n' + r'''
                    local NO_MEMORY = 0xc000009a
                    local f = volume(KIND, CHUNK, IN_SYNC, {{0, 0, 16 * KiB}, {1, 0, 16 * KiB}})
                    local model, bytes = memory(16 * KiB), 16 * KiB
                    -- A set whose deletion waits for a disk; every other control waits for that, with its buffer.
                    local stuck, n = volume(STRIPE, 0, 0, {{2, 0, MiB}, {2, MiB, MiB}})
                    disk(3):hang()
                    local pending = {stuck:start_read(512), }
                    sleep(0.001)
                    pending[2] = ftcontrol:start_control(DELETE, number(n))
                    sleep(0.001)
                    -- What is given back step by step: reads of a disk that does not answer.
                    local raw = open("\\Device\\Harddisk3\\DR3")
                    disk(4):hang()
                    local reserve = {}
                    for i = 1, 60 do
                        reserve[i] = raw:start_read(512, 0)
                    end
                    sleep(0.001)
                    local size = 8 * MiB
                    while size >= 16 do
                        local started, r = pcall(ftcontrol.start_control, ftcontrol, QUERY, number(n), size)
                        sleep(0.001)
                        if not started or r:done() then
                            expect(not started or r:status() == NO_MEMORY)
                            size = size // 2
                        else
                            pending[#pending + 1] = r
                        end
                    end
                    local no_thread, failed, last = 0, 0, 0
                    for step = 1, 60 do
                        for _, length in ipairs({1, 512, 700, 3000, 12000}) do
                            local data = noise(step, length)
                            local started, _, status = pcall(f.write, f, data, 77)
                            if not started then
                                no_thread = no_thread + 1
                            elseif status == 0 then
                                model:write(77, data)
                            else
                                expect(status == NO_MEMORY, "it says what is wrong")
                                failed, last = failed + 1, step
                            end
                        end
                        disk(4):resume()
                        sleep(0.00003)
                        disk(4):hang()
                        for i = #reserve, 1, -1 do
                            if reserve[i]:done() then
                                table.remove(reserve, i):release()
                            end
                        end
                    end
                    disk(3):resume()
                    disk(4):resume()
                    for _, r in ipairs(table.move(reserve, 1, #reserve, #pending + 1, pending)) do
                        expect(r:wait(100))
                        r:release()
                    end
                    print(no_thread .. " writes had no thread, " .. failed .. " found too little memory, the last at step " .. last)
                    expect(failed > 0)
                    refuses(0, f:write("all is well", 5))
                    model:write(5, "all is well")
                    expect(model:matches(0, (f:read(bytes))))
                    if KIND == MIRROR then
                        expect(state(0, 1) == ACTIVE and state(0, 2) == ACTIVE)
                        expect(disk(1):read(0, bytes) == disk(2):read(0, bytes))
                    end''', '--trim', 'none')
                self.assertGreater(int(re.search(r'(\d+) found', said).group(1)), 1)


class UnderLoad(Case):
    def test_delete_waits_for_requests(self):
        self.passes(r'''
            local f, n = volume(STRIPE, 4096, 0, {{0, 0, MiB}, {1, 0, MiB}})
            disk(2):hang()
            local r = f:start_write(noise(1, 65536), 100)
            local late
            sleep(1)
            local d = ftcontrol:start_control(DELETE, number(n))
            sleep(1)
            expect(not d:done() and not r:done(), "somebody is still in there")
            trim()
            local s = section("ftdisk", "PAGEstrp")
            expect(s.lock_count == 1 and s.resident_pages == s.pages)
            refuses(0xc0000056, f:read(512))
            disk(2):resume()
            refuses(0, d:result())
            refuses(0, r:result())
            expect(locks("PAGEstrp") == 0)
            refuses(0xc0000056, f:control(0x7405c, "", 8))
            refuses(0xc0000056, f:flush())
            refuses(0xc0000056, f:write("x"))''')

    def test_delete_during_resynchronisation(self):
        self.passes(r'''
            disk(1):write(0, noise(1, MiB))
            local f, n = volume(MIRROR, 0, 0, {{0}, {1}, {2}})
            expect(state(n, 2) == RECOVERING and state(n, 3) == RECOVERING)
            refuses(0, f:write("new", 100))
            f:close()
            refuses(0, ask(DELETE, number(n)))
            expect(locks("PAGEmirr") == 0)
            disk(2):hang()
            f, n = volume(MIRROR, 0, 0, {{0}, {1}})
            sleep(1)
            local d = ftcontrol:start_control(DELETE, number(n))
            sleep(1)
            expect(not d:done() and locks("PAGEmirr") == 1, "the thread is in its section")
            disk(2):resume()
            refuses(0, d:result())
            expect(locks("PAGEmirr") == 0)
            f:close()''')

    def test_overlapping_writes_go_in_order(self):
        """Writes of one place at the same time, through three disks of different speed: whatever comes
        first, all copies end the same, and no write is torn by another."""
        for seed in ('1', '2', '3', '4'):
            self.passes(r'''
                local f = volume(MIRROR, 0, IN_SYNC, {{0, 0, MiB}, {1, 8 * MiB, MiB}, {2, 4 * MiB, MiB}})
                for turn = 1, 30 do
                    local requests = {}
                    for i = 1, 12 do
                        requests[i] = f:start_write(string.rep(string.char(96 + i), 1500), 300)
                    end
                    for _, r in ipairs(requests) do
                        refuses(0, r:release())
                    end
                    local now = f:read(1500, 300)
                    expect(now == string.rep(now:sub(1, 1), 1500))
                    expect(disk(1):read(300, 1500) == now and disk(2):read(8 * MiB + 300, 1500) == now)
                    expect(disk(3):read(4 * MiB + 300, 1500) == now)
                end''', '--seed', seed)

    def test_surprised_reader(self):
        """A member that fails while many reads are under way: each is read again elsewhere."""
        self.passes(r'''
            local f, n = volume(MIRROR, 0, IN_SYNC, {{0, 0, MiB}, {1, 0, MiB}})
            local data = noise(1, 64 * KiB)
            refuses(0, f:write(data, 0))
            local requests = {}
            for i = 1, 40 do
                requests[i] = f:start_read(1000, i * 1111)
            end
            sleep(0.002)
            disk(1):fail("gone")
            for i, r in ipairs(requests) do
                expect(r:release() == data:sub(i * 1111 + 1, i * 1111 + 1000))
            end
            expect(state(n, 1) == STALE and state(n, 2) == ACTIVE)''')


class Mistakes(Case):
    def test_sections_that_nobody_locks(self):
        """The same driver without the locks: found before a page is missed, and by a page that is."""
        for kind, name in (('MIRROR', 'PAGEmirr'), ('STRIPE', 'PAGEstrp'), ('VOLUME_SET', 'PAGEvolm')):
            with self.subTest(kind=kind):
                text = f'local f = volume({kind}, 0, IN_SYNC, {{{{0}}, {{1}}}})' + '\nf:write(noise(1, 3000), 100)'
                code, report, _ = script(text, driver='ftdisk_forgetful.sys')
                self.assertEqual(code, 1)
                self.assertIn(name, [f['section'] for f in report['findings']])
                self.assertEqual(report['bugcheck']['code'], '0xD1')
                self.assertEqual(report['bugcheck']['finding'], 0)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
