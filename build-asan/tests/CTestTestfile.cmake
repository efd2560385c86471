# CMake generated Testfile for 
# Source directory: /work/wt/base/tests
# Build directory: /work/wt/base/build-asan/tests
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("lint")
subdirs("plugins")
subdirs("unit/base")
subdirs("unit/metrics")
subdirs("unit/record")
