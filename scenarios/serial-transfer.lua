-- SPDX-License-Identifier: MIT
-- A megabyte each way at the same time, at the highest speed that the chip has.  No byte is lost,
-- doubled or out of place, though at every raise of the IRQL everything leaves that is not locked.

local SET_BAUD, SET_QUEUE, GET_STATS = 0x1b0004, 0x1b0008, 0x1b008c
local BYTES, PIECE = 1 << 20, 1 << 16

-- Numbers that do not repeat: a piece in the wrong place differs.
local function pattern(seed)
  local words, state = {}, seed
  for i = 1, BYTES // 8 do
    state = state * 6364136223846793005 + 1442695040888963407
    words[i] = string.pack("<i8", state)
  end
  return table.concat(words)
end

local to_driver, from_driver = pattern(1), pattern(2)
local uart, file = uart(1), open("\\DosDevices\\COM1")
expect(file, "the port could not be opened")
expect(file:control(SET_BAUD, string.pack("<I4", 115200)))
expect(file:control(SET_QUEUE, string.pack("<I4I4", 1 << 16, 0)))

uart:send(to_driver)
local read, written = {}, 0
local reading, writing
repeat
  reading = reading or (#read < BYTES // PIECE and file:start_read(PIECE))
  writing = writing or (written < BYTES and file:start_write(from_driver:sub(written + 1, written + PIECE)))
  local either = reading or writing
  either:wait(60)
  if reading and reading:done() then
    read[#read + 1] = expect(reading:result())
    reading = nil
  end
  if writing and writing:done() then
    expect(writing:result() == PIECE, "a write ended early")
    written = written + PIECE
    writing = nil
  end
until not reading and not writing and #read == BYTES // PIECE and written == BYTES
expect(file:flush())
sleep(0.001)

expect(table.concat(read) == to_driver, "what the driver received is not what was sent")
expect(uart:received() == from_driver, "what arrived is not what the driver was given")
local received, sent, frame, overrun, buffer, parity =
  string.unpack("<I4I4I4I4I4I4", file:control(GET_STATS, "", 24))
expect(received == BYTES and sent == BYTES, "the driver counted every byte once")
expect(frame + overrun + buffer + parity == 0, "nothing was damaged or overrun")
expect(uart:counters().overruns == 0, "the chip lost nothing")

local busy = section("serial.sys", "PAGESER")
expect(busy.lock_count == 1 and busy.resident_pages == busy.pages)
file:close()
trim()
expect(section("serial.sys", "PAGESER").resident_pages == 0, "nothing stays after the last close")
