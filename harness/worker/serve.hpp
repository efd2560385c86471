// A judge that serves one cell after the other, for a supervisor that speaks record/served.hpp.
#pragma once

namespace assay::worker {

// Does what arrives on the socket until its other end is closed; each job as `assay-worker JOB.json` would, with its output
// in the `log` of the job's scratch folder. Refuses a job that loads a plugin. 0, or 2 when there is no such socket.
int serve();

}  // namespace assay::worker
