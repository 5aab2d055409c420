// See KernelNest.h.
#include "KernelNest.h"
#include "../LowerAbn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/SaveAndRestore.h"

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

Value KernelNest::countIn(NestKernel &kernel) const {
  return context.shape.count() ? Value() : kernel.countPerChannel(computeType);
}

Tiling KernelNest::tile(const Reduced &reduced) const {
  return chooseTiling(context.shape, context.chip, reduced, options.fixed);
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
    Tiling tiling = tile({});
    open(tiling, tiling.mapSplits);
    currentStage = "map";
  } else {
    currentStage = "fused";
  }
  // What the kernel has in workgroup memory it need not load; a destination that the body reads is
  // an operand too.
  if (!llvm::is_contained(full, out))
    full.push_back(out);
  {
    llvm::SaveAndRestore count(countThere, countIn(*current));
    current->map(full, vectors, out, body);
  }
  close(currentStage);
  return out;
}

void KernelNest::launchPerChannel(StringRef stage,
                                  llvm::function_ref<void(NestKernel &, Value)> body) {
  Tiling tiling;
  tiling.threads = tiling.blockSize = kChannelThreads;
  tiling.groups = llvm::divideCeil(context.shape.channels, kChannelThreads);
  tiling.isWide = tile({}).isWide;
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
    llvm::SaveAndRestore count(countThere, countIn(kernel));
    for (auto [value, result] : llvm::zip(evaluate(kernel, present, channel, body), results))
      kernel.storeChannel(value, result, channel);
  });
  return results;
}

void KernelNest::check(ArrayRef<Value> vectors, Condition condition, StringRef message) {
  SmallVector<Value> present = dropNull(vectors);
  auto emit = [&](NestKernel &kernel, Value channel) {
    llvm::SaveAndRestore count(countThere, countIn(kernel));
    Value holds = evaluate(kernel, present, channel, condition);
    cf::AssertOp::create(kernel, kernel.getLoc(), holds, message);
  };
  if (!current)
    return launchPerChannel("check", emit);
  current->forEachChannel([&](Value channel, Value) { emit(*current, channel); });
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
      kernel.storeChannel(value, destination, channel);
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

SmallVector<Value> KernelNest::sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) {
  close(currentStage);
  auto [full, vectors] = sort(operands);
  Tiling tiling = tile({static_cast<unsigned>(full.size()), static_cast<unsigned>(inits.size())});
  SumMerge merge(inits.size());
  SmallVector<Value> results(inits);
  for (Value &result : results)
    if (!result)
      result = temporary(computeType, context.shape.channels);
  Stage stage = makeStage(inits.size(), tiling);

  NestKernel &kernel = open(tiling, tiling.splits);
  // bf16 would spill a register or two.
  if (full.empty() || !getElementTypeOrSelf(full[0].getType()).isBF16())
    kernel.boundRegisters(inits.size());
  if (tiling.isFused)
    kernel.keep(full);
  llvm::SaveAndRestore count(countThere, countIn(kernel));
  ScalarBuilder scalars(kernel, loc, computeType);
  SmallVector<Value> none(inits.size(), scalars.constant(0.0));
  States states =
      sumThread(kernel, full, kernel.readChannels(vectors), States(kernel.numSlots(), none), body);
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
