// Fourier transforms of one row at a time: with fftw_adapter.cpp the only place that knows FFTW.
// Plans come from FFTW_ESTIMATE and from nothing remembered, so that equal lengths give equal bits; a row at a time, so
// that a batch does not matter. The order of the sums inside is FFTW's and depends on the instruction set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace assay::engine {

enum class RowTransform { forward, inverse, real_forward, real_inverse };

// Unnormalised: forward is sum x_j exp(-2 pi i j k / n), inverse the same with +. Complex numbers are pairs of f32.
// real_forward: n reals -> n / 2 + 1 pairs; real_inverse: back, reading the imaginary parts of the first and (n even)
// the last pair as 0. Running is thread-safe.
class RowFft {
 public:
  RowFft(RowTransform kind, std::int64_t n);  // n > 0; throws Error(bad_input) when FFTW has no plan
  // `from` and `to` are apart and aligned to 64 bytes; `from` may be overwritten.
  void operator()(float* from, float* to) const;

 private:
  RowTransform kind_;
  std::int64_t n_;
  std::shared_ptr<void> plan_;
};

std::string fft_library_version();

}  // namespace assay::engine
