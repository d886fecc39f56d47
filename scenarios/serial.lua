-- SPDX-License-Identifier: MIT
-- A day of serial.sys: four ports that mostly nobody uses.
--
-- Residency is what the kernel says.  Times are virtual, so what takes a second takes a second.

local function code(n) return ctl_code(0x1b, n) end
local SET_BAUD, SET_QUEUE, SET_LINE, BREAK_ON, BREAK_OFF = code(1), code(2), code(3), code(4), code(5)
local IMMEDIATE, SET_TIMEOUTS, SET_DTR, CLR_DTR, SET_RTS, CLR_RTS = code(6), code(7), code(9), code(10), code(12), code(13)
local SET_XOFF, SET_XON, GET_MASK, SET_MASK, WAIT, PURGE = code(14), code(15), code(16), code(17), code(18), code(19)
local GET_BAUD, SET_CHARS, GET_HANDFLOW, SET_HANDFLOW = code(20), code(23), code(24), code(25)
local MODEM_STATUS, COMM_STATUS, PROPERTIES, DTR_RTS = code(26), code(27), code(29), code(30)
local GET_STATS, CLEAR_STATS = code(35), code(36)
local SUCCESS, TIMEOUT, CANCELLED, DENIED = 0, 0x102, 0xc0000120, 0xc0000022
local INVALID, TOO_SMALL, BUSY, REMOVED = 0xc000000d, 0xc0000023, 0x80000011, 0xc00002b6
local NOT_A_CODE = 0xc0000010
local FOREVER = 0xffffffff
local RXCHAR, RXFLAG, TXEMPTY, CTS, DSR, RLSD, BREAK, ERR, RING, FULL80 =
  0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x400

-- ---- helpers ----

local function expect_section(name, locks, resident)
  local s = section("serial.sys", name)
  expect(s.lock_count == locks and s.resident_pages == (resident and s.pages or 0),
    string.format("%s: lock count %d, %d of %d pages resident; expected %d, %s", name, s.lock_count,
      s.resident_pages, s.pages, locks, resident and "all" or "none"))
end

local function set(file, control, format, ...)
  local output, status = file:control(control, string.pack("<" .. format, ...))
  expect(output, string.format("control 0x%x failed: 0x%08x", control, status))
end

local function refused(wanted, file, control, format, ...)
  local _, status = file:control(control, string.pack("<" .. format, ...), 64)
  expect(status == wanted, string.format("control 0x%x: 0x%08x, expected 0x%08x", control, status, wanted))
end

local function get(file, control, format)
  local output, status = file:control(control, "", string.packsize("<" .. format))
  expect(output, string.format("control 0x%x failed: 0x%08x", control, status))
  return string.unpack("<" .. format, output)
end

local function timeouts(file, interval, read_multiplier, read_constant, write_multiplier, write_constant)
  set(file, SET_TIMEOUTS, "I4I4I4I4I4", interval, read_multiplier, read_constant, write_multiplier or 0,
    write_constant or 0)
end

-- Control handshake, flow replace; the limits are half of the buffer and an eighth.
local function handflow(file, control, replace, xon, xoff)
  set(file, SET_HANDFLOW, "I4I4i4i4", control, replace, xon or 2048, xoff or 512)
end

-- errors, hold reasons, bytes in, bytes out, waiting for the immediate character
local function comm_status(file)
  local errors, hold, bytes_in, bytes_out, _, immediate = get(file, COMM_STATUS, "I4I4I4I4BBxx")
  return errors, hold, bytes_in, bytes_out, immediate ~= 0
end

local function expect_result(request, status, data, seconds, from)
  local got, real = request:result()
  expect(real == status, string.format("status 0x%08x, expected 0x%08x", real, status))
  if data then
    expect(got == data, string.format("got %q, expected %q", tostring(got), tostring(data)))
  end
  if seconds then
    local took = time() - from
    expect(took >= seconds and took < seconds + 0.02, string.format("took %g s, expected %g", took, seconds))
  end
end

