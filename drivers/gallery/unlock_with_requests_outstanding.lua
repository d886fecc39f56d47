-- SPDX-License-Identifier: MIT
-- A program reads what it wrote; then it closes the device while a second read waits.
local file = open("\\Device\\Gallery")

local read = file:start_read(16)
sleep(0.001)
expect(file:write("hello") == 5)
expect(read:result() == "hello")

local waiting = file:start_read(16)
sleep(0.001)
expect(not waiting:done())
file:close()
