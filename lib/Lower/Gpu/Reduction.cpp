// See Reduction.h.
#include "Reduction.h"

using namespace mlir;
using namespace mlir::abn;

SmallVector<Value> SumMerge::merge(ScalarBuilder &s, ValueRange a, ValueRange b) const {
  SmallVector<Value> sums;
  for (auto [left, right] : llvm::zip(a, b))
    sums.push_back(s.add(left, right));
  return sums;
}

SmallVector<Value> MomentMerge::merge(ScalarBuilder &s, ValueRange a, ValueRange b) const {
  Value count = s.add(a[0], b[0]);
  Value share = s.div(b[0], s.atLeast(count, 1.0));
  Value delta = s.sub(b[1], a[1]);
  Value mean = s.add(a[1], s.mul(delta, share));
  Value between = s.mul(s.mul(delta, delta), s.mul(a[0], share));
  return {count, mean, s.add(s.add(a[2], b[2]), between)};
}

static ScalarBuilder scalars(NestKernel &k) {
  return ScalarBuilder(k, k.getLoc(), k.getContext().computeType);
}

/// Merges over the threads of each subgroup; all of them get the result.
static SmallVector<Value> mergeSubgroup(NestKernel &k, const Merge &merge, ValueRange state) {
  SmallVector<Value> merged(state);
  ScalarBuilder s = scalars(k);
  for (unsigned mask = k.getSubgroup() / 2; mask > 0; mask /= 2) {
    SmallVector<Value> other =
        llvm::map_to_vector(merged, [&](Value value) { return k.shuffle(value, mask); });
    merged = merge.merge(s, merged, other);
  }
  return merged;
}

static SmallVector<Value> makeBuffers(NestKernel &k, unsigned count, int64_t size) {
  SmallVector<Value> buffers;
  for (unsigned i = 0; i < count; ++i)
    buffers.push_back(k.shared(k.getContext().computeType, size));
  return buffers;
}

static SmallVector<Value> loadAll(NestKernel &k, ArrayRef<Value> buffers, Value place) {
  return llvm::map_to_vector(buffers, [&](Value buffer) { return k.load(buffer, place, 1); });
}

static void storeAll(NestKernel &k, ValueRange values, ArrayRef<Value> buffers, Value place) {
  for (auto [value, buffer] : llvm::zip(values, buffers))
    k.store(value, buffer, place, 1);
}

static SmallVector<Value> makeEmpty(NestKernel &k, const Merge &merge) {
  return SmallVector<Value>(merge.size(), scalars(k).constant(0.0));
}

using Emit = llvm::function_ref<void(Value, Value, ValueRange)>;

/// One channel per block: subgroups first, then what their first threads left.
static void mergeWholeBlock(NestKernel &k, const Merge &merge, ValueRange state, Emit emit) {
  SmallVector<Value> merged = mergeSubgroup(k, merge, state);
  unsigned subgroups = k.getBlockSize() / k.getSubgroup();
  Value zero = k.integer(0), width = k.integer(k.getSubgroup());
  Value isFirst = k.isEqual(k.thread(), zero);
  if (subgroups == 1) {
    k.when(isFirst, [&] { emit(k.group(), zero, merged); });
    return;
  }
  SmallVector<Value> buffers = makeBuffers(k, merge.size(), subgroups);
  k.when(k.isEqual(k.rem(k.thread(), width), zero),
         [&] { storeAll(k, merged, buffers, k.div(k.thread(), width)); });
  k.barrier();
  k.when(k.isLess(k.thread(), width), [&] {
    SmallVector<Value> parts =
        k.when(k.isLess(k.thread(), k.integer(subgroups)), makeEmpty(k, merge),
               [&] { return loadAll(k, buffers, k.thread()); });
    SmallVector<Value> whole = mergeSubgroup(k, merge, parts);
    k.when(isFirst, [&] { emit(k.group(), zero, whole); });
  });
}

/// The places of the thread's lanes in a buffer of runs, in run `row`.
static SmallVector<Value> placesOf(NestKernel &k, Value row) {
  const Tiling &tiling = k.getTiling();
  Value run = k.integer(tiling.vectorsPerRow * tiling.vector);
  Value start = k.add(k.mul(row, run), k.mul(k.column(), k.integer(tiling.vector)));
  SmallVector<Value> places;
  for (unsigned lane = 0; lane < tiling.vector; ++lane)
    places.push_back(k.add(start, k.integer(lane)));
  return places;
}

using States = SmallVector<SmallVector<Value>>;

static void storeLanes(NestKernel &k, const States &states, ArrayRef<Value> buffers, Value row) {
  for (auto [state, place] : llvm::zip(states, placesOf(k, row)))
    storeAll(k, state, buffers, place);
}

