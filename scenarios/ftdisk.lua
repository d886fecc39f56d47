-- SPDX-License-Identifier: MIT
-- A day of ftdisk.sys: mirrors only, a member that fails and returns, a repartition, a paging file, and
-- the end of the sets.  Every byte is checked against a plain copy.

local DRIVER = "ftdisk.sys"
local CREATE, DELETE, QUERY, RESYNC = 0x8046a000, 0x8046a004, 0x80462008, 0x8046a00c
local MIRROR, STRIPE, VOLUME_SET = 0, 1, 2
local ACTIVE, STALE, RECOVERING = 0, 1, 2
local SUCCESS, PENDING, DEVICE_BUSY = 0, 0x103, 0x80000011
local IO_DEVICE_ERROR, INVALID_PARAMETER, NO_SUCH_DEVICE = 0xc0000185, 0xc000000d, 0xc000000e
local DO_POWER_PAGABLE = 0x2000
local MiB = 1 << 20

-- Disks 0 and 1 carry a mirror when the computer starts.
registry("ftdisk\\Parameters", "Sets", {"mirror 0:0:2M 1:0:2M"})
start()

local ftcontrol = open("\\Device\\FtControl")

local function locks(name)
    return section(DRIVER, name).lock_count
end

-- What is in memory of a section when memory is short.
local function resident(name)
    trim()
    return section(DRIVER, name).resident_pages
end

local function expect_locked(name)
    local s = section(DRIVER, name)
    expect(s.lock_count == 1, name .. " is locked once")
    expect(resident(name) == s.pages, name .. " stays in memory while it is locked")
end

local function expect_pageable(name)
    expect(locks(name) == 0, name .. " is not locked")
    expect(resident(name) == 0, name .. " is not in memory")
end

