# CMake generated Testfile for 
# Source directory: /work/wt/base
# Build directory: /work/wt/base/build-asan
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("harness")
subdirs("results")
subdirs("harness/cli")
subdirs("plugins")
subdirs("tests")
