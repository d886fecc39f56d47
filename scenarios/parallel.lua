-- SPDX-License-Identifier: MIT
-- A day of parallel.sys: what is in memory when, and what becomes of the bytes.
--
-- PAGEPARW is everything that an open port needs; create locks it, close gives it back.

local LPT1, PORT = "\\DosDevices\\LPT1", 0x16
local QUERY_INFORMATION, SET_INFORMATION = ctl_code(PORT, 1), ctl_code(PORT, 2)
local QUERY_ID, QUERY_ID_SIZE = ctl_code(PORT, 3), ctl_code(PORT, 4)
local QUERY_RAW_ID = ctl_code(PORT, 12)
local SET_TIMEOUTS, GET_TIMEOUTS = ctl_code(0x1b, 7), ctl_code(0x1b, 8)
local SET_WAY, QUERY_STATISTICS = ctl_code(PORT, 0x800), ctl_code(PORT, 0x801)
local POLLED, INTERRUPT = 0, 1

-- What IOCTL_PAR_QUERY_INFORMATION and IOCTL_PAR_SET_INFORMATION say.
local INIT, PAPER_EMPTY, OFF_LINE, POWER_OFF = 0x01, 0x04, 0x08, 0x10
local NOT_CONNECTED, BUSY, SELECTED = 0x20, 0x40, 0x80

local SUCCESS, CANCELLED, ACCESS_DENIED = 0, 0xc0000120, 0xc0000022
local DEVICE_PAPER_EMPTY, DEVICE_POWERED_OFF = 0x8000000e, 0x8000000f
local DEVICE_OFF_LINE, DEVICE_BUSY = 0x80000010, 0x80000011
local DEVICE_NOT_CONNECTED, DEVICE_REMOVED = 0xc000009d, 0xc00002b6

local lpt = printer(1)

local function parw()
    return section("parallel.sys", "PAGEPARW")
end

local function expect_locked(count)
    local s = parw()
    expect(s.lock_count == count, "PAGEPARW has " .. s.lock_count .. " locks, not " .. count)
    if count > 0 then
        expect(s.resident_pages == s.pages, "PAGEPARW is locked, and not all of it is in memory")
    end
end

local function statistics(port)
    local way, polled, by_interrupt, interrupts, foreign, fell_back =
        string.unpack("<I4I4I4I4I4I4", (port:control(QUERY_STATISTICS, "", 24)))
    return {way = way, polled = polled, by_interrupt = by_interrupt, interrupts = interrupts,
            foreign = foreign, fell_back = fell_back}
end

local function set_way(port, way)
    local _, status = port:control(SET_WAY, string.pack("<I4", way))
    expect(status == SUCCESS)
end

local function set_timeout(port, milliseconds)
    local timeouts = string.pack("<I4I4I4I4I4", 0, 0, 0, 0, milliseconds)
    local _, status = port:control(SET_TIMEOUTS, timeouts)
    expect(status == SUCCESS)
    expect(string.unpack("<I4", (port:control(GET_TIMEOUTS, "", 20)), 17) == milliseconds)
end

local function information(port)
    return string.byte((port:control(QUERY_INFORMATION, "", 1)))
end

local function text(bytes)
    local all = {}
    for i = 1, bytes do
        all[i] = string.char(32 + random(95) - 1)
    end
    return table.concat(all)
end

