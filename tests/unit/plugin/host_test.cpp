// What the host grants, counts, refuses and survives.
#include <cmath>

#include "harness/engine/tape/eager.hpp"
#include "world.hpp"

using namespace world;

namespace {
// Services as a plugin sees them.
template <class Table>
const Table& service(plugin::Host& host, const char* id) {
  return *static_cast<const Table*>(host.abi()->service(host.abi(), id));
}
Instance pgd(plugin::HostContext host = context(), const Json& params = Json()) {
  return attack_library().create("good-attack", params, std::move(host));
}
}  // namespace

TEST_CASE("an attack runs, is counted and gives every handle back") {
  Instance method = pgd(context(), Json::object({{"steps", 4}}));
  const plugin::AttackInputs in = attack_in(victim());
  const engine::Tensor x = plugin::adversarial_of(method.perturb(plugin::attack_inputs(in)), in.x.shape());
  const std::vector<float> before = in.x.to_f32(), after = x.to_f32();
  float worst = 0;
  for (std::size_t i = 0; i < after.size(); ++i) worst = std::max(worst, std::abs(after[i] - before[i]));
  CHECK(worst > 0.09f);
  CHECK(worst < 0.1f + 1e-6f);
  CHECK(method.counters().forward == 4 * 8);
  CHECK(method.counters().backward == 4 * 8);
  CHECK(method.counters().models.at("victim").forward == 32);
  const double per_sample = graph::macs(*in.victims[0].graph);
  CHECK(method.counters().model_macs == doctest::Approx(64 * per_sample));
  CHECK(method.counters().ops > 8);
  CHECK(method.destroy().empty());
}

TEST_CASE("the SDK's loss gradient and the recorded tape agree") {
  // margin loss by hand on the tape against the compiled fast path
  const plugin::AttackInputs in = attack_in(victim());
  plugin::Host host(context());
  const auto& tensors = service<assay_tensor_service>(host, ASSAY_TENSOR_SERVICE);
  const auto& grads = service<assay_grad_service>(host, ASSAY_GRAD_SERVICE);
  const auto& models = service<assay_model_service>(host, ASSAY_MODEL_SERVICE);
  const plugin::Ref model = plugin::Ref::adopt(host.make<plugin::ModelObject>(in.victims[0]));
  const plugin::Ref x = plugin::Ref::adopt(host.give(in.x)), y = plugin::Ref::adopt(host.give(in.y));

  const assay_loss_call fast{sizeof(assay_loss_call), 0, "cross-entropy", x.get(), y.get(), nullptr, nullptr, 0};
  assay_object* direct = nullptr;
  REQUIRE(models.loss_grad(host.abi(), model.get(), &fast, &direct, nullptr, nullptr) == ASSAY_OK);

  assay_object *leaf = nullptr, *logits = nullptr, *losses = nullptr, *gradient = nullptr;
  REQUIRE(grads.watch(host.abi(), x.get(), &leaf) == ASSAY_OK);
  assay_forward_call forward{};
  forward.struct_size = sizeof forward;
  forward.x = leaf;
  REQUIRE(models.forward(host.abi(), model.get(), &forward, &logits) == ASSAY_OK);
  std::int32_t op = -1;
  REQUIRE(tensors.op_id(host.abi(), "cross_entropy", &op) == ASSAY_OK);
  const assay_object* const operands[] = {logits, y.get()};
  REQUIRE(tensors.apply(host.abi(), op, operands, 2, nullptr, 0, &losses, 1) == ASSAY_OK);
  const plugin::Ref ones = plugin::Ref::adopt(host.give(engine::Tensor::full({8}, 1)));
  const assay_object* const outputs[] = {losses};
  const assay_object* const inputs[] = {leaf};
  const assay_object* const cotangents[] = {ones.get()};
  const assay_grad_call call{sizeof(assay_grad_call), 0, outputs, 1, inputs, 1, cotangents};
  CHECK(host.counters().backward == 8);
  REQUIRE(grads.grad(host.abi(), &call, &gradient) == ASSAY_OK);
  CHECK(host.counters().backward == 16);  // the gate charged when the gradient came by
  CHECK(host.counters().model_macs == doctest::Approx(32 * in.victims[0].macs_per_sample));
  const auto a = host.tensor(direct).to_f32(), b = host.tensor(gradient).to_f32();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-3).scale(0.01));
  for (assay_object* object : {direct, leaf, logits, losses, gradient}) host.release(object);
}

