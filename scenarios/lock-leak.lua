-- SPDX-License-Identifier: MIT
-- A mistake: the driver unloads with a section locked.  Its memory stays locked for ever.
--
-- pagable run sections.sys --script lock-leak.lua

local file = open("\\Device\\Sections")
local LOCK, FORGET, ALPHA_FIRST, BETA_FIRST = 0x222004, 0x222010, 0, 2

file:control(LOCK, string.pack("<i8", ALPHA_FIRST), 8)
file:control(LOCK, string.pack("<i8", BETA_FIRST), 8)
file:control(LOCK, string.pack("<i8", BETA_FIRST), 8)
file:control(FORGET, "", 8)
file:close()
