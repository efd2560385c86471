// Operators that move values without computing: reshape and its kin, slices, joins, padding.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

std::int64_t product(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent > 0 && count > std::numeric_limits<std::int32_t>::max() / extent * std::int64_t{65536}) return -1;
    count *= extent;
  }
  return count;
}

// The target with ONNX's 0 (as in x) and -1 (what is left) made numbers, for `count` elements.
Shape resolved(Call& call, const Operand& x, Shape target, std::int64_t count, bool zero_is_zero) {
  std::size_t open = target.size();
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && !zero_is_zero) {
      if (i >= x.shape().size()) call.bad(fmt::format("target {} copies an axis that x ({}) lacks", engine::shape_str(target), x.spec.str()));
      target[i] = x.shape()[i];
    }
    if (target[i] < -1 || (target[i] == -1 && open != target.size())) call.bad("has no shape as target: " + engine::shape_str(target));
    if (target[i] == -1) open = i;
  }
  if (open == target.size()) return target;
  target[open] = 1;
  const std::int64_t rest = product(target);
  target[open] = rest > 0 ? count / rest : 0;
  return target;
}

// A file of fixed batch b names it in targets. The batch is the slowest axis, so at another batch N the target's first
// extent grows by N / b. A target that was computed from shapes holds N already.
Shape at_batch(Call& call, const Operand& x, const Shape& target, bool zero_is_zero) {
  const std::int64_t fixed = call.session.fixed_batch, batch = call.session.batch, count = x.spec.count();
  const bool moves = fixed > 0 && fixed != batch && !x.known() && !target.empty() && count % batch == 0;
  const auto has_batch = [&](std::int64_t extent) { return extent > 0 && extent % batch == 0; };
  const bool copies = !zero_is_zero && !target.empty() && target[0] == 0;
  if (!moves || copies || std::any_of(target.begin(), target.end(), has_batch)) return resolved(call, x, target, count, zero_is_zero);
  Shape scaled = resolved(call, x, target, count / batch * fixed, zero_is_zero);
  if (product(scaled) != count / batch * fixed || scaled[0] % fixed != 0) return resolved(call, x, target, count, zero_is_zero);
  scaled[0] = scaled[0] / fixed * batch;
  return scaled;
}

Operands reshape(Call& call) {
  const Operand& x = call.in(0);
  const bool zero_is_zero = call.opset >= 14 && call.integer("allowzero", 0) != 0;
  const Shape target = call.opset >= 5 ? call.known_ints(1, "shape") : call.ints("shape");
  const Shape shape = at_batch(call, x, target, zero_is_zero);
  if (product(shape) != x.spec.count()) {
    call.bad(fmt::format("cannot make {} of {}", engine::shape_str(target), x.spec.str()));
  }
  return {call.reshape(x, shape)};
}

Operands flatten(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t given = call.integer("axis", 1);
  const std::int64_t axis = given < 0 ? given + x.rank() : given;
  if (axis < 0 || axis > x.rank()) call.bad(fmt::format("axis {} is outside a value of {} axes", given, x.rank()));
  if (axis == 1 && call.session.options.batched && !x.known() && !x.logical) return {call.emit("flatten", {x})};
  std::int64_t rows = 1, columns = 1;
  for (std::int64_t a = 0; a < x.rank(); ++a) (a < axis ? rows : columns) *= x.shape()[static_cast<std::size_t>(a)];
  return {call.reshape(x, {rows, columns})};
}

Operands squeeze(Call& call) {
  const Operand& x = call.in(0);
  Shape axes = call.ints_since(13, 1, "axes");
  for (std::int64_t& a : axes) a = call.axis(a, x.rank());
  const bool all = axes.empty();
  Shape shape;
  for (std::int64_t a = 0; a < x.rank(); ++a) {
    const std::int64_t extent = x.shape()[static_cast<std::size_t>(a)];
    const bool named = std::find(axes.begin(), axes.end(), a) != axes.end();
    if (named && extent != 1) call.bad(fmt::format("axis {} of {} is not 1", a, x.spec.str()));
    if (!named && !(all && extent == 1)) shape.push_back(extent);
  }
  return {call.reshape(x, shape)};
}

