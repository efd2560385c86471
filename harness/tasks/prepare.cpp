// The prepare stage: harness/data does the work.
#include "harness/data/prepare.hpp"

#include "harness/tasks/stages.hpp"

namespace assay::tasks {

void prepare(StageContext& context) {
  for (const std::string& file : data::run_prepare(context.job(), context.out())) context.announce(file);
}

}  // namespace assay::tasks
