#include "harness/engine/tensor/conv_choices.hpp"

#include <algorithm>
#include <bit>

namespace assay::engine::native {
namespace {

struct Choice {
  const char* isa;  // and what begins with it: later sets run the same f32 kernels
  ConvPass pass;
  ConvClass shape;
};

constexpr auto forward = ConvPass::forward, forward_training = ConvPass::forward_training,
               backward_data = ConvPass::backward_data, backward_weights = ConvPass::backward_weights;
constexpr Choice choices[] = {
#define ASSAY_WINOGRAD(isa, pass, channels, extent, batch) {#isa, pass, {channels, extent, batch}},
#include "harness/engine/tensor/conv_choices.def"
#undef ASSAY_WINOGRAD
};

std::int64_t floor_power(std::int64_t n) {
  return n < 1 ? 1 : static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n)));
}

bool unit(const Shape& values) {
  return std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v == 1; });
}

bool narrow(const Shape& pad) {
  return std::all_of(pad.begin(), pad.end(), [](std::int64_t v) { return v == 0 || v == 1; });
}

}  // namespace

ConvClass class_of(const ConvProblem& p) {
  const std::int64_t channels = std::min(p.src[1], p.weights[0]), extent = std::min(p.dst[2], p.dst[3]), n = p.src[0];
  return {std::min<std::int64_t>(512, floor_power(channels)), std::min<std::int64_t>(64, floor_power(extent)),
          n >= 32 ? 32 : (n >= 8 ? 8 : 1)};
}

bool winograd_fits(const ConvProblem& p) {
  const bool blocks = p.src[1] % 16 == 0 && p.weights[0] % 16 == 0 && std::min(p.src[1], p.weights[0]) >= 32;
  return blocks && p.groups == 1 && p.weights[2] == 3 && p.weights[3] == 3 && unit(p.stride) && unit(p.dilation) &&
         narrow(p.pad_before) && narrow(p.pad_after);
}

bool use_winograd(ConvPass pass, const ConvProblem& p, std::string_view isa) {
  if (p.algorithm == ConvAlgorithm::direct || !winograd_fits(p)) return false;
  if (p.algorithm == ConvAlgorithm::winograd) return true;
  const ConvClass shape = class_of(p);
  return std::any_of(std::begin(choices), std::end(choices), [&](const Choice& c) {
    return c.pass == pass && c.shape == shape && isa.substr(0, std::string_view(c.isa).size()) == c.isa;
  });
}

}  // namespace assay::engine::native
