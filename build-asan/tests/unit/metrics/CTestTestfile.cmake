# CMake generated Testfile for 
# Source directory: /work/wt/base/tests/unit/metrics
# Build directory: /work/wt/base/build-asan/tests/unit/metrics
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[metrics]=] "/work/wt/base/build-asan/tests/test_metrics")
set_tests_properties([=[metrics]=] PROPERTIES  LABELS "fast" TIMEOUT "120" _BACKTRACE_TRIPLES "/work/wt/base/tools/cmake/AssayTargets.cmake;42;add_test;/work/wt/base/tests/unit/metrics/CMakeLists.txt;1;assay_add_tests;/work/wt/base/tests/unit/metrics/CMakeLists.txt;0;")
