-- SPDX-License-Identifier: MIT
-- A soak of ftdisk.sys: random requests at any alignment and length over every kind of set, several at a
-- time, while disks fail, hang and return and sets come and go.  Every byte that is read is compared with a
-- plain copy, and so is every error: a request fails when a disk that it needs fails, and only then.
--
--     pagable run build/drivers/ftdisk.sys --script scenarios/ftdisk-soak.lua --budget 0 --define REQUESTS=20000

local REQUESTS = REQUESTS or 1000000
local DEPTH = 8                                -- requests under way at a time
local ROUND = 1000                             -- requests between two looks at everything
local CREATE, DELETE, QUERY, RESYNC = 0x8046a000, 0x8046a004, 0x80462008, 0x8046a00c
local MIRROR, STRIPE, VOLUME_SET = 0, 1, 2
local SECTOR, KiB = 512, 1024
local ACTIVE = 0
local pack, unpack = string.pack, string.unpack

local ftcontrol = open("\\Device\\FtControl")
local sent = 0                                 -- requests so far
local seed = 0

-- What each set lies on: disk, start and length in bytes.  Small, so that requests meet.
local volumes = {
    {kind = MIRROR, chunk = 0, {0, 0, 256 * KiB}, {1, 0, 256 * KiB}, {2, 0, 256 * KiB}},
    {kind = STRIPE, chunk = 4 * KiB,
     {0, 1024 * KiB, 64 * KiB}, {1, 1024 * KiB, 64 * KiB}, {2, 1024 * KiB, 64 * KiB}, {3, 1024 * KiB, 64 * KiB}},
    {kind = VOLUME_SET, chunk = 0, {3, 0, 100 * SECTOR}, {1, 2048 * KiB, SECTOR}, {2, 2048 * KiB, 128 * KiB}},
    {kind = STRIPE, chunk = 3 * SECTOR, {3, 2048 * KiB, 90 * SECTOR}, {0, 2048 * KiB, 90 * SECTOR}},
}

local function control(code, input, bytes)
    local output, status = ftcontrol:control(code, input, bytes)
    expect(status == 0, "a device control succeeds")
    return output
end

