// Rule 21: what transfer attacks, of whatever suite of this database, break of a subject that its own suite left
// standing.
#include <cmath>

#include "results/board/subject.hpp"

namespace assay::board {
namespace {

// Those of rule 18.
constexpr double least_share = 0.002, level = 0.01;

// What a cell is about, and whether its attack never saw the net.
struct About {
  std::string net;  // one net under one norm on one list of samples; "" when the cell does not say
  bool transfer = false;
};
About about(const store::Store& db, const store::CellRecord& cell) {
  const auto whole = db.find(cell.generation);  // lists of cells come without identities
  if (!whole || !whole->identity.is_object()) return {};
  const Json& identity = whole->identity;
  if (!identity.has("victim") || !identity.has("data") || !identity.has("threat")) return {};
  const Json& threat = identity.at("threat");
  const Json net = Json::object({{"victim", identity.at("victim")},
                                 {"data", identity.at("data")},
                                 {"norm", threat.get("norm", "")},
                                 {"targeted", threat.get("targeted", false)}});
  // On the diagonal the attack knew its victim.
  return {net.dump(), identity.get("access", "") == "transfer" && !cell.axes.has("diagonal")};
}

// The subject's nets with their subject seeds.
std::map<std::string, std::uint64_t> nets_of(const store::Store& db, const std::vector<Group>& groups) {
  std::map<std::string, std::uint64_t> nets;
  for (const Group& group : groups) {
    for (const auto* cell : done_cells(group)) {
      const About own = about(db, *cell);
      if (!own.net.empty() && !own.transfer) nets[own.net] = cell->seeds.get("subject");
    }
  }
  return nets;
}

std::int64_t broken_of(const std::vector<double>& standing, const std::vector<double>& robust) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < standing.size(); ++i) count += standing[i] == 1 && robust[i] == 0 ? 1 : 0;
  return count;
}

}  // namespace

std::vector<TransferCell> transfer_cells(const store::Store& db) {
  std::vector<TransferCell> out;
  for (const store::SuiteRecord& suite : db.suites()) {
    if (suite.task != "attack" || !suite.protocol.has("threat")) continue;
    if (suite.protocol.at("threat").get("access", "") != "transfer") continue;
    for (const store::CellRecord& cell : db.cells(suite.protocol_hash)) {
      if (!done(cell)) continue;
      About of = about(db, cell);
      if (of.transfer) out.push_back({std::move(of.net), cell.method, cell.standing->id});
    }
  }
  return out;
}

std::map<std::string, Transferred> transferred(const store::Store& db, const std::vector<TransferCell>& cells,
                                               const std::vector<Group>& groups, const WorstCase& worst,
                                               const std::string& condition) {
  std::map<std::string, Transferred> found;
  if (cells.empty()) return found;
  const auto nets = nets_of(db, groups);
  for (const TransferCell& cell : cells) {
    const auto net = nets.find(cell.net);
    if (net == nets.end() || worst.robust.count(net->second) == 0) continue;
    const auto robust = db.outcomes(cell.attempt, "robust", condition);
    if (robust.empty() || robust[0].ids != worst.ids) continue;
    Transferred& sum = found[cell.method];
    sum.broken += broken_of(worst.robust.at(net->second), robust[0].values);
    sum.samples += static_cast<std::int64_t>(worst.ids.size());
  }
  return found;
}

bool beyond_chance(const Transferred& transfer) {
  return static_cast<double>(transfer.broken) > least_share * static_cast<double>(transfer.samples) &&
         std::ldexp(1.0, static_cast<int>(-transfer.broken)) < level;
}

}  // namespace assay::board
