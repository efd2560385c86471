// An attack that looks for the results database, to read it or to write it.
#include "hostile.hpp"

namespace {

void open_database() {
  const hostile::fs::path database = hostile::home() / "assay.db";
  if (!hostile::peek(database).empty()) hostile::reached("the database");
  for (const char* name : {"assay.db-wal", "assay.db-journal"})
    if (hostile::can_write(hostile::home() / name)) hostile::reached("the journal of the database");
}

}  // namespace

HOSTILE_ATTACK("hostile-database", "opens the results database", open_database)
