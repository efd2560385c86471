"""Plants one violation at a time in a small tree and expects the lint to name it.  usage: test_lints.py REPOSITORY"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(sys.argv.pop(1)).resolve()


def lint(name, files, *args):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        run = subprocess.run([REPOSITORY / "tools" / name, "--root", folder, *args], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr


class Layers(unittest.TestCase):
    def finds(self, path, text, expected):
        code, out = lint("check_layers", {path: text})
        self.assertEqual(code, 1, out)
        self.assertIn(expected, out)

    def passes(self, path, text):
        code, out = lint("check_layers", {path: text})
        self.assertEqual(code, 0, out)

    def test_include_against_the_arrow(self):
        self.finds("harness/base/x.cpp", '#include "harness/plan/plan.hpp"\n',
                   "harness/base/x.cpp:1: layer 'base' may not include")

    def test_cli_never_includes_engine(self):
        self.finds("harness/cli/x.cpp", '\n#include "harness/engine/tensor/tensor.hpp"\n', "layer 'tensor'")
        self.finds("harness/cli/x.cpp", '#include "harness/data/batch.hpp"\n', "layer 'data'")

    def test_zoo_is_above_graph(self):
        self.finds("harness/graph/x.cpp", '#include "harness/graph/zoo/lenet.hpp"\n', "layer 'zoo'")
        self.passes("harness/graph/zoo/x.cpp", '#include "harness/graph/graph.hpp"\n')

    def test_plugin_sees_only_the_sdk(self):
        self.passes("plugins/attacks/a/a.cpp", "#include <assay/sdk.hpp>\n")
        self.finds("plugins/attacks/a/a.cpp", '#include "harness/base/json.hpp"\n', "layer 'plugins'")

    def test_transitive_arrow_is_fine(self):
        self.passes("harness/cli/x.cpp", '#include "harness/base/json.hpp"\n#include "harness/record/plan.hpp"\n')

    def test_cmake_link_against_the_arrow(self):
        self.finds("harness/base/CMakeLists.txt", "assay_add_layer(base DEPS assay_plan)\n", "may not link 'assay_plan'")
        self.finds("harness/cli/CMakeLists.txt", "target_link_libraries(assay_cli\n PRIVATE assay_plugin)\n", "assay_plugin")

    def test_waists(self):
        planted = {"harness/suite/x.cpp": "#include <toml++/toml.h>", "harness/plan/x.cpp": "#include <nlohmann/json.hpp>",
                   "harness/sched/x.cpp": "#include <sqlite3.h>", "harness/engine/ops/x.cpp": "#include <dnnl.hpp>",
                   "harness/tasks/x.cpp": "void* p = dlopen(name, 1);", "harness/data/x.cpp": 'std::cout << "x";',
                   "harness/metrics/x.cpp": 'fmt::print("x");', "harness/record/x.cpp": 'printf("x");',
                   "harness/graph/x.cpp": "#include <spdlog/spdlog.h>", "results/board/x.cpp": "#include <CLI/CLI.hpp>",
                   "harness/worker/x.cpp": "#include <boost/dll/shared_library.hpp>",
                   "harness/plugin/x.cpp": "auto s = std::format(x);", "plugins/a/b/b.cpp": "std::mt19937 g;",
                   "harness/sched/y.cpp": "auto now = std::chrono::system_clock::now();", "results/store/y.cpp": "x = ::time(nullptr);"}
        for path, text in planted.items():
            with self.subTest(path):
                self.finds(path, text + "\n", f"{path}:1: waist")

    def test_comments_and_strings_are_no_code(self):
        self.passes("harness/base/x.cpp", '// printf("x")\n/* dlopen( */\nconst char* s = "std::cout printf(";\n')
        self.passes("harness/base/x.cpp", "int n = snprintf(b, 1, c);\n")

    def test_file_outside_every_layer(self):
        self.finds("harness/strange/x.cpp", "\n", "belongs to no layer")


class Size(unittest.TestCase):
    def test_long_file_fails(self):
        code, out = lint("check_size", {"harness/a.cpp": "int x;\n" * 501, "harness/b.cpp": "int x;\n" * 500})
        self.assertEqual(code, 1)
        self.assertIn("harness/a.cpp: 501 lines", out)
        self.assertNotIn("harness/b.cpp: ", out)

    def test_functions_are_measured(self):
        text = "namespace n {\nstruct S {\n  int f(int a) const {\n    if (a) {\n      return 1;\n    }\n    return 0;\n  }\n};\n}\n"
        code, out = lint("check_size", {"harness/a.hpp": text})
        self.assertEqual(code, 0)
        self.assertIn("6 harness/a.hpp:3 f", out)
        self.assertIn("1 functions", out)


class Rules(unittest.TestCase):
    BASE = {"tools/rules.md": "1. one\n2. two\n3. three\n", "tools/rules_enforced.txt": "1-2\n"}

    def test_enforced_rule_without_a_test_fails(self):
        code, out = lint("check_rules", {**self.BASE, "tests/unit/a.cpp": 'TEST_CASE("x [rule 1]")'})
        self.assertEqual(code, 1)
        self.assertIn("rule 2 is listed as enforced", out)

    def test_code_is_no_test(self):
        code, _ = lint("check_rules", {**self.BASE, "harness/a.cpp": "// rules 1, 2", "tests/a.cpp": "// rule 1"})
        self.assertEqual(code, 1)

    def test_lists_and_ranges_count(self):
        code, out = lint("check_rules", {**self.BASE, "tests/a.cpp": "// rules 1 and 2"})
        self.assertEqual(code, 0, out)
        self.assertIn("without: 3", out)

    def test_unknown_rule_fails(self):
        code, out = lint("check_rules", {**self.BASE, "tests/a.cpp": "// rules 1-2, rule 9"})
        self.assertEqual(code, 1)
        self.assertIn("rule 9 does not exist", out)


class Repository(unittest.TestCase):
    """The repository itself is clean; sizes and rules are run by tools/test."""

    def test_layers_of_the_repository(self):
        run = subprocess.run([REPOSITORY / "tools" / "check_layers"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
