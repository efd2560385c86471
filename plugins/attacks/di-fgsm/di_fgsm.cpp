// Diverse inputs, M-DI2-FGSM (Xie et al., CVPR 2019, eq. 3-5): with probability p the input is resized to a random
// smaller size (nearest neighbour) and padded with zeros at a random place before the gradient is taken. The paper
// enlarges 299 pixels to at most 330; a net of fixed input size gets the same ratio by shrinking to at least 0.9 and
// padding back.
#include "../common/image.hpp"
#include "../common/momentum.hpp"

struct DiFgsm {
  std::int64_t steps;
  double decay;
  double probability, least;

  static constexpr assay::Info info{.id = "di-fgsm",
                                    .version = "1.0.0",
                                    .summary = "momentum iterative FGSM on randomly resized and padded inputs",
                                    .title = "Improving Transferability of Adversarial Examples with Input Diversity",
                                    .year = 2019,
                                    .arxiv = "1803.06978",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &DiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &DiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("probability", &DiFgsm::probability,
                  {.fallback = 0.5, .min = 0, .max = 1, .doc = "share of steps transformed, p"}),
      assay::real("least", &DiFgsm::least,
                  {.fallback = 0.9, .min = 0.1, .max = 1, .doc = "smallest size, as a share"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    const Image image(problem.shape);
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g;
      Points moved = x;
      std::vector<std::vector<std::int64_t>> sources;
      for (std::size_t i = 0; i < x.count(); ++i) {
        const auto id = static_cast<std::uint64_t>(problem.ids[i]);
        sources.push_back(transform(image, Bits(run.random("diverse", id, static_cast<std::uint64_t>(t)))));
        for (std::size_t j = 0; j < x.size; ++j) {
          const std::int64_t from = sources[i][j];
          moved.row(i)[j] = from < 0 ? 0.0f : x.row(i)[static_cast<std::size_t>(from)];
        }
      }
      const Points there = source_gradient(problem, moved);
      Points slope(x.count(), x.size);  // the transform is linear: its transpose carries the gradient back
      for (std::size_t i = 0; i < x.count(); ++i) {
        for (std::size_t j = 0; j < x.size; ++j) {
          const std::int64_t from = sources[i][j];
          if (from >= 0) slope.row(i)[static_cast<std::size_t>(from)] += there.row(i)[j];
        }
      }
      return slope;
    });
  }

  // For each element of the transformed sample the element it comes from, -1: padding.
  std::vector<std::int64_t> transform(const attacks::Image& image, attacks::Bits bits) const {
    const std::size_t all = image.channels * image.height * image.width;
    std::vector<std::int64_t> from(all);
    std::iota(from.begin(), from.end(), std::int64_t{0});
    if (bits.unit() >= probability) return from;
    const double shrink = least + (1 - least) * bits.unit();
    const auto sized = [&](std::size_t extent) {
      return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(shrink * static_cast<double>(extent))));
    };
    const std::size_t h = sized(image.height), w = sized(image.width);
    const std::size_t top = bits.below(image.height - h + 1), left = bits.below(image.width - w + 1);
    std::fill(from.begin(), from.end(), -1);
    for (std::size_t c = 0; c < image.channels; ++c) {
      image.each(c, {top, left, h, w}, [&](std::size_t at, std::size_t k) {
        const std::size_t row = k / w * image.height / h, column = k % w * image.width / w;
        from[at] = static_cast<std::int64_t>((c * image.height + row) * image.width + column);
      });
    }
    return from;
  }
};

ASSAY_PLUGIN(DiFgsm)
