// Budgets in the handles: each sample by itself, wall time, memory; what a method that runs out can do, and what is noted.
#include <functional>

#include "tests/unit/plugin/world.hpp"

using namespace world;

namespace {

using Ids = std::vector<std::uint64_t>;

// "" when the pass is granted, else the refusal.
std::string refusal(const std::function<void()>& pass) {
  try {
    pass();
  } catch (const plugin::ServiceError& error) {
    CHECK(error.status() == ASSAY_BUDGET);
    return error.what();
  }
  return "";
}

struct Spender {
  plugin::Host host;
  plugin::Model model = victim();
  explicit Spender(plugin::Budget budget, double seconds_before = 0) : host([&] {
    plugin::HostContext made = context(budget);
    made.seconds_before = seconds_before;
    return made;
  }()) {
    host.begin_call(std::vector<std::int64_t>{10, 11, 12, 13}, 4);
  }
  std::string forward(std::int64_t rows, const Ids& ids = {}) {
    return refusal([&] { host.charge_forward(model, rows, ids); });
  }
  std::string backward(std::int64_t rows, const Ids& ids = {}) {
    return refusal([&] { host.charge_backward(model, rows, ids); });
  }
};

plugin::Budget passes(double forward, double backward = plugin::kUnlimited) {
  plugin::Budget budget;
  budget.forward_per_sample = forward;
  budget.backward_per_sample = backward;
  return budget;
}

}  // namespace

TEST_CASE("no sample lives on what its neighbours left [rule 8]") {
  Spender spender(passes(3));
  CHECK(spender.forward(4) == "");
  CHECK(spender.forward(1, {10}) == "");
  CHECK(spender.forward(2, {10, 12}) == "");
  CHECK(spender.host.remaining("forward_per_sample") == 0);
  // Seven of the batch's twelve passes are spent, but sample 10 has had its three.
  CHECK(spender.forward(1, {10}) == "budget exhausted: forward_per_sample = 3");
  CHECK(spender.forward(2, {11, 10}) == "budget exhausted: forward_per_sample = 3");
  CHECK(spender.host.counters().forward == 7);  // what was refused counts nowhere
  CHECK(spender.forward(3, {11, 12, 13}) == "");
  CHECK(spender.forward(2, {11, 13}) == "");
  CHECK(spender.forward(1, {11}) != "");
  CHECK(spender.host.counters().forward == 12);
  // The next batch starts anew.
  spender.host.begin_call(std::vector<std::int64_t>{20, 21}, 2);
  CHECK(spender.forward(2) == "");
  CHECK(spender.host.remaining("forward_per_sample") == 2);
}

TEST_CASE("passes without ids are charged to every sample alike") {
  Spender copies(passes(3, 2));
  CHECK(copies.forward(8) == "");  // two each
  CHECK(copies.host.remaining("forward_per_sample") == 1);
  CHECK(copies.forward(1) == "");  // whose it is nobody said: one each
  CHECK(copies.forward(1) != "");
  CHECK(copies.backward(5) == "");  // 5 rows of 4 samples: one of them had two, so two each
  CHECK(copies.backward(1) == "budget exhausted: backward_per_sample = 2");
  Spender strange(passes(1));
  CHECK(strange.forward(1, {99}) == "");  // no sample of this batch
  CHECK(strange.forward(1, {10}) != "");
  Spender repeated(passes(3));
  CHECK(repeated.forward(3, {10, 10, 10}) == "");
  CHECK(repeated.forward(1, {10}) != "");
  CHECK(repeated.forward(3, {11, 12, 13}) == "");
}

TEST_CASE("calls without a batch have no budget per sample") {
  Spender spender(passes(1, 1));
  spender.host.begin_call({}, 0);
  CHECK(spender.forward(100) == "");
  CHECK(spender.backward(100) == "");
  CHECK(spender.host.remaining("forward_per_sample") == plugin::kUnlimited);
}

