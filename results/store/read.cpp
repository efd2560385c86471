// Reading: suites, cells and what belongs to an attempt.
#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/error.hpp"
#include "results/store/encoding.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

// In the column order of read_attempt.
#define ASSAY_SELECT_ATTEMPT \
  "SELECT a.id, a.n, a.status, a.reason, a.protocol_hash, a.judgement, a.numerics, a.data_hash, a.model_hash, a.machine," \
  " a.build, a.retracted, a.host_json, a.counters_json, a.wall_seconds, a.cpu_seconds, a.peak_rss_bytes, a.forward, a.backward," \
  " a.macs, a.level FROM attempt a WHERE "
constexpr const char* attempt_by_id = ASSAY_SELECT_ATTEMPT "a.id = ?1";
constexpr const char* attempts_of_cell = ASSAY_SELECT_ATTEMPT "a.cell = ?1 ORDER BY a.n";
constexpr const char* best_of_cell = ASSAY_SELECT_ATTEMPT
    "a.cell = ?1 AND a.retracted = '' ORDER BY CASE a.status WHEN 'ok' THEN 0 WHEN 'rejected' THEN 1 ELSE 2 END, a.n DESC LIMIT 1";
#undef ASSAY_SELECT_ATTEMPT

Json parse(const std::string& text) { return text.empty() ? Json() : Json::parse(text, "database"); }

double real_or_nan(const Statement& row, int column) { return row.null(column) ? std::nan("") : row.real(column); }

std::vector<VerdictRecord> read_verdicts(const Connection& db, std::int64_t attempt) {
  const auto query = db.cached("SELECT level, rule, reason FROM verdict WHERE attempt = ?1 ORDER BY place");
  query->bind(attempt);
  std::vector<VerdictRecord> out;
  while (query->step())
    out.push_back({static_cast<Level>(query->integer(0)), static_cast<int>(query->integer(1)), query->text(2)});
  return out;
}

std::vector<ScoreRecord> read_scores(const Connection& db, std::int64_t attempt) {
  const auto query = db.cached(
      "SELECT quantity, condition, configuration, grade, value, n, extra_json FROM score WHERE attempt = ?1"
      " ORDER BY condition, configuration, quantity");
  query->bind(attempt);
  std::vector<ScoreRecord> out;
  while (query->step())
    out.push_back({query->text(0), query->text(1), query->text(2), query->text(3), real_or_nan(*query, 4), query->integer(5),
                   parse(query->text(6))});
  return out;
}

AttemptRecord read_attempt(const Connection& db, const Statement& row) {
  AttemptRecord a;
  a.id = row.integer(0);
  a.n = static_cast<int>(row.integer(1));
  a.status = row.text(2);
  a.reason = row.text(3);
  a.protocol = row.text(4);
  a.judgement = row.text(5);
  a.numerics = row.text(6);
  a.data_hash = row.text(7);
  a.model_hash = row.text(8);
  a.machine = row.text(9);
  a.build = row.text(10);
  a.retracted = row.text(11);
  a.host = parse(row.text(12));
  a.counters = parse(row.text(13));
  a.wall_seconds = row.real(14);
  a.cpu_seconds = row.real(15);
  a.peak_rss_bytes = static_cast<std::uint64_t>(row.integer(16));
  a.forward = row.integer(17);
  a.backward = row.integer(18);
  a.macs = row.integer(19);
  a.level = static_cast<Level>(row.integer(20));
  a.verdicts = read_verdicts(db, a.id);
  a.scores = read_scores(db, a.id);
  return a;
}

// `sql` is a literal that begins with the columns above.
std::vector<AttemptRecord> read_attempts(const Connection& db, const char* sql, std::int64_t key) {
  const auto query = db.cached(sql);
  query->bind(key);
  std::vector<AttemptRecord> out;
  while (query->step()) out.push_back(read_attempt(db, *query));
  return out;
}

// Thousands of cells share a few descriptors.
class Descriptors {
 public:
  std::shared_ptr<const Json> of(const std::string& text) {
    if (text.empty()) return nullptr;
    auto& known = parsed_[text];
    if (!known) known = std::make_shared<const Json>(Json::parse(text, "database"));
    return known;
  }