local function expect_write(port, data)
    local count, status = port:write(data)
    expect(status == SUCCESS and count == #data, string.format("write: 0x%x", status))
end

local function expect_printed(data)
    sleep(2)
    expect(lpt:output() == data, "what was printed is not what was written")
end

-- In the morning nobody prints: nothing of the port's code is needed, and under pressure it goes.
start()
trim()
mark("idle")
expect_locked(0)
expect(parw().resident_pages == 0)
expect(section("parallel.sys", "PAGE").resident_pages == 0)

-- An interrupt that no device asked for, or another device's on the same line: the service routine
-- is called with every port closed, and is resident.
spurious(7)
sleep(0.001)
expect(parw().resident_pages == 0)

-- The first open locks the section, by an address in it.
local port = open(LPT1)
mark("open")
expect_locked(1)
trim()
expect_locked(1)
expect(statistics(port).foreign == 1)
expect(information(port) == SELECTED)

-- A port is for one program at a time; being refused changes no count.
local other, status = open(LPT1)
expect(other == nil and status == ACCESS_DENIED)
expect_locked(1)

-- Interrupt driven: the service routine sends all bytes but the first of a run.
local data = text(2000)
expect_write(port, data)
expect_printed(data)
local s = statistics(port)
expect(s.way == INTERRUPT and s.polled == 0 and s.by_interrupt == #data - 1)
expect(s.interrupts == #data)

-- Polled: the thread does.
set_way(port, POLLED)
data = text(2000)
expect_write(port, data)
expect_printed(data)
s = statistics(port)
expect(s.way == POLLED and s.polled == #data and s.interrupts == 2000)
set_way(port, INTERRUPT)

-- A printer without nAck: after one byte the driver notices, and polls.
lpt:ack(false)
data = text(500)
expect_write(port, data)
expect_printed(data)
s = statistics(port)
expect(s.way == POLLED and s.fell_back == 1 and s.polled == 2000 + #data - 1)
lpt:ack(true)
set_way(port, INTERRUPT)

-- Who it is: nibble mode, between two jobs.
local id = (port:control(QUERY_ID, "", 200))
expect(id:find("^MFG:.*;CLS:PRINTER;.*\0$"))
expect(string.unpack("<I4", (port:control(QUERY_ID_SIZE, "", 4))) == #id)
expect((port:control(QUERY_RAW_ID, "", 200)) == string.pack(">I2", #id + 1) .. id:sub(1, -2))

-- A slow printer with a small buffer is busy for most of the time.
for _, way in ipairs({INTERRUPT, POLLED}) do
    set_way(port, way)
    lpt:rate(100)
    lpt:buffer(10)
    data = text(50)
    local job = port:start_write(data)
    expect(not job:wait(0.1))
    expect(information(port) & BUSY == BUSY)
    expect(job:wait(10) and job:status() == SUCCESS)
    expect_printed(data)
    lpt:rate(20000)
    lpt:buffer(8192)
end
set_way(port, INTERRUPT)

-- Whatever stops the printer: a write waits, ends with the reason when its time is over, and goes on
-- when the printer does.
local troubles = {
    {set = function(on) lpt:offline(on) end, flags = OFF_LINE | BUSY, status = DEVICE_OFF_LINE},
    {set = function(on) lpt:paper(not on) end, flags = PAPER_EMPTY | OFF_LINE | BUSY,
     status = DEVICE_PAPER_EMPTY},
    {set = function(on) lpt:fault(on) end, flags = OFF_LINE | BUSY, status = DEVICE_OFF_LINE},
    {set = function(on) lpt:power(not on) end, flags = POWER_OFF, status = DEVICE_POWERED_OFF},
    {set = function(on) if on then lpt:unplug() else lpt:plug() end end, flags = NOT_CONNECTED,
     status = DEVICE_NOT_CONNECTED},
}
for _, trouble in ipairs(troubles) do
    trouble.set(true)
    expect(information(port) == trouble.flags)
    set_timeout(port, 500)
    local began = time()
    local job = port:start_write("lost")
    expect(job:wait(2) and job:status() == trouble.status)
    expect(time() - began >= 0.5)
    expect_locked(1)

    set_timeout(port, 0)
    job = port:start_write("kept")
    expect(not job:wait(60) and job:status() == nil)
    trouble.set(false)
    expect(job:wait(1) and job:status() == SUCCESS)
    expect_printed("kept")
end

-- A byte that the printer never gets to is not waited for longer than asked.
lpt:rate(1)
lpt:buffer(1)
set_timeout(port, 300)
local count, why, information_of = port:write("abcdef")
expect(why == DEVICE_BUSY and count == information_of and count >= 1 and count < 6)
set_timeout(port, 0)

-- Cancelled: the one that is being printed within a tenth of a second, one that waits at once.
local jobs = {}
for i, name in ipairs({"first job", "second job", "third job"}) do
    jobs[i] = port:start_write(name)
    sleep(0.01) -- each is a thread of its own: let it reach the queue before the next one
end
jobs[2]:cancel()
expect(jobs[2]:wait(0) or jobs[2]:wait(0.001))
expect(jobs[2]:status() == CANCELLED and jobs[1]:status() == nil)
jobs[1]:cancel()
expect(jobs[1]:wait(0.2) and jobs[1]:status() == CANCELLED)
jobs[3]:cancel()
expect(jobs[3]:wait(0.2) and jobs[3]:status() == CANCELLED)

-- A reset by nInit empties the printer.
local _, reset = port:control(SET_INFORMATION, string.char(INIT))
expect(reset == SUCCESS)
lpt:rate(20000)
lpt:buffer(8192)
sleep(1)
lpt:output()
expect(lpt:counters().inits == 1 and lpt:counters().discarded >= 1)

-- Stopped and started again in the middle of a job, or put to sleep: it waits, nothing is lost.
for _, interruption in ipairs({
    function() return hardware("lpt1"):restart() end,
    function()
        expect(device(LPT1):power("D3"))
        sleep(5)
        return device(LPT1):power("D0")
    end,
    function()
        expect(device(LPT1):power("S3"))
        sleep(5)
        return device(LPT1):power("S0")
    end,
}) do
    lpt:rate(1000)
    lpt:buffer(16)
    data = text(400)
    local job = port:start_write(data)
    expect(not job:wait(0.1))
    expect(interruption())
    expect(job:wait(10) and job:status() == SUCCESS)
    expect_printed(data)
end
lpt:rate(20000)
lpt:buffer(8192)

-- All the time under pressure, the section stayed.  The last close lets it go.
trim()
expect_locked(1)
port:close()
mark("closed")
expect_locked(0)
trim()
mark("closed, under pressure")
expect(parw().resident_pages == 0)

-- Opened again: by handle this time.
port = open(LPT1)
expect_locked(1)
expect_write(port, "once more")
expect_printed("once more")

-- Closed with a job under way: it is cancelled, and nothing is left when the section goes.
lpt:offline()
local abandoned = port:start_write("never printed")
expect(not abandoned:wait(0.5))
port:close()
expect(abandoned:wait(0.001) and abandoned:status() == CANCELLED)
expect_locked(0)
lpt:offline(false)

-- In the evening somebody pulls the port out while it prints.
port = open(LPT1)
lpt:rate(10)
lpt:buffer(1)
local last = port:start_write(text(1000))
expect(not last:wait(1))
local waiting = port:start_write(text(10))
expect(not waiting:wait(0.01))
hardware("lpt1"):pull_out()
expect(last:wait(1) and last:status() == DEVICE_REMOVED)
expect(waiting:wait(1) and waiting:status() == DEVICE_REMOVED)
local _, gone = port:write("x")
expect(gone == DEVICE_REMOVED)
expect_locked(1)
port:close()
expect_locked(0)
trim()
expect(parw().resident_pages == 0)

-- With the last file on it closed, the device goes.
sleep(0.1)
expect(device(LPT1) == nil and device("\\Device\\ParallelPort0") == nil)
