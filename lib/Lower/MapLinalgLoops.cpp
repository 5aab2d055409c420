// abn-map-linalg-loops: linalg on memrefs as loops that upstream's conversion turns into launches,
// long reductions as launches of their own.
#include "BlockReduction.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/ParallelLoopMapper.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/IR/PatternMatch.h"
#include <numeric>

namespace mlir::abn {
#define GEN_PASS_DEF_MAPLINALGLOOPS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

/// Marks the only dimension of a loop as run by `processor`.
static void setMapping(scf::ParallelOp loop, gpu::Processor processor) {
  Builder b(loop.getContext());
  auto mapping = b.getAttr<gpu::ParallelLoopDimMappingAttr>(processor, b.getDimIdentityMap(),
                                                            b.getDimIdentityMap());
  LogicalResult set = gpu::setMappingAttr(loop, mapping);
  (void)set;
  assert(succeeded(set) && "one dimension, one processor");
}

/// The loop with all its dimensions in one, the innermost fastest: neighbouring threads get
/// neighbouring elements.
static scf::ParallelOp collapse(RewriterBase &rewriter, scf::ParallelOp loop) {
  if (loop.getNumLoops() == 1)
    return loop;
  std::vector<unsigned> all(loop.getNumLoops());
  std::iota(all.begin(), all.end(), 0);
  Operation *behind = loop->getNextNode();
  rewriter.setInsertionPoint(loop);
  collapseParallelLoops(rewriter, loop, {all});
  return cast<scf::ParallelOp>(behind->getPrevNode());
}

/// A loop of one iteration around `op`, which one thread runs.
static void wrap(RewriterBase &rewriter, Operation *op) {
  Location loc = op->getLoc();
  rewriter.setInsertionPoint(op);
  Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  auto loop = scf::ParallelOp::create(rewriter, loc, zero, one, one);
  rewriter.moveOpBefore(op, loop.getBody()->getTerminator());
  setMapping(loop, gpu::Processor::BlockX);
}

/// The op with its parallel loops outside of the reducing ones.
static FailureOr<linalg::LinalgOp> moveParallelOut(RewriterBase &rewriter, linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<unsigned> order;
  for (bool parallel : {true, false})
    for (auto [loop, iterator] : llvm::enumerate(iterators))
      if ((iterator == utils::IteratorType::parallel) == parallel)
        order.push_back(loop);
  if (llvm::is_sorted(order))
    return op;
  rewriter.setInsertionPoint(op);
  auto generic = dyn_cast<linalg::GenericOp>(*op);
  if (!generic) {
    FailureOr<linalg::GenericOp> general = linalg::generalizeNamedOp(rewriter, op);
    if (failed(general))
      return failure();
    generic = *general;
  }
  FailureOr<linalg::GenericOp> moved = linalg::interchangeGenericOp(rewriter, generic, order);
  if (failed(moved))
    return failure();
  return cast<linalg::LinalgOp>(moved->getOperation());
}

static LogicalResult map(RewriterBase &rewriter, linalg::LinalgOp op, int64_t threads) {
  if (abn::isBlockReduction(op)) {
    abn::lowerToBlocks(rewriter, op, threads);
    return success();
  }
  if (op.getNumParallelLoops() == 0) {
    wrap(rewriter, op);
    rewriter.setInsertionPoint(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
  FailureOr<linalg::LinalgOp> moved = moveParallelOut(rewriter, op);
  if (failed(moved))
    return failure();
  op = *moved;
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::LinalgLoops> loops = linalg::linalgOpToParallelLoops(rewriter, op);
  if (failed(loops))
    return failure();
  scf::ParallelOp loop = collapse(rewriter, cast<scf::ParallelOp>(loops->front()));
  rewriter.eraseOp(op);
  auto [blocks, inBlock] = scf::tileParallelLoop(loop, {threads}, /*noMinMaxBounds=*/true);
  setMapping(blocks, gpu::Processor::BlockX);
  setMapping(inBlock, gpu::Processor::ThreadX);
  return success();
}

namespace {
struct MapLinalgLoops : abn::impl::MapLinalgLoopsBase<MapLinalgLoops> {
  using MapLinalgLoopsBase::MapLinalgLoopsBase;

  void runOnOperation() override {
    if (threads < 32 || threads > 1024 || threads % 32 != 0) {
      emitError(getOperation().getLoc())
          << "expected `threads` to be a multiple of 32 up to 1024, got " << threads.getValue();
      return signalPassFailure();
    }
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op->emitOpError("expected memrefs: bufferize before abn-map-linalg-loops");
        return signalPassFailure();
      }
      if (failed(map(rewriter, op, threads))) {
        op->emitOpError("cannot be written as loops");
        return signalPassFailure();
      }
    }
  }
};
} // namespace