local function create(v)
    local input = pack("<I4I4I4I4", v.kind, v.chunk, 1, #v)
    for _, m in ipairs(v) do
        input = input .. pack("<I4I4I8I8", m[1], 0, m[2], m[3])
    end
    v.number = unpack("<I4", control(CREATE, input, 4))
    v.file = open("\\Device\\FtDisk" .. v.number)
end

local function delete(v)
    v.file:close()
    control(DELETE, pack("<I4", v.number), 0)
end

local function query(v)
    local output = control(QUERY, pack("<I4", v.number), 256)
    local bytes, at = unpack("<I8", output, 17)
    local states = {}
    for i = 1, #v do
        states[i] = unpack("<I4", output, at + (i - 1) * 16 + 4)
    end
    return bytes, states
end

for _, v in ipairs(volumes) do
    create(v)
    v.bytes = query(v)
    v.model = memory(v.bytes)
    v.unknown = {}
end

-- Whether the sectors of a range lie on a disk, at least in part.
local function touches(v, offset, length, d)
    local first, last = offset // SECTOR * SECTOR, (offset + length - 1) // SECTOR * SECTOR
    if v.kind == STRIPE then
        for chunk = first // v.chunk, last // v.chunk do
            if v[chunk % #v + 1][1] == d then
                return true
            end
        end
        return false
    end
    local start = 0
    for _, m in ipairs(v) do
        if m[1] == d and first < start + m[3] and start <= last then
            return true
        end
        start = start + m[3]
    end
    return false
end

-- The one disk that is in trouble, and how: nil when none is.
local trouble

-- Whether a request may fail, and whether it has to.  A mirror hides whatever happens to one disk.
local function outlook(v, request)
    if trouble == nil or v.kind == MIRROR then
        return false, false
    end
    if trouble.how == "nth" then
        return true, false
    end
    if not touches(v, request.offset, request.length, trouble.disk) then
        return false, false
    end
    local how, writing = trouble.how, request.data ~= nil
    return how ~= "hang", how == "all" or how == "gone" or how == (writing and "writes" or "reads")
end

local function overlaps(list, offset, length, writing)
    for _, r in ipairs(list) do
        if (writing or r.data) and offset < r.offset + r.length and r.offset < offset + length then
            return true
        end
    end
    return false
end

-- Mostly small, sometimes long, sometimes exactly a sector.
local function any_length()
    local n = random(64)
    if n == 1 then
        return random(64 * KiB)
    elseif n < 8 then
        return SECTOR * random(16)
    elseif n < 16 then
        return random(16)
    end
    return random(3 * SECTOR)
end

-- A request that touches no byte that another under way changes, nor one whose content is unknown.  Sectors
-- they may share.
local function any_request(under_way)
    local v = volumes[random(#volumes)]
    local length = any_length()
    local writing = random(2) == 1
    if length > v.bytes then
        length = v.bytes
    end
    local offset = random(v.bytes - length + 1) - 1
    if length % SECTOR == 0 and random(2) == 1 then
        offset = offset // SECTOR * SECTOR
    end
    if overlaps(under_way[v], offset, length, writing) or overlaps(v.unknown, offset, length, true) then
        return nil
    end
    local request = {v = v, offset = offset, length = length}
    if writing then
        seed = seed + 1
        request.data = noise(seed, length)
        request.sent = v.file:start_write(request.data, offset)
    else
        request.sent = v.file:start_read(length, offset)
    end
    local list = under_way[v]
    list[#list + 1] = request
    sent = sent + 1
    return request
end

local function settle(request)
    local v = request.v
    local output, status = request.sent:release()
    local may, must = outlook(v, request)
    if status == 0 then
        expect(not must, "a request that needs a disk which fails did not fail")
        if request.data then
            v.model:write(request.offset, request.data)
        else
            expect(#output == request.length)
            expect(v.model:matches(request.offset, output), "a byte that was read is not what was written")
        end
        return
    end
    expect(may, "a request failed without a reason")
    expect(status == 0xc0000185 or status == 0xc000009c or status == 0xc000000e, "with a status of its own")
    if request.data then
        v.unknown[#v.unknown + 1] = request
    end
end

local function batch()
    local under_way, requests = {}, {}
    for _, v in ipairs(volumes) do
        under_way[v] = {}
    end
    for _ = 1, DEPTH do
        requests[#requests + 1] = any_request(under_way)
    end
    if trouble and trouble.how == "hang" then
        sleep(0.001)
        disk(trouble.disk + 1):resume()
        trouble = nil
    end
    for _, request in ipairs(requests) do
        settle(request)
    end
end

local function read(v, offset, length)
    sent = sent + 1
    local data, status = v.file:read(length, offset)
    expect(status == 0 and #data == length, "a read succeeds")
    return data
end

-- A write that failed may have changed any of its sectors, each as a whole.
local function find_out(v)
    for _, request in ipairs(v.unknown) do
        local data = read(v, request.offset, request.length)
        local at = 0
        while at < request.length do
            local offset = request.offset + at
            local length = math.min(SECTOR - offset % SECTOR, request.length - at)
            local now = data:sub(at + 1, at + length)
            expect(now == request.data:sub(at + 1, at + length) or v.model:matches(offset, now),
                   "a failed write left something that was neither there nor written")
            v.model:write(offset, now)
            at = at + length
        end
    end
    v.unknown = {}
end

local function begin_trouble()
    local ways = {"all", "reads", "writes", "gone", "range", "nth", "hang"}
    trouble = {disk = random(4) - 1, how = ways[random(#ways)]}
    local d = disk(trouble.disk + 1)
    if trouble.how == "hang" then
        d:hang()
    elseif trouble.how == "range" then
        d:fail("range", 0, (random(6) * 512) * KiB)
    elseif trouble.how == "nth" then
        d:fail("nth", random(40))
    else
        d:fail(trouble.how)
    end
end

-- The disk returns; what it missed is copied while requests go on.
local function end_trouble()
    local mirror = volumes[1]
    if trouble then
        disk(trouble.disk + 1):restore()
        trouble = nil
    end
    for _, v in ipairs(volumes) do
        find_out(v)
    end
    local _, states = query(mirror)
    for i, state in ipairs(states) do
        if state ~= ACTIVE then
            control(RESYNC, pack("<I4I4", mirror.number, i - 1), 0)
            repeat
                batch()
                _, states = query(mirror)
            until states[i] == ACTIVE
        end
    end
end

local function check_everything()
    for _, v in ipairs(volumes) do
        for offset = 0, v.bytes - 1, 64 * KiB do
            local length = math.min(64 * KiB, v.bytes - offset)
            expect(v.model:matches(offset, read(v, offset, length)), "a volume is not what was written")
        end
    end
    local mirror = volumes[1]
    for _, m in ipairs(mirror) do
        expect(mirror.model:matches(0, disk(m[1] + 1):read(m[2], mirror.bytes)), "a copy is not the same")
    end
end

local before = counters()
local round, fewest = 0, math.huge
while sent < REQUESTS do
    local start, pages = sent, counters().page_ins
    round = round + 1
    while sent < start + ROUND // 2 do
        batch()
    end
    begin_trouble()
    for _ = 1, 6 do
        batch()
    end
    end_trouble()
    while sent < start + ROUND - 32 do
        batch()
    end
    expect(select(2, volumes[random(#volumes)].file:flush()) == 0)
    local v = volumes[round % #volumes + 1]
    delete(v)
    create(v)
    check_everything()
    fewest = math.min(fewest, counters().page_ins - pages)
end

local now = counters()
print(string.format("%d requests, %d packets, %d trims, %d page-ins (%d or more in every %d requests), "
    .. "%d locks by handle", sent, now.irps - before.irps, now.trims - before.trims,
    now.page_ins - before.page_ins, fewest, ROUND, now.section_locks_by_handle - before.section_locks_by_handle))
for _, v in ipairs(volumes) do
    delete(v)
end
