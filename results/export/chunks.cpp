#include "results/export/chunks.hpp"

#include <cmath>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay::site {
namespace {

// A script's string. JSON has no bare line ends; a double quote needs no escape here.
std::string quoted(const std::string& json) {
  std::string out = "'";
  out.reserve(json.size() + json.size() / 16);
  for (const char c : json) {
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::string ChunkWriter::counted(const std::string& name, const Json& value) {
  std::string text = "assay.data(" + Json(name).dump() + ",JSON.parse(" + quoted(value.dump()) + "));\n";
  ++files_;
  bytes_ += text.size();
  return text;
}

std::uint64_t ChunkWriter::write(const std::string& name, const Json& value) {
  const std::string text = counted(name, value);
  const std::filesystem::path file = folder_ / (name + ".js"), part = file.string() + ".part";
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(part, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw Error(Fault::io, "cannot write '" + part.string() + "'");
  std::filesystem::rename(part, file);
  return text.size();
}

void ChunkWriter::write_last(const std::string& name, const Json& value) {
  write_atomic(folder_ / (name + ".js"), counted(name, value));
}

std::string safe_name(const std::string& name) {
  std::string out = name;
  for (char& c : out) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!plain) c = '_';
  }
  return out;
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

int level_index(store::Level level) { return static_cast<int>(level); }

}  // namespace assay::site