 private:
  std::map<std::string, std::shared_ptr<const Json>> parsed_;
};

// Columns: id, kind, generation, label, method, subject, judgement, numerics, params, axes, seeds, baseline, plugin name,
// version, digest, descriptor.
CellRecord read_cell(const Statement& row, Descriptors& descriptors) {
  CellRecord c;
  c.id = row.integer(0);
  c.kind = row.text(1);
  c.generation = row.text(2);
  c.label = row.text(3);
  c.method = row.text(4);
  c.subject = row.text(5);
  c.judgement = row.text(6);
  c.numerics = row.text(7);
  c.params = parse(row.text(8));
  c.axes = parse(row.text(9));
  c.seeds = Seeds::from_json(parse(row.text(10)));
  c.baseline = row.integer(11) != 0;
  c.plugin_id = row.text(12);
  c.plugin_version = row.text(13);
  c.plugin_digest = row.text(14);
  c.descriptor = descriptors.of(row.text(15));
  return c;
}

constexpr const char* suite_columns =
    "SELECT suite_name, p.task, file, file_sha256, protocol_hash, series, rank_by, rank_what, rank_at, on_failure, version,"
    " min_coverage, t.protocol_json, rank_axes_json, used FROM (SELECT * FROM latest_plan WHERE suite_name NOT LIKE 'submitted: %') p"
    " JOIN protocol t ON t.hash = p.protocol_hash ";

SuiteRecord read_suite(const Statement& row) {
  SuiteRecord s;
  s.name = row.text(0);
  s.task = row.text(1);
  s.file = row.text(2);
  s.sha256 = row.text(3);
  s.protocol_hash = row.text(4);
  s.series = row.text(5);
  s.rank_by = row.text(6);
  s.rank = row.text(7);
  s.condition = row.text(8);
  s.on_failure = row.text(9);
  s.version = static_cast<int>(row.integer(10));
  s.min_coverage = row.real(11);
  s.protocol = parse(row.text(12));
  s.rank_axes = parse(row.text(13));
  s.used = row.integer(14);
  return s;
}

#define ASSAY_EXISTS_ATTEMPT \
  "SELECT 1 FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.generation = ?1 AND a.judgement = ?2" \
  " AND (?3 = '' OR a.protocol_hash = ?3) AND a.retracted = '' AND "
constexpr const char* exists_valid = ASSAY_EXISTS_ATTEMPT "a.status = 'ok' AND a.level < 2 LIMIT 1";
constexpr const char* exists_concluded = ASSAY_EXISTS_ATTEMPT "a.status IN ('ok', 'rejected') LIMIT 1";
#undef ASSAY_EXISTS_ATTEMPT

std::int64_t cell_by_prefix(const Connection& db, const std::string& prefix) {
  // No key holds a character beyond '~', so what starts with the prefix lies before it with a '~' behind: a range of the index.
  Statement query = db.prepare("SELECT id, generation, label FROM cell WHERE generation >= ?1 AND generation < ?1 || '~' LIMIT 5");
  query.bind(prefix);
  std::vector<std::string> found;
  std::int64_t id = 0;
  while (!prefix.empty() && query.step()) {
    id = query.integer(0);
    found.push_back(query.text(1).substr(0, prefix.size() + 6) + " (" + query.text(2) + ")");
  }
  if (found.size() == 1) return id;
  if (found.empty()) throw Error(Fault::bad_input, "no cell's hash starts with '" + prefix + "'; 'assay leaderboard --format json' lists them");
  std::string text;
  for (const std::string& each : found) text += (text.empty() ? "" : ", ") + each;
  throw Error(Fault::bad_input, "several cells start with '" + prefix + "': " + text);
}

}  // namespace

const char* level_name(Level level) {
  return level == Level::valid ? "VALID" : level == Level::suspect ? "SUSPECT" : "INVALID";
}

bool Store::has_valid(const std::string& generation, const std::string& judgement, const std::string& protocol) const {
  return impl_->db.cached(exists_valid)->bind(generation, judgement, protocol).step();
}

