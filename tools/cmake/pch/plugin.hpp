// The precompiled header of plugins: all that a plugin sees of assay.
#ifndef ASSAY_PCH_PLUGIN_HPP
#define ASSAY_PCH_PLUGIN_HPP
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "assay/sdk.hpp"
#endif
