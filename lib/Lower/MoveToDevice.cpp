// abn-move-to-device: the memory of a step is the device's; what the host reads of it is copied.
#include "abn/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::abn {
#define GEN_PASS_DEF_MOVETODEVICE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

static Value allocateOnDevice(OpBuilder &b, Location loc, MemRefType type, ValueRange sizes) {
  return gpu::AllocOp::create(b, loc, type, /*asyncToken=*/Type(), ValueRange(), sizes,
                              ValueRange())
      .getMemref();
}

static void copy(OpBuilder &b, Location loc, Value to, Value from) {
  gpu::MemcpyOp::create(b, loc, /*asyncToken=*/Type(), ValueRange(), to, from);
}

static bool isContiguous(Value memref) {
  return cast<MemRefType>(memref.getType()).getLayout().isIdentity();
}

/// Loads outside of kernels, by the op at the level of the function's body that they are part of.
using HostLoads = llvm::MapVector<Operation *, SmallVector<memref::LoadOp>>;

static HostLoads findHostLoads(func::FuncOp func) {
  HostLoads loads;
  func.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<gpu::LaunchOp, linalg::LinalgOp, scf::ParallelOp>(op))
      return WalkResult::skip();
    auto load = dyn_cast<memref::LoadOp>(op);
    if (!load)
      return WalkResult::advance();
    Operation *outer = load;
    while (outer->getParentOp() != func)
      outer = outer->getParentOp();
    loads[outer].push_back(load);
    return WalkResult::advance();
  });
  return loads;
}

/// A copy in host memory of what `outer` loads, made just before it.
static void loadFromCopies(Operation *outer, ArrayRef<memref::LoadOp> loads) {
  OpBuilder b(outer);
  Location loc = outer->getLoc();
  llvm::MapVector<Value, Value> copies;
  for (memref::LoadOp load : loads) {
    Value &made = copies[load.getMemRef()];
    if (!made) {
      auto type = cast<MemRefType>(load.getMemRef().getType());
      SmallVector<Value> sizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          sizes.push_back(memref::DimOp::create(b, loc, load.getMemRef(), dim));
      made = memref::AllocaOp::create(b, loc, type, sizes);
      copy(b, loc, made, load.getMemRef());
    }
    load.getMemrefMutable().assign(made);
  }
}

namespace {
struct MoveToDevice : abn::impl::MoveToDeviceBase<MoveToDevice> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    for (auto &[outer, loads] : findHostLoads(func)) {
      for (memref::LoadOp load : loads)
        if (!isContiguous(load.getMemRef()) ||
            load.getMemRef().getParentBlock() != outer->getBlock()) {
          load.emitError("expected the host to load from a contiguous buffer of the function's "
                         "own body");
          return signalPassFailure();
        }
      loadFromCopies(outer, loads);
    }
    IRRewriter rewriter(&getContext());
    func.walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (auto alloc = dyn_cast<memref::AllocOp>(op))
        rewriter.replaceOp(alloc, allocateOnDevice(rewriter, alloc.getLoc(), alloc.getType(),
                                                   alloc.getDynamicSizes()));
      else if (auto dealloc = dyn_cast<memref::DeallocOp>(op))
        rewriter.replaceOpWithNewOp<gpu::DeallocOp>(dealloc, Type(), ValueRange(),
                                                    dealloc.getMemref());
      else if (auto global = dyn_cast<memref::GetGlobalOp>(op))
        upload(rewriter, global);
      else if (auto moved = dyn_cast<memref::CopyOp>(op))
        copyOnDevice(rewriter, moved);
    });
  }

  /// A constant of the module, copied to the device for as long as the function runs.
  static void upload(RewriterBase &rewriter, memref::GetGlobalOp global) {
    rewriter.setInsertionPointAfter(global);
    Location loc = global.getLoc();
    Value onDevice = allocateOnDevice(rewriter, loc, global.getType(), ValueRange());
    rewriter.replaceAllUsesWith(global.getResult(), onDevice);
    copy(rewriter, loc, onDevice, global);
    rewriter.setInsertionPoint(global->getBlock()->getTerminator());
    gpu::DeallocOp::create(rewriter, loc, Type(), ValueRange(), onDevice);
  }

  static void copyOnDevice(RewriterBase &rewriter, memref::CopyOp op) {
    if (isContiguous(op.getSource()) && isContiguous(op.getTarget()) &&
        op.getSource().getType() == op.getTarget().getType())
      copy(rewriter, op.getLoc(), op.getTarget(), op.getSource());
    else
      linalg::CopyOp::create(rewriter, op.getLoc(), op.getSource(), op.getTarget());
    rewriter.eraseOp(op);
  }
};
} // namespace