TEST_CASE("pull(): one pass forward and one back a cotangent; a caller of ABI minor 2 is still served") {
  const plugin::AttackInputs in = attack_in(victim());
  plugin::Host host(context());
  const auto& models = service<assay_model_service>(host, ASSAY_MODEL_SERVICE);
  const plugin::Ref model = plugin::Ref::adopt(host.make<plugin::ModelObject>(in.victims[0]));
  const plugin::Ref x = plugin::Ref::adopt(host.give(in.x)), y = plugin::Ref::adopt(host.give(in.y));
  const plugin::Ref targets =
      plugin::Ref::adopt(host.give(engine::Tensor::i64({8}, std::vector<std::int64_t>{1, 2, 3, 0, 1, 2, 3, 0})));

  // Cotangent k: e_target - e_own, halved for k = 1; the loss "logit-difference" is the first of them.
  std::vector<float> way(8 * 4, 0.0f), half;
  const std::vector<std::int64_t> own = in.y.to_i64();
  for (std::size_t i = 0; i < 8; ++i) {
    way[4 * i + (i + 1) % 4] += 1;
    way[4 * i + static_cast<std::size_t>(own[i])] -= 1;
  }
  for (const float value : way) half.push_back(value / 2);
  const plugin::Ref first = plugin::Ref::adopt(host.give(engine::Tensor::f32({8, 4}, way))),
                    second = plugin::Ref::adopt(host.give(engine::Tensor::f32({8, 4}, half)));
  const assay_object* const cotangents[] = {first.get(), second.get()};
  const assay_pull_call call{sizeof(assay_pull_call), 0, x.get(), cotangents, 2, nullptr, 0};
  assay_object *grads[2] = {nullptr, nullptr}, *logits = nullptr, *direct = nullptr, *losses = nullptr;
  REQUIRE(models.pull(host.abi(), model.get(), &call, grads, &logits) == ASSAY_OK);
  CHECK(host.counters().forward == 8);
  CHECK(host.counters().backward == 16);

  const assay_loss_call towards{
      sizeof(assay_loss_call), 0, "logit-difference", x.get(), y.get(), targets.get(), nullptr, 0};
  REQUIRE(models.loss_grad(host.abi(), model.get(), &towards, &direct, &losses, nullptr) == ASSAY_OK);
  const auto a = host.tensor(grads[0]).to_f32(), b = host.tensor(grads[1]).to_f32(), c = host.tensor(direct).to_f32();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] == doctest::Approx(c[i]).epsilon(1e-4).scale(0.01));
    CHECK(b[i] == doctest::Approx(a[i] / 2).epsilon(1e-4).scale(0.01));
  }

  assay_loss_call old = towards;
  old.struct_size = offsetof(assay_loss_call, targets);
  old.loss = "cw-margin";  // the target is not looked at: an old caller did not set it
  assay_object* margin = nullptr;
  CHECK(models.loss_grad(host.abi(), model.get(), &old, &margin, nullptr, nullptr) == ASSAY_OK);
  old.struct_size = sizeof(std::uint64_t);
  assay_object* none = nullptr;
  CHECK(models.loss_grad(host.abi(), model.get(), &old, &none, nullptr, nullptr) == ASSAY_INVALID);
  for (assay_object* object : {grads[0], grads[1], logits, direct, losses, margin}) host.release(object);
}

