// Training all members on the same batches with one loss of all of them.
#pragma once

#include "training.hpp"

namespace ensembles {

// One step of every member down `loss`, a value of one element with history for the leaves of all.
inline void descend(std::vector<Learner>& members, const Rule& rule, const assay::Tensor& loss, double rate) {
  std::vector<assay::Tensor> leaves;
  for (const Learner& member : members) leaves.insert(leaves.end(), member.leaves().begin(), member.leaves().end());
  const std::vector<assay::Tensor> gradients = assay::grad(std::span(&loss, 1), leaves);
  std::size_t first = 0;
  for (Learner& member : members) {
    const std::size_t count = member.leaves().size();
    member.step(rule, std::span(gradients).subspan(first, count), rate);
    first += count;
  }
}

// loss(rows, learners) with leaves that are watched; one step down it for every batch.
template <class Loss>
assay::Model train_jointly(assay::Run& run, const assay::Members& in, const Schedule& schedule, const Rule& rule,
                           Loss&& loss) {
  std::vector<Learner> members = learners(in);
  schedule.each(run, in.train.size(), {"order"}, [&](std::int64_t, const auto& positions, double rate) {
    for (Learner& member : members) member.watch();
    const assay::Tensor value = loss(in.train.rows(positions.front()), members);
    descend(members, rule, value, rate);
  });
  return mean_softmax(run, members);
}

}  // namespace ensembles