Operands unsqueeze(Call& call) {
  const Operand& x = call.in(0);
  Shape axes = call.ints_since(13, 1, "axes");
  const std::int64_t rank = x.rank() + static_cast<std::int64_t>(axes.size());
  for (std::int64_t& a : axes) a = call.axis(a, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) call.bad("names an axis twice");
  Shape shape = x.shape();
  for (const std::int64_t a : axes) shape.insert(shape.begin() + a, 1);
  return {call.reshape(x, shape)};
}

Operands transpose(Call& call) {
  const Operand& x = call.in(0);
  Shape perm(static_cast<std::size_t>(x.rank()));
  std::iota(perm.rbegin(), perm.rend(), 0);
  return {call.transpose(x, call.ints("perm", perm))};
}

// A weight stays what it is and is expanded in the graph, so that it trains as one weight.
Operand expanded(Call& call, const Operand& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  const Operand from = x.known() && x.weight ? call.session.hidden(x) : x;
  return Call::like(x, call.emit("expand", {from}, {{"shape", shape}}));
}

// A file whose batch is fixed to one row needs no expansion of what is the same for every row (a class token): it is
// made here.
void expand_rows(Call& call, Operands& parts) {
  const std::int64_t batch = call.session.batch;
  const auto rows = [](const Operand& x) { return x.rank() == 0 ? 0 : x.shape()[0]; };
  if (std::none_of(parts.begin(), parts.end(), [&](const Operand& x) { return rows(x) == batch; })) return;
  for (Operand& part : parts) {
    Shape shape = part.shape();
    if (rows(part) != 1) continue;
    shape[0] = batch;
    part = expanded(call, part, shape);
  }
}

Operands concat(Call& call) {
  Operands parts;
  for (std::size_t i = 0; i < call.count(); ++i) parts.push_back(call.in(i));
  if (parts.empty()) call.bad("joins nothing");
  const std::int64_t axis = call.axis(call.integer("axis", 1), parts[0].rank());
  if (call.session.fixed_batch == 1 && axis != 0) expand_rows(call, parts);
  return {Call::like(parts[0], call.emit("concat", parts, {{"axis", axis}}))};
}

Operand part(Call& call, const Operand& x, std::int64_t axis, std::int64_t begin, std::int64_t size) {
  Shape begins(static_cast<std::size_t>(x.rank()), 0), sizes(begins.size(), -1);
  begins[static_cast<std::size_t>(axis)] = begin;
  sizes[static_cast<std::size_t>(axis)] = size;
  return Call::like(x, call.emit("slice", {x}, {{"begin", begins}, {"size", sizes}}));
}

Operands split(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), x.rank());
  const std::int64_t extent = x.shape()[static_cast<std::size_t>(axis)];
  Shape sizes = call.ints_since(13, 1, "split");
  const auto parts = static_cast<std::int64_t>(call.node.outputs.size());
  if (sizes.empty()) {
    if (parts == 0 || extent % parts != 0) call.bad(fmt::format("cannot split {} into {} equal parts", extent, parts));
    sizes.assign(static_cast<std::size_t>(parts), extent / parts);
  }
  Operands made;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0 || begin + size > extent) call.bad(fmt::format("its parts do not fit in {}", extent));
    made.push_back(part(call, x, axis, begin, size));
    begin += size;
  }
  if (begin != extent) call.bad(fmt::format("its parts make {} of {}", begin, extent));
  return made;
}

struct Range {
  std::int64_t begin = 0, size = 0, step = 1;
};