TEST_CASE("a budget stops the method before it is exceeded") {
  plugin::Budget budget;
  budget.backward_per_sample = 3;
  Instance method = pgd(context(budget), Json::object({{"steps", 4}}));
  try {
    method.perturb(plugin::attack_inputs(attack_in(victim())));
    FAIL("the budget was not enforced");
  } catch (const PluginError& error) {
    CHECK(error.budget_exhausted());
    CHECK(contains(error.what(), "budget exhausted: backward_per_sample = 3"));
  }
  CHECK(method.counters().backward == 24);
  CHECK(method.counters().forward == 24);  // the refused pass was not counted
  CHECK(method.destroy().empty());
  budget = {};
  budget.forward_per_sample = 4;
  Instance enough = pgd(context(budget), Json::object({{"steps", 4}}));
  for (int call = 0; call < 3; ++call) CHECK_NOTHROW(enough.perturb(plugin::attack_inputs(attack_in(victim()))));
  budget = {};
  budget.macs = 10;
  Instance poor = pgd(context(budget));
  CHECK(contains(message_of([&] { poor.perturb(plugin::attack_inputs(attack_in(victim()))); }), "macs = 10"));
}

TEST_CASE("access that the threat model does not grant is denied by name") {
  Instance method = pgd();
  const std::string message = message_of(
      [&] { method.perturb(plugin::attack_inputs(attack_in(victim(plugin::kDecision | plugin::kScores)))); });
  CHECK(contains(message, "DENIED"));
  CHECK(contains(message, "gradient with respect to the input of model 'victim' is not granted here"));
  CHECK(contains(message, "decision, scores"));
}

TEST_CASE("each capability is checked on its own call") {
  plugin::Host host(context());
  const auto& models = service<assay_model_service>(host, ASSAY_MODEL_SERVICE);
  const auto& graphs = service<assay_graph_service>(host, ASSAY_GRAPH_SERVICE);
  const plugin::Ref x = plugin::Ref::adopt(host.give(attack_in(victim()).x));
  const char* const taps[] = {"features", nullptr};
  const auto statuses = [&](plugin::Access access) {
    const plugin::Ref model = plugin::Ref::adopt(host.make<plugin::ModelObject>(victim(access)));
    assay_object* out[2] = {nullptr, nullptr};
    std::vector<assay_status> result;
    const auto note = [&](assay_status status) {
      result.push_back(status);
      for (assay_object*& object : out) host.release(std::exchange(object, nullptr));
    };
    assay_forward_call call{};
    call.struct_size = sizeof call;
    call.x = x.get();
    note(models.forward(host.abi(), model.get(), &call, out));
    call.taps = taps;
    call.flags = ASSAY_FORWARD_NO_LOGITS;
    note(models.forward(host.abi(), model.get(), &call, out));
    call = {};
    call.struct_size = sizeof call;
    call.x = x.get();
    call.flags = ASSAY_FORWARD_STOCHASTIC;
    note(models.forward(host.abi(), model.get(), &call, out));
    note(models.predict(host.abi(), model.get(), x.get(), out));
    note(models.param(host.abi(), model.get(), "fc.weight", out));
    note(graphs.clone(host.abi(), model.get(), out));
    return result;
  };
  using Statuses = std::vector<assay_status>;
  constexpr assay_status no = ASSAY_DENIED, ok = ASSAY_OK;
  CHECK(statuses(plugin::kNoAccess) == Statuses{no, no, no, no, no, no});
  CHECK(statuses(plugin::kScores) == Statuses{ok, no, no, no, no, no});
  CHECK(statuses(plugin::kTaps) == Statuses{no, ok, no, no, no, no});
  CHECK(statuses(plugin::kStochastic | plugin::kScores) == Statuses{ok, no, ok, no, no, no});
  CHECK(statuses(plugin::kDecision) == Statuses{no, no, no, ok, no, no});
  const Statuses weights = statuses(plugin::kWeights);
  CHECK(weights[4] == ok);
  CHECK(weights[5] == ok);
}

