# SPDX-License-Identifier: MIT
# How the sample drivers (and those of tests) are made: clang and lld as cross compiler and linker,
# MinGW-w64's DDK headers, an import library made from our own export table.
#
# What each flag is for, where it is not plain:
#   -DALLOC_PRAGMA=1                   <wdm.h> defines it for Microsoft's compiler only; without it every
#                                      PAGE and INIT section vanishes silently
#   -Xclang -fasync-exceptions         a __try around a plain load is deleted without it
#   -fasynchronous-unwind-tables       -ffreestanding alone drops .pdata
#   -mno-stack-arg-probe               no __chkstk: large frames are the driver's business
#   -DFORCEINLINE=...                  the headers' own makes undefined symbols inside __try
#   -D__INTRINSIC_DEFINED_...          the headers define these two twice, once with external linkage
#   /section:NAME,..P                  P sets NOT_PAGED, as Microsoft's linker does; D is DISCARDABLE
#   /release                           writes the checksum, which Windows demands of a driver
#   /opt:noref /opt:noicf              nothing leaves its section and no two routines become one
#   /Brepro, -f*-prefix-map, -dir      no time of day and no folder in the image
set(PAGABLE_LLVM_SUFFIX "-19" CACHE STRING "Suffix of the LLVM tools that build drivers")
set(PAGABLE_DDK_INCLUDE /usr/share/mingw-w64/include CACHE PATH "MinGW-w64's headers")
foreach(tool clang lld-link llvm-dlltool llvm-readobj llvm-nm llvm-pdbutil)
  string(MAKE_C_IDENTIFIER DRIVER_${tool} variable)
  find_program(${variable} ${tool}${PAGABLE_LLVM_SUFFIX} REQUIRED)
endforeach()

set(PAGABLE_DRIVER_CFLAGS --target=x86_64-w64-mingw32 -std=gnu11 -O2 -Wall -Wextra -Werror
  -fms-extensions -Xclang -fasync-exceptions -ffreestanding -fasynchronous-unwind-tables
  -fno-stack-protector -mno-stack-arg-probe -DALLOC_PRAGMA=1
  "-DFORCEINLINE=static __inline __attribute__((always_inline))"
  -D__INTRINSIC_DEFINED_InterlockedBitTestAndSet -D__INTRINSIC_DEFINED_InterlockedBitTestAndReset
  -Wno-pragma-pack "-Wno-#warnings"
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -fdebug-compilation-dir=.
  -isystem ${PAGABLE_DDK_INCLUDE}/ddk -isystem ${PAGABLE_DDK_INCLUDE})
set(PAGABLE_DRIVER_LINKFLAGS /driver /subsystem:native /machine:x64 /entry:DriverEntry /nodefaultlib
  /base:0x140000000 /dynamicbase /nxcompat /opt:noref /opt:noicf /release /Brepro
  /section:INIT,ERD /section:.text,ERP /section:.rdata,RP /section:.data,RWP /section:.pdata,RP)
set(PAGABLE_DRIVERS_DIR ${PROJECT_BINARY_DIR}/drivers)

# driver_import_libraries()
# ntoskrnl.lib and hal.lib, once, from the table that the program itself is built from.
function(driver_import_libraries)
  set(dir ${PAGABLE_DRIVERS_DIR}/import)
  file(MAKE_DIRECTORY ${dir})
  file(GLOB tables CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/nt/exports*.h)
  add_custom_command(
    OUTPUT ${dir}/ntoskrnl.def ${dir}/hal.def
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/make-def
      ${PROJECT_SOURCE_DIR}/src/nt/exports.h
      NTOS=${dir}/ntoskrnl.def:ntoskrnl.exe HAL=${dir}/hal.def:hal.dll
    DEPENDS ${PROJECT_SOURCE_DIR}/tools/make-def ${tables}
    COMMENT "Import definitions from the export table" VERBATIM)
  foreach(library ntoskrnl hal)
    set(image ntoskrnl.exe)
    if(library STREQUAL hal)
      set(image hal.dll)
    endif()
    add_custom_command(OUTPUT ${dir}/${library}.lib
      COMMAND ${DRIVER_llvm_dlltool} -m i386:x86-64 -d ${dir}/${library}.def -D ${image}
        -l ${dir}/${library}.lib
      DEPENDS ${dir}/${library}.def VERBATIM)
  endforeach()
  add_custom_target(driver_imports DEPENDS ${dir}/ntoskrnl.lib ${dir}/hal.lib)
endfunction()

