// A site that was written from a database, read back chunk by chunk.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "harness/base/files.hpp"
#include "results/export/site.hpp"

namespace export_test {

using namespace assay;

struct Written {
  TempDir folder;
  fs::path target = folder.path() / "out";
  site::SiteReport report;

  explicit Written(const store::Store& db, const fs::path& artifacts = {}) : artifacts_(artifacts) {
    for (const char* name : {"index.html", "site.js", "site.css"})
      write_atomic(folder.path() / "front" / name, std::string_view("x"));
    report = again(db);
  }
  site::SiteReport again(const store::Store& db) const {
    return site::write_site(db, {folder.path() / "front", target, "9.9", artifacts_});
  }

  // The value in data/<name>.js, the way a browser reads it.
  Json chunk(const std::string& name) const {
    const std::string text = read_text(target / "data" / (name + ".js"));
    const std::string head = "assay.data(" + Json(name).dump() + ",JSON.parse('", tail = "'));\n";
    REQUIRE(text.rfind(head, 0) == 0);
    REQUIRE(text.substr(text.size() - tail.size()) == tail);
    std::string json;
    for (std::size_t i = head.size(); i + tail.size() < text.size(); ++i) {
      if (text[i] == '\\')
        ++i;
      else
        REQUIRE(text[i] != '\'');
      json += text[i];
    }
    return Json::parse(json);
  }

 private:
  fs::path artifacts_;
};

}  // namespace export_test
