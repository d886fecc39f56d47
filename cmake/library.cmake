# SPDX-License-Identifier: MIT
# libpagable, shared and static, with the files by which others find it.
#
# Both show pagable_* and pg_* and nothing else: the shared one by a version script, the static one by
# linking its objects into one and making every other symbol of it local.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(library_sources)
foreach(room base section native)
  get_target_property(sources room_${room} SOURCES)
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/src/${room}/)
  list(APPEND library_sources ${sources})
endforeach()
add_library(pagable_objects OBJECT ${library_sources})
target_include_directories(pagable_objects PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
set_target_properties(pagable_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)

set(version_script ${CMAKE_CURRENT_LIST_DIR}/libpagable.map)
add_library(pagable_shared SHARED $<TARGET_OBJECTS:pagable_objects>)
set_target_properties(pagable_shared PROPERTIES OUTPUT_NAME pagable EXPORT_NAME pagable
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${version_script}
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
# Calls inside the library stay inside: nobody replaces a part of it.
target_link_options(pagable_shared PRIVATE -Wl,--version-script=${version_script} -Wl,-Bsymbolic-functions)
target_include_directories(pagable_shared INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(pagable_shared PRIVATE Threads::Threads)

set(static_library ${PROJECT_BINARY_DIR}/lib/libpagable.a)
set(one_object ${PROJECT_BINARY_DIR}/lib/libpagable.o)
add_custom_command(OUTPUT ${static_library}
  COMMAND ${CMAKE_LINKER} -r -o ${one_object} $<TARGET_OBJECTS:pagable_objects>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=pagable_* --keep-global-symbol=pg_* ${one_object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
  COMMAND ${CMAKE_AR} rcD ${static_library} ${one_object}
  DEPENDS pagable_objects $<TARGET_OBJECTS:pagable_objects>
  COMMAND_EXPAND_LISTS COMMENT "Making libpagable.a" VERBATIM)
add_custom_target(pagable_static ALL DEPENDS ${static_library})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pagable)
# The .pc file lies in <prefix>/<libdir>/pkgconfig: what leads from there back to the prefix.
string(REGEX REPLACE "[^/]+" ".." PC_UP "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
configure_file(${PROJECT_SOURCE_DIR}/pagable.pc.in ${PROJECT_BINARY_DIR}/pagable.pc @ONLY)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pagableConfig.cmake.in
  ${PROJECT_BINARY_DIR}/pagableConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pagableConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

install(TARGETS pagable_shared EXPORT pagable LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pagable DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/pagable.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT library)
install(EXPORT pagable NAMESPACE pagable:: FILE pagableTargets.cmake DESTINATION ${package_dir}
  COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/pagableConfig.cmake ${PROJECT_BINARY_DIR}/pagableConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/PagableSections.cmake DESTINATION ${package_dir} COMPONENT library)
