// See KernelNest.h.
#include "KernelNest.h"
#include "../LowerAbn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::abn;

/// Threads per block of the kernels that have one thread per channel.
static constexpr unsigned kChannelThreads = 128;
/// Of temporaries, in bytes: whole sectors.
static constexpr int64_t kScratchAlignment = 32;

//===----------------------------------------------------------------------===//
// The nest
//===----------------------------------------------------------------------===//

/// The extent of the dimensions [from, to) of `full`: static, or a value of the host.
static std::pair<std::optional<int64_t>, Value> getExtent(OpBuilder &host, Location loc, Value full,
                                                          int64_t from, int64_t to) {
  auto type = cast<MemRefType>(full.getType());
  int64_t known = 1;
  Value dynamic;
  for (int64_t dim = from; dim < to; ++dim) {
    if (!type.isDynamicDim(dim)) {
      known *= type.getDimSize(dim);
      continue;
    }
    Value extent = memref::DimOp::create(host, loc, full, dim);
    dynamic = dynamic ? arith::MulIOp::create(host, loc, dynamic, extent) : extent;
  }
  if (!dynamic)
    return {known, Value()};
  Value rest = arith::ConstantIndexOp::create(host, loc, known);
  return {std::nullopt, host.createOrFold<arith::MulIOp>(loc, dynamic, rest)};
}

KernelNest::KernelNest(OpBuilder &host, Location loc, Value full, int64_t channelDim,
                       KernelModule &kernels, const Options &options)
    : ChannelNest(host, loc, full, channelDim), options(options), channels(loc, computeType),
      context{host, loc, kernels, options.chip, {}, computeType, Value(), channels} {
  auto type = cast<MemRefType>(full.getType());
  NestShape &shape = context.shape;
  std::tie(shape.outer, context.outer) = getExtent(host, loc, full, 0, channelDim);
  shape.channels = type.getDimSize(channelDim);
  shape.inner = 1;
  for (int64_t size : type.getShape().drop_front(channelDim + 1))
    shape.inner *= size;
  if (shape.channels == 1 && shape.outer) {
    shape.inner *= *shape.outer;
    shape.outer = 1;
  }
  shape.elementBytes = type.getElementTypeBitWidth() / 8;
  shape.isAligned = options.isAligned;
}

KernelNest::~KernelNest() = default;

Value KernelNest::count(ScalarBuilder &s) {
  if (context.shape.count())
    return s.constant(*context.shape.count());
  return countThere ? countThere : channels.count();
}

Tiling KernelNest::tile(unsigned cachedTensors) const {
  return chooseTiling(context.shape, context.chip, cachedTensors, options.fixed);
}

Value KernelNest::temporary(Type element, int64_t size) {
  auto type = MemRefType::get({size}, element);
  int64_t offset = scratchBytes;
  scratchBytes += llvm::alignTo(size * type.getElementTypeBitWidth() / 8, kScratchAlignment);
  if (options.scratch &&
      scratchBytes <= cast<MemRefType>(options.scratch.getType()).getDimSize(0)) {
    Value shift = arith::ConstantIndexOp::create(b, loc, offset);
    return memref::ViewOp::create(b, loc, type, options.scratch, shift, ValueRange());
  }
  temporaries.push_back(
      gpu::AllocOp::create(b, loc, type, Type(), ValueRange(), ValueRange(), ValueRange())
          .getMemref());
  return temporaries.back();
}

NestKernel &KernelNest::open(const Tiling &tiling, int64_t splits) {
  current = std::make_unique<NestKernel>(context, tiling, splits);
  return *current;
}

void KernelNest::close(StringRef stage) {
  if (!current)
    return;
  current->launch(options.stem + "_" + stage.str());
  current = nullptr;
}

void KernelNest::finish() {
  close(currentStage);
  for (Value temporary : temporaries)
    gpu::DeallocOp::create(b, loc, Type(), ValueRange(), temporary);
}

std::pair<SmallVector<Value>, SmallVector<Value>> KernelNest::sort(ArrayRef<Value> operands) const {
  SmallVector<Value> full, vectors;
  for (Value operand : dropNull(operands)) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    (type && type.getRank() > 1 ? full : vectors).push_back(operand);
  }
  return {full, vectors};
}

//===----------------------------------------------------------------------===//
// Maps and per-channel arithmetic
//===----------------------------------------------------------------------===//

