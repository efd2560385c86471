// The text of a new plugin's files. Placeholders: @ID@ (kebab-case), @FILE@ (snake_case), @TYPE@ (CamelCase).
#pragma once

#include <string>
#include <vector>

namespace assay::cli {

struct RoleTemplate {
  const char* role;     // attack
  const char* folder;   // attacks: below plugins/
  const char* task;     // of its smallest suite
  const char* source;   // the C++ file
  const char* suite;    // the smallest suite
};

const std::vector<RoleTemplate>& role_templates();
extern const char* const reducer_source;   // template_reducer.cpp
extern const char* const reducer_methods;  // the end of its suite
extern const char* const analyzer_source;   // template_analyzer.cpp
extern const char* const analyzer_methods;
const char* readme_template();
const char* cmake_template();

}  // namespace assay::cli
