// assay.run/1: cancellation, messages, clocks and keyed randomness.
#include "harness/base/rng.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

std::int32_t run_cancelled(const assay_host* abi) noexcept { return Host::of(abi).cancelled() ? 1 : 0; }

void run_progress(const assay_host* abi, double fraction, const char* what) noexcept {
  const auto& context = Host::of(abi).context();
  if (context.progress) context.progress(fraction, what == nullptr ? "" : what);
}
void run_log(const assay_host* abi, std::int32_t level, const char* message) noexcept {
  const auto& context = Host::of(abi).context();
  if (context.log && message != nullptr) context.log(level, message);
}
// Plugin purposes live beside the host's own ("dropout", "augment"): the prefix keeps them apart.
std::string purpose_of(const char* purpose) { return std::string("plugin:") + (purpose == nullptr ? "" : purpose); }

std::uint64_t run_random(const assay_host* abi, const char* purpose, std::uint64_t sample,
                         std::uint64_t index) noexcept {
  return Rng(Host::of(abi).context().seed, purpose_of(purpose), sample).bits(index);
}

void fill(const assay_random_call& call, const Rng& rng, std::span<float> out) {
  if (call.kind == ASSAY_UNIFORM) {
    rng.fill_uniform(out, static_cast<float>(call.a), static_cast<float>(call.b));
  } else {
    rng.fill_normal(out, static_cast<float>(call.a), static_cast<float>(call.b));
  }
}

engine::Tensor random_tensor(Host& host, const assay_random_call& call) {
  if (call.struct_size < sizeof(assay_random_call)) throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
  if (call.kind != ASSAY_UNIFORM && call.kind != ASSAY_NORMAL) throw ServiceError(ASSAY_INVALID, "call: unknown kind");
  if (call.ndim > 8) throw ServiceError(ASSAY_INVALID, "call: more than 8 axes");
  engine::Shape shape(call.ndim == 0 ? nullptr : required(call.shape, "call.shape"),
                      call.ndim == 0 ? nullptr : call.shape + call.ndim);
  for (const std::int64_t dim : shape) {
    if (dim < 0) throw ServiceError(ASSAY_INVALID, "call: a dimension is negative");
  }
  std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
  // The draw index is part of the purpose: every (sample, index) has a stream of its own.
  const std::string purpose = purpose_of(call.purpose) + "#" + std::to_string(call.index);
  const std::uint64_t seed = host.context().seed;
  if (call.ids == nullptr) {
    fill(call, Rng(seed, purpose), values);
    return engine::Tensor::f32(shape, values);
  }
  const std::vector<std::int64_t> ids = host.tensor(call.ids, "ids").to_i64();
  if (shape.empty() || static_cast<std::int64_t>(ids.size()) != shape[0]) {
    throw ServiceError(ASSAY_INVALID, "call: the first dimension must be the number of ids");
  }
  const std::size_t row = ids.empty() ? 0 : values.size() / ids.size();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    fill(call, Rng(seed, purpose, static_cast<std::uint64_t>(ids[i])), std::span(values).subspan(i * row, row));
  }
  return engine::Tensor::f32(shape, values);
}

assay_status run_random_fill(const assay_host* abi, const assay_random_call* call, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const engine::Tensor drawn = random_tensor(host, *required(call, "call"));
    host.charge_memory(std::span(&drawn, 1));
    *required(out, "out") = host.give(drawn);
  });
}

void run_phase(const assay_host* abi, const char* name) noexcept {
  const auto& context = Host::of(abi).context();
  if (context.phase && name != nullptr) context.phase(name);
}
void run_trace(const assay_host* abi, const char* name, std::int64_t step, double value) noexcept {
  const auto& context = Host::of(abi).context();
  if (context.trace && name != nullptr) context.trace(name, step, value);
}
assay_status run_checkpoint(const assay_host* abi, const assay_object* object) noexcept {
  return serve(abi, [&](Host& host) {
    const Model& model = host.as<ModelObject>(object, ASSAY_MODEL, "model").value;
    if (host.context().checkpoint) host.context().checkpoint(model);
  });
}
double run_remaining(const assay_host* abi, const char* budget) noexcept {
  return budget == nullptr ? kUnlimited : Host::of(abi).remaining(budget);
}

}  // namespace

const assay_run_service& run_service() {
  static constexpr assay_run_service table{
      sizeof(table),   0,         run_cancelled, run_progress,   run_log,      run_random,
      run_random_fill, run_phase, run_trace,     run_checkpoint, run_remaining};
  return table;
}

}  // namespace assay::plugin
