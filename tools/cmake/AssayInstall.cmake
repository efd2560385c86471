# Filled in by the install package: programs, headers, plugins, suites, CMake package.
