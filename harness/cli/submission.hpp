// A user's file of outputs as the journal that a judge reads, and the page that says what such a file holds. The form is
// checked here, the content by the judge. Threading: main thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/record/plan.hpp"

namespace assay::cli {

// Writes `journal` from FILE.npz or FILE.csv for a suite of this plan's task. Throws Error(bad_input) naming the file, the
// array and what was expected: no ids, an id twice, another number of rows, an unknown array, a type that is none of
// numbers, a value that is not a number.
void write_journal(const Plan& suite, const std::filesystem::path& file, const std::filesystem::path& journal);

// README.md of `assay submit --template`: what the files of `folder` are and what to bring.
std::string template_page(const Plan& suite, const Node& site, const std::string& suite_word);

}  // namespace assay::cli
