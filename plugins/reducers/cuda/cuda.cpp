// Class-wise convolutions (Sadasivan, Soltanolkotabi, Feizi, CVPR 2023, section 3): every image of a class is filtered with
// one random kernel of that class and divided by its own largest value. A net learns the kernels instead of the images.
//
// The kernels are the secret: k x k numbers from [0, blur), one of them replaced by 1, drawn for each class from the method's
// seed. The same kernel filters every channel.
#include "../common/subset.hpp"

struct Cuda {
  static constexpr assay::Info info{.id = "cuda",
                                    .version = "1.0.0",
                                    .summary = "filters the images of each class with a random kernel of its own (poison)",
                                    .title = "CUDA: Convolution-based Unlearnable Datasets",
                                    .year = 2023,
                                    .arxiv = "2303.04278",
                                    .poison = true};

  double blur = 0.3, share = 1;
  std::int64_t radius = 1, key = 0;
  bool same = false;
  std::string border = "zero";

  static constexpr auto params = assay::params(
      assay::real("blur", &Cuda::blur, {.fallback = 0.3, .min = 0, .max = 1, .doc = "upper end of a kernel's random entries"}),
      assay::integer("radius", &Cuda::radius,
                     {.fallback = 1, .min = 0, .max = 15, .doc = "kernels have 2 radius + 1 rows and columns", .unit = "pixels"}),
      assay::real("share", &Cuda::share, {.fallback = 1, .min = 0, .max = 1, .doc = "probability of an image to be filtered"}),
      assay::flag("same", &Cuda::same, {.fallback = false, .doc = "one kernel for all classes, a control"}),
      assay::choice("border", &Cuda::border, {.fallback = "zero", .choices = {"zero", "reflect"}, .doc = "what lies outside of an image"}),
      assay::integer("key", &Cuda::key,
                     {.fallback = 0, .min = 0, .max = 1'000'000, .doc = "which kernels of the seed: the secret apart from training"}));

  using Kernel = std::vector<double>;  // row-major

  std::vector<Kernel> kernels(const assay::Run& run, std::int64_t classes) const {
    const std::int64_t size = (2 * radius + 1) * (2 * radius + 1);
    std::vector<Kernel> made;
    for (std::int64_t c = 0; c < (same ? 1 : classes); ++c) {
      const assay::Tensor drawn = run.uniform("kernel", {1, size}, 0, blur,
                                              {.ids = run.tensor<std::int64_t>({1}, {c}), .index = static_cast<std::uint64_t>(key)});
      Kernel kernel(drawn.floats().begin(), drawn.floats().end());
      const std::uint64_t draw = run.random("peak", static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(key));
      kernel[static_cast<std::size_t>(draw % static_cast<std::uint64_t>(size))] = 1;
      made.push_back(std::move(kernel));
    }
    return made;
  }

  // Where row or column `at` of `extent` is read, -1: nowhere. Reflection does not repeat the edge.
  std::int64_t place(std::int64_t at, std::int64_t extent) const {
    if (at >= 0 && at < extent) return at;
    if (border == "zero") return -1;
    if (extent == 1) return 0;
    const std::int64_t period = 2 * (extent - 1), turn = ((at % period) + period) % period;
    return std::min(turn, period - turn);
  }

  // One image [channels, height, width] in place: a correlation, as nets compute it, divided by its largest value and rounded
  // to 255ths.
  void filter(std::span<float> image, std::int64_t height, std::int64_t width, const Kernel& kernel) const {
    const std::int64_t side = 2 * radius + 1, plane = height * width;
    std::vector<double> out(image.size(), 0.0);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(image.size()); ++i) {
      const std::int64_t first = i / plane * plane, row = i % plane / width, column = i % width;
      double sum = 0;
      for (std::int64_t dy = 0; dy < side; ++dy) {
        const std::int64_t y = place(row + dy - radius, height);
        for (std::int64_t dx = 0; y >= 0 && dx < side; ++dx) {
          const std::int64_t x = place(column + dx - radius, width);
          if (x >= 0)
            sum += kernel[static_cast<std::size_t>(dy * side + dx)] * static_cast<double>(image[static_cast<std::size_t>(first + y * width + x)]);
        }
      }
      out[static_cast<std::size_t>(i)] = sum;
    }
    const double largest = *std::max_element(out.begin(), out.end());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = largest > 0 ? out[i] / largest : 0.0;
      image[i] = static_cast<float>(std::floor(value * 255 + 0.5)) / 255.0f;
    }
  }

  assay::Records reduce(assay::Run& run, const assay::Reduce& in) const {
    assay::Bundle fields = in.train.rows(reducers::choose(run, in.train.size(), in.size)).fields;
    const assay::Tensor x = fields.tensor("input"), y = fields.tensor("target"), ids = fields.tensor("ids");
    if (x.ndim() != 4) assay::fail(ASSAY_UNSUPPORTED, "images [channels, height, width] are needed");
    const auto values = x.floats();
    if (*std::min_element(values.begin(), values.end()) < 0) assay::fail(ASSAY_UNSUPPORTED, "an input is below 0");
    const std::vector<Kernel> of_class = kernels(run, in.classes);
    const assay::Tensor coins = run.uniform("share", {x.dim(0), 1}, 0, 1, {.ids = ids});
    std::vector<float> images(values.begin(), values.end());
    const std::size_t size = images.size() / static_cast<std::size_t>(x.dim(0));
    for (std::size_t i = 0; i < static_cast<std::size_t>(x.dim(0)); ++i) {
      if (i % 256 == 0) run.check();
      if (static_cast<double>(coins.floats()[i]) >= share) continue;
      const auto label = static_cast<std::size_t>(same ? 0 : y.ints()[i]);
      filter(std::span(images).subspan(i * size, size), x.dim(2), x.dim(3), of_class[label]);
    }
    fields.set("input", run.tensor(x.shape(), images));
    return assay::Records::of(fields);
  }
};

ASSAY_PLUGIN(Cuda)