// NumPy's rule for one axis: negative bounds count from the end, bounds beyond it are moved to it.
Range range_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
  const auto wrapped = [&](std::int64_t v) { return v < 0 ? std::max(v, -extent - 1) + extent : std::min(v, extent); };
  Range r;
  r.step = step;
  if (step > 0) {
    r.begin = std::clamp<std::int64_t>(wrapped(start), 0, extent);
    const std::int64_t stop = std::clamp<std::int64_t>(wrapped(end), 0, extent);
    r.size = stop > r.begin ? (stop - r.begin - 1) / step + 1 : 0;
  } else {
    r.begin = std::clamp<std::int64_t>(wrapped(start), -1, extent - 1);
    const std::int64_t stop = end < -extent ? -1 : std::clamp<std::int64_t>(wrapped(end), -1, extent - 1);
    r.size = r.begin > stop ? (r.begin - stop - 1) / -step + 1 : 0;
  }
  return r;
}

// A slice with a negative step reads its elements by index.
Operand picked(Call& call, const Operand& x, std::int64_t axis, const Range& r) {
  std::vector<std::int64_t> index;
  for (std::int64_t k = 0; k < r.size; ++k) index.push_back(r.begin + k * r.step);
  return Call::like(x, call.emit("gather", {x, call.constant(Tensor::i64({r.size}, index))}, {{"axis", axis}}));
}

Operands slice(Call& call) {
  const Operand& x = call.in(0);
  const Shape starts = call.ints_since(10, 1, "starts"), ends = call.ints_since(10, 2, "ends");
  Shape axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = call.ints_since(10, 3, "axes", axes);
  const Shape steps = call.opset >= 10 && call.has(4) ? call.known_ints(4, "steps") : Shape(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    call.bad("its starts, ends, axes and steps are not equally many");
  }
  Shape begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1), step(begin.size(), 1);
  Operand made = x;
  bool forward = false;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t axis = call.axis(axes[i], x.rank());
    const auto a = static_cast<std::size_t>(axis);
    if (steps[i] == 0 || steps[i] < std::numeric_limits<std::int32_t>::min()) call.bad("has a step that leads nowhere");
    const Range r = range_of(starts[i], ends[i], steps[i], x.shape()[a]);
    if (steps[i] < 0) {
      made = picked(call, made, axis, r);
      continue;
    }
    const bool rest = r.size == (x.shape()[a] - r.begin + r.step - 1) / r.step;  // reaches the end, whatever it is
    begin[a] = r.begin;
    step[a] = r.size > 1 ? r.step : 1;
    size[a] = rest && r.size != 1 ? -1 : r.size;
    if (r.size == 0) begin[a] = 0, size[a] = 0;
    forward = true;
  }
  if (forward) made = Call::like(x, call.emit("slice", {made}, {{"begin", begin}, {"size", size}, {"step", step}}));
  return {made};
}

Shape broadcast(Call& call, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) call.bad(fmt::format("cannot broadcast {} and {}", engine::shape_str(a), engine::shape_str(b)));
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Operands expand(Call& call) {
  const Operand& x = call.in(0);
  const Shape target = call.known_ints(1, "shape");
  for (const std::int64_t extent : target) {
    if (extent < 0) call.bad("has a negative extent in its shape");
  }
  return {expanded(call, x, broadcast(call, x.shape(), target))};
}

Operands tile(Call& call) {
  const Operand& x = call.in(0);
  Shape repeats = call.opset >= 6 ? call.known_ints(1, "repeats") : Shape();
  if (call.opset < 6) {  // one axis at a time
    repeats.assign(static_cast<std::size_t>(x.rank()), 1);
    const Shape times = call.known_ints(1, "tiles"), axis = call.known_ints(2, "axis");
    if (times.size() != 1 || axis.size() != 1) call.bad("takes one number of tiles and one axis");
    repeats[static_cast<std::size_t>(call.axis(axis[0], x.rank()))] = times[0];
  }
  if (repeats.size() != x.shape().size()) call.bad("must have one repeat an axis");
  bool broadcasts = true;
  Shape shape = x.shape();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (repeats[i] < 0) call.bad("has a negative repeat");
    broadcasts = broadcasts && (repeats[i] == 1 || shape[i] == 1);
    shape[i] *= repeats[i];
  }
  if (broadcasts) return {expanded(call, x, shape)};
  return {Call::like(x, call.emit("tile", {x}, {{"repeats", repeats}}))};
}

