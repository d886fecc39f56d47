# SPDX-License-Identifier: MIT
# Libraries from the system.  Each enters the tree in one room only.
find_package(PkgConfig REQUIRED)
find_package(zydis REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
find_library(DWARF_LIBRARY dwarf REQUIRED)
