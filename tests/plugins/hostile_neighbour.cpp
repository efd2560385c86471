// An attack that writes where other cells work, and where its own judge will.
#include "hostile.hpp"

namespace {

void write_beside() {
  std::error_code refused;
  const hostile::fs::path own = hostile::fs::current_path(), work = own.parent_path().parent_path();
  if (hostile::can_write(own.parent_path() / "judge.exit.json")) hostile::reached("its judge's folder");
  for (const auto& entry : hostile::fs::recursive_directory_iterator(work, refused)) {
    const bool mine =
        entry.path().native().rfind(own.native(), 0) == 0 || own.native().rfind(entry.path().native(), 0) == 0;
    if (mine || !entry.is_directory(refused)) continue;
    if (hostile::can_write(entry.path() / "shard")) hostile::reached("another cell's scratch folder");
  }
  if (hostile::can_write(work / "here")) hostile::reached("the folder of all cells");
  if (hostile::can_write("job.json")) hostile::reached("its own job");
}

}  // namespace

HOSTILE_ATTACK("hostile-neighbour", "writes into another cell's scratch folder", write_beside)