/// Merges the rows of threads, each time the later half into the earlier one, so that the first row
/// has the states of its columns.
static States mergeRows(NestKernel &k, const Merge &merge, States states, Value row,
                        ArrayRef<Value> buffers) {
  const Tiling &tiling = k.getTiling();
  for (int64_t rows = tiling.threads / tiling.vectorsPerRow; rows > 1; rows = (rows + 1) / 2) {
    Value half = k.integer((rows + 1) / 2);
    Value isLater =
        k.both(k.isLess(k.sub(half, k.integer(1)), row), k.isLess(row, k.integer(rows)));
    k.when(isLater, [&] { storeLanes(k, states, buffers, k.sub(row, half)); });
    k.barrier();
    SmallVector<Value> flat;
    for (const SmallVector<Value> &state : states)
      flat.append(state);
    flat = k.when(k.isLess(row, k.integer(rows / 2)), flat, [&] {
      ScalarBuilder s = scalars(k);
      SmallVector<Value> merged;
      for (auto [state, place] : llvm::zip(states, placesOf(k, row)))
        merged.append(merge.merge(s, state, loadAll(k, buffers, place)));
      return merged;
    });
    k.barrier();
    for (auto [lane, state] : llvm::enumerate(states))
      state.assign(ArrayRef<Value>(flat).slice(lane * merge.size(), merge.size()));
  }
  return states;
}

/// Merges the elements of a channel's run, `inner` of them, over the threads of a subgroup.
static SmallVector<Value> mergeRun(NestKernel &k, const Merge &merge, ArrayRef<Value> buffers,
                                   Value inGroup, Value lane) {
  Value inner = k.integer(k.getContext().shape.inner), start = k.mul(inGroup, inner);
  SmallVector<Value> some =
      k.loop(lane, inner, k.getSubgroup(), makeEmpty(k, merge), [&](Value i, ValueRange merged) {
        ScalarBuilder s = scalars(k);
        return merge.merge(s, merged, loadAll(k, buffers, k.add(start, i)));
      });
  return mergeSubgroup(k, merge, some);
}

/// Several channels per block: rows of threads first; then each lane of the first row has a channel
/// or, if a channel has several elements in a row, a subgroup merges them.
static void mergeByColumn(NestKernel &k, const Merge &merge, const States &states, Emit emit) {
  const Tiling &tiling = k.getTiling();
  const NestShape &shape = k.getContext().shape;
  int64_t rows = tiling.threads / tiling.vectorsPerRow;
  int64_t run = tiling.vectorsPerRow * tiling.vector;
  SmallVector<Value> buffers = makeBuffers(k, merge.size(), std::max<int64_t>(1, rows / 2) * run);
  Value row = k.div(k.thread(), k.integer(tiling.vectorsPerRow)), zero = k.integer(0);
  Value first = k.mul(k.group(), k.integer(tiling.channelsPerGroup));
  States merged = mergeRows(k, merge, states, row, buffers);
  Value isFirstRow = k.both(k.isEqual(row, zero), k.isActive());
  if (shape.inner == 1) {
    k.when(isFirstRow, [&] {
      for (auto [state, inGroup] : llvm::zip(merged, placesOf(k, zero)))
        emit(k.add(first, inGroup), inGroup, state);
    });
    return;
  }
  k.when(isFirstRow, [&] { storeLanes(k, merged, buffers, zero); });
  k.barrier();
  Value channels =
      k.min(k.integer(tiling.channelsPerGroup), k.sub(k.integer(shape.channels), first));
  Value width = k.integer(k.getSubgroup()), lane = k.rem(k.thread(), width);
  k.loop(k.div(k.thread(), width), channels, k.getBlockSize() / k.getSubgroup(), {},
         [&](Value inGroup, ValueRange) -> SmallVector<Value> {
           SmallVector<Value> whole = mergeRun(k, merge, buffers, inGroup, lane);
           k.when(k.isEqual(lane, zero), [&] { emit(k.add(first, inGroup), inGroup, whole); });
           return {};
         });
}

void mlir::abn::mergeBlock(NestKernel &kernel, const Merge &merge,
                           ArrayRef<SmallVector<Value>> states, Emit emit) {
  if (kernel.getTiling().isColumnwise())
    mergeByColumn(kernel, merge, States(states), emit);
  else
    mergeWholeBlock(kernel, merge, states[0], emit);
}

//===----------------------------------------------------------------------===//
// Centers
//===----------------------------------------------------------------------===//

/// Where a channel's center is: at the first element of its run.
static Value placeOfCenter(NestKernel &k, Value inGroup) {
  return k.mul(inGroup, k.integer(k.getContext().shape.inner));
}

Value Centers::of(NestKernel &k, Value inGroup) const {
  Value place = k.getTiling().isColumnwise() ? placeOfCenter(k, inGroup) : k.integer(0);
  return k.load(buffer, place, 1);
}

Centers mlir::abn::shareCenters(NestKernel &k, ArrayRef<Value> values) {
  const Tiling &tiling = k.getTiling();
  Centers centers;
  int64_t run = tiling.isColumnwise() ? tiling.vectorsPerRow * tiling.vector : 1;
  centers.buffer = k.shared(k.getContext().computeType, run);
  int64_t writers = tiling.isColumnwise() ? tiling.vectorsPerRow : 1;
  Value place = k.mul(k.thread(), k.integer(tiling.vector));
  k.when(k.isLess(k.thread(), k.integer(writers)), [&] {
    for (auto [lane, value] : llvm::enumerate(values))
      k.store(value, centers.buffer, k.add(place, k.integer(lane)), 1);
  });
  k.barrier();
  Value inner = k.integer(k.getContext().shape.inner);
  for (unsigned lane = 0; lane < values.size(); ++lane) {
    Value inRun = k.add(k.mul(k.column(), k.integer(tiling.vector)), k.integer(lane));
    centers.own.push_back(centers.of(k, k.div(inRun, inner)));
  }
  return centers;
}
