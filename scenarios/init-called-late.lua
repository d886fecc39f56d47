-- SPDX-License-Identifier: MIT
-- A mistake: a routine of INIT is called after initialization, through a pointer that was kept.
-- Bug check 0x50 (PAGE_FAULT_IN_NONPAGED_AREA): INIT was given back when DriverEntry was done.
--
-- pagable run sections.sys --script init-called-late.lua

local file = open("\\Device\\Sections")
local CALL, INIT = 0x222014, 10

file:control(CALL, string.pack("<i8i8", INIT, 1), 8)
