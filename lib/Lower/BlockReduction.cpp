// See BlockReduction.h.
#include "BlockReduction.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace mlir::abn;

/// Elements per result below which one thread is as fast, its neighbours doing other results.
static constexpr int64_t kFewElements = 128;
/// Results that fill a chip with a thread each.
static constexpr int64_t kManyResults = 16384;
/// Of workgroup memory, per thread: with the largest blocks less than what every chip grants.
static constexpr int64_t kThreadBytes = 32;

/// The extents of the loops of one kind; nullopt if one is dynamic.
static std::optional<SmallVector<int64_t>> getExtents(linalg::LinalgOp op,
                                                      utils::IteratorType kind) {
  SmallVector<int64_t> extents;
  for (auto [extent, iterator] : llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
    if (iterator != kind)
      continue;
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    extents.push_back(extent);
  }
  return extents;
}

static int64_t count(ArrayRef<int64_t> extents) {
  return llvm::accumulate(extents, int64_t(1), std::multiplies<int64_t>());
}

/// What combines an element with result `index` so far; null if that is no single op with a neutral
/// element.
static Operation *findCombiner(linalg::LinalgOp op, unsigned index) {
  SmallVector<Operation *> combiners;
  if (!matchReduction(op.getRegionOutputArgs(), index, combiners) || combiners.size() != 1 ||
      combiners[0]->getNumOperands() != 2 || !arith::getNeutralElement(combiners[0]))
    return nullptr;
  return combiners[0];
}

bool mlir::abn::isBlockReduction(linalg::LinalgOp op) {
  auto reduced = getExtents(op, utils::IteratorType::reduction);
  auto results = getExtents(op, utils::IteratorType::parallel);
  if (!reduced || !results || reduced->empty() ||
      reduced->size() + results->size() != op.getNumLoops() || count(*reduced) < kFewElements ||
      count(*results) == 0 || count(*results) >= kManyResults)
    return false;
  int64_t threadBytes = 0;
  for (auto [index, init] : llvm::enumerate(op.getDpsInitsMutable())) {
    threadBytes += getByteSize(getElementTypeOrSelf(init.get().getType()));
    // A block has one element of each.
    AffineMap map = op.getMatchingIndexingMap(&init);
    if (!findCombiner(op, index) || !map.isProjectedPermutation() ||
        map.getNumResults() != results->size())
      return false;
    for (AffineExpr result : map.getResults())
      if (op.getIteratorTypesArray()[cast<AffineDimExpr>(result).getPosition()] !=
          utils::IteratorType::parallel)
        return false;
  }
  return threadBytes <= kThreadBytes;
}

namespace {
class BlockReduction {
public:
  BlockReduction(RewriterBase &rewriter, linalg::LinalgOp op, int64_t most)
      : b(op.getLoc(), rewriter), op(op), most(most),
        results(*getExtents(op, utils::IteratorType::parallel)),
        reduced(*getExtents(op, utils::IteratorType::reduction)) {
    for (unsigned i = 0; i < op.getNumDpsInits(); ++i)
      combiners.push_back(findCombiner(op, i));
  }

  void emit() {
    int64_t threads = std::min<int64_t>(llvm::bit_floor<uint64_t>(most),
                                        llvm::bit_ceil<uint64_t>(count(reduced) / 4));
    Value one = constant(1), grid = constant(count(results)), block = constant(threads);
    auto launch = gpu::LaunchOp::create(b, grid, one, one, block, one, one);
    for (Value init : op.getDpsInits()) {
      auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
      Type element = getElementTypeOrSelf(init.getType());
      buffers.push_back(launch.addWorkgroupAttribution(
          MemRefType::get({threads}, element, MemRefLayoutAttrInterface(), space), b.getLoc()));
    }
    b.setInsertionPointToStart(&launch.getBody().front());
    SmallVector<Value> indices(op.getNumLoops());
    place(launch.getBlockIds().x, results, utils::IteratorType::parallel, indices);
    Value thread = launch.getThreadIds().x;
    SmallVector<Value> own = combineElements(thread, threads, indices);
    for (auto [value, buffer] : llvm::zip(own, buffers))
      memref::StoreOp::create(b, value, buffer, thread);
    gpu::BarrierOp::create(b);
    for (int64_t half = threads / 2; half > 0; half /= 2)
      addHalf(thread, half);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, constant(0));
    when(isFirst, [&] { writeResults(indices); });
    gpu::TerminatorOp::create(b);
  }

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

  void when(Value condition, llvm::function_ref<void()> body) {
    OpBuilder::InsertionGuard guard(b);
    auto choice = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
    b.setInsertionPointToStart(choice.thenBlock());
    body();
  }

