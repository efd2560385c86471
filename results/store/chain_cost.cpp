// What the links of a chain of attacks cost before the one that the cell itself ran. Passes are counted along the chain, times
// are of processes: those of the nodes are found along the edges.
#include "results/store/impl.hpp"

namespace assay::store {

void add_links(const Connection& db, AttemptRecord& attempt) {
  // Of several attempts that made a file with these bytes the first: a link without anything to attack hands on what it got.
  const auto query = db.cached(R"sql(
WITH RECURSIVE link(attempt) AS (
  SELECT (SELECT min(m.attempt) FROM edge m WHERE m.artifact = e.artifact AND m.made = 1)
  FROM edge e WHERE e.attempt = ?1 AND e.made = 0 AND e.name = 'chain'
  UNION
  SELECT (SELECT min(m.attempt) FROM edge m WHERE m.artifact = e.artifact AND m.made = 1)
  FROM link JOIN edge e ON e.attempt = link.attempt AND e.made = 0 AND e.name = 'chain'
)
SELECT coalesce(sum(a.cpu_seconds), 0), coalesce(sum(a.wall_seconds), 0) FROM link JOIN attempt a ON a.id = link.attempt)sql");
  query->bind(attempt.id).step();
  attempt.links_cpu_seconds = query->real(0);
  attempt.links_wall_seconds = query->real(1);
}

}  // namespace assay::store
