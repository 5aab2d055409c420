// Batch statistics as kernels; see KernelNest.h.
#include "../LowerAbn.h"
#include "KernelNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::abn;

/// Of a vector's lanes, in the compute type.
static SmallVector<Value> toCompute(NestKernel &k, ArrayRef<Value> lanes) {
  Type type = k.getContext().computeType;
  return llvm::map_to_vector(lanes, [&](Value lane) -> Value {
    return lane.getType() == type ? lane : arith::ExtFOp::create(k, k.getLoc(), type, lane);
  });
}

namespace {
/// What a thread's samples are counted relative to: for each slot its first sample.
struct ThreadCenters {
  NestKernel::ChannelValues values;
  /// By slot; empty if they are in `buffer`, at the thread's place.
  SmallVector<Value> slots;
  Value buffer;

  /// Loaded only once `before` is known.
  Value get(NestKernel &k, unsigned slot, Value before) const {
    return buffer ? loadSlot(k, buffer, slot, before) : slots[slot];
  }
};
} // namespace

/// x minus its slot's center, and the square of that.
static SmallVector<Value> deviate(ScalarBuilder &s, Elements &e, Value x, Value center) {
  Value deviation = s.sub(e(x), e(center));
  return {deviation, s.mul(deviation, deviation)};
}

/// Reads the thread's first vector, if it has one, for its centers; the sums of the vector's other
/// lanes, by slot, go to `sums`.
static ThreadCenters takeFirst(NestKernel &k, Value x, States &sums) {
  ScalarBuilder s(k, k.getLoc(), k.getContext().computeType);
  unsigned numSlots = k.numSlots();
  SmallVector<Value> zeros(3 * numSlots, s.constant(0.0));
  SmallVector<Value> flat = k.when(k.hasVectors(), zeros, [&] {
    NestKernel::Lanes lanes = k.loadFirst({x});
    SmallVector<Value> samples = toCompute(k, lanes[x]);
    if (k.hasSlotPerLane()) {
      samples.append(2 * numSlots, s.constant(0.0));
      return samples;
    }
    SmallVector<Value> state = {samples.front()};
    if (numSlots == 2)
      state.push_back(samples.back());
    NestKernel::ChannelValues centers;
    centers.keys = {state[0]};
    for (Value center : state)
      centers.slots.push_back({center});
    SmallVector<SmallVector<Value>> terms =
        k.evaluate(lanes, centers, [&](ScalarBuilder &s, Elements &e) {
          return deviate(s, e, x, centers.keys[0]);
        });
    state.append(addTerms(k, terms, SmallVector<Value>(2 * numSlots, s.constant(0.0))));
    return state;
  });
  ThreadCenters centers;
  centers.slots.assign(flat.begin(), flat.begin() + numSlots);
  for (unsigned slot = 0; slot < numSlots; ++slot)
    sums.emplace_back(ArrayRef<Value>(flat).slice(numSlots + 2 * slot, 2));
  if (!k.hasSlotPerLane()) {
    centers.values.keys = {centers.slots[0]};
    for (Value center : centers.slots)
      centers.values.slots.push_back({center});
    return centers;
  }
  centers.buffer = makeStateBuffers(k, 1)[0];
  storeSlots(k, centers.slots, centers.buffer);
  centers.values.keys = centers.values.buffers = {centers.buffer};
  centers.values.index = k.thread();
  centers.values.count = k.getBlockSize();
  return centers;
}

void KernelNest::reduceMoments(NestKernel &kernel, Value x,
                               llvm::function_ref<void(Value, Value, ValueRange)> emit) {
  ScalarBuilder s(kernel, loc, computeType);
  States sums;
  ThreadCenters own = takeFirst(kernel, x, sums);
  Centers centers = shareCenters(kernel, own.slots);
  sums = sumThread(
      kernel, {x}, own.values, sums,
      [&](ScalarBuilder &s, Elements &e) { return deviate(s, e, x, own.values.keys[0]); },
      /*isFirstDone=*/true);

  Value vectors = kernel.numVectors(), zero = s.constant(0.0), before = sums[0][0];
  States states;
  for (unsigned slot = 0; slot < sums.size(); ++slot) {
    Value count = kernel.toReal(kernel.mul(vectors, kernel.numLanes(slot)), computeType);
    Value sum = sums[slot][0], offset = s.div(sum, s.atLeast(count, 1.0));
    Value distance = s.sub(own.get(kernel, slot, before), centers.ofSlot(kernel, slot, before));
    Value mean = s.add(distance, offset);
    Value squares = s.atLeast(s.sub(sums[slot][1], s.mul(sum, offset)), 0.0);
    states.push_back({count, s.select(s.less(count, 1.0), zero, mean), squares});
    before = mean;
  }
  SmallVector<Value> done;
  if (own.buffer)
    done.push_back(own.buffer);
  mergeBlock(
      kernel, MomentMerge(), states,
      [&](Value channel, Value inGroup, ValueRange state) {
        emit(channel, centers.of(kernel, inGroup), state);
      },
      done);
}

void KernelNest::writeStatistics(NestKernel &kernel, Value channel, Value center, ValueRange state,
                                 const BatchStatistics &statistics) {
  ScalarBuilder s(kernel, loc, computeType);
  Value variance = s.div(state[2], state[0]);
  for (auto [value, destination] : {std::pair(s.add(center, state[1]), statistics.mean),
                                    {variance, statistics.variance},
                                    {center, statistics.center},
                                    {state[1], statistics.residue}})
    kernel.storeChannel(value, destination, channel);
}

BatchStatistics KernelNest::takeStatistics(const StatisticsRequest &request) {
  close(currentStage);
  Tiling tiling = tile({/*tensors=*/1, /*numbers=*/2});
  BatchStatistics statistics{request.meanInit, request.varianceInit,
                             temporary(computeType, context.shape.channels),
                             temporary(computeType, context.shape.channels), Value()};
  Stage stage = makeStage(4, tiling);

  NestKernel &kernel = open(tiling, tiling.splits);
  if (tiling.isFused)
    kernel.keep({request.x});
  reduceMoments(kernel, request.x, [&](Value channel, Value center, ValueRange state) {
    if (stage.parts.empty())
      return writeStatistics(kernel, channel, center, state, statistics);
    writeState(kernel, channel, {center, state[0], state[1], state[2]}, {}, stage);
  });
  continueAfterReduction(tiling, "statistics");
  if (!stage.parts.empty())
    launchPerChannel("merge", [&](NestKernel &second, Value channel) {
      ScalarBuilder s(second, loc, computeType);
      MomentMerge merge;
      SmallVector<Value> first = readPart(second, stage, channel, second.integer(0));
      SmallVector<Value> state = second.loop(
          second.integer(1), second.integer(stage.splits), 1, ValueRange(first).drop_front(),
          [&](Value split, ValueRange carried) {
            SmallVector<Value> part = readPart(second, stage, channel, split);
            // An empty part has no center.
            Value shift = s.select(s.less(part[1], 1.0), s.constant(0.0), s.sub(part[0], first[0]));
            return merge.merge(s, carried, {part[1], s.add(shift, part[2]), part[3]});
          });
      writeStatistics(second, channel, first[0], state, statistics);
    });
  auto emitScale = [&](ScalarBuilder &s, Elements &e) -> SmallVector<Value> {
    return {mulIfPresent(s, inverseDeviation(s, e(statistics.variance), request.epsilon),
                         request.effectiveGamma(s, e(request.gamma)))};
  };
  statistics.scale = perChannel({statistics.variance, request.gamma}, {Value()}, emitScale)[0];
  return statistics;
}