  /// The indices of the loops of one kind at position `number`, the innermost fastest.
  void place(Value number, ArrayRef<int64_t> extents, utils::IteratorType kind,
             SmallVectorImpl<Value> &indices) {
    int64_t inner = extents.size();
    for (int64_t loop = op.getNumLoops() - 1; loop >= 0; --loop) {
      if (op.getIteratorTypesArray()[loop] != kind)
        continue;
      if (--inner == 0) {
        indices[loop] = number;
        return;
      }
      Value extent = constant(extents[inner]);
      indices[loop] = arith::RemUIOp::create(b, number, extent);
      number = arith::DivUIOp::create(b, number, extent);
    }
  }

  /// Where an operand's element is.
  SmallVector<Value> getPlace(OpOperand &operand, ArrayRef<Value> indices) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<Value> place;
    for (AffineExpr result : map.getResults())
      place.push_back(affine::AffineApplyOp::create(b, AffineMap::get(map.getNumDims(), 0, result),
                                                    ValueRange(indices)));
    return place;
  }

  Value load(OpOperand &operand, ArrayRef<Value> indices) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(b, operand.get(), getPlace(operand, indices));
  }

  /// The op's body at one position, on top of `sums`.
  SmallVector<Value> combineElement(ArrayRef<Value> indices, ValueRange sums) {
    IRMapping known;
    for (OpOperand *input : op.getDpsInputOperands())
      known.map(op.getMatchingBlockArgument(input), load(*input, indices));
    known.map(ArrayRef<BlockArgument>(op.getRegionOutputArgs()), sums);
    for (Operation &inner : op.getBlock()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        known.map(index.getResult(), indices[index.getDim()]);
      else
        b.clone(inner, known);
    }
    return llvm::map_to_vector(op.getBlock()->getTerminator()->getOperands(),
                               [&](Value value) { return known.lookupOrDefault(value); });
  }

  SmallVector<Value> combineElements(Value thread, int64_t threads, ArrayRef<Value> outer) {
    SmallVector<Value> neutral;
    for (Operation *combiner : combiners)
      neutral.push_back(arith::ConstantOp::create(b, *arith::getNeutralElement(combiner)));
    auto loop = scf::ForOp::create(b, thread, constant(count(reduced)), constant(threads), neutral);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> indices(outer);
    place(loop.getInductionVar(), reduced, utils::IteratorType::reduction, indices);
    scf::YieldOp::create(b, combineElement(indices, loop.getRegionIterArgs()));
    return loop.getResults();
  }

  /// combiner(a, b): what the body does with the result so far, a, and an element's term, b.
  Value combine(unsigned index, Value a, Value term) {
    Operation *combiner = combiners[index];
    IRMapping known;
    for (Value operand : combiner->getOperands())
      known.map(operand, operand == op.getRegionOutputArgs()[index] ? a : term);
    return b.clone(*combiner, known)->getResult(0);
  }

  /// The later half of 2 * half threads' values goes into the earlier one.
  void addHalf(Value thread, int64_t half) {
    Value isEarlier = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, thread, constant(half));
    when(isEarlier, [&] {
      Value other = arith::AddIOp::create(b, thread, constant(half));
      for (auto [index, buffer] : llvm::enumerate(buffers)) {
        Value mine = memref::LoadOp::create(b, buffer, thread);
        Value theirs = memref::LoadOp::create(b, buffer, other);
        memref::StoreOp::create(b, combine(index, mine, theirs), buffer, thread);
      }
    });
    gpu::BarrierOp::create(b);
  }

  void writeResults(ArrayRef<Value> indices) {
    for (auto [index, init] : llvm::enumerate(op.getDpsInitsMutable())) {
      SmallVector<Value> place;
      for (AffineExpr result : op.getMatchingIndexingMap(&init).getResults())
        place.push_back(indices[cast<AffineDimExpr>(result).getPosition()]);
      Value before = memref::LoadOp::create(b, init.get(), place);
      Value whole = memref::LoadOp::create(b, buffers[index], constant(0));
      memref::StoreOp::create(b, combine(index, before, whole), init.get(), place);
    }
  }

  ImplicitLocOpBuilder b;
  linalg::LinalgOp op;
  int64_t most; // threads
  SmallVector<int64_t> results, reduced;
  SmallVector<Operation *> combiners;
  SmallVector<Value> buffers; // in workgroup memory, an element per thread, by result
};
} // namespace

void mlir::abn::lowerToBlocks(RewriterBase &rewriter, linalg::LinalgOp op, int64_t threads) {
  rewriter.setInsertionPoint(op);
  BlockReduction(rewriter, op, threads).emit();
  rewriter.eraseOp(op);
}