TEST_CASE("randomness is keyed by seed, purpose, sample and draw, not by the batch") {
  plugin::Host host(context()), other([] {
    plugin::HostContext made = context();
    made.seed = 4;
    return made;
  }());
  const auto draw = [](plugin::Host& at, const char* purpose, std::vector<std::int64_t> ids, std::uint64_t index) {
    const auto& run = service<assay_run_service>(at, ASSAY_RUN_SERVICE);
    const plugin::Ref keys =
        plugin::Ref::adopt(at.give(engine::Tensor::i64({static_cast<std::int64_t>(ids.size())}, ids)));
    const std::int64_t shape[] = {static_cast<std::int64_t>(ids.size()), 3};
    const assay_random_call call{sizeof(assay_random_call), ASSAY_NORMAL, purpose, keys.get(), index, shape, 2, 0, 1};
    assay_object* out = nullptr;
    REQUIRE(run.random_fill(at.abi(), &call, &out) == ASSAY_OK);
    auto values = at.tensor(out).to_f32();
    at.release(out);
    return values;
  };
  const auto both = draw(host, "start", {7, 9}, 0), second = draw(host, "start", {9}, 0);
  CHECK(std::vector<float>(both.begin() + 3, both.end()) == second);
  CHECK(draw(host, "start", {9}, 1) != second);
  CHECK(draw(host, "noise", {9}, 0) != second);
  CHECK(draw(other, "start", {9}, 0) != second);
  const auto& run = service<assay_run_service>(host, ASSAY_RUN_SERVICE);
  CHECK(run.random(host.abi(), "a", 1, 2) == run.random(host.abi(), "a", 1, 2));
  CHECK(run.random(host.abi(), "a", 1, 2) != run.random(host.abi(), "a", 2, 1));
}

TEST_CASE("the method's own products are counted, forward and backward") {
  plugin::Host host(context());
  const auto& tensors = service<assay_tensor_service>(host, ASSAY_TENSOR_SERVICE);
  const auto& grads = service<assay_grad_service>(host, ASSAY_GRAD_SERVICE);
  std::int32_t op = -1;
  REQUIRE(tensors.op_id(host.abi(), "matmul", &op) == ASSAY_OK);
  const plugin::Ref a = plugin::Ref::adopt(host.give(engine::Tensor::full({3, 4}, 1)));
  const plugin::Ref b = plugin::Ref::adopt(host.give(engine::Tensor::full({4, 5}, 1)));
  assay_object *leaf = nullptr, *product = nullptr, *gradient = nullptr;
  REQUIRE(grads.watch(host.abi(), a.get(), &leaf) == ASSAY_OK);
  const assay_object* const operands[] = {leaf, b.get()};
  REQUIRE(tensors.apply(host.abi(), op, operands, 2, nullptr, 0, &product, 1) == ASSAY_OK);
  CHECK(host.counters().method_macs == 3 * 4 * 5);
  const plugin::Ref ones = plugin::Ref::adopt(host.give(engine::Tensor::full({3, 5}, 1)));
  const assay_object* const outputs[] = {product};
  const assay_object* const inputs[] = {leaf};
  const assay_object* const cotangents[] = {ones.get()};
  const assay_grad_call call{sizeof(assay_grad_call), 0, outputs, 1, inputs, 1, cotangents};
  REQUIRE(grads.grad(host.abi(), &call, &gradient) == ASSAY_OK);
  CHECK(host.counters().method_macs == 2 * 3 * 4 * 5);  // one product for the one gradient
  for (assay_object* object : {leaf, product, gradient}) host.release(object);
}

TEST_CASE("a required slot that nobody fills is named") {
  Instance method = pgd();
  CHECK(contains(message_of([&] {
                   method.perturb({{"eps", 0.1}});
                 }),
                 "perturb() needs 'x' (tensor), which the task does not give"));
}

TEST_CASE("a stale, foreign or mistyped handle is refused, not followed") {
  plugin::Host host(context()), other(context());
  const auto& tensors = service<assay_tensor_service>(host, ASSAY_TENSOR_SERVICE);
  const auto& objects = service<assay_object_service>(host, ASSAY_OBJECT_SERVICE);
  assay_object* gone = host.give(engine::Tensor::scalar(1));
  objects.release(host.abi(), gone);
  assay_view view{};
  view.struct_size = sizeof view;
  CHECK(tensors.view(host.abi(), gone, &view) == ASSAY_INVALID);
  CHECK(contains(host.take_message(), "not a live handle"));
  CHECK(objects.kind(host.abi(), gone) == ASSAY_NONE);
  objects.release(host.abi(), gone);
  CHECK(host.misuses().size() == 1);
  assay_object* foreign = other.give(engine::Tensor::scalar(1));
  CHECK(tensors.view(host.abi(), foreign, &view) == ASSAY_INVALID);
  CHECK(tensors.view(host.abi(), nullptr, &view) == ASSAY_INVALID);
  other.release(foreign);
  const auto& lists = service<assay_list_service>(host, ASSAY_LIST_SERVICE);
  assay_object* list = nullptr;
  REQUIRE(lists.create(host.abi(), nullptr, 0, &list) == ASSAY_OK);
  CHECK(tensors.view(host.abi(), list, &view) == ASSAY_INVALID);
  CHECK(contains(host.take_message(), "another kind"));
  objects.release(host.abi(), list);
  CHECK(host.live_objects() == 0);
}

