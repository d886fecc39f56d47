-- SPDX-License-Identifier: MIT
-- sections.sys, driven by chance: the same seed does the same.
--
-- pagable run sections.sys --seed 7 --trim random --script sections-random.lua

local LOCK, UNLOCK, CALL, FILL, VERIFY = 0x222004, 0x22200c, 0x222014, 0x22201c, 0x222020
local DATA = 6 -- and two more after it
local SECTIONS = { "PAGEAAAA", "PAGEBBBB", "PAGE" }
local file = open("\\Device\\Sections")
local locks, pattern = { 0, 0, 0 }, {}

local function ask(code, ...)
  local output = file:control(code, string.pack("<i8i8", ...), 8)
  expect(output, "request failed")
  return #output == 8 and string.unpack("<i8", output) or nil
end

for step = 1, 200 do
  local what, which = random(5), random(3)
  if what == 1 then
    ask(LOCK, 2 * which - random(2), 0)
    locks[which] = locks[which] + 1
  elseif what == 2 and locks[which] > 0 then
    ask(UNLOCK, 2 * which - random(2), 0)
    locks[which] = locks[which] - 1
  elseif what == 3 then
    trim()
  elseif what == 4 then
    ask(CALL, random(6) - 1, step)
  else
    local target = DATA + which - 1
    if pattern[target] then
      expect(ask(VERIFY, target, pattern[target]) == 0, "data is intact")
    end
    pattern[target] = step
    ask(FILL, target, step)
  end
  local s = section("sections.sys", SECTIONS[which])
  expect(s.lock_count == locks[which], "the lock count is right")
  expect(s.lock_count == 0 or s.resident_pages == s.pages, "what is locked is resident")
end
file:close()