bool Store::concluded(const std::string& generation, const std::string& judgement, const std::string& protocol) const {
  return impl_->db.cached(exists_concluded)->bind(generation, judgement, protocol).step();
}

int Store::attempts_known(const std::string& generation) const {
  const auto query = impl_->db.cached("SELECT coalesce(max(a.n), 0) FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.generation = ?1");
  return query->bind(generation).step() ? static_cast<int>(query->integer(0)) : 0;
}

std::vector<SuiteRecord> Store::suites() const {
  Statement query = impl_->db.prepare(std::string(suite_columns) + "ORDER BY suite_name, used");
  std::vector<SuiteRecord> out;
  while (query.step()) out.push_back(read_suite(query));
  return out;
}

std::optional<SuiteRecord> Store::suite(const std::string& name) const {
  Statement query = impl_->db.prepare(std::string(suite_columns) + "WHERE suite_name = ?1 ORDER BY used DESC LIMIT 1");
  if (!query.bind(name).step()) return std::nullopt;
  return read_suite(query);
}

SuiteRecord Store::protocol(const std::string& hash) const {
  Statement query = impl_->db.prepare(std::string(suite_columns) +
                                      "WHERE substr(protocol_hash, 1, length(?1)) = ?1 ORDER BY used DESC");
  query.bind(hash);
  std::optional<SuiteRecord> found;
  while (!hash.empty() && query.step()) {
    SuiteRecord next = read_suite(query);
    if (!found) found = std::move(next);
    else if (found->protocol_hash != next.protocol_hash)
      throw Error(Fault::bad_input, "several protocols start with '" + hash + "'; numbers of two protocols never meet in one table");
  }
  if (!found) throw Error(Fault::bad_input, "no protocol's hash starts with '" + hash + "'");
  return *found;
}

std::vector<CellRecord> Store::cells(const std::string& protocol_hash) const {
  const Connection& db = impl_->db;
  Statement query = db.prepare(
      "SELECT c.id, 'cell', c.generation, c.label, c.method, c.subject, c.judgement, c.numerics, c.params_json, c.axes_json,"
      " c.seeds_json, c.baseline, c.plugin_name, c.plugin_version, c.plugin_digest, c.descriptor_json, c.attempt"
      " FROM current_cell c WHERE c.protocol_hash = ?1"
      " ORDER BY c.method, c.params_json, c.subject, c.axes_json, c.seeds_json, c.generation");
  query.bind(protocol_hash);
  Descriptors descriptors;
  std::vector<CellRecord> out;
  while (query.step()) {
    out.push_back(read_cell(query, descriptors));
    if (query.null(16)) continue;
    out.back().standing = read_attempts(db, attempt_by_id, query.integer(16)).at(0);
    if (out.back().params.has("chain")) add_links(db, *out.back().standing);
  }
  return out;
}

