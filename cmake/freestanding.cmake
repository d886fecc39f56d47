# SPDX-License-Identifier: MIT
# What a kernel would take: the section core, and the PE half of the image room with it, as one
# relocatable object each.  Built with flags of their own: whatever the rest is built with
# (sanitizers, coverage), these have no library to lean on.
#
# Warnings are the ordinary build's business; here only what the objects ask for counts, and
# tests/freestanding checks it.
set(PAGABLE_FREESTANDING_FLAGS -std=gnu11 -O2 -ffreestanding -fno-builtin -nostdlib -fno-pic -fno-pie
  -fno-strict-aliasing -fno-stack-protector -fno-asynchronous-unwind-tables -mno-red-zone)

# freestanding_object(TARGET OUTPUT object.o ROOMS section image)
function(freestanding_object target)
  cmake_parse_arguments(F "" "OUTPUT" "ROOMS" ${ARGN})
  foreach(room ${F_ROOMS})
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.c)
    list(APPEND sources ${found})
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.h ${PROJECT_SOURCE_DIR}/include/pagable/*.h)
    list(APPEND headers ${found})
  endforeach()
  add_custom_command(OUTPUT ${F_OUTPUT}
    COMMAND ${CMAKE_C_COMPILER} ${PAGABLE_FREESTANDING_FLAGS} -r -I${PROJECT_SOURCE_DIR}/src
      -I${PROJECT_SOURCE_DIR}/include ${sources} -o ${F_OUTPUT}
    DEPENDS ${sources} ${headers} COMMENT "Freestanding ${target}" VERBATIM)
  add_custom_target(${target} ALL DEPENDS ${F_OUTPUT})
endfunction()

set(PAGABLE_SECTION_OBJECT ${PROJECT_BINARY_DIR}/freestanding/section.o)
set(PAGABLE_IMAGE_OBJECT ${PROJECT_BINARY_DIR}/freestanding/section-image.o)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/freestanding)
freestanding_object(section_object OUTPUT ${PAGABLE_SECTION_OBJECT} ROOMS section)
freestanding_object(image_object OUTPUT ${PAGABLE_IMAGE_OBJECT} ROOMS section image)
