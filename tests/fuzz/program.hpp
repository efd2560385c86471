// A random program of registry ops: leaves, applications in order, one scalar root. The same program runs eagerly, as a
// compiled graph and on the naive double references, and all three must agree in values and gradients.
#pragma once

#include <string>
#include <vector>

#include "harness/graph/graph.hpp"
#include "tests/ops/reference.hpp"

namespace assay::fuzz {

using engine::Attrs;
using engine::OpId;
using engine::Spec;
using engine::Tensor;

// Values are numbered: leaves first come, first served, and results of applications as they are made.
struct Leaf {
  int value = 0;
  Tensor tensor;
  bool differentiable = false;
};

struct Application {
  OpId op = -1;
  Attrs attrs;
  std::vector<int> in, out;
  // Jumps (a comparison, a rounding): its operands are leaves, so that no rounding error decides a branch.
  bool adapter = false;  // put in by the generator to bring a value into the shape and range of an operand
};

struct Program {
  std::vector<Leaf> leaves;
  std::vector<Application> code;
  std::vector<Tensor> values;  // by number, as evaluated while the program was made
  int root = -1;               // a scalar: the sum of <random weights, every value that nobody reads>

  std::string to_text() const;
  graph::Graph to_graph() const;  // leaves are parameters (f32) and buffers, values are named v<number>
};

// A pure function of the seed. `length`: applications to draw, adapters not counted.
Program generate(std::uint64_t seed, int length);

}  // namespace assay::fuzz
