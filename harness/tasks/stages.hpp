// The stages that stage.cpp's table names. Contracts of inputs and outputs: harness/record/job.hpp.
#pragma once

#include "harness/tasks/stage.hpp"

namespace assay::tasks {

void prepare(StageContext& context);
void train(StageContext& context);
void import_network(StageContext& context);
void finetune(StageContext& context);
void make_template(StageContext& context);
void measure_trial(StageContext& context);
void select_trial(StageContext& context);

void run_attack(StageContext& context);
void judge_attack(StageContext& context);
void survivors(StageContext& context);  // of a chain of attacks
void run_detect(StageContext& context);
void judge_detect(StageContext& context);
void run_predict(StageContext& context);
void judge_predict(StageContext& context);
void run_compress(StageContext& context);
void judge_compress(StageContext& context);
void time_compress(StageContext& context);
void run_reduce(StageContext& context);
void judge_reduce(StageContext& context);
void run_falsify(StageContext& context);
void judge_falsify(StageContext& context);
void enumerate_grid(StageContext& context);  // of falsify, the host alone

}  // namespace assay::tasks
