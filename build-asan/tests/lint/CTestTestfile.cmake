# CMake generated Testfile for 
# Source directory: /work/wt/base/tests/lint
# Build directory: /work/wt/base/build-asan/tests/lint
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[lint_tools]=] "/root/.pyenv/shims/python3" "-B" "/work/wt/base/tests/lint/test_lints.py" "/work/wt/base")
set_tests_properties([=[lint_tools]=] PROPERTIES  LABELS "fast;lint" TIMEOUT "60" _BACKTRACE_TRIPLES "/work/wt/base/tests/lint/CMakeLists.txt;3;add_test;/work/wt/base/tests/lint/CMakeLists.txt;0;")
