-- SPDX-License-Identifier: MIT
-- A mistake: a section is locked while a spin lock is held.  It may have to wait for the disk.
--
-- pagable run sections.sys --script lock-at-raised-irql.lua

local file = open("\\Device\\Sections")
local LOCK_HOLDING_SPIN_LOCK, UNLOCK, ALPHA_FIRST = 0x222034, 0x22200c, 0

file:control(LOCK_HOLDING_SPIN_LOCK, string.pack("<i8", ALPHA_FIRST), 8)
file:control(UNLOCK, string.pack("<i8", ALPHA_FIRST), 8)
file:close()
