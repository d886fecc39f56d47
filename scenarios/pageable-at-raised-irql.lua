-- SPDX-License-Identifier: MIT
-- A mistake: a pageable routine runs at DISPATCH_LEVEL and its section is not locked.
-- Bug check 0xD1 (DRIVER_IRQL_NOT_LESS_OR_EQUAL): raising the IRQL trims, so the page is out.
--
-- pagable run sections.sys --script pageable-at-raised-irql.lua

local file = open("\\Device\\Sections")
local CALL_AT_DISPATCH, ALPHA_FIRST = 0x222018, 0

file:control(CALL_AT_DISPATCH, string.pack("<i8i8", ALPHA_FIRST, 1), 8)
