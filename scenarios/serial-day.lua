-- SPDX-License-Identifier: MIT
-- serial.sys in an office: two ports that are used now and then.  Short, and made to be looked at:
-- the picture in the README is drawn from it.
--
-- pagable run serial.sys --script scenarios/serial-day.lua --report serial-day.html

local HOUR, MINUTE = 3600, 60
local line = { uart(1), uart(2) }

local function resident()
  return section("serial.sys", "PAGESER").resident_pages
end

local function open_port(n)
  return (expect(open("\\DosDevices\\COM" .. n), "the port opens"))
end

-- A few lines of text each way, while the memory is short.
local function talk(n, file, lines)
  for i = 1, lines do
    local text = string.format("line %d on COM%d\r\n", i, n)
    local request = file:start_read(#text)
    line[n]:send(text)
    expect(request:result() == text, "what was sent arrives")
    expect(file:write(text) == #text, "what is written leaves")
    if i % 4 == 0 then
      trim()
    end
    sleep(0.05)
  end
end

start()
trim()
mark("idle")
sleep(2 * HOUR)

local first = open_port(1)
mark("one open")
talk(1, first, 8)
sleep(20 * MINUTE)
talk(1, first, 8)

local second = open_port(2)
mark("both open")
talk(2, second, 8)
sleep(40 * MINUTE)
second:close()
trim()
expect(section("serial.sys", "PAGESER").lock_count == 1, "one port still needs it")
talk(1, first, 6)
first:close()

-- Nobody needs it any more, but it stays until somebody else needs the memory.
sleep(HOUR)
expect(resident() > 0, "nothing took it away yet")
trim()
expect(resident() == 0, "nothing of it is left")
mark("closed")
sleep(4 * HOUR)

first = open_port(1)
mark("open again")
talk(1, first, 6)
sleep(10 * MINUTE)
first:close()
sleep(MINUTE)
trim()
sleep(3 * HOUR)
