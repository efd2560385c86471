// Which function runs which stage of which task. Adding a task: two functions and two lines here.
#include <map>

#include "harness/base/error.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

StageFn find_stage(const std::string& stage, const std::string& task) {
  static const std::map<std::string, StageFn> table = {
      {"prepare", prepare},
      {"train", train},
      {"import", import_network},
      {"finetune", finetune},
      {"template", make_template},
      {"measure", measure_trial},
      {"select", select_trial},
      {"run/attack", run_attack},
      {"judge/attack", judge_attack},
      {"survivors", survivors},
      {"run/detect", run_detect},
      {"judge/detect", judge_detect},
      {"run/predict", run_predict},
      {"judge/predict", judge_predict},
      {"run/compress", run_compress},
      {"judge/compress", judge_compress},
      {"time/compress", time_compress},
      {"run/reduce", run_reduce},
      {"judge/reduce", judge_reduce},
      {"run/falsify", run_falsify},
      {"judge/falsify", judge_falsify},
      {"enumerate", enumerate_grid},
  };
  const std::string name = stage == "run" || stage == "judge" || stage == "time" ? stage + "/" + task : stage;
  const auto it = table.find(name);
  if (it != table.end()) return it->second;
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& [key, unused] : table) names.push_back(key);
  throw Error(Fault::bad_input, "unknown stage '" + name + "'" + suggestion(name, names));
}

}  // namespace assay::tasks
