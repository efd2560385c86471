// SDK run: what a role call may ask of the host besides its inputs.
#pragma once

#include "assay/sdk/graph.hpp"

namespace assay {

struct RandomOptions {
  Tensor ids = {};          // i64 [n]: row r is keyed by ids[r], so that it does not depend on the batch
  std::uint64_t index = 0;  // which draw: the step, the restart
};

class Run {
 public:
  explicit Run(const sdk::Api& api) : api_(&api) {}
  const sdk::Api& api() const { return *api_; }

  bool cancelled() const { return service().cancelled(host()) != 0; }
  // Throws when cancelled: call it in every loop that may take longer than a second.
  void check() const {
    if (cancelled()) fail(ASSAY_CANCELLED, "cancelled");
  }
  void progress(double fraction, const char* what = "") const { service().progress(host(), fraction, what); }
  void log(const std::string& message, int level = 1) const { service().log(host(), level, message.c_str()); }
  void phase(const char* name) const { service().phase(host(), name); }
  void trace(const char* name, std::int64_t step, double value) const { service().trace(host(), name, step, value); }
  void checkpoint(const Model& model) const { api_->check(service().checkpoint(host(), model.raw())); }
  double remaining(const char* budget) const { return service().remaining(host(), budget); }

  std::uint64_t random(const char* purpose, std::uint64_t sample = 0, std::uint64_t index = 0) const {
    return service().random(host(), purpose, sample, index);
  }
  Tensor uniform(const char* purpose, const Shape& shape, double lo, double hi,
                 const RandomOptions& options = {}) const {
    return fill(ASSAY_UNIFORM, purpose, shape, lo, hi, options);
  }
  Tensor normal(const char* purpose, const Shape& shape, double mean, double sd,
                const RandomOptions& options = {}) const {
    return fill(ASSAY_NORMAL, purpose, shape, mean, sd, options);
  }

  template <class T>
  Tensor tensor(const Shape& shape, const std::vector<T>& values) const {
    return Tensor::of<T>(*api_, shape, std::span<const T>(values));
  }
  Tensor zeros(const Shape& shape, DType dtype = DType::f32) const { return Tensor::zeros(*api_, shape, dtype); }
  Tensor full(const Shape& shape, float value) const {
    std::int64_t count = 1;
    for (const std::int64_t dim : shape) count *= dim;
    return tensor<float>(shape, std::vector<float>(static_cast<std::size_t>(count), value));
  }
  Graph graph() const { return Graph::create(*api_); }

 private:
  const assay_host* host() const { return api_->host(); }
  const assay_run_service& service() const { return api_->run(); }
  Tensor fill(std::int32_t kind, const char* purpose, const Shape& shape, double a, double b,
              const RandomOptions& options) const {
    assay_random_call call{};
    call.struct_size = sizeof call;
    call.kind = kind;
    call.purpose = purpose;
    call.ids = options.ids.raw();
    call.index = options.index;
    call.shape = shape.data();
    call.ndim = shape.size();
    call.a = a;
    call.b = b;
    assay_object* out = nullptr;
    api_->check(service().random_fill(host(), &call, &out));
    return Tensor(Object::adopt(*api_, out));
  }
  const sdk::Api* api_;
};

}  // namespace assay
