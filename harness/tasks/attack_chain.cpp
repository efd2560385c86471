#include "harness/tasks/attack_chain.hpp"

#include "harness/base/error.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::tasks {

namespace {

Json to_json(const ChainLink& link) {
  Json standing = Json::object({});
  for (const auto& [condition, count] : link.standing) standing[condition] = count;
  return Json::object(
      {{"method", link.method}, {"gradients", link.gradients}, {"iterative", link.iterative}, {"standing", standing}});
}

ChainLink from_json(const Json& json) {
  ChainLink link{json.at("method").as_string(), json.get("gradients", false), json.get("iterative", false), {}};
  for (const auto& [condition, count] : json.at("standing").as_object()) link.standing[condition] = count.as_int();
  return link;
}

}  // namespace

std::vector<std::int64_t> ChainState::standing(const std::string& condition) const {
  const auto found = conditions.find(condition);
  if (found == conditions.end()) throw Error(Fault::bad_input, "the chain has no condition '" + condition + "'");
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < found->second.robust.size(); ++i) {
    if (found->second.robust[i] == 1) rows.push_back(static_cast<std::int64_t>(i));
  }
  return rows;
}

ChainState ChainState::at_rows(const std::vector<std::int64_t>& rows) const {
  ChainState out{{}, {}, links, spent};
  for (const std::int64_t row : rows) out.ids.push_back(ids[static_cast<std::size_t>(row)]);
  for (const auto& [name, condition] : conditions) {
    Condition& at = out.conditions[name];
    for (const std::int64_t row : rows) {
      at.robust.push_back(condition.robust[static_cast<std::size_t>(row)]);
      at.distance.push_back(condition.distance[static_cast<std::size_t>(row)]);
    }
  }
  return out;
}

void ChainState::save(const std::filesystem::path& file) const {
  Container container;
  const auto n = static_cast<std::int64_t>(ids.size());
  container.arrays["id"] = Array::i64({n}, ids);
  for (const auto& [condition, values] : conditions) {
    container.arrays["robust:" + condition] = Array::f64({n}, values.robust);
    container.arrays["distance:" + condition] = Array::f64({n}, values.distance);
  }
  Json list = Json::array();
  for (const ChainLink& link : links) list.push_back(to_json(link));
  container.metadata = Json::object({{"links", list}, {"spent", spent.to_json()}});
  save_container(file, container);
}

ChainState ChainState::load(const std::filesystem::path& file) {
  const Container container = load_container(file);
  ChainState state;
  const auto ids = container.at("id").as_i64();
  state.ids.assign(ids.begin(), ids.end());
  const std::string robust = "robust:";
  for (const auto& [name, array] : container.arrays) {
    if (name.rfind(robust, 0) != 0) continue;
    const std::string condition = name.substr(robust.size());
    const auto flags = array.as_f64(), distance = container.at("distance:" + condition).as_f64();
    if (flags.size() != ids.size() || distance.size() != ids.size())
      throw Error(Fault::bad_input,
                  file.string() + ": condition '" + condition + "' has another number of samples than ids");
    state.conditions[condition] = {{flags.begin(), flags.end()}, {distance.begin(), distance.end()}};
  }
  for (const Json& link : container.metadata.at("links").as_array()) state.links.push_back(from_json(link));
  state.spent = Spent::from_json(container.metadata.at("spent"));
  return state;
}

ChainLink link_of(const Json& json) {
  return {json.at("id").as_string(), json.get("gradients", false), json.get("iterative", false), {}};
}

}  // namespace assay::tasks
