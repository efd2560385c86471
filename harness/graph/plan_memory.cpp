// Where buffers live: liveness over the step order, in-place sharing, then greedy offsets, large buffers first.
#include <algorithm>
#include <numeric>

#include "harness/graph/plan_steps.hpp"

namespace assay::graph {
namespace {

constexpr std::size_t alignment = 64;  // a cache line, and what the kernels' widest loads want

std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

class MemoryPlanner {
 public:
  explicit MemoryPlanner(StepList& list) : list_(list) {}

  void find_lives() {
    for (std::size_t i = 0; i < list_.steps.size(); ++i) {
      const int now = static_cast<int>(i);
      for (const int b : list_.steps[i].in) buffer(b).last = now;
      for (const int b : list_.steps[i].out) {
        buffer(b).first = now;
        buffer(b).last = std::max(buffer(b).last, now);
      }
    }
  }

  // What the second phase reads of the first is still there when it runs again: nothing is put in its place.
  void keep_first_phase() {
    std::vector<bool> early(list_.buffers.size(), false);
    for (const Step& step : list_.steps) {
      for (const int b : step.out) early[static_cast<std::size_t>(b)] = step.phase == 0;
    }
    for (const Step& step : list_.steps) {
      for (const int b : step.in) {
        if (step.phase > 0 && early[static_cast<std::size_t>(b)]) buffer(b).last = static_cast<int>(list_.steps.size());
      }
    }
  }

  void share_in_place() {
    for (std::size_t i = 0; i < list_.steps.size(); ++i) {
      const Step& step = list_.steps[i];
      for (std::size_t o = 0; o < step.out.size() && o < step.kernel.in_place.size(); ++o) {
        const int from = step.kernel.in_place[o];
        if (from >= 0) try_share(step, static_cast<int>(i), step.in[static_cast<std::size_t>(from)], step.out[o]);
      }
    }
  }

  void place() {
    std::vector<int> order;
    for (std::size_t b = 0; b < list_.buffers.size(); ++b) {
      const Buffer& it = list_.buffers[b];
      if (it.home == Home::arena && it.shares < 0 && it.first >= 0) order.push_back(static_cast<int>(b));
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return buffer(a).layout.bytes() > buffer(b).layout.bytes(); });
    std::vector<int> placed;
    for (const int b : order) {
      buffer(b).offset = lowest_gap(b, placed);
      list_.arena_bytes = std::max(list_.arena_bytes, buffer(b).offset + rounded(buffer(b).layout.bytes()));
      placed.push_back(b);
    }
  }

 private:
  Buffer& buffer(int id) { return list_.buffers[static_cast<std::size_t>(id)]; }
  int root(int id) { return buffer(id).shares < 0 ? id : buffer(id).shares; }

  void try_share(const Step& step, int now, int from, int to) {
    const int base = root(from);
    if (buffer(from).home != Home::arena || buffer(to).home != Home::arena || buffer(to).shares >= 0) return;
    if (buffer(base).last != now || buffer(from).layout.bytes() != buffer(to).layout.bytes()) return;
    // Another operand in the same memory may still be read after the kernel has begun to write.
    const auto same = std::count_if(step.in.begin(), step.in.end(), [&](int b) { return root(b) == base; });
    const auto taken = std::count_if(step.out.begin(), step.out.end(), [&](int b) { return root(b) == base; });
    if (same != 1 || taken != 0) return;
    buffer(to).shares = base;
    buffer(base).last = std::max(buffer(base).last, buffer(to).last);
  }

  std::size_t lowest_gap(int id, const std::vector<int>& placed) {
    const Buffer& wanted = buffer(id);
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (const int p : placed) {
      const Buffer& other = buffer(p);
      if (other.first <= wanted.last && wanted.first <= other.last) {
        taken.emplace_back(other.offset, other.offset + rounded(other.layout.bytes()));
      }
    }
    std::sort(taken.begin(), taken.end());
    std::size_t at = 0;
    for (const auto& [begin, end] : taken) {
      if (at + rounded(wanted.layout.bytes()) <= begin) break;
      at = std::max(at, end);
    }
    return at;
  }

  StepList& list_;
};

}  // namespace

void plan_memory(StepList& list, const MemoryOptions& options) {
  MemoryPlanner planner(list);
  planner.find_lives();
  if (options.repeat_backward) planner.keep_first_phase();
  if (options.share) planner.share_in_place();
  planner.place();
}

}  // namespace assay::graph
