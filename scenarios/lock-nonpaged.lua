-- SPDX-License-Identifier: MIT
-- A mistake that does nothing: a lock of .text, which never leaves anyway.  A warning.
--
-- pagable run sections.sys --script lock-nonpaged.lua

local file = open("\\Device\\Sections")
local LOCK, UNLOCK, TEXT = 0x222004, 0x22200c, 9

file:control(LOCK, string.pack("<i8", TEXT), 8)
file:control(UNLOCK, string.pack("<i8", TEXT), 8)
file:close()