Value KernelNest::map(ArrayRef<Value> operands, Value out, Body body) {
  auto [full, vectors] = sort(operands);
  bool isKept = current && llvm::all_of(full, [&](Value value) { return current->keeps(value); });
  if (!isKept) {
    close(currentStage);
    Tiling tiling = tile(0);
    open(tiling, tiling.mapSplits);
    currentStage = "map";
  } else {
    currentStage = "fused";
  }
  // What the kernel has in workgroup memory it need not load; a destination that the body reads is
  // an operand too.
  if (!llvm::is_contained(full, out))
    full.push_back(out);
  if (!context.shape.count())
    countThere = current->countPerChannel(computeType);
  current->map(full, vectors, out, body);
  countThere = Value();
  close(currentStage);
  return out;
}

void KernelNest::launchPerChannel(StringRef stage,
                                  llvm::function_ref<void(NestKernel &, Value)> body) {
  Tiling tiling;
  tiling.threads = tiling.blockSize = kChannelThreads;
  tiling.groups = llvm::divideCeil(context.shape.channels, kChannelThreads);
  NestKernel kernel(context, tiling, 1);
  Value channel =
      kernel.add(kernel.mul(kernel.block(), kernel.integer(kChannelThreads)), kernel.thread());
  kernel.when(kernel.isLess(channel, kernel.integer(context.shape.channels)),
              [&] { body(kernel, channel); });
  kernel.launch(options.stem + "_" + stage.str());
}

/// Evaluates `body` for one channel.
template <typename BodyT>
static auto evaluate(NestKernel &kernel, ArrayRef<Value> vectors, Value channel, BodyT body) {
  Type type = kernel.getContext().computeType;
  ScalarBuilder s(kernel, kernel.getLoc(), type);
  Elements elements(kernel, kernel.getLoc(), type);
  for (auto [vector, element] : llvm::zip(vectors, kernel.readChannel(vectors, channel)))
    elements.add(vector, element);
  return body(s, elements);
}

static void storeChannel(NestKernel &kernel, Value value, Value memref, Value channel) {
  Type storage = getElementTypeOrSelf(memref.getType());
  if (value.getType() != storage)
    value = arith::TruncFOp::create(kernel, storage, value);
  kernel.store(value, kernel.hostArgument(memref), channel, 1);
}

SmallVector<Value> KernelNest::perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits,
                                          Body body) {
  SmallVector<Value> present = dropNull(vectors);
  if (llvm::none_of(inits, [](Value init) { return !!init; }))
    return channels.add(present, body);
  close(currentStage);
  SmallVector<Value> results(inits);
  for (Value &result : results)
    if (!result)
      result = temporary(computeType, context.shape.channels);
  launchPerChannel("channels", [&](NestKernel &kernel, Value channel) {
    if (!context.shape.count())
      countThere = kernel.countPerChannel(computeType);
    for (auto [value, result] : llvm::zip(evaluate(kernel, present, channel, body), results))
      storeChannel(kernel, value, result, channel);
    countThere = Value();
  });
  return results;
}

