// See Reduction.h.
#include "Reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

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

/// Merges over `width` neighbouring threads of a subgroup, a power of two; all get the result.
static SmallVector<Value> mergeTeam(NestKernel &k, const Merge &merge, ValueRange state,
                                    unsigned width) {
  SmallVector<Value> merged(state);
  ScalarBuilder s = scalars(k);
  for (unsigned mask = width / 2; mask > 0; mask /= 2) {
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

/// One channel per block, on a device without shuffles: each time the later half of the threads is
/// merged into the earlier one.
static void mergeThreads(NestKernel &k, const Merge &merge, ValueRange state, Emit emit) {
  int64_t threads = k.getBlockSize();
  SmallVector<Value> buffers = makeBuffers(k, merge.size(), (threads + 1) / 2);
  SmallVector<Value> merged(state);
  for (; threads > 1; threads = (threads + 1) / 2) {
    Value half = k.integer((threads + 1) / 2);
    Value isLater = k.both(k.isLess(k.sub(half, k.integer(1)), k.thread()),
                           k.isLess(k.thread(), k.integer(threads)));
    k.when(isLater, [&] { storeAll(k, merged, buffers, k.sub(k.thread(), half)); });
    k.barrier();
    merged = k.when(k.isLess(k.thread(), k.integer(threads / 2)), merged, [&] {
      ScalarBuilder s = scalars(k);
      return merge.merge(s, merged, loadAll(k, buffers, k.thread()));
    });
    k.barrier();
  }
  Value zero = k.integer(0);
  k.when(k.isEqual(k.thread(), zero), [&] { emit(k.group(), zero, merged); });
}

/// One channel per block: subgroups first, then what their first threads left.
static void mergeWholeBlock(NestKernel &k, const Merge &merge, ValueRange state, Emit emit) {
  if (k.getSubgroup() == 1)
    return mergeThreads(k, merge, state, emit);
  SmallVector<Value> merged = mergeTeam(k, merge, state, k.getSubgroup());
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
    SmallVector<Value> whole = mergeTeam(k, merge, parts, k.getSubgroup());
    k.when(isFirst, [&] { emit(k.group(), zero, whole); });
  });
}

//===----------------------------------------------------------------------===//
// Several channels per block
//===----------------------------------------------------------------------===//

/// States that a thread merges one after the other before others help it.
static constexpr int64_t kMergedAlone = 8;

SmallVector<Value> mlir::abn::makeStateBuffers(NestKernel &k, unsigned count) {
  if (!k.getTiling().isColumnwise())
    return {};
  return makeBuffers(k, count, static_cast<int64_t>(k.getBlockSize()) * k.numSlots());
}

/// Writes the thread's slots to a buffer of `count` threads'.
static void storeSlots(NestKernel &k, ArrayRef<Value> slots, Value buffer, int64_t count) {
  for (auto [slot, number] : llvm::enumerate(slots))
    k.store(number, buffer, k.placeOfSlot(k.thread(), k.integer(slot), count), 1);
}

void mlir::abn::storeSlots(NestKernel &k, ArrayRef<Value> slots, Value buffer) {
  ::storeSlots(k, slots, buffer, k.getBlockSize());
}

Value mlir::abn::loadSlot(NestKernel &k, Value buffer, unsigned slot, Value before) {
  Value thread = k.after(before, k.thread());
  return k.load(buffer, k.placeOfSlot(thread, k.integer(slot), k.getBlockSize()), 1);
}

/// The slots of a row of threads that belong to one channel.
namespace {
struct ChannelSlots {
  NestKernel &k;
  /// In the group.
  Value channel;

  /// At most.
  int64_t size() const {
    int64_t inner = shape().inner, vector = k.getTiling().vector;
    if (k.hasSlotPerLane())
      return inner;
    return inner % vector ? (inner - 1) / vector + 2 : inner / vector;
  }

  /// The thread's number in the row that has slot `index`.
  Value column(Value index) const {
    Value vector = k.integer(k.getTiling().vector);
    if (k.hasSlotPerLane())
      return k.div(k.add(begin(), index), vector);
    return k.add(k.div(begin(), vector), index);
  }

