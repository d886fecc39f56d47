-- SPDX-License-Identifier: MIT
-- The system is about to put a paging file on the disk, and takes it away again.
local disk = device("\\Device\\Harddisk0\\DR0")
expect(disk:usage("paging", true))
expect(disk:usage("paging", false))
