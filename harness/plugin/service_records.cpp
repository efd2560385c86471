// assay.records/1 over data::RecordSet. Fields of role `truth` do not exist for a plugin.
#include <algorithm>
#include <numeric>

#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

const data::RecordSet& records(Host& host, const assay_object* object) {
  return *host.as<RecordsObject>(object, ASSAY_RECORDS, "records").value;
}
std::vector<const data::Field*> visible(const data::RecordSet& set) {
  std::vector<const data::Field*> fields;
  for (const data::Field& field : set.fields) {
    if (field.role != data::Role::truth) fields.push_back(&field);
  }
  return fields;
}

assay_status records_count(const assay_host* abi, const assay_object* object, std::int64_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = records(host, object).size(); });
}
assay_status records_class_count(const assay_host* abi, const assay_object* object, std::int64_t* out) noexcept {
  return serve(abi, [&](Host& host) {
    const data::RecordSet& set = records(host, object);
    const bool labelled = set.has("target") && set.find("target").role != data::Role::truth;
    *required(out, "out") = labelled ? set.find("target").type.classes : 0;
  });
}
assay_status records_field_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = visible(records(host, object)).size(); });
}
assay_status records_field_at(const assay_host* abi, const assay_object* object, std::size_t index,
                              const char** name) noexcept {
  return serve(abi, [&](Host& host) {
    const auto fields = visible(records(host, object));
    if (index >= fields.size()) throw ServiceError(ASSAY_NOT_FOUND, "index beyond the last field");
    *required(name, "name") = fields[index]->name.c_str();
  });
}

std::vector<std::int64_t> positions(const data::RecordSet& set, const assay_batch_call& call) {
  if (call.count < 0) throw ServiceError(ASSAY_INVALID, "batch: count is negative");
  if (call.indices == nullptr && (call.start < 0 || call.count > set.size() - call.start)) {
    throw ServiceError(ASSAY_INVALID, fmt::format("batch: rows {} to {} of {} records", call.start,
                                                  call.start + call.count, set.size()));
  }
  std::vector<std::int64_t> result(static_cast<std::size_t>(call.count));
  std::iota(result.begin(), result.end(), call.start);
  for (std::size_t i = 0; i < result.size() && call.indices != nullptr; ++i) {
    result[i] = call.indices[i];
    if (result[i] < 0 || result[i] >= set.size())
      throw ServiceError(ASSAY_INVALID, "batch: a position is out of range");
  }
  return result;
}

bool asked_for(const assay_batch_call& call, const std::string& name) {
  if (call.fields == nullptr) return true;
  for (const char* const* field = call.fields; *field != nullptr; ++field) {
    if (name == *field) return true;
  }
  return false;
}

void refuse_unknown(const assay_batch_call& call, const std::vector<const data::Field*>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const data::Field* field : fields) names.push_back(field->name);
  for (const char* const* field = call.fields; field != nullptr && *field != nullptr; ++field) {
    if (std::find(names.begin(), names.end(), *field) != names.end()) continue;
    throw ServiceError(ASSAY_NOT_FOUND, std::string("no field '") + *field + "'" + suggestion(*field, names));
  }
}

assay_status records_batch(const assay_host* abi, const assay_object* object, const assay_batch_call* call,
                           assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const data::RecordSet& set = records(host, object);
    const std::vector<std::int64_t> rows = positions(set, *required(call, "call"));
    const auto fields = visible(set);
    refuse_unknown(*call, fields);
    std::vector<std::int64_t> ids;
    ids.reserve(rows.size());
    for (const std::int64_t row : rows) ids.push_back(set.ids[static_cast<std::size_t>(row)]);
    Bundle batch;
    batch.set("ids", engine::Tensor::i64({static_cast<std::int64_t>(rows.size())}, ids));
    for (const data::Field* field : fields) {
      if (asked_for(*call, field->name)) batch.set(field->name, set.batch(field->name, rows));
    }
    *required(out, "out") = host.bundle(batch).release();
  });
}

Array array_of(const engine::Tensor& tensor) {
  const engine::Tensor dense = tensor.dense();
  const auto* first = dense.raw();
  return {engine::dtype_name(dense.dtype()), dense.shape(), {first, first + dense.spec().bytes()}};
}

data::Field field_of(const std::string& name, const engine::Tensor& tensor) {
  data::Field field;
  field.name = name;
  field.values = array_of(tensor);
  field.type.dtype = tensor.dtype();
  field.type.shape.assign(tensor.shape().begin() + 1, tensor.shape().end());
  field.role = name == "target" || name == "soft_target" ? data::Role::target : data::Role::input;
  const bool labels = name == "target" && tensor.dtype() == engine::DType::i64 && tensor.shape().size() == 1;
  if (!labels) return field;
  field.type.kind = data::TypeKind::cat;
  field.type.classes = 1;  // of no records too
  for (const std::int64_t label : tensor.to_i64()) field.type.classes = std::max(field.type.classes, label + 1);
  return field;
}

assay_status records_create(const assay_host* abi, const assay_object* object, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const auto& content = host.as<BundleObject>(object, ASSAY_BUNDLE, "bundle").values;
    auto set = std::make_shared<data::RecordSet>();
    std::int64_t count = -1;
    for (const auto& [name, held] : content) {
      const engine::Tensor& tensor = host.tensor(held.o.get(), name.c_str());
      if (tensor.shape().empty() || (count >= 0 && tensor.dim(0) != count)) {
        throw ServiceError(ASSAY_INVALID, "records need tensors of equal first dimension; '" + name + "' differs");
      }
      count = tensor.dim(0);
    }
    if (count < 0) throw ServiceError(ASSAY_INVALID, "records need at least one field");
    set->ids.resize(static_cast<std::size_t>(count));
    std::iota(set->ids.begin(), set->ids.end(), 0);
    // Whether a record says where it came from is for whoever adopts the set (harness/tasks/adopt.hpp).
    set->provenance = Json::object({{"numbered", content.count("ids") == 0}});
    if (content.count("ids") > 0) set->ids = host.tensor(content.at("ids").o.get(), "ids").to_i64();
    for (const auto& [name, held] : content) {
      if (name != "ids") set->add(field_of(name, host.tensor(held.o.get())));
    }
    set->validate("records made by the method");
    *required(out, "out") = host.make<RecordsObject>(Records(std::move(set)));
  });
}

}  // namespace

const assay_records_service& records_service() {
  static constexpr assay_records_service table{
      sizeof(table), 0, records_count, records_class_count, records_field_count, records_field_at, records_batch,
      records_create};
  return table;
}

}  // namespace assay::plugin
