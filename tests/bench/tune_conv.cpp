// assay-tune: measures direct against Winograd convolutions and prints the table that conv_choices.cpp includes.
//   build/bin/assay-tune > harness/engine/tensor/conv_choices.def      (minutes; then raise Numerics::current_version)
// Process CPU time on one thread, the two alternating; Winograd must win by kMargin in the median round. As in a net, the
// layer before has left the activations in the cache, and the weights were last touched one pass ago: kCopies of them
// are used in turn. (Winograd's transformed weights are four times as many bytes, so weights that are always in the
// cache would flatter it where it matters most, in wide layers at small batches.)
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "harness/base/rng.hpp"
#include "harness/engine/tensor/conv_choices.hpp"

namespace {

using namespace assay::engine;
using native::ConvAlgorithm;
using native::ConvPass;
using native::ConvProblem;

constexpr double kMargin = 1.08;
constexpr int kRounds = 7;
constexpr double kSeconds = 0.01;  // of each round
constexpr int kCopies = 8;         // a net has about as many layers of a width

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A kernel with operands that are noise and memory of its own.
class Contestant {
 public:
  Contestant(Kernel kernel, ConvPass pass) : kernel_(std::move(kernel)), gradient_(pass == ConvPass::backward_weights) {
    for (const Layout& l : kernel_.in) in_.push_back(noise(l.bytes())->data());
    for (const Layout& l : kernel_.out) out_.push_back(noise(l.bytes())->data());
    const std::size_t bytes = gradient_ ? kernel_.out[0].bytes() : kernel_.in[1].bytes();
    for (int i = 0; i < kCopies; ++i) weights_.push_back(noise(bytes)->data());
    scratch_ = noise(std::max<std::size_t>(kernel_.scratch_bytes, 64))->data();
    const double start = cpu_seconds();
    run(kCopies);
    count_ = std::max(1, static_cast<int>(kCopies * kSeconds / std::max(cpu_seconds() - start, 1e-7)));
  }
  const std::string& name() const { return kernel_.name; }
  double seconds() {
    const double start = cpu_seconds();
    run(count_);
    return (cpu_seconds() - start) / count_;
  }

 private:
  std::shared_ptr<Storage> noise(std::size_t bytes) {
    memory_.push_back(Storage::allocate(bytes));
    std::span<float> values(reinterpret_cast<float*>(memory_.back()->data()), bytes / sizeof(float));
    assay::Rng(memory_.size(), "tune").fill_uniform(values, -1, 1);
    return memory_.back();
  }
  void run(int times) {
    for (; times > 0; --times) {
      std::byte* weights = weights_[next_++ % weights_.size()];
      if (gradient_)
        out_[0] = weights;
      else
        in_[1] = weights;
      kernel_.run({in_, out_, scratch_});
    }
  }
  Kernel kernel_;
  bool gradient_;  // of the weights: they are the result
  std::vector<std::byte*> weights_;
  std::size_t next_ = 0;
  std::vector<std::shared_ptr<Storage>> memory_;
  std::vector<const void*> in_;
  std::vector<void*> out_;
  void* scratch_ = nullptr;
  int count_ = 1;
};

Kernel kernel_for(ConvPass pass, ConvProblem problem, ConvAlgorithm algorithm) {
  problem.algorithm = algorithm;
  problem.training = pass == ConvPass::forward_training;
  if (pass == ConvPass::forward || pass == ConvPass::forward_training) return native::make_conv_forward(problem, {}, {});
  if (pass == ConvPass::backward_data) return native::make_conv_backward_data(problem, {});
  return native::make_conv_backward_weights(problem, {}, {});
}

ConvProblem problem_of(const native::ConvClass& c) {
  ConvProblem p;
  p.src = p.dst = {c.batch, c.channels, c.extent, c.extent};
  p.weights = {c.channels, c.channels, 3, 3};
  p.pad_before = p.pad_after = {1, 1};
  return p;
}

// Direct time / Winograd time; 0 without a Winograd kernel.
double advantage(ConvPass pass, const native::ConvClass& c) {
  Contestant direct(kernel_for(pass, problem_of(c), ConvAlgorithm::direct), pass);
  Contestant winograd(kernel_for(pass, problem_of(c), ConvAlgorithm::winograd), pass);
  if (winograd.name().find("wino") == std::string::npos) return 0;
  std::vector<double> ratios;
  for (int r = 0; r < kRounds; ++r) {
    const double slow = direct.seconds();
    ratios.push_back(slow / winograd.seconds());
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios[kRounds / 2];
}

// The f32 kernels of this set serve the later ones too.
std::string isa_family(const std::string& isa) {
  const std::string wide = "avx512_core";
  return isa.substr(0, wide.size()) == wide ? wide : isa;
}

}  // namespace

int main() {
  const std::string isa = isa_family(native::effective_isa());
  std::printf("// Made by build/bin/assay-tune on %s, oneDNN %s: classes of shapes where Winograd's algorithm is at least\n"
              "// %.2f times as fast as the direct one. isa, pass, channels, extent, batch; the comment is the advantage.\n",
              native::effective_isa().c_str(), native::library_version().c_str(), kMargin);
  const std::pair<ConvPass, const char*> passes[] = {{ConvPass::forward, "forward"},
                                                     {ConvPass::forward_training, "forward_training"},
                                                     {ConvPass::backward_data, "backward_data"},
                                                     {ConvPass::backward_weights, "backward_weights"}};
  for (const auto& [pass, name] : passes) {
    for (const std::int64_t channels : {32, 64, 128, 256, 512}) {
      for (const std::int64_t extent : {4, 8, 16, 32, 64}) {
        for (const std::int64_t batch : {1, 8, 32}) {
          if (channels * extent > 64 * 64) continue;  // no image net is both that wide and that large
          const double gain = advantage(pass, {channels, extent, batch});
          if (gain < kMargin) continue;
          std::printf("ASSAY_WINOGRAD(%s, %s, %lld, %lld, %lld)  // %.2f\n", isa.c_str(), name, static_cast<long long>(channels),
                      static_cast<long long>(extent), static_cast<long long>(batch), gain);
          std::fflush(stdout);
        }
      }
    }
  }
}
