# assay_add_plugin(NAME SOURCES... [OUTPUT_DIRECTORY DIR] [LIBRARIES TARGET...])   one plugin library NAME.so from C or C++20 sources.
# Works in this tree and from the installed CMake package. A plugin sees harness/include only, links nothing of assay
# (LIBRARIES are its own, such as a solver), and exports exactly one symbol (version script beside this file; -fvisibility=hidden alone leaves weak ones).
set(ASSAY_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/plugin.map")

function(assay_add_plugin name)
  cmake_parse_arguments(ARG "" "OUTPUT_DIRECTORY" "LIBRARIES" ${ARGN})
  if(NOT ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "assay_add_plugin(${name}): no sources")
  endif()
  set(shipped FALSE)
  if(NOT ARG_OUTPUT_DIRECTORY)
    set(ARG_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/plugins")
    set(shipped TRUE)
  endif()
  add_library(${name} MODULE ${ARG_UNPARSED_ARGUMENTS})
  if(shipped AND TARGET assay-plugins)
    add_dependencies(assay-plugins ${name})
  endif()
  target_compile_features(${name} PRIVATE cxx_std_20)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("C" IN_LIST languages)
    target_compile_features(${name} PRIVATE c_std_11)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" CXX_EXTENSIONS OFF
    LIBRARY_OUTPUT_DIRECTORY "${ARG_OUTPUT_DIRECTORY}" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON LINK_DEPENDS "${ASSAY_PLUGIN_MAP}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  target_link_options(${name} PRIVATE "LINKER:--version-script=${ASSAY_PLUGIN_MAP}")
  if(TARGET assay_flags)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/harness/include")
    target_link_libraries(${name} PRIVATE assay_flags)
    # What takes time in a method is the host's ops.
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    assay_fast_build(${name} plugin)
  else()
    target_link_libraries(${name} PRIVATE assay::sdk)
  endif()
endfunction()
