# SPDX-License-Identifier: MIT
# pagable_sections(TARGET [CODE name...] [DATA name...] [CONST name...] [NO_SCRIPT])
#
# Gives sections of a program or shared object whole pages, so that nothing else shares them:
#   CODE   of routines (PAGABLE_CODE), also INIT
#   DATA   of variables (PAGABLE_DATA), also INITdata
#   CONST  of constants
#
# Two means, both generated into the build folder:
#  * a C file with one empty, page-aligned piece of each section, which every linker places after the
#    pieces of files before it: the start is aligned, and mostly the end too;
#  * a linker script, merged with the linker's own by INSERT, that pads the end whatever the order of
#    files.  GNU ld and lld take it, gold does not: say NO_SCRIPT there.

# Writes STEM.c and STEM.ld; pagable_sections() is what projects call.
function(pagable_sections_write stem)
  cmake_parse_arguments(S "" "" "CODE;DATA;CONST" ${ARGN})
  set(flags_CODE ax)
  set(flags_DATA aw)
  set(flags_CONST a)
  set(type_CONST "const ")
  set(after_CODE .text)
  set(after_DATA .data)
  set(after_CONST .rodata)
  set(source "/* Made by pagable_sections: aligns sections to pages. */\n")
  set(script "/* Made by pagable_sections: pads sections to whole pages. */\n")
  foreach(kind CODE DATA CONST)
    if(S_${kind} AND NOT kind STREQUAL CODE)
      # lld finds the place of an INSERT only if there is something in it.
      string(APPEND source "__attribute__((used, retain, section(\"${after_${kind}}.pagable\"))) "
        "static ${type_${kind}}char anchor_${kind} = 1;\n")
    endif()
    foreach(name ${S_${kind}})
      # R: kept although nothing refers to it, when the linker collects garbage.
      string(APPEND source "__asm__(\".pushsection ${name},\\\"${flags_${kind}}R\\\",@progbits\\n"
        "\\t.p2align 12\\n\\t.popsection\");\n")
      string(APPEND script "SECTIONS\n{\n  ${name} : ALIGN(4096) { *(${name}) . = ALIGN(4096); }\n}\n"
        "INSERT AFTER ${after_${kind}};\n")
    endforeach()
  endforeach()
  file(CONFIGURE OUTPUT ${stem}.c CONTENT "${source}" @ONLY)
  file(CONFIGURE OUTPUT ${stem}.ld CONTENT "${script}" @ONLY)
endfunction()

function(pagable_sections target)
  cmake_parse_arguments(S "NO_SCRIPT" "" "CODE;DATA;CONST" ${ARGN})
  if(S_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "pagable_sections(${target}): say CODE, DATA or CONST before ${S_UNPARSED_ARGUMENTS}")
  endif()
  set(stem ${CMAKE_CURRENT_BINARY_DIR}/${target}.sections)
  pagable_sections_write(${stem} CODE ${S_CODE} DATA ${S_DATA} CONST ${S_CONST})
  target_sources(${target} PRIVATE ${stem}.c)
  if(NOT S_NO_SCRIPT)
    target_link_options(${target} PRIVATE -Wl,-T,${stem}.ld)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${stem}.ld)
  endif()
endfunction()
