# SPDX-License-Identifier: MIT
"""The system's own disk driver, asked as programs and drivers ask a disk.

    test_nt_disk.py PROGRAM DRIVERS
"""
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, DRIVERS = sys.argv[1:3]

PRELUDE = r'''
local SUCCESS, INVALID, SMALL, NOT_MINE = 0, 0xc000000d, 0xc0000023, 0xc0000010
local NO_DEVICE, BAD_STATE, ERROR = 0xc000000e, 0xc0000184, 0xc0000185
local function refuses(wanted, _, status)
    expect(status == wanted, string.format("status is 0x%x, not 0x%x", status or 0, wanted))
end
local function pnp(d, minor, in_path, type)
    return select(2, d:pnp(minor, in_path and string.pack("<I1xxxxxxxI4xxxx", in_path, type)))
end
'''


class Disk(unittest.TestCase):
    def passes(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'test.lua')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(PRELUDE + text)
            done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'sections.sys'), '--script', path, *options],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())

    def test_names(self):
        self.passes(r'''
            for n = 0, 3 do
                for _, name in ipairs({"\\Device\\Harddisk%d\\DR%d", "\\Device\\Harddisk%d\\Partition0",
                                       "\\DosDevices\\PhysicalDrive%d", "\\??\\PhysicalDrive%d"}) do
                    local f, status = open(name:format(n, n))
                    refuses(0, f:write(noise(n, 512), n * 512))
                    expect(disk(n + 1):read(n * 512, 512) == noise(n, 512))
                    f:close()
                end
            end
            expect(not pcall(open, "\\Device\\Harddisk4\\DR4") and disk(5) == nil and disk(0) == nil)''')

    def test_transfers(self):
        self.passes(r'''
            local f, d = open("\\??\\PhysicalDrive2"), disk(3)
            local size = d:size()
            for _, r in ipairs({{512, 0}, {512, size - 512}, {65536 + 512, 65536 - 1024}, {4 << 20, 8 << 20}}) do
                local data = noise(r[1], r[1])
                expect(f:write(data, r[2]) == r[1])
                expect(f:read(r[1], r[2]) == data and d:read(r[2], r[1]) == data)
            end
            refuses(INVALID, f:read(512, 100))
            refuses(INVALID, f:read(100, 512))
            refuses(INVALID, f:write("x", 0))
            refuses(INVALID, f:read(512, size))
            refuses(INVALID, f:read(1024, size - 512))
            refuses(INVALID, f:write(noise(1, 512), 1 << 62))
            expect(f:read(0, size) == "" and f:write("", 0) == 0)
            refuses(SUCCESS, f:flush())
            local before = d:counters()
            expect(before.reads == 4 and before.writes == 4 and before.flushes == 1 and before.failures == 0)
            d:fail("reads")
            refuses(ERROR, f:read(512))
            d:restore()
            expect(d:counters().failures == 1)''')

    def test_requests_pend(self):
        self.passes(r'''
            local f, d = open("\\??\\PhysicalDrive0"), disk(1)
            d:hang()
            local requests = {}
            for i = 1, 20 do
                requests[i] = f:start_write(noise(i, 512), i * 512)
            end
            sleep(1)
            expect(d:counters().outstanding == 20)
            requests[7]:cancel()
            expect(not requests[7]:done(), "a disk finishes what it was given")
            d:resume()
            for i = 1, 20 do
                expect(requests[i]:wait())
                refuses(SUCCESS, requests[i]:release())
                expect(d:read(i * 512, 512) == noise(i, 512))
            end''')

    def test_questions(self):
        self.passes(r'''
            local f, d = open("\\??\\PhysicalDrive3"), disk(4)
            local size = d:size()
            local cylinders, media, tracks, sectors, bytes = string.unpack("<i8I4I4I4I4", (f:control(0x70000, "", 24)))
            expect(bytes == 512 and media == 12 and cylinders == size // (tracks * sectors * bytes))
            expect(string.unpack("<i8", (f:control(0x700a0, "", 100)), 25) == size)
            expect(string.unpack("<i8", (f:control(0x7405c, "", 8))) == size)
            expect(select(2, string.unpack("<i8i8", (f:control(0x74004, "", 32)))) == size)
            refuses(SUCCESS, f:control(0x70024, ""))
            for _, code in ipairs({0x74800, 0x2d4800, 0x2d0800}) do
                refuses(SUCCESS, f:control(code, ""))
                refuses(SMALL, f:control(code, "", 3))
                expect(f:control(code, "", 4) == "\0\0\0\0")
            end
            expect(select(2, string.unpack("<I4I4", (f:control(0x2d1080, "", 12)))) == 3)
            expect(string.unpack("<I1", (f:control(0x41018, "", 8)), 7) == 3)
            for code, needed in pairs({[0x70000] = 24, [0x700a0] = 32, [0x7405c] = 8, [0x74004] = 32,
                                       [0x2d1080] = 12, [0x41018] = 8}) do
                refuses(SMALL, f:control(code, "", needed - 1))
            end
            refuses(NOT_MINE, f:control(0x70c000, "", 8))
            refuses(NOT_MINE, f:internal_control(0x70000, "", 24))
            d:fail("gone")
            refuses(NO_DEVICE, f:control(0x74800, ""))
            refuses(NO_DEVICE, f:read(512))
            d:restore()
            refuses(SUCCESS, f:control(0x74800, ""))''')

    def test_usage(self):
        self.passes(r'''
            local d, model = device("\\Device\\Harddisk0\\DR0"), disk(1)
            local f = open("\\Device\\Harddisk0\\DR0")
            local function uses()
                local u = model:usage()
                return u.paging .. u.hibernation .. u.dump
            end
            d = d or error("no device")
            expect(uses() == "000" and pnp(d, 0x01) == SUCCESS and pnp(d, 0x05) == SUCCESS)
            expect(pnp(d, 0x16, 1, 1) == SUCCESS and pnp(d, 0x16, 1, 1) == SUCCESS and pnp(d, 0x16, 1, 3) == SUCCESS)
            expect(uses() == "201")
            expect(pnp(d, 0x01) >= 0xc0000000 and pnp(d, 0x05) >= 0xc0000000)
            expect(pnp(d, 0x16, 0, 2) == BAD_STATE)
            expect(pnp(d, 0x16, 1, 0) == INVALID and pnp(d, 0x16, 1, 4) == INVALID)
            model:fail("gone")
            expect(pnp(d, 0x16, 1, 1) == NO_DEVICE)
            expect(pnp(d, 0x16, 0, 1) == SUCCESS)
            model:restore()
            expect(pnp(d, 0x16, 0, 1) == SUCCESS and pnp(d, 0x16, 0, 3) == SUCCESS and uses() == "000")
            expect(pnp(d, 0x01) == SUCCESS)
            expect(pnp(d, 0x0c) == 0xc00000bb, "it says nothing to what it does not know")
            expect(select(2, d:power(2)) == SUCCESS and select(2, d:power(3)) == SUCCESS)
            refuses(SUCCESS, f:read(512))''')

    def test_bad_scripts(self):
        for text, message in ((b'disk(1):read(0, -1)', b'length goes beyond'),
                              (b'disk(1):read(16777216, 1)', b'length goes beyond'),
                              (b'disk(1):write(-1, "x")', b'offset is not on the disk'),
                              (b'disk(1):fail("fire")', b'invalid option'),
                              (b'disk(1):fail("nth", 0)', b'must be 1 or more'),
                              (b'disk(1):fail("range", 0, 1 << 40)', b'length goes beyond'),
                              (b'memory(-1)', b'size must be'),
                              (b'memory(10):write(5, "123456")', b'beyond the end'),
                              (b'memory(10):read(11, 0)', b'offset is not'),
                              (b'memory(10):matches(0, nil)', b'string expected'),
                              (b'noise(1, -1)', b'length must be')):
            with self.subTest(text=text), tempfile.NamedTemporaryFile(suffix='.lua') as file:
                file.write(text)
                file.flush()
                done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'sections.sys'), '--script', file.name],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 3)
                self.assertIn(message, done.stderr)

    def test_define(self):
        self.passes(r'''
            expect(COUNT == 12 and NAME == "x=y" and EMPTY == "" and _a1 == 1.5)
            expect(memory(20):matches(0, string.rep("\0", 20)) and noise(1, 9) == noise(1, 9))
            local m = memory(20)
            m:write(3, "abc")
            local same, at = m:matches(2, "\0abd")
            expect(not same and at == 5 and m:read(2, 5) == "\0abc\0" and noise(1, 9) ~= noise(2, 9))
            expect(#noise(3, 0) == 0 and noise(3, 20):sub(1, 5) == noise(3, 5))''',
                    '--define', 'COUNT=12', '--define', 'NAME=x=y', '--define', 'EMPTY=', '--define', '_a1=1.5')
        for wrong in ('COUNT', '=1', '1A=2', 'A-B=1'):
            done = subprocess.run([PROGRAM, 'run', os.path.join(DRIVERS, 'sections.sys'), '--define', wrong],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b'is not NAME=VALUE', done.stderr)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
