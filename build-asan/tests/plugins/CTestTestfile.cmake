# CMake generated Testfile for 
# Source directory: /work/wt/base/tests/plugins
# Build directory: /work/wt/base/build-asan/tests/plugins
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
