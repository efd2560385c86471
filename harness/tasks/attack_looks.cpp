#include "harness/tasks/attack_looks.hpp"

#include <algorithm>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/metrics/binomial.hpp"

namespace assay::tasks {
namespace {

// The interval of the widest condition over the samples of the parts up to `look`.
Reached look_at(const ChainState& state, const std::vector<std::int64_t>& parts, const Looks& looks, std::int64_t look) {
  Reached out{false, look, samples_at(look, looks.of, static_cast<std::int64_t>(state.ids.size())), 0, 0};
  for (const auto& [name, condition] : state.conditions) {
    std::int64_t robust = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) robust += parts[i] <= look && condition.robust[i] == 1 ? 1 : 0;
    const double tail = kLooksMiss / static_cast<double>(looks.of) / 2;
    const double lo = metrics::binomial_lower(robust, out.samples, tail), hi = metrics::binomial_upper(robust, out.samples, tail);
    if (hi - lo > out.hi - out.lo) {
      out.lo = lo;
      out.hi = hi;
    }
  }
  out.stopped = (out.hi - out.lo) / 2 <= looks.half_width.value();
  return out;
}

}  // namespace

std::optional<Looks> Looks::from_json(const Json& spec) {
  if (!spec.has("look")) return std::nullopt;
  const Json& json = spec.at("look");
  const std::string width = json.at("half_width").as_string();
  const std::optional<Rational> half_width = Rational::parse(width);
  if (!half_width) throw Error(Fault::bad_input, "look.half_width: expected a fraction, found '" + width + "'");
  return Looks{json.at("look").as_int(), json.at("of").as_int(), *half_width};
}

std::int64_t samples_at(std::int64_t look, std::int64_t of, std::int64_t n) {
  const std::int64_t share = std::int64_t{1} << (of - 1 - look);
  return (n + share - 1) / share;
}

std::vector<std::int64_t> parts_of(const std::vector<std::int64_t>& ids, std::int64_t of) {
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto draw = [&](std::size_t row) {
    return std::pair(Rng(22, "looks", static_cast<std::uint64_t>(ids[row])).bits(0), ids[row]);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return draw(a) < draw(b); });
  std::vector<std::int64_t> parts(ids.size());
  std::int64_t look = 0;
  for (std::size_t place = 0; place < order.size(); ++place) {
    while (static_cast<std::int64_t>(place) >= samples_at(look, of, static_cast<std::int64_t>(ids.size()))) ++look;
    parts[order[place]] = look;
  }
  return parts;
}

Reached reached(const ChainState& state, const Looks& looks, std::int64_t done) {
  Reached out;
  const std::vector<std::int64_t> parts = parts_of(state.ids, looks.of);
  for (std::int64_t look = 0; look < done && !out.stopped; ++look) out = look_at(state, parts, looks, look);
  return out;
}

std::vector<std::int64_t> attacked_rows(const ChainState& state, const std::optional<Looks>& looks, const std::string& condition) {
  std::vector<std::int64_t> rows = state.standing(condition);
  if (!looks) return rows;
  if (reached(state, *looks, looks->look).stopped) return {};
  const std::vector<std::int64_t> parts = parts_of(state.ids, looks->of);
  std::erase_if(rows, [&](std::int64_t row) { return parts[static_cast<std::size_t>(row)] != looks->look; });
  return rows;
}

std::vector<std::int64_t> counted_rows(const ChainState& state, const Looks& looks) {
  const Reached before = reached(state, looks, looks.of - 1);
  const std::int64_t last = before.stopped ? before.look : looks.of - 1;
  const std::vector<std::int64_t> parts = parts_of(state.ids, looks.of);
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i] <= last) rows.push_back(static_cast<std::int64_t>(i));
  return rows;
}

}  // namespace assay::tasks
