-- SPDX-License-Identifier: MIT
-- sections.sys, everything done right: `pagable run sections.sys --script sections.lua` exits 0.
--
-- Residency below is what the kernel says (mincore), not what pagable believes.

local LOCK, RELOCK, UNLOCK = 0x222004, 0x222008, 0x22200c
local CALL, CALL_AT_DISPATCH = 0x222014, 0x222018
local FILL, VERIFY, LOCKED_UPDATE = 0x22201c, 0x222020, 0x222024
local CHECK_POINTERS, PAGE_ENTIRE, RESET_PAGING = 0x222028, 0x22202c, 0x222030
local QUERY = 0x222000
local ALPHA_FIRST, ALPHA_SECOND, BETA_FIRST = 0, 1, 2
local DATA, DATA_SECOND, BSS = 6, 7, 8
local TARGETS, INIT_SEED = 13, 0x696e6974

local file = open("\\Device\\Sections")
expect(file, "the device could not be opened")

-- One request: words in, the first word of the output back.
local function ask(code, ...)
  local words = ("<" .. ("i8"):rep(select("#", ...)))
  local output, status = file:control(code, string.pack(words, ...), 8)
  expect(output, string.format("request 0x%x failed: 0x%08x", code, status))
  return #output == 8 and string.unpack("<i8", output) or nil
end

local function state(name)
  return section("sections.sys", name)
end

local function expect_state(name, lock_count, resident)
  local s = state(name)
  local pages = resident and s.pages or 0
  expect(s.lock_count == lock_count and s.resident_pages == pages,
    string.format("%s: lock count %d, %d of %d pages resident; expected %d, %d", name,
      s.lock_count, s.resident_pages, s.pages, lock_count, pages))
end

-- What nobody uses leaves.
trim()
expect(state("PAGEAAAA").pages > 1, "PAGEAAAA has several pages")
expect_state("PAGEAAAA", 0, false)

-- A lock by the address of one routine brings in all of its section; a second one, by the address of
-- another routine of that section, raises the same count.
local handle = ask(LOCK, ALPHA_FIRST)
expect_state("PAGEAAAA", 1, true)
expect_state("PAGEBBBB", 0, false)
expect(ask(LOCK, ALPHA_SECOND) == handle, "two routines of one section have one handle")
expect_state("PAGEAAAA", 2, true)

-- Under pressure it stays until the last unlock.
trim()
expect_state("PAGEAAAA", 2, true)
ask(UNLOCK, ALPHA_FIRST)
trim()
expect_state("PAGEAAAA", 1, true)
ask(CALL_AT_DISPATCH, ALPHA_FIRST, 42)
ask(UNLOCK, ALPHA_FIRST)
trim()
expect_state("PAGEAAAA", 0, false)

-- The handle outlives the count.
expect(ask(RELOCK, ALPHA_FIRST) == handle, "the handle is still the same")
expect_state("PAGEAAAA", 1, true)
ask(UNLOCK, ALPHA_FIRST)

-- Code is what it was before it left.
local first = ask(CALL, BETA_FIRST, 7)
trim()
expect_state("PAGEBBBB", 0, false)
expect(ask(CALL, BETA_FIRST, 7) == first, "a routine does the same after paging")

-- Data that was written comes back; so do the pointers that the loader relocated.
for _, target in ipairs { DATA, DATA_SECOND, BSS } do
  ask(FILL, target, 1000 * target)
end
trim()
expect_state("PAGEDATA", 0, false)
expect_state("PAGEBSS", 0, false)
for _, target in ipairs { DATA, DATA_SECOND, BSS } do
  expect(ask(VERIFY, target, 1000 * target) == 0, "data is intact after paging")
end
expect(ask(CHECK_POINTERS) == 0, "relocated pointers are intact after paging")

-- Pageable data at DISPATCH_LEVEL, under a lock.
expect(ask(LOCKED_UPDATE, DATA, 1000 * DATA) == 0, "data is intact at DISPATCH_LEVEL")
trim()
expect(ask(VERIFY, DATA, 1000 * DATA + 1) == 0, "what was written at DISPATCH_LEVEL is intact")

-- A read comes from PAGEDATA as well.
trim()
local bytes = file:read(16)
expect(bytes and string.unpack("<i8", bytes) == 1000 * DATA + 1, "a read gives the data")

-- INIT ran, its reinitialization routine too, and then it went.
local answer = file:control(QUERY, "", 8 * (2 * TARGETS + 2))
local reinitialized, init_result = string.unpack("<i8i8", answer, 8 * 2 * TARGETS + 1)
expect(reinitialized == 2, "the reinitialization routine ran twice")
expect(init_result ~= 0 and init_result ~= INIT_SEED, "the INIT routine ran")
expect_state("INIT", 0, false)

-- All of the driver pageable, and back.
ask(PAGE_ENTIRE)
trim()
expect_state(".text", 0, false)
ask(RESET_PAGING)
trim()
expect_state(".text", 0, true)
expect_state("PAGEAAAA", 0, false)

file:close()