-- members: lists of disk, offset, length (0: to the end)
local function create_set(kind, chunk, members)
    local input = string.pack("<I4I4I4I4", kind, chunk, 0, #members)
    for _, m in ipairs(members) do
        input = input .. string.pack("<I4I4I8I8", m[1], 0, m[2], m[3])
    end
    local output, status = ftcontrol:control(CREATE, input, 4)
    return output and string.unpack("<I4", output), status
end

local function delete_set(number)
    local _, status = ftcontrol:control(DELETE, string.pack("<I4", number), 0)
    return status
end

local function query(number)
    local output = ftcontrol:control(QUERY, string.pack("<I4", number), 256)
    local set, at = {members = {}}, nil
    set.kind, set.chunk, set.region, set.count, set.bytes, at = string.unpack("<I4I4I4I4I8", output)
    for i = 1, set.count do
        local member = {}
        member.disk, member.state, member.errors, member.dirty, at =
            string.unpack("<I4I4I4I4", output, at)
        set.members[i] = member
    end
    return set
end

-- A volume and what ought to be on it.
local function use(number)
    local bytes = query(number).bytes
    return {number = number, file = open("\\Device\\FtDisk" .. number), bytes = bytes,
            model = memory(bytes), seed = number << 32}
end

local function write(v, offset, length)
    v.seed = v.seed + 1
    local data = noise(v.seed, length)
    local count, status = v.file:write(data, offset)
    expect(status == SUCCESS and count == length, "a write of a volume succeeds")
    v.model:write(offset, data)
end

local function check(v, offset, length)
    local data, status = v.file:read(length, offset)
    expect(status == SUCCESS and #data == length, "a read of a volume succeeds")
    expect(v.model:matches(offset, data), "a volume has what was written")
end

local function anywhere(v, longest)
    local length = random(longest)
    return random(v.bytes - length + 1) - 1, length
end

local function traffic(v, requests)
    for i = 1, requests do
        if random(2) == 1 then
            write(v, anywhere(v, i % 8 == 0 and 200000 or 4000))
        else
            check(v, anywhere(v, i % 8 == 0 and 200000 or 4000))
        end
        if i % 16 == 0 then
            trim()
            local _, status = v.file:flush()
            expect(status == SUCCESS, "a flush succeeds")
        end
    end
end

local function check_all(v)
    for offset = 0, v.bytes - 1, MiB do
        check(v, offset, math.min(MiB, v.bytes - offset))
    end
end

-- Both platters, behind the driver's back.
local function expect_mirrored(v)
    for n = 1, 2 do
        expect(v.model:matches(0, disk(n):read(0, v.bytes)), "disk " .. n .. " has all of the mirror")
    end
end

-- 1. A computer that has only mirrors has no page for stripes and volume sets.
mark("mirrors only, idle")
expect_locked("PAGEmirr")
expect_pageable("PAGEstrp")
expect_pageable("PAGEvolm")
local mirror = use(0)
traffic(mirror, 200)
expect_mirrored(mirror)
check_all(mirror)
mark("mirrors only, after traffic")
expect_locked("PAGEmirr")
expect_pageable("PAGEstrp")
expect_pageable("PAGEvolm")

-- 2. What a disk refuses, a volume refuses; what is nothing succeeds.
do
    local _, status = mirror.file:read(512, mirror.bytes)
    expect(status == INVALID_PARAMETER, "nothing is read beyond the end")
    _, status = mirror.file:write("xx", mirror.bytes - 1)
    expect(status == INVALID_PARAMETER, "nothing is written across the end")
    local data, ok, count = mirror.file:read(0, mirror.bytes)
    expect(ok == SUCCESS and data == "" and count == 0, "a read of nothing succeeds")
    expect(string.unpack("<I8", (mirror.file:control(0x7405c, "", 8))) == mirror.bytes)
    local sector = string.unpack("<I4", (mirror.file:control(0x70000, "", 24)), 21)
    expect(sector == 512, "the geometry has the size of a sector")
end

-- 3. A member fails: nobody notices but the set.
disk(2):fail("all")
write(mirror, 5000, 4000)
local set = query(0)
expect(set.members[1].state == ACTIVE and set.members[2].state == STALE)
local errors = set.members[2].errors
traffic(mirror, 100)
set = query(0)
expect(set.members[2].state == STALE and set.members[2].errors == errors, "it is left alone")
expect(set.members[2].dirty > 0, "what it misses is noted")
mark("a member has failed")

-- 4. It returns, and catches up while requests go on.
disk(2):restore()
expect(select(2, ftcontrol:control(RESYNC, string.pack("<I4I4", 0, 1), 0)) == SUCCESS)
local before = disk(1):counters().reads
traffic(mirror, 50)
for _ = 1, 100 do
    if query(0).members[2].state ~= RECOVERING then
        break
    end
    sleep(0.1)
end
set = query(0)
expect(set.members[2].state == ACTIVE and set.members[2].dirty == 0, "it caught up")
expect(disk(1):counters().reads > before)
expect_mirrored(mirror)
check_all(mirror)
mark("the member has returned")

-- 5. The last copy fails: that is an error, and it goes to whoever asked.
disk(1):fail("range", 65536, 512)
disk(2):fail("range", 65536, 512)
expect(select(2, mirror.file:read(512, 65536)) == 0xc000009c, "nobody could read it")
check(mirror, 66048, 512)
disk(1):restore()
disk(2):restore()
check(mirror, 65536, 512)
set = query(0)
expect(set.members[1].state == ACTIVE and set.members[2].state == ACTIVE)

-- A write that none of them takes whole is an error as well.  What is there now differs from copy to copy;
-- the first one says what the set has, and the other catches up.
disk(1):fail("nth", 2)
disk(2):fail("nth", 4)
expect(select(2, mirror.file:write(noise(5, 3000), 100)) == IO_DEVICE_ERROR, "no copy has all of it")
set = query(0)
expect(set.members[1].state == ACTIVE and set.members[2].state == STALE and set.members[2].dirty == 1)
ftcontrol:control(RESYNC, string.pack("<I4I4", 0, 1), 0)
sleep(1)
mirror.model:write(0, disk(1):read(0, 4096))
expect_mirrored(mirror)

-- 6. Repartition: the other kinds are locked when their first sets are made.
expect(select(2, create_set(STRIPE, 0, {{2, 0, MiB}})) == INVALID_PARAMETER, "one disk is no stripe")
expect(select(2, create_set(STRIPE, 0, {{0, MiB, MiB}, {2, 0, MiB}})) >= 0xc0000000, "it is taken")
expect(select(2, create_set(STRIPE, 0, {{9, 0, 0}, {2, 0, MiB}})) >= 0xc0000000, "no such disk")
expect_pageable("PAGEstrp")
local stripe = use(create_set(STRIPE, 4096, {{2, 0, MiB}, {3, 0, MiB}, {1, 4 * MiB, MiB}}))
expect_locked("PAGEstrp")
expect_pageable("PAGEvolm")
local volume = use(create_set(VOLUME_SET, 0, {{2, 2 * MiB, 100 * 512}, {3, 2 * MiB, MiB}, {0, 3 * MiB, 512}}))
local second = use(create_set(STRIPE, 0, {{2, 8 * MiB, MiB}, {3, 8 * MiB, MiB}}))
expect_locked("PAGEstrp")
expect_locked("PAGEvolm")
mark("all kinds")
for _, v in ipairs({stripe, volume, second, mirror}) do
    traffic(v, 60)
    check_all(v)
end

-- 7. Only requests that need a disk feel that it is gone.
disk(3):fail("gone")
expect(select(2, stripe.file:read(4096, 0)) == NO_SUCH_DEVICE)
check(stripe, 4096, 4096)
expect(select(2, stripe.file:write("x", 3 * 4096)) == NO_SUCH_DEVICE, "half a sector cannot be read first")
check(volume, 100 * 512, 8192)
check(mirror, 0, 65536)
disk(3):restore()
check_all(stripe)

-- 8. The paging file moves in: every member is told, and one that refuses undoes it.
local IN, OUT = true, false
local function notify(v, in_path)
    return select(2, device("\\Device\\FtDisk" .. v.number):usage("paging", in_path))
end
local function uses()
    local all = {}
    for n = 1, 4 do
        all[n] = disk(n):usage().paging
    end
    return table.concat(all, " ")
end
local function power_pageable(v)
    return device("\\Device\\FtDisk" .. v.number).flags & DO_POWER_PAGABLE ~= 0
end
disk(4):fail("gone")
expect(notify(stripe, IN) == NO_SUCH_DEVICE and uses() == "0 0 0 0", "a member that is gone carries nothing")
disk(4):restore()
expect(power_pageable(stripe))
expect(notify(stripe, IN) == SUCCESS and uses() == "0 1 1 1")
expect(not power_pageable(stripe))
expect(delete_set(stripe.number) == DEVICE_BUSY, "a set with a paging file stays")
traffic(stripe, 60)
mark("with a paging file")
expect(notify(stripe, OUT) == SUCCESS and uses() == "0 0 0 0")
expect(power_pageable(stripe))
expect(notify(stripe, OUT) >= 0xc0000000, "there is none to move out")

-- 9. A set is deleted while requests are under way: they are finished first.
local late = {}
for i = 1, 8 do
    late[i] = stripe.file:start_write(noise(i, 65536), (i - 1) * 65536)
end
sleep(0.0001)
expect(delete_set(stripe.number) == SUCCESS)
for _, r in ipairs(late) do
    local _, status = r:release()
    expect(status == SUCCESS or status == 0xc0000056, "done, or too late")
end
expect(select(2, stripe.file:read(512, 0)) == 0xc0000056, "nothing is left but to close it")
stripe.file:close()
expect_locked("PAGEstrp")
second.file:close()
expect(delete_set(second.number) == SUCCESS)
expect_pageable("PAGEstrp")
expect_locked("PAGEvolm")
volume.file:close()
expect(delete_set(volume.number) == SUCCESS)
expect_pageable("PAGEvolm")
expect_locked("PAGEmirr")
expect(delete_set(7) == NO_SUCH_DEVICE)
mark("sets deleted")

-- 10. A new mirror begins with a copy of its first member.  The section was locked by address once for
-- each kind; every later time is by handle.
local by_address = counters().section_locks_by_address
mirror.file:close()
expect(delete_set(0) == SUCCESS)
expect_pageable("PAGEmirr")
disk(1):write(0, noise(77, MiB))
local again = use(create_set(MIRROR, 0, {{0, 0, MiB}, {1, 0, MiB}, {2, 0, MiB}}))
again.model:write(0, noise(77, MiB))
traffic(again, 60)
for _ = 1, 100 do
    local s = query(again.number)
    if s.members[2].state == ACTIVE and s.members[3].state == ACTIVE then
        break
    end
    sleep(0.1)
end
expect_mirrored(again)
expect(again.model:matches(0, disk(3):read(0, MiB)), "the third copy is as good")
expect(counters().section_locks_by_address == by_address, "locked by handle")
expect(counters().section_locks_by_handle > 0)
expect_locked("PAGEmirr")
mark("a mirror again")