TEST_CASE("a worker function is refused on another thread, a thread-safe one is not") {
  plugin::Host host(context());
  const auto& bundles = service<assay_bundle_service>(host, ASSAY_BUNDLE_SERVICE);
  const auto& run = service<assay_run_service>(host, ASSAY_RUN_SERVICE);
  assay_object* out = nullptr;
  assay_status status = ASSAY_OK;
  std::uint64_t bits = 0;
  std::thread([&] {
    status = bundles.create(host.abi(), &out);
    bits = run.random(host.abi(), "a", 1, 1);
  }).join();
  CHECK(status == ASSAY_INVALID);
  CHECK(out == nullptr);
  CHECK(contains(host.take_message(), "another thread"));
  CHECK(bits == run.random(host.abi(), "a", 1, 1));
}

TEST_CASE("what a plugin leaks dies with its host") {  // ASan would see the rest
  plugin::Host host(context());
  const auto& bundles = service<assay_bundle_service>(host, ASSAY_BUNDLE_SERVICE);
  assay_object *outer = nullptr, *inner = nullptr;
  REQUIRE(bundles.create(host.abi(), &outer) == ASSAY_OK);
  REQUIRE(bundles.create(host.abi(), &inner) == ASSAY_OK);
  const assay_value value{ASSAY_BUNDLE, 0, 0, 0, nullptr, inner};
  REQUIRE(bundles.set(host.abi(), outer, "inner", &value) == ASSAY_OK);
  const assay_value self{ASSAY_BUNDLE, 0, 0, 0, nullptr, outer};
  CHECK(bundles.set(host.abi(), outer, "self", &self) == ASSAY_INVALID);
  CHECK(host.live_objects() == 2);
}

TEST_CASE("tensors cross with strides, dtypes and impossible shapes") {
  plugin::Host host(context());
  const auto& tensors = service<assay_tensor_service>(host, ASSAY_TENSOR_SERVICE);
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::int64_t shape[] = {3, 2}, strides[] = {1, 3};
  assay_view view{};
  view.struct_size = sizeof view;
  view.ndim = 2;
  view.data = const_cast<float*>(values);
  view.shape = shape;
  view.strides = strides;
  view.dtype_code = ASSAY_DL_FLOAT;
  view.dtype_bits = 32;
  view.dtype_lanes = 1;
  assay_object* out = nullptr;
  REQUIRE(tensors.create(host.abi(), &view, &out) == ASSAY_OK);
  CHECK(host.tensor(out).to_f32() == std::vector<float>{1, 4, 2, 5, 3, 6});
  host.release(std::exchange(out, nullptr));
  view.dtype_bits = 16;
  CHECK(tensors.create(host.abi(), &view, &out) == ASSAY_INVALID);
  view.dtype_bits = 32;
  const std::int64_t huge[] = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  view.shape = huge;
  CHECK(tensors.create(host.abi(), &view, &out) == ASSAY_INVALID);
  view.ndim = -1;
  CHECK(tensors.create(host.abi(), &view, &out) == ASSAY_INVALID);
  CHECK(out == nullptr);
}

TEST_CASE("cancellation reaches a method through any call of the host") {
  plugin::HostContext host = context();
  int asked = 0;
  host.cancelled = [&asked] { return ++asked > 20; };
  Instance method = pgd(std::move(host), Json::object({{"steps", 100}}));
  try {
    method.perturb(plugin::attack_inputs(attack_in(victim())));
    FAIL("not cancelled");
  } catch (const PluginError& error) {
    CHECK(error.cancelled());
  }
  CHECK(method.destroy().empty());
}

