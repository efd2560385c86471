# CMake generated Testfile for 
# Source directory: /work/wt/base/tests/unit/base
# Build directory: /work/wt/base/build-asan/tests/unit/base
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[base]=] "/work/wt/base/build-asan/tests/test_base")
set_tests_properties([=[base]=] PROPERTIES  LABELS "fast" TIMEOUT "120" _BACKTRACE_TRIPLES "/work/wt/base/tools/cmake/AssayTargets.cmake;42;add_test;/work/wt/base/tests/unit/base/CMakeLists.txt;1;assay_add_tests;/work/wt/base/tests/unit/base/CMakeLists.txt;0;")