std::vector<EarlierCell> Store::earlier_cells(const std::string& protocol_hash, const EarlierLimits& limits) const {
  const Connection& db = impl_->db;
  // As in the view `standing`, but for cells that are not current.
  Statement query = db.prepare(
      "WITH old AS (SELECT pc.cell, pc.judgement, max(p.version) AS version FROM plan p JOIN plan_cell pc ON pc.plan = p.id"
      "  WHERE p.id IN (SELECT id FROM plan WHERE protocol_hash = ?1 ORDER BY used DESC LIMIT ?2) AND pc.cell NOT IN (SELECT id FROM current_cell WHERE protocol_hash = ?1)"
      "  GROUP BY pc.cell, pc.judgement),"
      " best AS (SELECT o.cell, o.version, a.id AS attempt, row_number() OVER (PARTITION BY o.cell"
      "  ORDER BY CASE a.status WHEN 'ok' THEN 0 WHEN 'rejected' THEN 1 ELSE 2 END, a.n DESC) AS place"
      "  FROM old o JOIN attempt a ON a.cell = o.cell AND a.judgement = o.judgement AND a.protocol_hash = ?1"
      "  WHERE a.retracted = '')"
      " SELECT c.id, c.kind, c.generation, c.label, c.method, c.subject, '', c.numerics, c.params_json, c.axes_json,"
      " c.seeds_json, c.baseline, coalesce(g.name, ''), coalesce(g.version, ''), coalesce(g.digest, ''), g.descriptor_json,"
      " b.attempt, b.version FROM best b JOIN cell c ON c.id = b.cell AND c.kind = 'cell' LEFT JOIN plugin g ON g.id = c.plugin"
      " WHERE b.place = 1 ORDER BY b.attempt DESC LIMIT ?3");
  query.bind(protocol_hash, limits.plans, limits.cells);
  Descriptors descriptors;
  std::vector<EarlierCell> out;
  while (query.step()) {
    out.push_back({read_cell(query, descriptors), static_cast<int>(query.integer(17))});
    out.back().cell.standing = read_attempts(db, attempt_by_id, query.integer(16)).at(0);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

namespace {

CellRecord cell_by_id(const Connection& db, std::int64_t id) {
  Statement query = db.prepare(
      "SELECT c.id, c.kind, c.generation, c.label, c.method, c.subject,"
      " coalesce((SELECT pc.judgement FROM plan_cell pc JOIN plan p ON p.id = pc.plan WHERE pc.cell = c.id ORDER BY p.used DESC"
      " LIMIT 1), ''), c.numerics, c.params_json, c.axes_json, c.seeds_json, c.baseline, coalesce(g.name, ''),"
      " coalesce(g.version, ''), coalesce(g.digest, ''), g.descriptor_json, c.identity_json"
      " FROM cell c LEFT JOIN plugin g ON g.id = c.plugin WHERE c.id = ?1");
  query.bind(id).step();
  Descriptors descriptors;
  CellRecord cell = read_cell(query, descriptors);
  cell.identity = parse(query.text(16));
  auto found = read_attempts(db, best_of_cell, id);
  if (!found.empty()) cell.standing = std::move(found[0]);
  return cell;
}

}  // namespace

CellRecord Store::show(const std::string& prefix) const { return cell_by_id(impl_->db, cell_by_prefix(impl_->db, prefix)); }

std::optional<CellRecord> Store::find(const std::string& generation) const {
  Statement query = impl_->db.prepare("SELECT id FROM cell WHERE generation = ?1");
  query.bind(generation);
  if (!query.step()) return std::nullopt;
  return cell_by_id(impl_->db, query.integer(0));
}

std::vector<AttemptRecord> Store::attempts(std::int64_t cell) const {
  return read_attempts(impl_->db, attempts_of_cell, cell);
}

std::vector<StageRecord> Store::log(const std::string& prefix) const {
  const std::int64_t cell = cell_by_prefix(impl_->db, prefix);
  const auto query = impl_->db.cached(
      "SELECT name, status, reason, shard_sha256, log_tail, exit_code, signal, wall_seconds, cpu_seconds, peak_rss_bytes,"
      " phases_json FROM stage WHERE attempt = (SELECT id FROM attempt WHERE cell = ?1 ORDER BY n DESC LIMIT 1) ORDER BY place");
  query->bind(cell);
  std::vector<StageRecord> out;
  while (query->step())
    out.push_back({query->text(0), query->text(1), query->text(2), query->text(3), query->text(4),
                   static_cast<int>(query->integer(5)), static_cast<int>(query->integer(6)), query->real(7), query->real(8),
                   static_cast<std::uint64_t>(query->integer(9)), parse(query->text(10))});
  return out;
}

std::vector<OutcomeColumn> Store::outcomes(std::int64_t attempt, const std::string& quantity,
                                           const std::string& condition) const {
  const auto query = impl_->db.cached(
      "SELECT quantity, condition, configuration, unit, grade, n, sha256, ids_z, values_z FROM outcome_column WHERE attempt = ?1"
      " AND (?2 = '' OR quantity = ?2) AND (?3 = '' OR condition = ?3) ORDER BY condition, configuration, quantity, unit");
  query->bind(attempt, quantity, condition);
  std::vector<OutcomeColumn> out;
  while (query->step()) {
    OutcomeColumn c;
    c.quantity = query->text(0);
    c.condition = query->text(1);
    c.configuration = query->text(2);
    c.unit = query->text(3);
    c.grade = query->text(4);
    c.sha256 = query->text(6);
    c.attempt = attempt;
    const auto n = static_cast<std::size_t>(query->integer(5));
    const std::string what = "outcome '" + c.quantity + "' of attempt " + std::to_string(attempt);
    c.ids = decode_ids(query->blob(7), n, what);
    c.values = decode_values(query->blob(8), n, what);
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<TraceRecord> Store::traces(std::int64_t attempt) const {
  const auto query = impl_->db.cached("SELECT name, grade, step, value FROM trace WHERE attempt = ?1 ORDER BY place");
  query->bind(attempt);
  std::vector<TraceRecord> out;
  while (query->step()) out.push_back({query->text(0), query->text(1), query->integer(2), real_or_nan(*query, 3)});
  return out;
}

std::vector<ArtifactRecord> Store::artifacts(std::int64_t attempt) const {
  const auto query = impl_->db.cached(
      "SELECT e.name, e.artifact, a.bytes, e.made FROM edge e JOIN artifact a ON a.sha256 = e.artifact WHERE e.attempt = ?1"
      " ORDER BY e.made DESC, e.name");
  query->bind(attempt);
  std::vector<ArtifactRecord> out;
  while (query->step()) {
    const std::int64_t bytes = query->integer(2);
    out.push_back({query->text(0), query->text(1), static_cast<std::uint64_t>(bytes < 0 ? 0 : bytes), query->integer(3) != 0});
  }
  return out;
}

std::vector<CertificateRecord> Store::certificates(const std::string& plugin_digest) const {
  const auto query = impl_->db.cached(
      "SELECT plugin_name, role, check_name, passed, value, detail FROM certificate WHERE plugin_digest = ?1"
      " ORDER BY plugin_name, role, check_name");
  query->bind(plugin_digest);
  std::vector<CertificateRecord> out;
  while (query->step())
    out.push_back({plugin_digest, query->text(0), query->text(1), query->text(2), query->integer(3) != 0, real_or_nan(*query, 4),
                   query->text(5)});
  return out;
}

std::vector<Claim> Store::claims(const std::string& suite) const {
  Statement query = impl_->db.prepare(
      "SELECT c.id, c.says, c.expect, c.test, c.gate, c.given, c.level, c.power FROM claim c WHERE c.plan = (SELECT p.id FROM latest_plan p"
      " WHERE p.suite_name = ?1 ORDER BY p.used DESC LIMIT 1) ORDER BY c.place");
  query.bind(suite);
  std::vector<Claim> out;
  while (query.step()) out.push_back({query.text(0), query.text(1), query.text(2), query.text(3), query.integer(4) != 0, query.text(5),
                                         query.real(6), query.real(7)});
  return out;
}

std::vector<ClaimedNumber> Store::claimed(const std::string& series) const {
  Statement query = impl_->db.prepare(
      "SELECT method, subject, quantity, condition, source, value FROM claimed WHERE series = ?1"
      " ORDER BY method, subject, quantity, condition, source");
  query.bind(series);
  std::vector<ClaimedNumber> out;
  while (query.step())
    out.push_back({series, query.text(0), query.text(1), query.text(2), query.text(3), query.text(4), query.real(5)});
  return out;
}

std::vector<LeaderboardRow> Store::leaderboard(const std::string& protocol_hash) const {
  Statement query = impl_->db.prepare(
      "SELECT method, plugin_version, plugin_digest, params_json, subject, axes_json, condition, configuration, quantity, grade,"
      " level, baseline, mean, seeds, done, planned FROM leaderboard WHERE protocol_hash = ?1"
      " ORDER BY method, params_json, subject, axes_json, condition, configuration, quantity");
  query.bind(protocol_hash);
  std::vector<LeaderboardRow> out;
  while (query.step())
    out.push_back({query.text(0), query.text(1), query.text(2), query.text(3), query.text(4), query.text(5), query.text(6),
                   query.text(7), query.text(8), query.text(9), query.text(10), query.integer(11) != 0, query.real(12),
                   query.integer(13), query.integer(14), query.integer(15)});
  return out;
}

}  // namespace assay::store
