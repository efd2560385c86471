// Windows and the mel filter bank, which are functions of sizes alone and computed at import; Fourier transforms.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

constexpr std::int64_t most_samples = std::int64_t{1} << 24;

double number(Call& call, std::size_t index, const char* what) {
  const Tensor value = call.known(call.in(index), what);
  if (value.count() != 1) call.bad(fmt::format("takes one {}", what));
  return static_cast<double>(value.to_f32()[0]);
}

Operand real_output(Call& call, const Tensor& value) {
  const auto to = static_cast<Element>(call.integer("output_datatype", static_cast<int>(Element::f32)));
  if (!readable(to)) call.unsupported("to type " + element_name(to));
  return call.cast(call.constant(value), dtype_of(to));
}

// a0 - a1 cos(x) + a2 cos(2 x), x over one period of `size` samples, or of size - 1 for a symmetric window.
Operands cosine_window(Call& call, double a0, double a1, double a2) {
  const double size = number(call, 0, "size");
  if (!(size >= 1 && size <= static_cast<double>(most_samples))) call.bad(fmt::format("has size {}", size));
  const double period = call.integer("periodic", 1) != 0 ? size : size - 1;
  std::vector<float> values;
  for (std::int64_t n = 0; n < static_cast<std::int64_t>(size); ++n) {
    const double x = period > 0 ? 2 * std::numbers::pi * static_cast<double>(n) / period : 0;
    values.push_back(static_cast<float>(a0 - a1 * std::cos(x) + a2 * std::cos(2 * x)));
  }
  return {real_output(call, Tensor::f32({static_cast<std::int64_t>(values.size())}, values))};
}

Operands hann(Call& call) { return cosine_window(call, 0.5, 0.5, 0); }
Operands hamming(Call& call) { return cosine_window(call, 25.0 / 46, 1 - 25.0 / 46, 0); }
Operands blackman(Call& call) { return cosine_window(call, 0.42, 0.5, 0.08); }

double to_mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double to_hertz(double mel) { return 700 * (std::pow(10.0, mel / 2595) - 1); }

// Triangles between neighbouring mel frequencies, on the bins of a one-sided spectrum: [bins, mels].
Operands mel_weights(Call& call) {
  const double mels = number(call, 0, "number of bins"), length = number(call, 1, "length"), rate = number(call, 2, "sample rate");
  const double low = to_mel(number(call, 3, "lower edge")), high = to_mel(number(call, 4, "upper edge"));
  const double bins = std::floor(length / 2) + 1;
  if (!(mels >= 1 && length >= 1 && rate > 0 && mels * bins <= static_cast<double>(most_samples))) call.bad("has sizes that make no matrix");
  const auto rows = static_cast<std::int64_t>(bins), columns = static_cast<std::int64_t>(mels);
  std::vector<std::int64_t> edges;
  for (std::int64_t k = 0; k < columns + 2; ++k) {
    const double hertz = to_hertz(low + static_cast<double>(k) * (high - low) / static_cast<double>(columns + 2));
    edges.push_back(static_cast<std::int64_t>(std::floor((length + 1) * hertz / rate)));
  }
  std::vector<float> values(static_cast<std::size_t>(rows * columns), 0.0F);
  const auto set = [&](std::int64_t row, std::int64_t column, double value) {
    if (row >= 0 && row < rows) values[static_cast<std::size_t>(row * columns + column)] = static_cast<float>(value);
  };
  for (std::int64_t c = 0; c < columns; ++c) {
    const std::int64_t a = edges[static_cast<std::size_t>(c)], b = edges[static_cast<std::size_t>(c) + 1], d = edges[static_cast<std::size_t>(c) + 2];
    if (a == b) set(b, c, 1);
    for (std::int64_t k = a; b != a && k <= b; ++k) set(k, c, static_cast<double>(k - a) / static_cast<double>(b - a));
    for (std::int64_t k = b; d != b && k < d; ++k) set(k, c, static_cast<double>(d - k) / static_cast<double>(d - b));
  }
  return {real_output(call, Tensor::f32({rows, columns}, values))};
}

