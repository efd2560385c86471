# Options, flags and third-party packages. Everything comes from Debian 12.
option(ASSAY_TESTS "Build the tests" ON)
option(ASSAY_WERROR "Treat warnings as errors" ON)
set(ASSAY_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # What ccache wants to know of a build with precompiled headers.
  set(launcher "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# GNU gold takes a quarter of the time of GNU ld for each of some sixty programs and plugins, and comes in the same package.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=gold ASSAY_HAVE_GOLD)
if(ASSAY_HAVE_GOLD)
  add_link_options(-fuse-ld=gold)
endif()

add_library(assay_flags INTERFACE)
# -ffp-contract=off: own kernels give the same bits on every instruction set (docs: tools/adr/0004).
target_compile_options(assay_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -ffp-contract=off
                       $<$<BOOL:${ASSAY_WERROR}>:-Werror>
                       # GCC bug 105651: false alarms on "text" + std::string
                       $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>)
if(ASSAY_SANITIZE)
  target_compile_options(assay_flags INTERFACE -fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(assay_flags INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS filesystem)
find_package(dnnl REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_library(FFTW3F_LIBRARY fftw3f REQUIRED)
find_path(FFTW3F_INCLUDE_DIR fftw3.h REQUIRED)
add_library(FFTW3::fftw3f UNKNOWN IMPORTED)
set_target_properties(FFTW3::fftw3f PROPERTIES IMPORTED_LOCATION "${FFTW3F_LIBRARY}"
                      INTERFACE_INCLUDE_DIRECTORIES "${FFTW3F_INCLUDE_DIR}")
# Debian's libz3-dev has no CMake package. Only plugins link it.
find_library(Z3_LIBRARY z3 REQUIRED)
find_path(Z3_INCLUDE_DIR z3++.h REQUIRED)
add_library(Z3::z3 UNKNOWN IMPORTED)
set_target_properties(Z3::z3 PROPERTIES IMPORTED_LOCATION "${Z3_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Z3_INCLUDE_DIR}")
if(ASSAY_TESTS)
  find_package(doctest REQUIRED)
endif()

# Programs in <build>/bin and plugins in <build>/plugins: the relative places of the install tree's bin and lib.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(ASSAY_PLUGIN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/plugins")