// [begin of every axis, end of every axis]; negative ones crop.
Operands pad(Call& call) {
  const Operand& x = call.in(0);
  const std::size_t rank = x.shape().size();
  const Shape pads = call.opset >= 11 ? call.known_ints(1, "pads") : call.ints(call.opset >= 2 ? "pads" : "paddings");
  if (pads.size() != 2 * rank) call.bad(fmt::format("must have {} pads", 2 * rank));
  double value = call.opset >= 11 ? 0 : call.real("value", 0);
  if (call.opset >= 11 && call.has(2)) {
    const std::vector<double> given = call.known_reals(2, "constant value");
    if (given.size() != 1) call.bad("takes one constant value");
    value = given[0];
  }
  Shape before(rank), after(rank), begin(rank, 0), size(rank, -1);
  bool crops = false;
  for (std::size_t i = 0; i < rank; ++i) {
    before[i] = std::max<std::int64_t>(pads[i], 0);
    after[i] = std::max<std::int64_t>(pads[rank + i], 0);
    begin[i] = std::max<std::int64_t>(-pads[i], 0);
    const std::int64_t cut = begin[i] + std::max<std::int64_t>(-pads[rank + i], 0);
    if (cut > 0) size[i] = x.shape()[i] - cut;
    if (cut > x.shape()[i]) call.bad("crops more than there is");
    crops = crops || cut > 0;
  }
  const Operand from = crops ? Call::like(x, call.emit("slice", {x}, {{"begin", begin}, {"size", size}})) : x;
  const auto none = [](const Shape& extents) { return std::all_of(extents.begin(), extents.end(), [](std::int64_t v) { return v == 0; }); };
  if (none(before) && none(after)) return {from};
  Attrs attrs = {{"before", before}, {"after", after}};
  const std::string mode = call.text("mode", "constant");
  if (mode == "constant") attrs.set("value", value);
  if (mode != "constant") attrs.set("mode", mode);
  return {Call::like(x, call.emit("pad", {from}, attrs))};
}

Operands depth_to_space(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t b = call.integer("blocksize", 0);
  if (x.rank() != 4 || b < 1 || x.shape()[1] % (b * b) != 0) call.bad("needs [N, C, H, W] with C a multiple of blocksize squared");
  const Shape s = x.shape();
  const std::int64_t c = s[1] / (b * b);
  const bool columns = call.text("mode", "DCR") == "CRD";
  const Operand parts = columns ? call.reshape(x, {s[0], c, b, b, s[2], s[3]}) : call.reshape(x, {s[0], b, b, c, s[2], s[3]});
  const Operand moved = call.transpose(parts, columns ? Shape{0, 1, 4, 2, 5, 3} : Shape{0, 3, 4, 1, 5, 2});
  return {call.reshape(moved, {s[0], c, s[2] * b, s[3] * b})};
}

Operands space_to_depth(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t b = call.integer("blocksize", 0);
  if (x.rank() != 4 || b < 1 || x.shape()[2] % b != 0 || x.shape()[3] % b != 0) call.bad("needs [N, C, H, W] with H and W multiples of blocksize");
  const Shape s = x.shape();
  const Operand parts = call.reshape(x, {s[0], s[1], s[2] / b, b, s[3] / b, b});
  return {call.reshape(call.transpose(parts, {0, 3, 5, 1, 2, 4}), {s[0], s[1] * b * b, s[2] / b, s[3] / b})};
}

}  // namespace

Rows movement_rows() {
  return {{"Concat", concat},   {"DepthToSpace", depth_to_space}, {"Expand", expand},       {"Flatten", flatten},
          {"Pad", pad},         {"Reshape", reshape},             {"Slice", slice},         {"SpaceToDepth", space_to_depth},
          {"Split", split},     {"Squeeze", squeeze},             {"Tile", tile},           {"Transpose", transpose},
          {"Unsqueeze", unsqueeze}};
}

}  // namespace assay::onnx