// The last axis is 1 (real) or 2 (real and imaginary part); the engine's transform wants pairs.
Operand as_pairs(Call& call, const Operand& x) {
  if (x.rank() < 2 || x.shape().back() < 1 || x.shape().back() > 2) call.bad("needs a last axis of 1 or 2, real or complex: " + x.spec.str());
  if (x.shape().back() == 2) return x;
  return call.emit("concat", {x, call.emit("mul", {x, call.scalar(0)})}, {{"axis", x.rank() - 1}});
}

// The first `size` entries of an axis.
Operand first_of(Call& call, const Operand& x, std::int64_t axis, std::int64_t size) {
  if (x.shape()[static_cast<std::size_t>(axis)] == size) return x;
  Shape sizes(x.shape().size(), -1);
  sizes[static_cast<std::size_t>(axis)] = size;
  return call.emit("slice", {x}, {{"size", sizes}});
}

// Over the axis before the pairs; one-sided: the frequencies up to half the length.
Operand transformed(Call& call, const Operand& pairs, bool inverse, bool one_sided) {
  const Operand made = call.emit(inverse ? "ifft" : "fft", {pairs}, {{"norm", std::string("backward")}});
  const std::int64_t axis = made.rank() - 2, n = made.shape()[static_cast<std::size_t>(axis)];
  return one_sided ? first_of(call, made, axis, n / 2 + 1) : made;
}

std::int64_t length_of(Call& call, std::size_t index, std::int64_t otherwise) {
  if (!call.has(index)) return otherwise;
  const double length = number(call, index, "length");
  if (!(length >= 1 && length <= static_cast<double>(most_samples))) call.bad(fmt::format("has length {}", length));
  return static_cast<std::int64_t>(length);
}

Operands dft(Call& call) {
  const Operand x = as_pairs(call, call.in(0));
  const std::int64_t axis = call.axis(call.integer("axis", 1), x.rank());
  if (axis + 1 == x.rank()) call.bad("transforms the axis of real and imaginary parts");
  const bool inverse = call.integer("inverse", 0) != 0, one_sided = call.integer("onesided", 0) != 0;
  const std::int64_t have = x.shape()[static_cast<std::size_t>(axis)], length = length_of(call, 1, have);
  Operand sized = x;
  if (length < have) sized = first_of(call, x, axis, length);
  if (length > have) {
    Shape after(x.shape().size(), 0);
    after[static_cast<std::size_t>(axis)] = length - have;
    sized = call.emit("pad", {x}, {{"before", Shape(x.shape().size(), 0)}, {"after", after}});
  }
  Shape perm;
  for (std::int64_t a = 0; a < x.rank(); ++a) perm.push_back(a);
  std::swap(perm[static_cast<std::size_t>(axis)], perm[static_cast<std::size_t>(x.rank()) - 2]);
  const bool moves = axis + 2 != x.rank();
  const Operand made = transformed(call, moves ? call.transpose(sized, perm) : sized, inverse, one_sided);
  return {moves ? call.transpose(made, perm) : made};
}

// signal [N, length, 1 or 2], step, window?, frame length? -> [N, frames, frequencies, 2]
Operands stft(Call& call) {
  const Operand& x = call.in(0);
  if (x.rank() != 3) call.bad("takes a signal [N, length, 1 or 2], not " + x.spec.str());
  const std::int64_t step = length_of(call, 1, 1), have = x.shape()[1];
  const std::int64_t width = call.has(3) ? length_of(call, 3, 1) : call.has(2) ? call.in(2).spec.count() : have;
  if (width > have) call.bad(fmt::format("has frames of {} for a signal of {}", width, have));
  const std::int64_t frames = (have - width) / step + 1;
  std::vector<std::int64_t> places;
  for (std::int64_t f = 0; f < frames; ++f) {
    for (std::int64_t k = 0; k < width; ++k) places.push_back(f * step + k);
  }
  Operand cut = call.emit("gather", {x, call.constant(Tensor::i64({frames, width}, places))}, {{"axis", std::int64_t{1}}});
  if (call.has(2)) cut = call.emit("mul", {cut, call.reshape(call.in(2), {width, 1})});
  return {transformed(call, as_pairs(call, cut), false, call.integer("onesided", 1) != 0)};
}

}  // namespace

Rows signal_rows() {
  return {{"BlackmanWindow", blackman}, {"DFT", dft},   {"HammingWindow", hamming}, {"HannWindow", hann},
          {"MelWeightMatrix", mel_weights}, {"STFT", stft}};
}

}  // namespace assay::onnx
