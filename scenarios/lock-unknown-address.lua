-- SPDX-License-Identifier: MIT
-- A mistake: a lock of an address that lies in no driver (it is nonpaged pool).
-- Bug check 0x1A (MEMORY_MANAGEMENT), P1 0x1234.
--
-- pagable run sections.sys --script lock-unknown-address.lua

local file = open("\\Device\\Sections")
local LOCK, POOL = 0x222004, 11

file:control(LOCK, string.pack("<i8", POOL), 8)
