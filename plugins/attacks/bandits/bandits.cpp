// Bandits-TD (Ilyas, Engstrom, Madry; ICLR 2019, algorithms 2 and 3), L-inf: a prior over the gradient, held on tiles
// of the image, is learnt by exponentiated gradients from two scores a step; the image moves along its signs. As in
// nes, the score is the margin.
#include "../common/estimate.hpp"
#include "../common/image.hpp"

using namespace attacks;

// Which tile each element of a sample lies in.
struct Tiles {
  std::vector<std::size_t> of;
  std::size_t count;

  Tiles(const Image& image, std::size_t edge) {
    const std::size_t down = (image.height + edge - 1) / edge, across = (image.width + edge - 1) / edge;
    count = image.channels * down * across;
    for (std::size_t at = 0; at < image.channels * image.height * image.width; ++at) {
      const std::size_t column = at % image.width / edge, row = at / image.width % image.height / edge;
      of.push_back((at / (image.width * image.height) * down + row) * across + column);
    }
  }
};

struct Bandits {
  std::int64_t steps, tile;
  double step, eta, exploration, rate;

  static constexpr assay::Info info{.id = "bandits",
                                    .version = "1.0.0",
                                    .summary = "a gradient prior on tiles, learnt from two scores a step",
                                    .title = "Prior Convictions: Black-Box Adversarial Attacks with Bandits and Priors",
                                    .year = 2019,
                                    .arxiv = "1807.07978",
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Bandits::steps,
                     {.fallback = 1000, .min = 1, .max = 100000, .doc = "steps; each costs three forward passes"}),
      assay::integer("tile", &Bandits::tile,
                     {.fallback = 2, .min = 1, .max = 64, .doc = "edge of a tile", .unit = "pixels"}),
      assay::real("step", &Bandits::step,
                  {.fallback = 0.2, .min = 1e-4, .max = 2, .doc = "step length as a share of eps"}),
      assay::real("eta", &Bandits::eta, {.fallback = 0.1, .min = 1e-4, .max = 10, .doc = "finite difference step"}),
      assay::real("exploration", &Bandits::exploration, {.fallback = 1, .min = 1e-4, .max = 10, .doc = "delta"}),
      assay::real("rate", &Bandits::rate, {.fallback = 100, .min = 1e-3, .max = 1e4, .doc = "of the prior"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf}, info.id);
    if (problem.eps <= 0) return batch.x;
    const Tiles tiles(Image(problem.shape), static_cast<std::size_t>(tile));
    Points x = problem.x;
    std::vector<std::vector<double>> prior(problem.count(), std::vector<double>(tiles.count, 0.0));
    Index rows = standing(problem, every(problem.count()), ask(problem, every(problem.count()), x));
    for (std::int64_t t = 0; t < steps && !rows.empty(); ++t) {
      const Points at = take(x, rows);
      const Points noise = problem.normal("bandits", rows, static_cast<std::uint64_t>(t));
      learn(problem, rows, {&at, &noise, &tiles}, prior);
      for (const std::size_t i : rows) {
        for (std::size_t j = 0; j < x.size; ++j) {
          const double p = prior[i][tiles.of[j]], sign = static_cast<double>(p > 0) - static_cast<double>(p < 0);
          x.row(i)[j] = static_cast<float>(static_cast<double>(x.row(i)[j]) + step * problem.eps * sign);
        }
        project(problem, i, x.row(i));
      }
      rows = standing(problem, rows, ask(problem, rows, take(x, rows)));
    }
    return problem.tensor(x);
  }

  struct Draw {
    const Points *x, *noise;  // the first elements of a row of noise are the tiles' directions
    const Tiles* tiles;
  };
  // q+- = v +- delta u; d = (f(x + eta q+ / ||q+||) - f(x + eta q- / ||q-||)) / (delta eta); v moves along d u.
  void learn(const Problem& problem, const Index& rows, const Draw& draw,
             std::vector<std::vector<double>>& prior) const {
    const std::size_t size = draw.x->size;
    Points asked(2 * rows.size(), size);
    const auto direction = [&](std::size_t r, std::size_t k) {
      return static_cast<double>(draw.noise->row(r)[k]) / std::sqrt(static_cast<double>(draw.tiles->count));
    };
    for (std::size_t at = 0; at < asked.count(); ++at) {
      const std::size_t r = at % rows.size();
      const double side = at < rows.size() ? exploration : -exploration;
      std::vector<double> q(size);
      double length = 0;
      for (std::size_t j = 0; j < size; ++j) {
        const std::size_t k = draw.tiles->of[j];
        q[j] = prior[rows[r]][k] + side * direction(r, k);
        length += q[j] * q[j];
      }
      const double scale = eta / std::max(std::sqrt(length), 1e-30);
      for (std::size_t j = 0; j < size; ++j) {
        asked.row(at)[j] = static_cast<float>(static_cast<double>(draw.x->row(r)[j]) + scale * q[j]);
      }
    }
    const Scores logits = ask(problem, twice(rows), asked);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double rise =
          aim_of(problem, rows[r], logits.row(r)) - aim_of(problem, rows[r], logits.row(rows.size() + r));
      const double d = rise / (exploration * eta);
      for (std::size_t k = 0; k < draw.tiles->count; ++k)
        prior[rows[r]][k] = moved(prior[rows[r]][k], d * direction(r, k));
    }
  }
  static Index twice(Index rows) {
    rows.insert(rows.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(rows.size()));
    return rows;
  }
  // Exponentiated gradients on [-1, 1]: p = (v + 1) / 2 is multiplied by exp(rate g), 1 - p by exp(-rate g).
  double moved(double v, double g) const {
    const double p = std::min(std::max((v + 1) / 2, 1e-9), 1 - 1e-9);
    const double log_odds = std::log(p / (1 - p)) + 2 * rate * g;
    return std::tanh(std::min(std::max(log_odds, -40.0), 40.0) / 2);
  }
};

ASSAY_PLUGIN(Bandits)