local function expect_read(file, bytes, status, data, seconds)
  local from = time()
  expect_result(file:start_read(bytes), status, data, seconds, from)
end

local u1, u2 = uart(1), uart(2)

-- ---- morning: nobody uses a port ----

local DEVICE_MAP = "\\Registry\\Machine\\Hardware\\DeviceMap\\SerialComm"
start()
for n = 0, 3 do
  expect(registry(DEVICE_MAP, "\\Device\\Serial" .. n) == "COM" .. n + 1, "the device map lists the port")
end
trim()
expect_section("PAGESER", 0, false)
expect_section("PAGESRP0", 0, false)
expect_section("INIT", 0, false)
mark("idle")

-- An interrupt that no device asked for finds the service routine in memory, as always.
spurious(4)
spurious(3)
sleep(0.1)
expect_section("PAGESER", 0, false)

-- ---- one port opens ----

local file = open("\\DosDevices\\COM1")
expect(file, "the port could not be opened")
trim()
expect_section("PAGESER", 1, true)
mark("one open")
local _, status = open("\\Device\\Serial0")
expect(status == DENIED, "a port is open to one program at a time")
expect_section("PAGESER", 1, true)
local s = u1:signals()
expect(s.baud == 9600 and s.format == "8N1" and s.dtr and s.rts and s.out2, "the port has its defaults")

-- ---- settings ----

for _, baud in ipairs { 300, 1200, 9600, 19200, 38400, 57600, 115200 } do
  set(file, SET_BAUD, "I4", baud)
  expect(u1:signals().baud == baud and get(file, GET_BAUD, "I4") == baud)
end
for _, baud in ipairs { 0, 115201, 100000, 1 } do
  refused(INVALID, file, SET_BAUD, "I4", baud)
end
expect(get(file, GET_BAUD, "I4") == 115200, "what is refused changes nothing")
for bits = 5, 8 do
  for parity, letter in pairs { [0] = "N", "O", "E", "M", "S" } do
    set(file, SET_LINE, "BBB", 0, parity, bits)
    expect(u1:signals().format == bits .. letter .. "1")
    set(file, SET_LINE, "BBB", bits == 5 and 1 or 2, parity, bits)
    expect(u1:signals().format == bits .. letter .. (bits == 5 and "1.5" or "2"))
  end
end
refused(INVALID, file, SET_LINE, "BBB", 0, 0, 4)
refused(INVALID, file, SET_LINE, "BBB", 1, 0, 8)
refused(INVALID, file, SET_LINE, "BBB", 2, 0, 5)
refused(INVALID, file, SET_LINE, "BBB", 0, 5, 8)
refused(TOO_SMALL, file, SET_LINE, "BB", 0, 0)
refused(NOT_A_CODE, file, code(63), "I4", 0)
refused(INVALID, file, SET_CHARS, "BBBBBB", 0, 0, 0, 0, 7, 7)
refused(INVALID, file, SET_TIMEOUTS, "I4I4I4I4I4", FOREVER, 0, FOREVER, 0, 0)
refused(INVALID, file, SET_HANDFLOW, "I4I4i4i4", 3, 0, 0, 0)
refused(INVALID, file, SET_HANDFLOW, "I4I4i4i4", 0, 0, -1, 0)
refused(INVALID, file, SET_HANDFLOW, "I4I4i4i4", 0, 0, 0, 4097)
refused(INVALID, file, SET_MASK, "I4", 0x10000)
refused(INVALID, file, PURGE, "I4", 0)
refused(INVALID, file, PURGE, "I4", 0x10)
refused(INVALID, file, SET_QUEUE, "I4I4", 1 << 30, 0)
set(file, SET_LINE, "BBB", 0, 0, 8)

-- ---- bytes go and come ----

expect(file:write("The quick brown fox") == 19)
sleep(0.01)
expect(u1:received() == "The quick brown fox", "what was written arrives")
u1:send("jumps over the lazy dog")
expect(file:read(23) == "jumps over the lazy dog", "what is sent is read")
expect(file:write("") == 0 and file:read(0) == "", "no bytes are no work")