  /// Which of the thread's slots it is.
  Value slot(Value index) const {
    if (k.hasSlotPerLane())
      return k.rem(k.add(begin(), index), k.integer(k.getTiling().vector));
    return isSecond(index);
  }

  /// How many lanes it has, 0 behind the channel's last.
  Value numLanes(Value index) const {
    if (k.hasSlotPerLane())
      return k.integer(1);
    Value vector = k.integer(k.getTiling().vector);
    if (shape().inner % k.getTiling().vector == 0)
      return vector;
    Value start = k.mul(column(index), vector), stop = k.add(start, vector);
    Value end = k.add(begin(), k.integer(shape().inner));
    Value to = k.min(stop, end);
    Value from = k.max(start, begin());
    return k.createOrFold<arith::SelectOp>(k.isLess(from, to), k.sub(to, from), k.integer(0));
  }

private:
  const NestShape &shape() const { return k.getContext().shape; }
  /// The channel's first element in a row of the group.
  Value begin() const { return k.mul(channel, k.integer(shape().inner)); }
  /// 1 where the thread's vectors begin in the channel before, else 0.
  Value isSecond(Value index) const {
    if (k.numSlots() == 1)
      return k.integer(0);
    Value start = k.mul(column(index), k.integer(k.getTiling().vector));
    return k.createOrFold<arith::SelectOp>(k.isLess(start, begin()), k.integer(1), k.integer(0));
  }
};
} // namespace

/// The state that the threads of `row` left in slot `index` of a channel.
static SmallVector<Value> loadState(NestKernel &k, const Merge &merge, const ChannelSlots &slots,
                                    ArrayRef<Value> buffers, Value row, Value index) {
  int64_t perRow = k.getTiling().vectorsPerRow;
  Value lanes = slots.numLanes(index);
  auto load = [&] {
    Value thread = k.add(k.mul(row, k.integer(perRow)), slots.column(index));
    SmallVector<Value> state =
        loadAll(k, buffers, k.placeOfSlot(thread, slots.slot(index), k.getBlockSize()));
    if (merge.startsWithCount()) {
      Value count = k.mul(k.numVectors(thread), lanes);
      state.insert(state.begin(), k.toReal(count, k.getContext().computeType));
    }
    return state;
  };
  if (k.hasSlotPerLane() || k.numSlots() == 1)
    return load();
  return k.when(k.isLess(k.integer(0), lanes), makeEmpty(k, merge), load);
}

/// Each channel's states are merged by a team of threads, one or more of a subgroup.
static void mergeByColumn(NestKernel &k, const Merge &merge, const States &states, Emit emit,
                          ArrayRef<Value> given) {
  const Tiling &tiling = k.getTiling();
  unsigned counted = merge.startsWithCount();
  SmallVector<Value> buffers(given);
  buffers.append(makeStateBuffers(k, merge.size() - counted - given.size()));
  for (unsigned index = 0; index < buffers.size(); ++index) {
    SmallVector<Value> numbers = llvm::map_to_vector(
        states, [&](const SmallVector<Value> &state) { return state[index + counted]; });
    storeSlots(k, numbers, buffers[index]);
  }
  k.barrier();

  int64_t rows = tiling.threads / tiling.vectorsPerRow;
  int64_t perRow = ChannelSlots{k, k.integer(0)}.size();
  unsigned width = 1;
  while (width < k.getSubgroup() && rows * perRow > width * kMergedAlone)
    width *= 2;
  int64_t teams = tiling.blockSize / width;
  Value team = k.div(k.thread(), k.integer(width)), member = k.rem(k.thread(), k.integer(width));
  Value channels = k.numChannels(), last = k.sub(channels, k.integer(1));
  // As often for all teams: shuffles need every thread of a subgroup.
  int64_t rounds = llvm::divideCeil(tiling.channelsPerGroup, teams);
  k.loop(k.integer(0), k.integer(rounds), 1, {}, [&](Value round, ValueRange) {
    Value inGroup = k.add(k.mul(round, k.integer(teams)), team);
    ChannelSlots slots{k, k.min(inGroup, last)};
    SmallVector<Value> some =
        k.loop(member, k.integer(rows * perRow), width, makeEmpty(k, merge),
               [&](Value i, ValueRange merged) {
                 ScalarBuilder s = scalars(k);
                 Value row = k.div(i, k.integer(perRow)), index = k.rem(i, k.integer(perRow));
                 return merge.merge(s, merged, loadState(k, merge, slots, buffers, row, index));
               });
    SmallVector<Value> whole = mergeTeam(k, merge, some, width);
    Value isEmitting = k.both(k.isEqual(member, k.integer(0)), k.isLess(inGroup, channels));
    k.when(isEmitting, [&] { emit(k.add(k.firstChannel(), inGroup), inGroup, whole); });
    return SmallVector<Value>();
  });
}

