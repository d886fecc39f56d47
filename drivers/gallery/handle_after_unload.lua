-- SPDX-License-Identifier: MIT
-- The driver is unloaded and loaded again, as when it is updated.
local it = driver(1)
expect(it:unload())
expect(it:load())
