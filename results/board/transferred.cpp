// Rule 21: what transfer attacks, of whatever suite of this database, break of a subject that its own suite left
// standing.
#include <cmath>

#include "results/board/subject.hpp"

namespace assay::board {
namespace {

// Those of rule 18.
constexpr double least_share = 0.002, level = 0.01;

// What two cells must have in common to be about one net under one threat on one list of samples; "" when the cell does
// not say.
std::string about(const store::CellRecord& cell) {
  const Json& identity = cell.identity;
  if (!identity.is_object() || !identity.has("victim") || !identity.has("data") || !identity.has("threat")) return "";
  const Json& threat = identity.at("threat");
  return Json::object({{"victim", identity.at("victim")},
                       {"data", identity.at("data")},
                       {"norm", threat.get("norm", "")},
                       {"targeted", threat.get("targeted", false)}})
      .dump();
}

bool transfers(const store::CellRecord& cell) {
  // On the diagonal the attack knew its victim.
  return cell.identity.is_object() && cell.identity.get("access", "") == "transfer" && !cell.axes.has("diagonal");
}

std::int64_t broken_of(const std::vector<double>& standing, const std::vector<double>& robust) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < standing.size(); ++i) count += standing[i] == 1 && robust[i] == 0 ? 1 : 0;
  return count;
}

}  // namespace

std::map<std::string, Transferred> transferred(const store::Store& db, const std::map<std::string, std::uint64_t>& nets,
                                               const WorstCase& worst, const std::string& condition) {
  std::map<std::string, Transferred> found;
  for (const store::SuiteRecord& suite : db.suites()) {
    if (suite.task != "attack" || !suite.protocol.has("threat")) continue;
    if (suite.protocol.at("threat").get("access", "") != "transfer") continue;
    for (const store::CellRecord& cell : db.cells(suite.protocol_hash)) {
      const auto net = nets.find(about(cell));
      if (!done(cell) || !transfers(cell) || net == nets.end() || worst.robust.count(net->second) == 0) continue;
      const auto robust = db.outcomes(cell.standing->id, "robust", condition);
      if (robust.empty() || robust[0].ids != worst.ids) continue;
      Transferred& sum = found[cell.method];
      sum.broken += broken_of(worst.robust.at(net->second), robust[0].values);
      sum.samples += static_cast<std::int64_t>(worst.ids.size());
    }
  }
  return found;
}

std::map<std::string, std::uint64_t> nets_of(const std::vector<Group>& groups) {
  std::map<std::string, std::uint64_t> nets;
  for (const Group& group : groups) {
    for (const auto* cell : done_cells(group)) {
      const std::string net = about(*cell);
      if (!net.empty() && !transfers(*cell)) nets[net] = cell->seeds.get("subject");
    }
  }
  return nets;
}

bool beyond_chance(const Transferred& transfer) {
  return static_cast<double>(transfer.broken) > least_share * static_cast<double>(transfer.samples) &&
         std::ldexp(1.0, static_cast<int>(-transfer.broken)) < level;
}

}  // namespace assay::board