void KernelNest::check(ArrayRef<Value> vectors, Condition condition, StringRef message) {
  SmallVector<Value> present = dropNull(vectors);
  auto emit = [&](NestKernel &kernel, Value channel) {
    if (!context.shape.count())
      countThere = kernel.countPerChannel(computeType);
    Value holds = evaluate(kernel, present, channel, condition);
    cf::AssertOp::create(kernel, kernel.getLoc(), holds, message);
    countThere = Value();
  };
  if (!current)
    return launchPerChannel("check", emit);
  NestKernel &kernel = *current;
  const Tiling &tiling = kernel.getTiling();
  Value first = kernel.mul(kernel.group(), kernel.integer(tiling.channelsPerGroup));
  Value channelsHere = kernel.min(kernel.integer(tiling.channelsPerGroup),
                                  kernel.sub(kernel.integer(context.shape.channels), first));
  kernel.loop(kernel.thread(), channelsHere, kernel.getBlockSize(), {},
              [&](Value inGroup, ValueRange) -> SmallVector<Value> {
                emit(kernel, kernel.add(first, inGroup));
                return {};
              });
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

KernelNest::Stage KernelNest::makeStage(unsigned numParts, const Tiling &tiling) {
  Stage stage{{}, tiling.splits};
  if (tiling.splits > 1)
    for (unsigned i = 0; i < numParts; ++i)
      stage.parts.push_back(temporary(computeType, tiling.splits * context.shape.channels));
  return stage;
}

void KernelNest::writeState(NestKernel &kernel, Value channel, ValueRange state,
                            ArrayRef<Value> destinations, const Stage &stage) {
  if (stage.parts.empty()) {
    for (auto [value, destination] : llvm::zip(state, destinations))
      storeChannel(kernel, value, destination, channel);
    return;
  }
  Value place =
      kernel.add(kernel.mul(kernel.split(), kernel.integer(context.shape.channels)), channel);
  for (auto [value, part] : llvm::zip(state, stage.parts))
    kernel.store(value, kernel.hostArgument(part), place, 1);
}

SmallVector<Value> KernelNest::readPart(NestKernel &kernel, const Stage &stage, Value channel,
                                        Value split) {
  Value place = kernel.add(kernel.mul(split, kernel.integer(context.shape.channels)), channel);
  return llvm::map_to_vector(
      stage.parts, [&](Value part) { return kernel.load(kernel.hostArgument(part), place, 1); });
}

/// What follows reads the results: in the same kernel, behind a barrier, if it keeps its data.
void KernelNest::continueAfterReduction(const Tiling &tiling, StringRef stage) {
  currentStage = stage.str();
  if (tiling.isFused)
    current->barrier();
  else
    close(stage);
}

/// ((a + b) + (c + d)) + ...: lanes do not wait for each other.
static Value addLanes(ScalarBuilder &s, SmallVector<Value> lanes) {
  while (lanes.size() > 1) {
    SmallVector<Value> sums;
    for (unsigned i = 0; i + 1 < lanes.size(); i += 2)
      sums.push_back(s.add(lanes[i], lanes[i + 1]));
    if (lanes.size() % 2)
      sums.push_back(lanes.back());
    lanes = std::move(sums);
  }
  return lanes[0];
}

/// The thread's own sums: for each lane that has its own, or of all lanes.
static SmallVector<SmallVector<Value>> sumThread(NestKernel &kernel, ArrayRef<Value> full,
                                                 ArrayRef<Value> vectors, unsigned numSums,
                                                 ChannelNest::Body body) {
  SmallVector<SmallVector<Value>> perChannel = kernel.readChannels(vectors);
  ScalarBuilder s(kernel, kernel.getLoc(), kernel.getContext().computeType);
  unsigned own = kernel.numOwnLanes();
  SmallVector<Value> zeros(own * numSums, s.constant(0.0));
  SmallVector<Value> sums =
      kernel.forEachVector(full, zeros, [&](Value, NestKernel::Lanes &lanes, ValueRange carried) {
        SmallVector<SmallVector<Value>> terms = kernel.evaluate(lanes, perChannel, vectors, body);
        SmallVector<Value> next;
        for (unsigned lane = 0; lane < own; ++lane)
          for (unsigned i = 0; i < numSums; ++i) {
            SmallVector<Value> here;
            for (unsigned other = 0; other < terms.size(); ++other)
              if (own == 1 || other == lane)
                here.push_back(terms[other][i]);
            next.push_back(s.add(carried[lane * numSums + i], addLanes(s, here)));
          }
        return next;
      });
  SmallVector<SmallVector<Value>> states;
  for (unsigned lane = 0; lane < own; ++lane)
    states.emplace_back(ArrayRef<Value>(sums).slice(lane * numSums, numSums));
  return states;
}

SmallVector<Value> KernelNest::sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) {
  close(currentStage);
  auto [full, vectors] = sort(operands);
  Tiling tiling = tile(full.size());
  SumMerge merge(inits.size());
  SmallVector<Value> results(inits);
  for (Value &result : results)
    if (!result)
      result = temporary(computeType, context.shape.channels);
  Stage stage = makeStage(inits.size(), tiling);

  NestKernel &kernel = open(tiling, tiling.splits);
  if (tiling.isFused)
    kernel.keep(full);
  if (!context.shape.count())
    countThere = kernel.countPerChannel(computeType);
  SmallVector<SmallVector<Value>> states = sumThread(kernel, full, vectors, inits.size(), body);
  countThere = Value();
  mergeBlock(kernel, merge, states, [&](Value channel, Value, ValueRange state) {
    writeState(kernel, channel, state, results, stage);
  });
  continueAfterReduction(tiling, "sum");
  if (stage.parts.empty())
    return results;
  launchPerChannel("merge", [&](NestKernel &second, Value channel) {
    ScalarBuilder s(second, loc, computeType);
    SmallVector<Value> zeros(inits.size(), s.constant(0.0));
    SmallVector<Value> sums =
        second.loop(second.integer(0), second.integer(stage.splits), 1, zeros,
                    [&](Value split, ValueRange carried) {
                      return merge.merge(s, carried, readPart(second, stage, channel, split));
                    });
    writeState(second, channel, sums, results, {{}, 1});
  });
  return results;
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

void KernelNest::reduceMoments(NestKernel &kernel, Value x,
                               llvm::function_ref<void(Value, Value, ValueRange)> emit) {
  ScalarBuilder s(kernel, loc, computeType);
  unsigned own = kernel.numOwnLanes(), perOwn = kernel.getTiling().vector / own;
  // For each own lane: the first sample, the sum and the sum of squares of what differs from it.
  SmallVector<Value> zeros(3 * own, s.constant(0.0));
  zeros.push_back(arith::ConstantOp::create(kernel, loc, b.getBoolAttr(true)));
  auto addVector = [&](Value, NestKernel::Lanes &lanes, ValueRange carried) {
    Elements elements(kernel, loc, computeType);
    Value isFirst = carried.back();
    SmallVector<Value> next;
    for (unsigned lane = 0; lane < own; ++lane) {
      SmallVector<Value> samples;
      for (unsigned i = 0; i < perOwn; ++i) {
        Value sample = lanes[x][lane + i];
        samples.push_back(sample.getType() == computeType
                              ? sample
                              : arith::ExtFOp::create(kernel, loc, computeType, sample));
      }
      Value center = s.select(isFirst, samples[0], carried[3 * lane]);
      SmallVector<Value> first, second;
      for (Value sample : samples) {
        first.push_back(s.sub(sample, center));
        second.push_back(s.mul(first.back(), first.back()));
      }
      next.append({center, s.add(carried[3 * lane + 1], addLanes(s, first)),
                   s.add(carried[3 * lane + 2], addLanes(s, second))});
    }
    next.push_back(arith::ConstantOp::create(kernel, loc, b.getBoolAttr(false)));
    return next;
  };
  SmallVector<Value> sums = kernel.forEachVector({x}, zeros, addVector);

  SmallVector<Value> firsts;
  for (unsigned lane = 0; lane < own; ++lane)
    firsts.push_back(sums[3 * lane]);
  Centers centers = shareCenters(kernel, firsts);
  Value vectors = kernel.toReal(kernel.numVectors(), computeType);
  Value count = s.mul(vectors, perOwn), divisor = s.atLeast(count, 1.0);
  Value isEmpty = s.less(count, 1.0), zero = s.constant(0.0);
  SmallVector<SmallVector<Value>> states;
  for (unsigned lane = 0; lane < own; ++lane) {
    Value sum = sums[3 * lane + 1], offset = s.div(sum, divisor);
    Value mean = s.add(s.sub(firsts[lane], centers.own[lane]), offset);
    Value squares = s.atLeast(s.sub(sums[3 * lane + 2], s.mul(sum, offset)), 0.0);
    states.push_back({count, s.select(isEmpty, zero, mean), squares});
  }
  mergeBlock(kernel, MomentMerge(), states, [&](Value channel, Value inGroup, ValueRange state) {
    emit(channel, centers.of(kernel, inGroup), state);
  });
}

void KernelNest::writeStatistics(NestKernel &kernel, Value channel, Value center, ValueRange state,
                                 const BatchStatistics &statistics) {
  ScalarBuilder s(kernel, loc, computeType);
  Value variance = s.div(state[2], state[0]);
  for (auto [value, destination] : {std::pair(s.add(center, state[1]), statistics.mean),
                                    {variance, statistics.variance},
                                    {center, statistics.center},
                                    {state[1], statistics.residue}})
    storeChannel(kernel, value, destination, channel);
}

BatchStatistics KernelNest::takeStatistics(const StatisticsRequest &request) {
  close(currentStage);
  Tiling tiling = tile(1);
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
