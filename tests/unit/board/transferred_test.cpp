// Subjects that transfer attacks of other suites break where their own suite's attacks did not.
#include <doctest/doctest.h>

#include "tests/unit/board/boards.hpp"

using namespace boards;

namespace {

// A suite whose cells say what they are about: nets "net 0" to "net 2", one a seed.
Plan attack_plan(const std::string& access, const std::string& rank) {
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = rank;
  plan.suite += access;
  plan.series += access;
  plan.protocol["threat"] = Json::object({{"access", access}, {"norm", "linf"}});
  plan.protocol_hash = assay::sha256(plan.protocol.dump());
  return plan;
}

struct About {
  std::string access = "white-box", norm = "linf", net = "net ", data = "list";
  bool diagonal = false;
};
const Node& add(World& world, const std::string& method, std::int64_t seed, const About& about) {
  Json axes(Json::Object{});
  if (about.diagonal) axes["diagonal"] = true;
  world.add({method, seed, false, Json(Json::Object{}), axes, "subject"});
  Node& node = world.plan.nodes.back();
  node.identity["victim"] = about.net + std::to_string(seed);
  node.identity["data"] = about.data;
  node.identity["access"] = about.access;
  node.identity["threat"] = Json::object({{"norm", about.norm}, {"targeted", false}});
  node.key = assay::sha256(node.identity.dump());
  return node;
}

// The white-box suite leaves samples 100 to 199; the transfer suite breaks 0 to 100 + more - 1.
Row subject(std::size_t more, const About& about) {
  World own(attack_plan("white-box", "subject"));
  const std::vector<double> correct(samples, 1);
  std::vector<double> left(samples, 1), other(samples, 1);
  for (std::size_t i = 0; i < 100; ++i) left[i] = 0;
  for (std::size_t i = 0; i < 100 + more; ++i) other[i] = 0;
  for (std::int64_t s = 0; s < 3; ++s) own.ok(add(own, "pgd", s, {}), attacked(correct, left));
  own.import();
  const Plan first = own.plan;
  own.plan = attack_plan("transfer", "method");
  own.plan.nodes.reserve(200);
  for (std::int64_t s = 0; s < 3; ++s) own.ok(add(own, "cwa", s, about), attacked(correct, other));
  own.import();
  own.plan = first;
  return own.board().rows.at(0);
}

}  // namespace

TEST_CASE("[rule 21] a subject that transferred examples break beyond its suite's attacks is suspect, and not ranked") {
  About transfer;
  transfer.access = "transfer";
  const Row row = subject(4, transfer);  // 12 of 600, over three nets
  CHECK(row.level == assay::store::Level::suspect);
  CHECK_FALSE(row.ranked);
  REQUIRE(row.reasons.size() == 1);
  CHECK(row.reasons[0] ==
        "SUSPECT (rule 21): cwa, transferred from other nets, breaks 12 samples that every attack here left");
  CHECK(*row.values[0].mean == doctest::Approx(0.5));  // another suite's attacks are not this one's
}

TEST_CASE("[rule 21] chance, other nets, lists, norms, and attacks that knew their victim say nothing") {
  const auto plain = [](std::size_t more, const About& about) {
    const Row row = subject(more, about);
    return row.level == assay::store::Level::valid && row.reasons.empty();
  };
  About transfer;
  transfer.access = "transfer";
  CHECK(plain(2, transfer));  // 6 of 600: one in 64 by chance
  CHECK(plain(0, transfer));
  About changed = transfer;
  changed.net = "other net ";
  CHECK(plain(50, changed));
  changed = transfer;
  changed.data = "other list";
  CHECK(plain(50, changed));
  changed = transfer;
  changed.norm = "l2";
  CHECK(plain(50, changed));
  changed = transfer;
  changed.diagonal = true;
  CHECK(plain(50, changed));
}
