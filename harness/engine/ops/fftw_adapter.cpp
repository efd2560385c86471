#include "harness/engine/ops/fftw_adapter.hpp"

#include <fftw3.h>

#include <mutex>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/tensor.hpp"

namespace assay::engine {
namespace {

std::mutex& planner() {  // FFTW's planner is one for the process
  static std::mutex mutex;
  return mutex;
}

fftwf_complex* pairs(float* row) { return reinterpret_cast<fftwf_complex*>(row); }

fftwf_plan make_plan(RowTransform kind, int n, float* from, float* to) {
  constexpr unsigned flags = FFTW_ESTIMATE | FFTW_DESTROY_INPUT;
  switch (kind) {
    case RowTransform::forward:
      return fftwf_plan_dft_1d(n, pairs(from), pairs(to), FFTW_FORWARD, flags);
    case RowTransform::inverse:
      return fftwf_plan_dft_1d(n, pairs(from), pairs(to), FFTW_BACKWARD, flags);
    case RowTransform::real_forward:
      return fftwf_plan_dft_r2c_1d(n, from, pairs(to), flags);
    default:
      return fftwf_plan_dft_c2r_1d(n, pairs(from), to, flags);
  }
}

void destroy(void* plan) {
  const std::lock_guard lock(planner());
  fftwf_destroy_plan(static_cast<fftwf_plan>(plan));
}

}  // namespace

RowFft::RowFft(RowTransform kind, std::int64_t n) : kind_(kind), n_(n) {
  // Planning reads the alignment of the rows, not what is in them.
  const auto bytes = 2 * (static_cast<std::size_t>(n) + 1) * sizeof(float);
  const auto from = Storage::allocate(bytes), to = Storage::allocate(bytes);
  const std::lock_guard lock(planner());
  fftwf_forget_wisdom();
  plan_ = std::shared_ptr<void>(make_plan(kind, static_cast<int>(n), reinterpret_cast<float*>(from->data()),
                                          reinterpret_cast<float*>(to->data())),
                                [](void* plan) { destroy(plan); });
  if (!plan_) throw Error(Fault::bad_input, "no Fourier transform of length " + std::to_string(n));
}

void RowFft::operator()(float* from, float* to) const {
  const auto plan = static_cast<fftwf_plan>(plan_.get());
  switch (kind_) {
    case RowTransform::forward:
    case RowTransform::inverse:
      fftwf_execute_dft(plan, pairs(from), pairs(to));
      return;
    case RowTransform::real_forward:
      fftwf_execute_dft_r2c(plan, from, pairs(to));
      return;
    default:
      from[1] = 0;
      if (n_ % 2 == 0) from[n_ + 1] = 0;
      fftwf_execute_dft_c2r(plan, pairs(from), to);
  }
}

std::string fft_library_version() { return fftwf_version; }

}  // namespace assay::engine
