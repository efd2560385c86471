// The program `assay`: reads suites, plans, supervises, stores and shows. It links no engine and opens no plugin.
#include "harness/cli/command.hpp"

int main(int argc, char** argv) { return assay::cli::run_program(argc, argv); }
