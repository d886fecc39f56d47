# SPDX-License-Identifier: MIT
# The layout check of NT's structures: the DDK's headers are compiled for Windows, the offsets read from
# the result become nt_offsets.h, and offsets.c asserts that types.h has the same.
set(NT_OFFSETS_DIR ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${NT_OFFSETS_DIR})
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(DRIVER_clang clang-19 REQUIRED)
set(PAGABLE_DDK_INCLUDE /usr/share/mingw-w64/include CACHE PATH "MinGW-w64's headers")

add_custom_command(OUTPUT ${NT_OFFSETS_DIR}/nt_offsets.h
  COMMAND ${DRIVER_clang} --target=x86_64-w64-mingw32 -std=gnu11 -O1 -ffreestanding -fms-extensions -fno-integrated-as
    -Wno-pragma-pack "-Wno-#warnings"
    -isystem ${PAGABLE_DDK_INCLUDE}/ddk -isystem ${PAGABLE_DDK_INCLUDE}
    -MD -MF ${NT_OFFSETS_DIR}/guest.d -MT ${NT_OFFSETS_DIR}/nt_offsets.h
    -S ${CMAKE_CURRENT_SOURCE_DIR}/offsets/guest.c -o ${NT_OFFSETS_DIR}/guest.s
  COMMAND Python3::Interpreter -B ${PROJECT_SOURCE_DIR}/tools/nt-offsets
    ${NT_OFFSETS_DIR}/guest.s ${NT_OFFSETS_DIR}/nt_offsets.h
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/offsets/guest.c ${CMAKE_CURRENT_SOURCE_DIR}/offsets.list.h
    ${PROJECT_SOURCE_DIR}/tools/nt-offsets
  DEPFILE ${NT_OFFSETS_DIR}/guest.d
  COMMENT "Offsets of NT's structures from the DDK's headers" VERBATIM)
list(APPEND NT_SOURCES ${NT_OFFSETS_DIR}/nt_offsets.h)
include_directories(${NT_OFFSETS_DIR})
