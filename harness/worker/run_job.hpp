// Runs one job file to its end event.
#pragma once

#include <filesystem>

#include "harness/base/file_digests.hpp"

namespace assay::worker {

// 0: the stage ended ok (also when an earlier process had ended it already); 1: failed or rejected (the shard's end
// event says which and why); 2: the job file itself is bad. `digests`: of inputs that an earlier job of this process read too.
int run_job(const std::filesystem::path& job_file, FileDigests& digests);

}  // namespace assay::worker