TEST_CASE("what ran out is noted once a call, with what had been spent") {
  Spender spender(passes(2));
  CHECK(spender.forward(4) == "");
  CHECK(spender.backward(4) == "");
  CHECK(spender.forward(8) != "");
  CHECK(spender.forward(8) != "");
  REQUIRE(spender.host.exhausted().size() == 1);
  const plugin::Exhausted& noted = spender.host.exhausted()[0];
  CHECK((noted.budget == "forward_per_sample" && noted.limit == 2 && noted.forward == 1 && noted.backward == 1));
  CHECK(noted.macs == doctest::Approx(8 * spender.model.macs_per_sample));
  spender.host.begin_call({}, 0);
  CHECK(spender.host.exhausted().empty());
}

TEST_CASE("wall time counts what earlier processes of the cell spent") {
  plugin::Budget budget;
  budget.seconds = 60;
  CHECK(Spender(budget).forward(4) == "");
  CHECK(Spender(budget, 30).host.remaining("seconds") == doctest::Approx(30).epsilon(0.05));
  Spender late(budget, 61);
  CHECK(late.forward(4) == "budget exhausted: seconds = 60");
  CHECK(late.backward(4) == "budget exhausted: seconds = 60");
  CHECK(refusal([&] { late.host.charge_op(1); }) == "budget exhausted: seconds = 60");
  CHECK(late.host.exhausted().at(0).seconds >= 61);
}

TEST_CASE("memory: tensors that are held count, those given back do not") {
  plugin::Budget budget;
  budget.memory_mb = 1;
  plugin::Host host(context(budget));
  const std::int64_t shape[] = {200000};  // 0.76 MiB of f32
  assay_view content{};
  content.struct_size = sizeof content;
  content.dtype_code = ASSAY_DL_FLOAT;
  content.dtype_bits = 32;
  content.dtype_lanes = 1;
  content.ndim = 1;
  content.shape = shape;
  const auto create = [&](assay_object** out) { return plugin::tensor_service().create(host.abi(), &content, out); };
  assay_object *first = nullptr, *second = nullptr;
  REQUIRE(create(&first) == ASSAY_OK);
  CHECK(host.remaining("memory_mb") == doctest::Approx(1 - 800000.0 / (1 << 20)));
  CHECK(create(&second) == ASSAY_BUDGET);
  CHECK(second == nullptr);
  CHECK(contains(host.take_message(), "budget exhausted: memory_mb = 1"));
  CHECK(host.exhausted().at(0).memory_mb == doctest::Approx(800000.0 / (1 << 20)));
  host.release(first);
  CHECK(create(&second) == ASSAY_OK);
  host.release(second);
  CHECK(host.remaining("memory_mb") == 1);
}

TEST_CASE("a method may act on the error, and one that does not gets no further") {
  const auto attack = [](const char* file, const char* id, const plugin::Budget& budget) {
    return PluginLibrary::open(test_plugin(file)).create(id, Json(Json::Object{}), context(budget));
  };
  const plugin::AttackInputs in = attack_in(victim());
  Instance careful = attack("budget_best_so_far", "budget-best-so-far", passes(plugin::kUnlimited, 3));
  const Bundle best = careful.perturb(plugin::attack_inputs(in));
  CHECK(plugin::adversarial_of(best, in.x.shape()).to_f32() != in.x.to_f32());
  CHECK(careful.counters().backward == 3 * 8);
  REQUIRE(careful.exhausted().size() == 1);
  CHECK(careful.exhausted()[0].backward == 3);
  CHECK(careful.destroy().empty());

  Instance careless = attack("budget_ignored", "budget-ignored", passes(5));
  try {
    careless.perturb(plugin::attack_inputs(in));
    FAIL("the budget was not enforced");
  } catch (const PluginError& error) {
    CHECK(error.budget_exhausted());
    CHECK(contains(error.what(), "failed with BUDGET: budget exhausted: forward_per_sample = 5"));
  }
  CHECK(careless.counters().forward == 5 * 8);
  CHECK(careless.exhausted().at(0).forward == 5);
}