void mlir::abn::mergeBlock(NestKernel &kernel, const Merge &merge, const States &states, Emit emit,
                           ArrayRef<Value> buffers) {
  if (kernel.getTiling().isColumnwise())
    mergeByColumn(kernel, merge, states, emit, buffers);
  else
    mergeWholeBlock(kernel, merge, states[0], emit);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

SmallVector<Value> mlir::abn::addTerms(NestKernel &k, ArrayRef<SmallVector<Value>> terms,
                                       ValueRange sums) {
  ScalarBuilder s = scalars(k);
  unsigned numSums = terms[0].size();
  SmallVector<Value> next(sums);
  for (unsigned i = 0; i < numSums; ++i) {
    SmallVector<Value> lanes =
        llvm::map_to_vector(terms, [&](const SmallVector<Value> &ofLane) { return ofLane[i]; });
    for (auto [slot, term] : llvm::enumerate(k.addBySlot(s, lanes)))
      next[slot * numSums + i] = s.add(next[slot * numSums + i], term);
  }
  return next;
}

States mlir::abn::sumThread(NestKernel &kernel, ArrayRef<Value> full,
                            const NestKernel::ChannelValues &values, const States &initial,
                            ChannelNest::Body body, bool isFirstDone) {
  unsigned numSums = initial[0].size();
  SmallVector<Value> flat;
  for (const SmallVector<Value> &state : initial)
    flat.append(state);
  auto add = [&](NestKernel::Lanes &lanes, ValueRange carried) {
    return addTerms(kernel, kernel.evaluate(lanes, values, body), carried);
  };
  SmallVector<Value> sums = kernel.forEachVector(full, flat, add, isFirstDone);
  States states;
  for (unsigned slot = 0; slot < initial.size(); ++slot)
    states.emplace_back(ArrayRef<Value>(sums).slice(slot * numSums, numSums));
  return states;
}

//===----------------------------------------------------------------------===//
// Centers
//===----------------------------------------------------------------------===//

Value Centers::getPlace(NestKernel &k, Value inGroup) const {
  Value first = k.integer(0);
  if (!k.getTiling().isColumnwise())
    return first;
  ChannelSlots slots{k, inGroup};
  return k.placeOfSlot(slots.column(first), slots.slot(first), k.getTiling().vectorsPerRow);
}

Value Centers::of(NestKernel &k, Value inGroup) const {
  return k.load(buffer, getPlace(k, inGroup), 1);
}

Value Centers::ofSlot(NestKernel &k, unsigned slot, Value before) const {
  Value channel = k.getTiling().isColumnwise() ? k.channelOf(slot) : Value();
  return k.load(buffer, k.after(before, getPlace(k, channel)), 1);
}

Centers mlir::abn::shareCenters(NestKernel &k, ArrayRef<Value> slots) {
  int64_t writers = k.getTiling().isColumnwise() ? k.getTiling().vectorsPerRow : 1;
  Centers centers;
  centers.buffer = k.shared(k.getContext().computeType, writers * slots.size());
  k.when(k.isLess(k.thread(), k.integer(writers)),
         [&] { ::storeSlots(k, slots, centers.buffer, writers); });
  k.barrier();
  return centers;
}
