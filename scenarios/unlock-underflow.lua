-- SPDX-License-Identifier: MIT
-- A mistake: one unlock more than locks.  Bug check 0x1A (MEMORY_MANAGEMENT), P1 0x1010.
--
-- pagable run sections.sys --script unlock-underflow.lua

local file = open("\\Device\\Sections")
local LOCK, UNLOCK, ALPHA_FIRST = 0x222004, 0x22200c, 0
local target = string.pack("<i8", ALPHA_FIRST)

file:control(LOCK, target, 8)
file:control(UNLOCK, target, 8)
file:control(UNLOCK, target, 8)
