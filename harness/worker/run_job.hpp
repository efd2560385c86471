// Runs one job file to its end event. One job a process.
#pragma once

#include <filesystem>

namespace assay::worker {

// 0: the stage ended ok (also when an earlier process had ended it already); 1: failed or rejected (the shard's end
// event says which and why); 2: the job file itself is bad.
int run_job(const std::filesystem::path& job_file);

}  // namespace assay::worker
