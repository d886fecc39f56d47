-- SPDX-License-Identifier: MIT
-- serial_entire.sys: all of the driver is pageable while every port is closed, and no interrupt is
-- connected then.  The first open makes it what it was linked as, the last close pages it out again.

local function code(n) return ctl_code(0x1b, n) end
local SET_BAUD = code(1)
local REMOVED = 0xc00002b6
local DRIVER = "serial_entire.sys"

local function resident(name)
  local s = section(DRIVER, name)
  return s.resident_pages, s.pages
end

local function expect_all_out(when)
  trim()
  for _, name in ipairs { ".text", ".rdata", ".pdata", "PAGESRP0" } do
    expect(resident(name) == 0, name .. " is in memory " .. when)
  end
end

local function expect_resident(when)
  trim()
  local now, all = resident(".text")
  expect(now == all, ".text is not all in memory " .. when)
  expect(resident("PAGESRP0") == 0, "what is always pageable stays so")
end

local function open_port(n)
  local file, status = open("\\DosDevices\\COM" .. n)
  expect(file, string.format("COM%d could not be opened: 0x%08x", n, status))
  file:control(SET_BAUD, string.pack("<I4", 115200))
  return file
end

local function exchange(n, file, text)
  uart(n):echo(true)
  local reading = file:start_read(#text)
  expect(file:write(text) == #text)
  expect(reading:result() == text, "COM" .. n .. " does not work")
  uart(n):echo(false)
end

start()
expect_all_out("before a port was opened")
mark("idle")

-- An interrupt now would find no service routine, and so finds none connected.
spurious(3)
spurious(4)
sleep(0.1)
expect_all_out("after an interrupt of nobody")

-- One port; the other one on the line is closed, its service routine not connected.
local one = open_port(1)
expect_resident("with one port open")
mark("one open")
exchange(1, one, ("first port "):rep(100))
spurious(4)
spurious(3)
local three = open_port(3)
exchange(3, three, "the other on the line")
exchange(1, one, "both")
one:close()
expect_resident("with one port left open")
exchange(3, three, "still there")
three:close()
expect_all_out("after the last close")
mark("closed")
spurious(4)
sleep(0.1)

-- Again and again, two at a time: the count never slips.
for round = 1, 10 do
  local a, b = random(4), random(4)
  local first = open_port(a)
  local second = b ~= a and open_port(b)
  expect_resident("in round " .. round)
  exchange(a, first, "round " .. round)
  first:close()
  if second then
    expect_resident("in round " .. round)
    exchange(b, second, "round " .. round)
    second:close()
  end
  expect_all_out("after round " .. round)
end

-- Power comes and goes with every port closed: what is called back then is held for so long.
local top = hardware("uart1"):device()
for _, state in ipairs { "D3", "D0", "S3", "S0", "D3", "D0" } do
  expect(top:power(state), state)
  sleep(0.1)
  expect_all_out("after " .. state)
end

-- And with a port open.
one = open_port(1)
for _, off in ipairs { "D3", "S3" } do
  expect(top:power(off))
  uart(1):reset()
  expect_resident("without power")
  expect(top:power(off == "D3" and "D0" or "S0"))
  sleep(0.1)
  exchange(1, one, "after " .. off)
end
one:close()
expect_all_out("after the power came back")

-- A card is pulled out with its port open: the driver stays until the program has closed it.
local two = open_port(2)
local reading = two:start_read(10)
sleep(0.001)
expect(hardware("uart2"):pull_out())
local _, status = reading:result()
expect(status == REMOVED)
expect_resident("with a port open that is gone")
_, status = two:read(1)
expect(status == REMOVED)
two:close()
sleep(0.1)
expect_all_out("at the end")
