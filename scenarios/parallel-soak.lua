-- SPDX-License-Identifier: MIT
-- Random legal operations on parallel.sys by the run's seed, against a plain model: what was printed
-- is what each write says it sent, in the order of the writes, and nothing else.
--
-- ROUNDS: how many (--define=ROUNDS=N).

local ROUNDS = ROUNDS or 400

local LPT1, PORT = "\\DosDevices\\LPT1", 0x16
local QUERY_INFORMATION, SET_INFORMATION = ctl_code(PORT, 1), ctl_code(PORT, 2)
local QUERY_ID = ctl_code(PORT, 3)
local SET_TIMEOUTS, SET_WAY = ctl_code(0x1b, 7), ctl_code(PORT, 0x800)
local INIT = 0x01

start()
local lpt = printer(1)
local port -- nil: closed
local jobs = {} -- under way, oldest first: {request, data}
local expected, printed = {}, {}
local bytes = 0
local troubles = {offline = false, paper = true, fault = false, plugged = true, awake = true}

local function healthy()
    return not troubles.offline and troubles.paper and not troubles.fault and troubles.plugged and
           troubles.awake
end

local function text(n)
    local all = {}
    for i = 1, n do
        all[i] = string.char(random(256) - 1)
    end
    return table.concat(all)
end

local function take_output()
    printed[#printed + 1] = lpt:output()
end

-- Account for every job at the head of the line that is done.
local function collect()
    while jobs[1] and jobs[1].request:done() do
        local job = table.remove(jobs, 1)
        local _, status, information = job.request:result()

        expect(information <= #job.data)
        expect(status ~= 0 or information == #job.data, "a write succeeded, and was not all sent")
        expected[#expected + 1] = job.data:sub(1, information)
        bytes = bytes + information
    end
end

local function mend()
    troubles.offline, troubles.paper, troubles.fault, troubles.plugged = false, true, false, true
    lpt:offline(false)
    lpt:paper(true)
    lpt:fault(false)
    lpt:plug()
    if not troubles.awake then
        expect(hardware("lpt1"):device():power("D0"))
        troubles.awake = true
    end
end

-- Until no job is under way and the printer has printed everything.
local function drain()
    mend()
    lpt:rate(100000)
    for _, job in ipairs(jobs) do
        expect(job.request:wait(100), "a write never ended")
    end
    collect()
    expect(#jobs == 0)
    while lpt:counters().buffered > 0 do
        sleep(0.01)
    end
    sleep(0.01)
    take_output()
end

local function open_port()
    local status
    port, status = open(LPT1)
    expect(port, string.format("open: 0x%x", status))
    local second = open(LPT1)
    expect(second == nil)
end

local function close_port()
    port:close()
    port = nil
    for _, job in ipairs(jobs) do
        expect(job.request:wait(0.001), "a port was closed, and a request of it is not finished")
    end
    collect()
end

local operations = {
    function() -- a job
        if port and #jobs < 5 then
            local data = text(random(300))
            jobs[#jobs + 1] = {request = port:start_write(data), data = data}
            sleep(0.01) -- each is a thread of its own: into the queue, before the next one
        end
    end,
    function() sleep(random(1000) / 1e5) end,
    function() sleep(random(100) / 1e3) end,
    function() trim() end,
    function() spurious(7) end,
    function() lpt:rate(100 + random(50000)) end,
    function() lpt:buffer(random(100)) end,
    function() lpt:ack(random(4) > 1) end,
    function() lpt:ieee1284(random(2) == 1) end,
    function() troubles.offline = random(3) == 1; lpt:offline(troubles.offline) end,
    function() troubles.paper = random(3) > 1; lpt:paper(troubles.paper) end,
    function() troubles.fault = random(3) == 1; lpt:fault(troubles.fault) end,
    function() mend() end,
    function() -- a cable that is pulled out between the edges of nStrobe spoils a byte: not then
        if #jobs == 0 then
            troubles.plugged = false
            lpt:unplug()
        end
    end,
    function() -- the same for what is in the buffer and for switching the printer off
        if #jobs == 0 and healthy() then
            drain()
            lpt:power(false)
            sleep(0.01)
            lpt:power(true)
        end
    end,
    function() if port then port:control(SET_WAY, string.pack("<I4", random(2) - 1)) end end,
    function()
        if port then
            port:control(SET_TIMEOUTS, string.pack("<I4I4I4I4I4", 0, 0, 0, 0, (random(4) - 1) * 50))
        end
    end,
    function()
        if port and troubles.awake then
            expect(port:control(QUERY_INFORMATION, "", 1))
        end
    end,
    function() if port and #jobs == 0 and healthy() then port:control(QUERY_ID, "", 100) end end,
    function()
        if port and #jobs == 0 and healthy() then
            drain()
            local _, status = port:control(SET_INFORMATION, string.char(INIT))
            expect(status == 0)
        end
    end,
    function() -- cancel any
        if #jobs > 0 then
            jobs[random(#jobs)].request:cancel()
        end
    end,
    function() expect(troubles.awake == false or hardware("lpt1"):restart()) end,
    function()
        if troubles.awake then
            troubles.awake = false
            expect(hardware("lpt1"):device():power("D3"))
        end
    end,
    function() if port and random(4) == 1 then close_port() end end,
    function() if not port then open_port() end end,
}

open_port()
for _ = 1, ROUNDS do
    operations[random(#operations)]()
    collect()
    local s = section("parallel.sys", "PAGEPARW")
    expect(s.lock_count == (port and 1 or 0))
    expect(not port or s.resident_pages == s.pages)
end
drain()
if port then
    close_port()
end
trim()
expect(section("parallel.sys", "PAGEPARW").resident_pages == 0)

expect(table.concat(printed) == table.concat(expected), "what was printed is not what was sent")
expect(bytes > 0, "nothing was printed at all")
local c = lpt:counters()
for _, mistake in ipairs({"overruns", "unselected", "short_strobes", "short_inits", "short_setups",
                          "short_holds"}) do
    expect(c[mistake] == 0, mistake .. ": " .. c[mistake])
end
