# ASSAY_FAST_BUILD: precompiled headers, and several sources a compiler run ("unity"), for builds from scratch. A change
# of one file then compiles up to eight, so working trees leave it off.
# assay_fast_build(TARGET KIND [REGEX])   KIND: hot | cold | test | plugin, the precompiled header with the flags of
#                                         TARGET. REGEX: sources compiled alone, since they use local names of others.
option(ASSAY_FAST_BUILD "Precompiled headers and unity builds: for builds from scratch" OFF)

function(assay_fast_build target kind)
  get_target_property(sources ${target} SOURCES)
  if(NOT ASSAY_FAST_BUILD OR sources MATCHES "\\.c(;|$)")
    return()
  endif()
  if(kind STREQUAL "plugin")  # one written against the C header alone has its own idea of an instance
    foreach(source ${sources})
      cmake_path(ABSOLUTE_PATH source)
      file(STRINGS "${source}" plain REGEX "include \"assay/plugin.h\"")
      if(plain)
        return()
      endif()
    endforeach()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  if(ARGN)
    list(FILTER sources INCLUDE REGEX "${ARGN}")
    set_source_files_properties(${sources} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  target_precompile_headers(${target} REUSE_FROM assay_pch_${kind})
  # False alarms of GCC 12 once headers are precompiled; the trees without them keep these warnings.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-array-bounds>)
endfunction()

# One header for each set of flags that GCC tells apart: optimisation, PIC against PIE, libraries' definitions.
function(assay_add_pch kind header)
  add_library(assay_pch_${kind} OBJECT "${PROJECT_SOURCE_DIR}/tools/cmake/pch/empty.cpp")
  target_include_directories(assay_pch_${kind} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/harness/include")
  target_link_libraries(assay_pch_${kind} PRIVATE assay_flags ${ARGN})
  target_precompile_headers(assay_pch_${kind} PRIVATE "${PROJECT_SOURCE_DIR}/tools/cmake/pch/${header}")
endfunction()

if(ASSAY_FAST_BUILD)
  assay_add_pch(hot std.hpp fmt::fmt)
  assay_add_pch(cold std.hpp fmt::fmt)
  target_compile_options(assay_pch_cold PRIVATE $<$<CONFIG:Release>:-O1>)
  assay_add_pch(plugin plugin.hpp)
  set_target_properties(assay_pch_plugin PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(ASSAY_TESTS)
    # Test programs are executables and so compiled with -fPIE.
    assay_add_pch(test test.hpp fmt::fmt doctest::doctest)
    set_target_properties(assay_pch_test PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(assay_pch_test PRIVATE -fPIE $<$<CONFIG:Release>:-O0>)
  endif()
endif()
