// What Inception-v4 and Inception-ResNet-v2 share.
#include "harness/graph/zoo/inception.hpp"

#include <cmath>

namespace assay::zoo {

std::int64_t Inception::channels(std::int64_t published) const {
  return std::max<std::int64_t>(1, std::lround(static_cast<double>(published) * width));
}

std::string Inception::branch(const std::string& name, const std::string& x, const std::vector<InceptionStep>& steps) const {
  std::string y = x;
  std::int64_t number = 0;
  for (const InceptionStep& step : steps) {
    graph::ConvOptions conv = {.kernel = step.kernel, .stride = step.stride};
    if (step.valid && large) conv.pad = 0;
    y = conv_norm(b, name + "." + std::to_string(++number), y, {channels(step.channels), conv, "relu", 1e-3});
  }
  return y;
}

std::string Inception::reduce_pool(const std::string& name, const std::string& x) const {
  return b.max_pool(name, x, {.kernel = 3, .stride = 2, .pad = large ? 0 : 1});
}

std::string Inception::reduce(const std::string& name, const std::string& x,
                              const std::vector<std::vector<InceptionStep>>& branches) const {
  std::vector<std::string> parts;
  parts.reserve(branches.size() + 1);
  for (const auto& steps : branches) parts.push_back(branch(name + "." + static_cast<char>('a' + parts.size()), x, steps));
  parts.push_back(reduce_pool(name + ".pool", x));
  return b.concat(name, parts, 0);
}

std::string Inception::average_branch(const std::string& name, const std::string& x, std::int64_t published) const {
  return branch(name, b.avg_pool(name + ".pool", x, {.kernel = 3, .stride = 1, .pad = 1}), {{published}});
}

std::string Inception::first(const std::string& x) const {
  if (!large) return branch("stem", x, {{64, 3}});
  return branch("stem", x, {{32, 3, 2, true}, {32, 3, 1, true}, {64, 3}});
}

std::vector<ParamSpec> inception_params(const char* blocks_default) {
  return {{"blocks", Json::parse(blocks_default), 1, 100, "blocks of each of the three stages"},
          {"width", 0.25, 0.02, 4.0, "multiplies every layer's channels (1 in the paper)"},
          large_param("1: the paper's stem and unpadded reductions, for images of 299 pixels; 0: a stem that keeps the resolution"),
          dropout_param()};
}

}  // namespace assay::zoo
