// Runs ONNX's conformance cases and says which passed, which are unsupported and why, and which failed.
//
//   conformance LIST DATA [--every N] [--write FOLDER] [--show] [--only TEXT]
//
// --every N runs each N-th case (the fast test); --write makes TABLE.md and cases.tsv; --only takes the cases whose name
// holds TEXT. Ends with 0, with 1 when a case failed or fewer than 90 % passed, with 77 when the data are not installed.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <vector>

#include "tests/conformance/cases.hpp"

namespace {

using assay::conformance::Result;
using assay::conformance::Verdict;

struct Arguments {
  std::filesystem::path list, data, write;
  std::size_t every = 1;
  bool show = false;
  std::string only;
};

Arguments read_arguments(int argc, char** argv) {
  Arguments a;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) throw std::runtime_error("usage: conformance LIST DATA [--every N] [--write FOLDER] [--show] [--only TEXT]");
  a.list = words[0];
  a.data = words[1];
  for (std::size_t i = 2; i < words.size(); ++i) {
    const bool more = i + 1 < words.size();
    if (words[i] == "--show") a.show = true;
    else if (words[i] == "--every" && more) a.every = std::stoul(words[++i]);
    else if (words[i] == "--write" && more) a.write = words[++i];
    else if (words[i] == "--only" && more) a.only = words[++i];
    else throw std::runtime_error("unknown argument " + words[i]);
  }
  return a;
}

std::vector<std::string> read_list(const Arguments& a) {
  std::ifstream file(a.list);
  std::vector<std::string> all, taken;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#' && line.find(a.only) != std::string::npos) all.push_back(line);
  }
  for (std::size_t i = 0; i < all.size(); i += std::max<std::size_t>(a.every, 1)) taken.push_back(all[i]);
  if (taken.empty()) throw std::runtime_error("no case in " + a.list.string());
  return taken;
}

std::size_t count(const std::vector<Result>& results, Verdict verdict, const std::string& suite = "") {
  return static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [&](const Result& r) {
    return r.verdict == verdict && r.name.compare(0, suite.size(), suite) == 0;
  }));
}

std::string table(const std::vector<Result>& results) {
  std::string text =
      "# Conformance with ONNX 1.12\n\n"
      "Made by `tests/conformance/run`: every applicable case (`applicable.txt`, by the rule in `make_applicable.py`) of\n"
      "Debian's libonnx-testdata, imported as a plain function and run node by node and compiled. A case passes when both\n"
      "give the expected outputs: reals to 1e-3 relative + 1e-7 absolute, the tolerances of ONNX's own backend tests,\n"
      "integers and shapes exactly. `cases.tsv` has every case.\n\n"
      "| suite | cases | passed | unsupported | failed |\n|---|---|---|---|---|\n";
  for (const char* suite : {"node/", "simple/", "pytorch-converted/", "pytorch-operator/", ""}) {
    const std::size_t p = count(results, Verdict::passed, suite), u = count(results, Verdict::unsupported, suite),
                      f = count(results, Verdict::failed, suite);
    const std::string label(suite);
    text += fmt::format("| {} | {} | {} | {} | {} |\n", label.empty() ? "all" : label.substr(0, label.size() - 1), p + u + f, p, u, f);
  }
  const auto specialised = std::count_if(results.begin(), results.end(), [](const Result& r) {
    return r.verdict == Verdict::passed && r.specialised > 0;
  });
  text += fmt::format("\nPassed: {:.1f} %. In {} of the passed cases an input fixes a shape or an attribute (the target of Reshape, the\n"
                      "k of TopK); the import takes such an input's value from the case.\n",
                      100.0 * static_cast<double>(count(results, Verdict::passed)) / static_cast<double>(results.size()), specialised);
  std::map<std::string, std::vector<std::string>> reasons;
  for (const Result& r : results) {
    if (r.verdict != Verdict::passed) reasons[std::string(verdict_name(r.verdict)) + ": " + r.reason].push_back(r.name);
  }
  if (!reasons.empty()) text += "\n| not passed | cases |\n|---|---|\n";
  for (const auto& [reason, names] : reasons) text += fmt::format("| {} | {} |\n", reason, fmt::join(names, ", "));
  return text;
}

void write(const std::filesystem::path& folder, const std::vector<Result>& results) {
  std::ofstream(folder / "TABLE.md") << table(results);
  std::ofstream lines(folder / "cases.tsv");
  lines << "case\tverdict\treason\n";
  for (const Result& r : results) lines << r.name << '\t' << verdict_name(r.verdict) << '\t' << r.reason << '\n';
}

int run(const Arguments& a) {
  if (!std::filesystem::exists(a.data)) {
    std::printf("skipped: %s is not there (Debian package libonnx-testdata)\n", a.data.c_str());
    return 77;
  }
  std::vector<Result> results;
  for (const std::string& name : read_list(a)) {
    results.push_back(assay::conformance::run_case(a.data, name));
    const Result& r = results.back();
    if (r.verdict == Verdict::failed || a.show) std::printf("%-11s %s: %s\n", verdict_name(r.verdict), r.name.c_str(), r.reason.c_str());
  }
  const std::size_t passed = count(results, Verdict::passed), failed = count(results, Verdict::failed);
  std::printf("%zu cases: %zu passed, %zu unsupported, %zu failed\n", results.size(), passed, count(results, Verdict::unsupported), failed);
  if (!a.write.empty()) write(a.write, results);
  return failed == 0 && passed * 10 >= results.size() * 9 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(read_arguments(argc, argv));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