u1:echo(true)
local long = ("0123456789abcdef"):rep(200)
local reading = file:start_read(#long)
expect(file:write(long) == #long)
expect_result(reading, SUCCESS, long)
u1:echo(false)

-- Two reads are served in order, and one that comes later does not overtake.
local first = file:start_read(3)
sleep(0.001)
local second = file:start_read(4)
sleep(0.001)
u1:send("abcdefg")
expect_result(second, SUCCESS, "defg")
expect_result(first, SUCCESS, "abc")

-- ---- timeouts ----

timeouts(file, 0, 0, 500)
expect_read(file, 10, TIMEOUT, "", 0.5)
u1:send("abc")
expect_read(file, 10, TIMEOUT, "abc", 0.5)
timeouts(file, 0, 20, 100)
expect_read(file, 10, TIMEOUT, "", 0.3)
timeouts(file, 50, 0, 0)
local from = time()
reading = file:start_read(10)
sleep(2)
expect(not reading:done(), "the interval begins with the first byte")
u1:send("ab")
sleep(0.03)
u1:send("c")
expect_result(reading, TIMEOUT, "abc", 2.08, from)
timeouts(file, 50, 0, 200)
expect_read(file, 5, TIMEOUT, "", 0.2)

-- At once.
timeouts(file, FOREVER, 0, 0)
expect_read(file, 10, SUCCESS, "", 0)
u1:send("abc")
sleep(0.01)
expect_read(file, 10, SUCCESS, "abc", 0)

-- With the first byte.
timeouts(file, FOREVER, FOREVER, 300)
expect_read(file, 10, TIMEOUT, "", 0.3)
reading = file:start_read(10)
sleep(0.1)
u1:send("x")
expect_result(reading, SUCCESS, "x")
u1:send("yz")
sleep(0.01)
expect_read(file, 10, SUCCESS, "yz", 0)

-- A multiple of the length, and no interval.
timeouts(file, FOREVER, 10, 0)
expect_read(file, 20, TIMEOUT, "", 0.2)
timeouts(file, 0, 0, 0)

-- ---- flow control: the far end stops us ----

u1:modem { cts = false, dsr = true, dcd = true }
handflow(file, 0x01 | 0x08, 0x40)
timeouts(file, 0, 0, 0, 0, 250)
from = time()
local writing = file:start_write("held")
expect_result(writing, TIMEOUT, 0, 0.25, from)
expect(u1:received() == "")
timeouts(file, 0, 0, 0)
writing = file:start_write("let go")
sleep(1)
local _, hold, _, waiting = comm_status(file)
expect(hold == 0x1 and waiting == 6, "the write waits for CTS")
u1:modem { cts = true }
expect_result(writing, SUCCESS, 6)
expect(file:flush())
sleep(0.001)
expect(u1:received() == "let go")

handflow(file, 0x01, 0x41)
u1:send("\x13")
sleep(0.01)
writing = file:start_write("after XON")
sleep(1)
_, hold = comm_status(file)
expect(not writing:done() and hold == 0x8, "XOFF stops the output")
u1:send("\x11")
expect_result(writing, SUCCESS, 9)
sleep(0.01)
expect(u1:received() == "after XON")
set(file, SET_XOFF, "")
writing = file:start_write("as if")
sleep(1)
expect(not writing:done())
set(file, SET_XON, "")
expect_result(writing, SUCCESS, 5)

-- ---- flow control: we stop the far end ----

u1:received()
local flood = ("All work and no play. "):rep(400)
for _, kind in ipairs { { flow = "rts", control = 0x01, replace = 0x80 }, { flow = "dtr", control = 0x02, replace = 0x40 },
  { flow = "xon", control = 0x01, replace = 0x42 } } do
  u1:flow(kind.flow)
  handflow(file, kind.control, kind.replace)
  u1:send(flood)
  sleep(2)
  local errors, _, bytes = comm_status(file)
  expect(errors == 0 and bytes > 3500 and bytes <= 4096, "the far end stopped in time: " .. bytes)
  expect(u1:waiting() > 0)
  expect(file:read(#flood) == flood, "nothing is lost with " .. kind.flow)
  expect(u1:waiting() == 0)
end
u1:flow("none")
handflow(file, 0x01, 0x40)
expect(u1:counters().overruns == 0)
u1:received()

-- Nobody stops it: the buffer runs over, and the driver says so.
u1:send(flood)
sleep(2)
local errors, _, bytes = comm_status(file)
expect(errors == 0x8 and bytes == 4096, "the buffer is full")
expect(comm_status(file) == 0, "told once")
set(file, PURGE, "I4", 0x8)
_, _, bytes = comm_status(file)
expect(bytes == 0, "thrown away")

-- A larger buffer takes over what is there.
u1:send("kept")
sleep(0.01)
set(file, SET_QUEUE, "I4I4", 20000, 0)
u1:send(flood)
sleep(2)
expect(file:read(4 + #flood) == "kept" .. flood)

-- ---- lines ----

refused(SUCCESS, file, CLR_DTR, "")
expect(not u1:signals().dtr and get(file, DTR_RTS, "I4") == 2)
set(file, SET_DTR, "")
set(file, CLR_RTS, "")
expect(u1:signals().dtr and not u1:signals().rts)
set(file, SET_RTS, "")
handflow(file, 0x02, 0x80)
refused(INVALID, file, CLR_DTR, "")
refused(INVALID, file, CLR_RTS, "")

-- RTS while something is sent: up with the first byte, down behind the last.
handflow(file, 0x01, 0xc0)
expect(not u1:signals().rts)
set(file, SET_BAUD, "I4", 300)
writing = file:start_write("x")
sleep(0.02)
expect(u1:signals().rts)
sleep(0.1)
expect(not u1:signals().rts and u1:received() == "x")
set(file, SET_BAUD, "I4", 115200)
handflow(file, 0x01, 0x40)

set(file, BREAK_ON, "")
expect(u1:signals()["break"])
writing = file:start_write("after the break")
sleep(1)
expect(not writing:done())
set(file, BREAK_OFF, "")
expect_result(writing, SUCCESS, 15)
sleep(0.01)
expect(not u1:signals()["break"] and u1:received() == "after the break")

-- ---- events ----

local function wait_for(mask, act, events)
  set(file, SET_MASK, "I4", mask)
  local request = file:start_control(WAIT, "", 4)
  sleep(0.01)
  expect(not request:done())
  act()
  expect(request:wait(1), "the event did not come")
  expect_result(request, SUCCESS, string.pack("<I4", events))
end

local all = 0x7ff
u1:modem { cts = false, dsr = false, ri = false, dcd = false }
wait_for(CTS | DSR | RLSD, function() u1:modem { cts = true } end, CTS)
expect(get(file, MODEM_STATUS, "I4") == 0x10)
wait_for(all, function() u1:modem { dsr = true, dcd = true } end, DSR | RLSD)
u1:modem { ri = true }
wait_for(RING, function() u1:modem { ri = false } end, RING)
wait_for(all, function() u1:send("?") end, RXCHAR)
wait_for(all, function() u1:inject("break") end, BREAK)
wait_for(ERR, function() u1:inject("parity", "p") end, ERR)
wait_for(TXEMPTY, function() file:write("!") end, TXEMPTY)
set(file, SET_CHARS, "BBBBBB", 0, 0, 0, 0x0a, 0x11, 0x13)
wait_for(RXFLAG, function() u1:send("line\n") end, RXFLAG)
wait_for(FULL80, function() u1:send(("x"):rep(30000)) sleep(3) end, FULL80)
errors = comm_status(file)
expect(errors == 0x1 | 0x10, "a break and a parity error were noted")
set(file, PURGE, "I4", 0xc)

-- What happened before is told at once; nothing is told twice.
set(file, SET_MASK, "I4", RXCHAR)
u1:send("early")
sleep(0.01)
expect(file:control(WAIT, "", 4) == string.pack("<I4", RXCHAR))
local pending = file:start_control(WAIT, "", 4)
sleep(0.01)
expect(not pending:done())
refused(INVALID, file, WAIT, "")
set(file, SET_MASK, "I4", CTS)
expect_result(pending, SUCCESS, string.pack("<I4", 0))
expect(get(file, GET_MASK, "I4") == CTS)
set(file, SET_MASK, "I4", 0)
refused(INVALID, file, WAIT, "")
set(file, PURGE, "I4", 0xc)

-- ---- damaged bytes ----

u1:inject("parity", "p")
u1:inject("framing", "f")
u1:inject("break")
u1:send("good")
timeouts(file, 0, 0, 100)
expect_read(file, 10, TIMEOUT, "pfgood")
expect(comm_status(file) == 0x1 | 0x2 | 0x10)
set(file, SET_CHARS, "BBBBBB", 0, ("#"):byte(), ("%"):byte(), 0, 0x11, 0x13)
handflow(file, 0x01, 0x40 | 0x04 | 0x10 | 0x08)
u1:inject("parity", "p")
u1:inject("break")
u1:send("a\0b")
expect_read(file, 10, TIMEOUT, "#%ab")
comm_status(file)

-- Errors abort: until somebody looks nothing moves.
handflow(file, 0x80000001, 0x40)
timeouts(file, 0, 0, 0)
reading = file:start_read(10)
sleep(0.001)
u1:inject("framing", "x")
expect(reading:wait(1), "the error did not abort")
expect_result(reading, CANCELLED)
expect_read(file, 1, CANCELLED)
expect(comm_status(file) == 0x2)
u1:send("y")
expect(file:read(2) == "xy", "it goes on after the look")
handflow(file, 0x01, 0x40)

-- Deaf while DSR is off.
u1:modem { dsr = false }
handflow(file, 0x41, 0x40)
u1:send("unheard")
sleep(0.01)
u1:modem { dsr = true }
u1:send("heard")
expect(file:read(5) == "heard")
handflow(file, 0x01, 0x40)

-- ---- cancel, purge, the immediate character ----

u1:received()
u1:modem { cts = false }
handflow(file, 0x09, 0x40)
reading, writing = file:start_read(5), file:start_write("never sent")
local behind = file:start_write("sent after all")
set(file, SET_MASK, "I4", RXCHAR)
pending = file:start_control(WAIT, "", 4)
local urgent = file:start_control(IMMEDIATE, "!")
sleep(0.01)
local _, _, _, _, immediate = comm_status(file)
expect(immediate)
refused(INVALID, file, IMMEDIATE, "B", 1)
for _, request in ipairs { reading, writing, pending } do
  request:cancel()
  expect(request:wait(1), "the driver did not cancel")
  expect_result(request, CANCELLED)
end
u1:modem { cts = true }
expect_result(urgent, SUCCESS)
expect_result(behind, SUCCESS, 14)
sleep(0.01)
expect(u1:received() == "!sent after all", "the immediate character was first")
u1:modem { cts = false }
reading, writing, urgent = file:start_read(5), file:start_write("purged"), file:start_control(IMMEDIATE, "!")
sleep(0.01)
set(file, PURGE, "I4", 0xf)
for _, request in ipairs { reading, writing, urgent } do
  expect(request:wait(1), "the purge forgot one")
  expect_result(request, CANCELLED)
end
u1:modem { cts = true }
handflow(file, 0x01, 0x40)

-- ---- counters ----

set(file, CLEAR_STATS, "")
u1:send("12345")
expect(file:read(5) == "12345" and file:write("123") == 3)
u1:inject("parity", "p")
sleep(0.01)
local received, sent, framing, overrun, buffer, parity = get(file, GET_STATS, "I4I4I4I4I4I4")
expect(received == 6 and sent == 3 and parity == 1 and framing + overrun + buffer == 0)
expect(get(file, PROPERTIES, "I2I2I4I4I4I4I4I4I4I4I4I2I2I4I4I4I4I2xx") == 64)
set(file, PURGE, "I4", 0xc)
comm_status(file)

-- ---- noon: all four ports, under memory pressure ----

local files, names = { file }, { "COM1", "COM2", "COM3", "COM4" }
for n = 2, 4 do
  files[n] = open("\\DosDevices\\" .. names[n])
  set(files[n], SET_BAUD, "I4", 115200)
  expect_section("PAGESER", n, true)
end
mark("all open")
local texts, readings = {}, {}
for n = 1, 4 do
  uart(n):received()
  uart(n):echo(true)
  texts[n] = (names[n] .. " "):rep(300)
  readings[n] = files[n]:start_read(#texts[n])
end
for n = 1, 4 do
  expect(files[n]:write(texts[n]) == #texts[n])
  trim()
  spurious(3 + n % 2)
end
for n = 1, 4 do
  expect_result(readings[n], SUCCESS, texts[n])
  uart(n):echo(false)
  expect(uart(n):counters().overruns == 0)
end
trim()
expect_section("PAGESER", 4, true)

-- Ports of others are closed; a request that is still out ends first.
pending = files[3]:start_read(1)
sleep(0.001)
files[3]:close()
expect_result(pending, CANCELLED)
files[4]:close()
trim()
expect_section("PAGESER", 2, true)
expect(not uart(3):signals().dtr and not uart(3):signals().out2, "a closed port lowers its lines")

-- ---- afternoon: power, rebalance ----

set(file, SET_LINE, "BBB", 2, 2, 7)
local h1 = hardware("uart1")
local top = h1:device()
expect(top:power("D3"))
u1:reset() -- the chip has no power: it forgets everything
writing = file:start_write("asleep")
sleep(1)
expect(not writing:done(), "nothing is sent without power")
expect(top:power("D0"))
expect_result(writing, SUCCESS, 6)
sleep(0.01)
s = u1:signals()
expect(s.baud == 115200 and s.format == "7E2" and s.dtr and s.out2, "the chip got its settings back")
expect(u1:received() == "asleep")
u1:send("awake")
expect(file:read(5) == "awake")

-- The system sleeps with the port open, and wakes.
expect(top:power("S3"))
u1:reset()
expect(top:power("S0"))
sleep(0.1)
expect(u1:signals().format == "7E2")
u1:send("again")
expect(file:read(5) == "again")

-- An open port does not give its resources back; a closed one does, and works afterwards.
local ok
ok, status = h1:restart()
expect(not ok and status == BUSY, string.format("0x%x", status))
file:close()
expect(h1:restart())
expect_section("PAGESER", 1, true)
file = open("\\DosDevices\\COM1")
u1:send("back")
expect(file:read(4) == "back")

-- ---- evening: somebody pulls a card out ----

reading = files[2]:start_read(10)
set(files[2], SET_MASK, "I4", RXCHAR)
pending = files[2]:start_control(WAIT, "", 4)
sleep(0.001)
expect(hardware("uart2"):pull_out())
expect_result(reading, REMOVED)
expect_result(pending, REMOVED)
_, status = files[2]:read(1)
expect(status == REMOVED, "what is asked for later is refused")
_, status = files[2]:control(GET_BAUD, "", 4)
expect(status == REMOVED)
spurious(3) -- the line is shared: the driver's other port on it is still there
expect_section("PAGESER", 2, true)
files[2]:close()
sleep(0.1)
expect(#driver("serial.sys"):devices() == 3, "the device is removed with the last file")
expect(device("\\DosDevices\\COM2") == nil, "the port is gone")
expect(registry(DEVICE_MAP, "\\Device\\Serial1") == nil, "from the device map, too")
expect_section("PAGESER", 1, true)

-- ---- night ----

file:close()
trim()
expect_section("PAGESER", 0, false)
expect_section("PAGESRP0", 0, false)
mark("closed")
spurious(3)
spurious(4)
