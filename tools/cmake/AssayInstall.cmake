# `cmake --install` gives a tree that may be moved:
#   bin/assay, bin/assay-worker          include/assay/*.h(pp)       lib/assay/plugins/*.so
#   share/assay/suites, catalog.toml     lib/cmake/assay             find_package(assay) -> assay::sdk, assay_add_plugin()
include(CMakePackageConfigHelpers)

foreach(program assay assay-worker)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION bin)
  endif()
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/harness/include/assay" DESTINATION include)
install(DIRECTORY "${PROJECT_BINARY_DIR}/plugins/" DESTINATION lib/assay/plugins
        FILES_MATCHING PATTERN "*.so" PATTERN "CMakeFiles" EXCLUDE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/suites" DESTINATION share/assay FILES_MATCHING PATTERN "*.toml" PATTERN "*.onnx")
install(FILES "${PROJECT_SOURCE_DIR}/harness/data/catalog.toml" DESTINATION share/assay OPTIONAL)
# Built by the target assay-site-bundle, which needs npm; without it `assay site` says so.
install(DIRECTORY "${PROJECT_BINARY_DIR}/site" DESTINATION share/assay OPTIONAL)

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/assayConfig.cmake.in" "${PROJECT_BINARY_DIR}/assayConfig.cmake"
                              INSTALL_DESTINATION lib/cmake/assay)
# SameMinorVersion: until the ABI is declared 1, a minor release may change it.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/assayConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/assayConfig.cmake" "${PROJECT_BINARY_DIR}/assayConfigVersion.cmake"
        DESTINATION lib/cmake/assay)
# The same assay_add_plugin() inside and outside the source tree.
install(FILES "${CMAKE_CURRENT_LIST_DIR}/AssayPlugin.cmake" "${CMAKE_CURRENT_LIST_DIR}/plugin.map"
        DESTINATION lib/cmake/assay OPTIONAL)
