// The precompiled header of the test programs.
#ifndef ASSAY_PCH_TEST_HPP
#define ASSAY_PCH_TEST_HPP
#include <doctest/doctest.h>

#include "tools/cmake/pch/std.hpp"
#endif
