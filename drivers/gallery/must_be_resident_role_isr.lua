-- SPDX-License-Identifier: MIT
-- Nobody uses the port; an interrupt comes on its line all the same, as from a device that shares it.
start()
spurious(4)
sleep(0.001)
