-- SPDX-License-Identifier: MIT
-- A program reads three bytes.
local file = open("\\Device\\Gallery")
expect(file:read(3) == "xxx", "a read gives what it was asked for")
file:close()
