#include "harness/record/served.hpp"

#include "harness/base/json.hpp"

namespace assay {

std::string Served::to_text() const {
  return Json::object({{"code", code},
                       {"cpu_seconds", cpu_seconds},
                       {"peak_rss_bytes", static_cast<std::int64_t>(peak_rss_bytes)},
                       {"rss_bytes", static_cast<std::int64_t>(rss_bytes)}})
      .dump();
}

Served Served::from_text(const std::string& text) {
  const Json json = Json::parse(text, "answer of a judge");
  Served served;
  served.code = static_cast<int>(json.at("code").as_int());
  served.cpu_seconds = json.at("cpu_seconds").as_real();
  served.peak_rss_bytes = static_cast<std::uint64_t>(json.at("peak_rss_bytes").as_int());
  served.rss_bytes = static_cast<std::uint64_t>(json.at("rss_bytes").as_int());
  return served;
}

}  // namespace assay
