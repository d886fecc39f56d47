-- SPDX-License-Identifier: MIT
-- sections.sys with few frames: every routine and all data are used in turn, so that pages push each
-- other out, and nothing is lost.
--
-- pagable run sections.sys --frames 4 --trim none --script sections-frames.lua

local CALL, FILL, VERIFY = 0x222014, 0x22201c, 0x222020
local DATA, DATA_SECOND, BSS = 6, 7, 8
local file = open("\\Device\\Sections")

local function ask(code, ...)
  local output = file:control(code, string.pack("<i8i8", ...), 8)
  expect(output, "request failed")
  return #output == 8 and string.unpack("<i8", output) or nil
end

local first = {}
for round = 1, 3 do
  for _, target in ipairs { DATA, DATA_SECOND, BSS } do
    ask(FILL, target, 100 * round + target)
  end
  for target = 0, 5 do
    local result = ask(CALL, target, 99)
    first[target] = first[target] or result
    expect(result == first[target], "a routine does the same after paging")
  end
  for _, target in ipairs { DATA, DATA_SECOND, BSS } do
    expect(ask(VERIFY, target, 100 * round + target) == 0, "data is intact after paging")
  end
end
file:close()
