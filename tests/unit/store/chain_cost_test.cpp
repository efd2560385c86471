// What a board says a chain cost: all of its links.
#include <doctest/doctest.h>

#include "results/store/store.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

Node link_node(const std::string& name) {
  Node node = make_cell({name, 0});
  node.kind = NodeKind::prepare;
  return node;
}

}  // namespace

TEST_CASE("a chain's cell knows what its links cost, their judges apart, and one without a chain has none") {
  Bench bench;
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");
  for (const char* name : {"start", "first", "second"}) plan.nodes.push_back(link_node(name));
  CellSpec spec{"worst", 0};
  spec.params = Json::object({{"chain", "first > second > third"}});
  plan.nodes.push_back(make_cell(spec));
  plan.nodes.push_back(make_cell({"alone", 0}));
  Store db = Store::open(bench.path() / "x.db");
  std::string before;
  for (std::size_t i = 0; i < 4; ++i) {
    Finished f = bench.ok(plan.nodes[i], {column_event(column("robust", "eps=1/10", {1, 0, 1}))});
    if (i < 3) f.stages.back().stage = "survivors";
    if (i == 0) f.stages.erase(f.stages.begin());
    if (!before.empty()) f.input_digests.emplace_back("chain", before);
    before = sha256("left by " + std::to_string(i));
    if (i < 3) f.artifact.files = {{"chain.safetensors", before, 10}};
    db.import(plan, f);
  }
  db.import(plan, bench.ok(plan.nodes[4], {column_event(column("robust", "eps=1/10", {1, 0, 1}))}));
  const auto cells = db.cells(plan.protocol_hash);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].method == "alone");
  CHECK(cells[0].standing->links_cpu_seconds == 0);
  CHECK(cells[1].standing->links_cpu_seconds == doctest::Approx(2 * 1.5));  // two run stages, no judge of 50 s
  CHECK(cells[1].standing->links_wall_seconds == doctest::Approx(2 * 2.0));
}
