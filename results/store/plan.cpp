// Recording plans: what a suite means to do, before anything runs.
#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

std::string plan_digest(const Plan& plan) {
  Json nodes = Json::array();
  for (const Node& node : plan.nodes) nodes.push_back(Json::Array{node.key, node.judgement, node.label, node.method});
  Json claims = Json::array();
  for (const Claim& claim : plan.claims) claims.push_back(claim.to_json());
  const Json all = Json::object({{"suite", plan.suite},
                                 {"version", plan.version},
                                 {"suite_sha256", plan.suite_sha256},
                                 {"protocol", plan.protocol_hash},
                                 {"series", plan.series},
                                 {"rank", Json::Array{plan.rank_by, plan.rank, plan.condition, plan.rank_axes}},
                                 {"min_coverage", plan.min_coverage},
                                 {"on_failure", plan.on_failure},
                                 {"nodes", nodes},
                                 {"claims", claims}});
  return sha256(all.dump());
}

std::int64_t put_suite(const Connection& db, const Plan& plan) {
  db.prepare("INSERT INTO suite(name, task) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET task = excluded.task")
      .run(plan.suite, plan.task);
  Statement query = db.prepare("SELECT id FROM suite WHERE name = ?1");
  query.bind(plan.suite).step();
  return query.integer(0);
}

std::optional<std::int64_t> put_plugin(const Connection& db, const Node& node) {
  if (node.plugin_id.empty()) return std::nullopt;
  db.cached("INSERT OR IGNORE INTO plugin(name, version, digest) VALUES (?1, ?2, ?3)")
      ->run(node.plugin_id, node.plugin_version, node.plugin_sha256);
  const auto query = db.cached("SELECT id FROM plugin WHERE name = ?1 AND version = ?2 AND digest = ?3");
  query->bind(node.plugin_id, node.plugin_version, node.plugin_sha256).step();
  return query->integer(0);
}

std::string object_text(const Json& json) { return json.is_null() ? "{}" : json.dump(); }

// Seeds are rows of their own; as an axis they would keep the seeds of one method apart.
std::string axes_text(const Node& node) {
  Json axes = node.axes;
  if (axes.is_object()) axes.object_ref().erase("seed");
  return object_text(axes);
}

std::int64_t put_cell(const Connection& db, const Node& node) {
  const auto plugin = put_plugin(db, node);
  const auto insert = db.cached(
      "INSERT INTO cell(generation, kind, label, plugin, method, params_json, subject, axes_json, seeds_json, identity_json,"
      " numerics, baseline) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
      " ON CONFLICT(generation) DO UPDATE SET label = excluded.label, method = excluded.method,"
      " axes_json = excluded.axes_json, subject = excluded.subject, baseline = excluded.baseline");
  const std::string kind = node_kind_name(node.kind), seeds = node.seeds.to_json().dump();
  if (plugin)
    insert->run(node.key, kind, node.label, *plugin, node.method, object_text(node.params), node.subject,
               axes_text(node), seeds, object_text(node.identity), node.numerics.str(), node.baseline);
  else
    insert->run(node.key, kind, node.label, nullptr, node.method, object_text(node.params), node.subject,
               axes_text(node), seeds, object_text(node.identity), node.numerics.str(), node.baseline);
  const auto query = db.cached("SELECT id FROM cell WHERE generation = ?1");
  query->bind(node.key).step();
  const std::int64_t cell = query->integer(0);
  const auto seed = db.cached("INSERT OR IGNORE INTO cell_seed(cell, name, value) VALUES (?1, ?2, ?3)");
  for (const auto& [name, value] : node.seeds.values) seed->run(cell, name, value);
  return cell;
}

void put_claims(const Connection& db, std::int64_t id, const std::vector<Claim>& claims) {
  int place = 0;
  for (const Claim& claim : claims)
    db.prepare("INSERT INTO claim(plan, place, id, says, expect, test, gate, given, level, power)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
        .run(id, place++, claim.id, claim.says, claim.expect, claim.test, claim.gate, claim.given, claim.level, claim.power);
}

std::int64_t insert_plan(const Connection& db, const Plan& plan, const std::string& digest, std::int64_t used) {
  const std::int64_t suite = put_suite(db, plan);
  db.prepare("INSERT OR IGNORE INTO protocol(hash, task, protocol_json) VALUES (?1, ?2, ?3)")
      .run(plan.protocol_hash, plan.task, object_text(plan.protocol));
  db.prepare(
        "INSERT INTO plan(digest, suite, protocol_hash, series, version, file, file_sha256, rank_by, rank_what, rank_at,"
        " rank_axes_json, min_coverage, on_failure, used) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")
      .run(digest, suite, plan.protocol_hash, plan.series, plan.version, plan.file, plan.suite_sha256, plan.rank_by, plan.rank,
           plan.condition, object_text(plan.rank_axes), plan.min_coverage, plan.on_failure, used);
  const std::int64_t id = db.last_id();
  Statement link = db.prepare("INSERT OR REPLACE INTO plan_cell(plan, cell, judgement) VALUES (?1, ?2, ?3)");
  for (const Node& node : plan.nodes) link.run(id, put_cell(db, node), node.judgement);
  put_claims(db, id, plan.claims);
  return id;
}

}  // namespace

std::int64_t put_plan(const Connection& db, const Plan& plan, bool make_latest) {
  if (plan.protocol_hash.empty())
    throw Error(Fault::constraint, "plan of suite '" + plan.suite + "' has no protocol hash (rule 1)");
  const std::string digest = plan_digest(plan);
  const std::int64_t used = db.number("SELECT coalesce(max(used), 0) + 1 FROM plan");
  Statement known = db.prepare("SELECT id FROM plan WHERE digest = ?1");
  if (!known.bind(digest).step()) return insert_plan(db, plan, digest, used);
  const std::int64_t id = known.integer(0);
  if (make_latest) {
    // Nothing changes, not even the counter, when it is the latest already.
    Statement touch = db.prepare("UPDATE plan SET used = ?2 WHERE id = ?1 AND used < (SELECT max(used) FROM plan)");
    touch.run(id, used);
    for (const Node& node : plan.nodes) put_cell(db, node);
  }
  return id;
}

void Store::record_plan(const Plan& plan) {
  impl_->need_write("record a plan");
  Transaction transaction(impl_->db);
  put_plan(impl_->db, plan, true);
  transaction.commit();
}

}  // namespace assay::store
