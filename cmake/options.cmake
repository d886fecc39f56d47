# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the helper that declares a room.
option(PAGABLE_WERROR "Treat warnings as errors" OFF)
option(PAGABLE_SANITIZE "Build with ASan and UBSan" OFF)
option(PAGABLE_TSAN "Build with TSan: for the tests with threads" OFF)
option(PAGABLE_FUZZ "Build the libFuzzer targets of fuzz/ (clang only)" OFF)
option(PAGABLE_ONLY_DRIVERS "Build nothing but the sample drivers" OFF)

# The system's interpreter before any other in the path: it is the one that has Debian's modules.
find_program(Python3_EXECUTABLE python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes
  -Wmissing-prototypes -Wundef -Wvla -fno-strict-aliasing -fno-omit-frame-pointer)
if(PAGABLE_WERROR)
  add_compile_options(-Werror)
endif()
if(PAGABLE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(PG_CHECK_SLOW_ON=1)
endif()
if(PAGABLE_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
if(PAGABLE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

# The simulated computer serves SIGSEGV itself, on alternate stacks of its own.  Limits on time are
# against hangs alone: a machine that is busy with something else fails no test.
set(PAGABLE_TEST_TIMEOUT 900)
set(PAGABLE_TEST_ENVIRONMENT "CK_TIMEOUT_MULTIPLIER=4"
  "ASAN_OPTIONS=handle_segv=0:allow_user_segv_handler=1:detect_leaks=1:use_sigaltstack=0"
  "UBSAN_OPTIONS=print_stacktrace=1")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# room(NAME SOURCES a.c b.c USES base image LIBRARIES PkgConfig::X)
# A static library per room; tools/check-layers checks the include edges themselves.
function(room name)
  cmake_parse_arguments(R "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(room_${name} STATIC ${R_SOURCES})
  target_include_directories(room_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  foreach(used ${R_USES})
    target_link_libraries(room_${name} PUBLIC room_${used})
  endforeach()
  target_link_libraries(room_${name} PUBLIC ${R_LIBRARIES})
endfunction()

# pagable_test(NAME SOURCES a.c ROOMS image base [LIBRARIES ...] [DEFINITIONS ...] [DEPENDS targets] [TIMEOUT s])
# A Check program and its CTest entry; sources are relative to the calling folder.  What it needs to
# find is compiled in: PAGABLE_PROGRAM, PAGABLE_DRIVERS (folder of the .sys files), PAGABLE_SOURCE.
function(pagable_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;ROOMS;LIBRARIES;DEFINITIONS;DEPENDS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  foreach(used ${T_ROOMS})
    target_link_libraries(${name} PRIVATE room_${used})
  endforeach()
  target_link_libraries(${name} PRIVATE test_support ${T_LIBRARIES})
  target_compile_definitions(${name} PRIVATE
    PAGABLE_PROGRAM="${PROJECT_BINARY_DIR}/pagable"
    PAGABLE_DRIVERS="${PROJECT_BINARY_DIR}/drivers"
    PAGABLE_SOURCE="${PROJECT_SOURCE_DIR}" ${T_DEFINITIONS})
  if(T_DEPENDS)
    add_dependencies(${name} ${T_DEPENDS})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT ${PAGABLE_TEST_TIMEOUT})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "${PAGABLE_TEST_ENVIRONMENT}")
endfunction()

# pagable_script_test(NAME SCRIPT x.py [ARGS ...] [TIMEOUT s])
# A Python program as a CTest entry, run by the system's interpreter.
function(pagable_script_test name)
  cmake_parse_arguments(T "" "SCRIPT;TIMEOUT" "ARGS" ${ARGN})
  add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/${T_SCRIPT} ${T_ARGS})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT ${PAGABLE_TEST_TIMEOUT})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "${PAGABLE_TEST_ENVIRONMENT}")
endfunction()