# driver(NAME SOURCES a.c b.c [FOLDER folder] [BESIDE x.lua y.inf] [SYMBOLS dwarf|pdb] [UNCHECKED]
#        [DEFINES ...] [CFLAGS ...] [LINKFLAGS ...])
# Makes drivers/[FOLDER/]NAME.sys in the build folder and adds it to the target `drivers`.  Sources are
# relative to the calling folder.  A file named by BESIDE is copied there under the driver's name, which
# is how `pagable run` finds it: x.lua becomes NAME.lua.  DEFINES are for the compiler and for the check.
# UNCHECKED leaves out tools/check-placement: for images that are odd on purpose.
function(driver name)
  cmake_parse_arguments(D "UNCHECKED" "SYMBOLS;FOLDER" "SOURCES;BESIDE;DEFINES;CFLAGS;LINKFLAGS"
    ${ARGN})
  set(dir ${PAGABLE_DRIVERS_DIR})
  set(target driver_${name})
  set(import ${dir}/import)
  set(import_from import) # relative, as the objects are
  if(D_FOLDER)
    set(dir ${dir}/${D_FOLDER})
    set(import_from ../import)
    string(MAKE_C_IDENTIFIER driver_${D_FOLDER}_${name} target)
  endif()
  list(TRANSFORM D_DEFINES PREPEND -D)
  set(outputs ${dir}/${name}.sys)
  set(check --image ${dir}/${name}.sys --llvm-suffix=${PAGABLE_LLVM_SUFFIX})
  if(D_SYMBOLS STREQUAL pdb)
    set(debug -g -gcodeview -gno-codeview-command-line)
    set(link /debug /pdb:${name}.pdb /pdbaltpath:${name}.pdb /pdbsourcepath:.)
    list(APPEND outputs ${dir}/${name}.pdb)
    list(APPEND check --pdb ${dir}/${name}.pdb)
  else()
    set(debug -g -gdwarf-4)
    set(link /debug:dwarf)
  endif()
  file(MAKE_DIRECTORY ${dir}/${name}.dir)
  foreach(source ${D_SOURCES})
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(stem ${source} NAME_WE)
    set(object ${dir}/${name}.dir/${stem}.obj)
    set(remarks ${dir}/${name}.dir/${stem}.yaml)
    add_custom_command(OUTPUT ${object} BYPRODUCTS ${remarks}
      COMMAND ${DRIVER_clang} ${PAGABLE_DRIVER_CFLAGS} ${debug} ${D_DEFINES} ${D_CFLAGS}
        -fsave-optimization-record -foptimization-record-passes=inline
        -foptimization-record-file=${remarks} -MD -MT ${object} -MF ${object}.d
        -c ${source} -o ${name}.dir/${stem}.obj
      WORKING_DIRECTORY ${dir}
      DEPENDS ${source} DEPFILE ${object}.d
      COMMENT "Compiling ${stem}.c for ${name}.sys" VERBATIM)
    list(APPEND sources ${source})
    list(APPEND objects ${object})
    list(APPEND linked ${name}.dir/${stem}.obj) # relative: debug information holds paths as given
    list(APPEND all_remarks ${remarks})
  endforeach()
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${DRIVER_lld_link} ${PAGABLE_DRIVER_LINKFLAGS} ${link} ${D_LINKFLAGS}
      /out:${name}.sys ${linked} ${import_from}/ntoskrnl.lib ${import_from}/hal.lib
    WORKING_DIRECTORY ${dir}
    DEPENDS ${objects} driver_imports ${import}/ntoskrnl.lib ${import}/hal.lib
    COMMENT "Linking ${name}.sys" VERBATIM)
  set(finished ${outputs})
  if(NOT D_UNCHECKED)
    # A step of its own with a stamp: a driver that failed once fails again in the next build.
    set(finished ${dir}/${name}.dir/placement-checked)
    add_custom_command(OUTPUT ${finished}
      COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/check-placement ${check}
        ${D_DEFINES} --sources ${sources} --remarks ${all_remarks}
      COMMAND ${CMAKE_COMMAND} -E touch ${finished}
      DEPENDS ${outputs} ${all_remarks} ${PROJECT_SOURCE_DIR}/tools/check-placement
      COMMENT "Checking the sections of ${name}.sys" VERBATIM)
  endif()
  foreach(file ${D_BESIDE})
    get_filename_component(file ${file} ABSOLUTE)
    get_filename_component(extension ${file} LAST_EXT)
    add_custom_command(OUTPUT ${dir}/${name}${extension}
      COMMAND ${CMAKE_COMMAND} -E copy ${file} ${dir}/${name}${extension}
      DEPENDS ${file} VERBATIM)
    list(APPEND finished ${dir}/${name}${extension})
  endforeach()
  add_custom_target(${target} DEPENDS ${finished})
  add_dependencies(drivers ${target})
endfunction()
