-- SPDX-License-Identifier: MIT
-- Random legal operations on four ports, against a plain model: two streams of bytes for each port.
-- What is read is what was sent, in order and without a gap; what arrives is what was written.
--
-- The run's seed chooses; `--define ROUNDS=100000` makes it longer.

local function code(n) return ctl_code(0x1b, n) end
local SET_BAUD, SET_LINE, SET_TIMEOUTS, SET_MASK, WAIT = code(1), code(3), code(7), code(17), code(18)
local SET_HANDFLOW, COMM_STATUS, GET_STATS = code(25), code(27), code(35)
local SUCCESS, TIMEOUT, CANCELLED = 0, 0x102, 0xc0000120
local ROUNDS = math.tointeger(tonumber(ROUNDS or 4000))
local BAUDS = { 115200, 57600, 38400, 115200 }

local ports = {}
for n = 1, 4 do
  -- to_driver: sent and not read; to_far: written (at least `sure` bytes of it) and not seen there
  ports[n] = { n = n, uart = uart(n), to_driver = "", read = {}, bytes_read = 0, bytes_written = 0 }
end

local function bytes(n)
  local chunk = {}
  for i = 1, n do
    chunk[i] = string.char(random(256) - 1)
  end
  return table.concat(chunk)
end

local function take_read(p, data, status)
  expect(status == SUCCESS or status == TIMEOUT or status == CANCELLED, string.format("a read ended with 0x%08x", status))
  if data then
    expect(p.to_driver:sub(1, #data) == data, "COM" .. p.n .. ": what was read was not sent")
    p.to_driver = p.to_driver:sub(#data + 1)
    p.bytes_read = p.bytes_read + #data
  end
end

local function take_arrived(p)
  local data = p.uart:received()
  expect(p.to_far:sub(1, #data) == data, "COM" .. p.n .. ": what arrived was not written")
  p.to_far = p.to_far:sub(#data + 1)
  p.bytes_written = p.bytes_written + #data
end

-- A write that did not finish: what it did not send never arrives.
local function end_write(p)
  local _, status, sent = p.writing:result()
  take_arrived(p)
  local unsent = #p.write_data - sent
  expect(status == SUCCESS and unsent == 0 or status == TIMEOUT or status == CANCELLED,
    string.format("a write ended with 0x%08x", status))
  p.to_far = p.to_far:sub(1, #p.to_far - unsent)
  p.writing = nil
end

local function end_read(p)
  local data, status, count = p.reading:result()
  if status == CANCELLED then -- the bytes went with it
    take_read(p, p.to_driver:sub(1, count), status)
  else
    take_read(p, data, status)
  end
  p.reading = nil
end

local operations = {}

function operations.open(p)
  if p.file then
    return
  end
  p.file = expect(open("\\DosDevices\\COM" .. p.n))
  p.to_far = ""
  p.uart:flow("rts")
  expect(p.file:control(SET_BAUD, string.pack("<I4", BAUDS[p.n])))
  expect(p.file:control(SET_HANDFLOW, string.pack("<I4I4i4i4", 0x01, 0x80, random(2000), 100 + random(1000))))
end

function operations.send(p)
  if #p.to_driver < 20000 then
    local data = bytes(random(random(4) == 1 and 3000 or 40))
    p.uart:send(data)
    p.to_driver = p.to_driver .. data
  end
end

function operations.read(p)
  if p.file and not p.reading then
    p.reading = p.file:start_read(random(random(2) == 1 and 30 or 2500))
    sleep(0.0001)
  end
end

function operations.write(p)
  if p.file and not p.writing then
    p.write_data = bytes(random(random(2) == 1 and 30 or 2500))
    p.to_far = p.to_far .. p.write_data
    p.writing = p.file:start_write(p.write_data)
    sleep(0.0001)
  end
end

function operations.timeouts(p)
  if p.file then
    local choices = { { 0, 0, 0 }, { 0, 0, 50 }, { 5, 0, 0 }, { 0xffffffff, 0, 0 }, { 0xffffffff, 0xffffffff, 20 }, { 0, 1, 5 } }
    local c = choices[random(#choices)]
    expect(p.file:control(SET_TIMEOUTS, string.pack("<I4I4I4I4I4", c[1], c[2], c[3], 0, random(3) == 1 and 30 or 0)))
  end
end

function operations.cancel(p)
  for _, request in ipairs { p.reading or false, p.writing or false } do
    if request and random(4) == 1 then
      request:cancel()
      expect(request:wait(1), "a request was not cancelled")
    end
  end
end

function operations.wait(p)
  if p.file then
    expect(p.file:control(SET_MASK, string.pack("<I4", 1 << random(9) - 1)))
    if random(2) == 1 then
      p.waiting = p.file:start_control(WAIT, "", 4)
      sleep(0.0001)
    end
  end
end

function operations.modem(p)
  p.uart:modem { cts = random(2) == 1, dsr = random(2) == 1, ri = random(2) == 1, dcd = random(2) == 1 }
end

function operations.format(p)
  if p.file then
    local parity = random(5) - 1
    expect(p.file:control(SET_LINE, string.pack("<BBB", random(2) == 1 and 2 or 0, parity, 8)))
  end
end

function operations.flush(p)
  if p.file and not p.writing then
    expect(p.file:flush())
  end
end

function operations.close(p)
  if not p.file or random(8) > 1 then
    return
  end
  p.file:close() -- ends what is out
  if p.reading then
    end_read(p)
  end
  sleep(0.05) -- the last characters, both ways
  if p.writing then
    end_write(p)
  end
  take_arrived(p)
  expect(p.to_far == "", "COM" .. p.n .. ": a byte that was written did not arrive")
  -- What the driver had and nobody read is lost; what the far end still has is not.
  p.to_driver = p.to_driver:sub(#p.to_driver - p.uart:waiting() + 1)
  p.file = nil
end

function operations.pressure()
  trim()
end

function operations.interrupt()
  spurious(2 + random(2))
end

function operations.rest()
  sleep(random(50) / 1000)
end

local names = { "open", "open", "send", "send", "read", "read", "read", "write", "write", "timeouts", "cancel", "wait", "modem",
  "format", "flush", "close", "pressure", "interrupt", "rest", "rest" }

local function settle(p)
  if p.reading and p.reading:done() then
    end_read(p)
  end
  if p.writing and p.writing:done() then
    end_write(p)
  end
  if p.file then
    take_arrived(p)
  end
end

for round = 1, ROUNDS do
  local p = ports[random(4)]
  operations[names[random(#names)]](p)
  settle(p)
  if round % 100 == 0 then
    local open_ports = 0
    for n = 1, 4 do
      open_ports = open_ports + (ports[n].file and 1 or 0)
    end
    local s = section("serial.sys", "PAGESER")
    expect(s.lock_count == open_ports, "the lock count is the number of open ports")
    expect(open_ports == 0 or s.resident_pages == s.pages, "PAGESER is locked and not in memory")
  end
end

local read, written = 0, 0
for n = 1, 4 do
  local p = ports[n]
  while p.file do
    operations.close(p)
  end
  expect(p.uart:counters().overruns == 0, "the chip lost a byte")
  read, written = read + p.bytes_read, written + p.bytes_written
end
trim()
expect(section("serial.sys", "PAGESER").resident_pages == 0, "PAGESER is not left behind")
expect(read > ROUNDS and written > ROUNDS, "the soak moved next to nothing")
log(string.format("%d rounds, %d bytes read, %d bytes written", ROUNDS, read, written))
