# `cmake --install` and `find_package(Abn)`: headers in one folder per dialect, TableGen sources beside
# them for dialects and passes that build on ours, libraries, tools, and the package files.
include(CMakePackageConfigHelpers)

foreach(root dialects include)
  foreach(base ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
    install(DIRECTORY ${base}/${root}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
      FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.h.inc"
      PATTERN "CMakeFiles" EXCLUDE)
  endforeach()
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Abn)
install(EXPORT AbnTargets NAMESPACE Abn:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/AbnConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/AbnConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/AbnConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/AbnConfig.cmake
  ${PROJECT_BINARY_DIR}/cmake/AbnConfigVersion.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
