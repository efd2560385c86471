// What the benchmark times: each work does what a cell of a suite does, through the same classes. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harness/base/json.hpp"
#include "harness/engine/tensor/tensor.hpp"
#include "harness/graph/compiled.hpp"

namespace assay::bench {

class Work {
 public:
  virtual ~Work() = default;
  virtual void once() = 0;             // one iteration
  virtual double items() const = 0;    // samples (scores for auroc) an iteration
  virtual double flops() const = 0;    // of an iteration, as the field counts: 2 a multiply-add and pass; 0 when not a net
  virtual double macs() const { return 0; }  // of one sample, forward
};

struct WorkSpec {
  std::string work;       // train | pgd | infer | build | auroc | peak
  std::string model;      // of the zoo
  Json params;            // of the model
  engine::Shape input;    // of one sample
  std::int64_t batch = 1;
  graph::Precision precision = graph::Precision::f32;  // of train (f32, bf16) and infer
};

// Throws Error(bad_input) for an unknown work or model.
std::unique_ptr<Work> make_work(const WorkSpec& spec);

double fma_flops(std::int64_t rounds);  // runs that many rounds of independent f32 multiply-adds, gives their count
extern volatile float fma_sink;         // keeps the compiler from dropping them

}  // namespace assay::bench