TEST_CASE("truth fields do not exist for a plugin [rule 32]") {
  auto records = std::make_shared<data::RecordSet>(*validate::pattern_records(8, 1));
  data::Field hidden;
  hidden.name = "origin";
  hidden.role = data::Role::truth;
  hidden.type.kind = data::TypeKind::cat;
  hidden.type.dtype = engine::DType::i64;
  hidden.type.classes = 2;
  hidden.values = Array::i64({8}, std::vector<std::int64_t>{0, 1, 0, 1, 0, 1, 0, 1});
  records->add(hidden);
  plugin::Host host(context());
  const auto& service_ = service<assay_records_service>(host, ASSAY_RECORDS_SERVICE);
  const plugin::Ref handle = plugin::Ref::adopt(host.make<plugin::RecordsObject>(plugin::Records(records)));
  std::size_t fields = 0;
  REQUIRE(service_.field_count(host.abi(), handle.get(), &fields) == ASSAY_OK);
  CHECK(fields == 2);
  const char* const names[] = {"origin", nullptr};
  const assay_batch_call call{sizeof(assay_batch_call), 0, names, nullptr, 0, 4};
  assay_object* out = nullptr;
  CHECK(service_.batch(host.abi(), handle.get(), &call, &out) == ASSAY_NOT_FOUND);
  const assay_batch_call all{sizeof(assay_batch_call), 0, nullptr, nullptr, 0, 4};
  REQUIRE(service_.batch(host.abi(), handle.get(), &all, &out) == ASSAY_OK);
  const Bundle batch = host.plain(*static_cast<plugin::BundleObject*>(out));
  CHECK(batch.values.size() == 3);
  CHECK(batch.tensor("ids").to_i64() == std::vector<std::int64_t>{1000, 1001, 1002, 1003});
  host.release(out);
  const assay_batch_call beyond{sizeof(assay_batch_call), 0, nullptr, nullptr, 6, 3};
  CHECK(service_.batch(host.abi(), handle.get(), &beyond, &out) == ASSAY_INVALID);
}

TEST_CASE("state is saved, loaded and scores alike") {
  const PluginLibrary library = PluginLibrary::open(test_plugin("good_detector"));
  const plugin::Model model = victim();
  const plugin::AttackInputs in = attack_in(model);
  Instance fitted = library.create("good-mean-distance", Json(), context());
  REQUIRE(fitted.stateful());
  CHECK(contains(message_of([&] { fitted.score(plugin::score_inputs(model, in.x, in.ids)); }), "score() before fit()"));
  fitted.fit(plugin::fit_inputs(model, validate::pattern_records(48, 2), 4));
  const auto direct = plugin::scores_of(fitted.score(plugin::score_inputs(model, in.x, in.ids)), 8);
  const plugin::State state = fitted.save();
  CHECK(state.count("centre") == 1);
  Instance restored = library.create("good-mean-distance", Json(), context());
  restored.load(state);
  CHECK(plugin::scores_of(restored.score(plugin::score_inputs(model, in.x, in.ids)), 8) == direct);
  CHECK(fitted.destroy().empty());
  CHECK(restored.destroy().empty());
}

TEST_CASE("an exception through C, a wrong output and a missing role are errors with the method's name") {
  const PluginLibrary thrower = PluginLibrary::open(test_plugin("hostile_throw"));
  Instance method = thrower.create("hostile-throw", Json(), context());
  CHECK(contains(message_of([&] { method.perturb(plugin::attack_inputs(attack_in(victim()))); }),
                 "let a C++ exception cross the C boundary"));
  CHECK(contains(message_of([&] { method.score({}); }), "the plugin has no such call in role detector"));
  CHECK(contains(message_of([] { plugin::scores_of({{"x", 1.0}}, 3); }), "the method left no 'score'; it left x"));
  CHECK(contains(message_of([] {
                   plugin::scores_of({{"score", engine::Tensor::full({4}, 1)}}, 3);
                 }),
                 "not f32 or f64 [3]"));
}
