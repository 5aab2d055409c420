// abn-order-stream: one stream for all that a function does on the device.
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ORDERSTREAM
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// Whether `op` calls a library (abn/Runtime/Dnn.h) with the stream as its last argument, which is
/// null yet.
static bool takesStream(Operation *op) {
  auto call = dyn_cast<LLVM::CallOp>(op);
  return call && call.getCallee() && call.getCallee()->starts_with("abnDnn") &&
         call->getNumOperands() > 0 &&
         call->getOperands().back().getDefiningOp<LLVM::ZeroOp>() != nullptr;
}

/// What has a token, or a stream, is ordered already.
static bool isOrdered(Operation *op) {
  auto async = dyn_cast<gpu::AsyncOpInterface>(op);
  auto launch = dyn_cast<gpu::LaunchFuncOp>(op);
  return (async && (async.getAsyncToken() || !async.getAsyncDependencies().empty())) ||
         (launch && launch.getAsyncObject());
}

static bool usesDevice(Operation *op) {
  if (isOrdered(op))
    return false;
  return isa<gpu::LaunchFuncOp, gpu::AllocOp, gpu::DeallocOp, gpu::MemcpyOp>(op) || takesStream(op);
}

namespace {
/// Emits calls of the host ABI into a function.
class Stream {
public:
  Stream(ModuleOp module, func::FuncOp func)
      : b(func.getLoc(), func.getContext()), module(module), func(func),
        pointer(LLVM::LLVMPointerType::get(func.getContext())) {}

  void order(ArrayRef<Operation *> ops) {
    b.setInsertionPointToStart(&func.getBody().front());
    stream = call("mgpuStreamCreate", {}, pointer).getResult(0);
    Type token = gpu::AsyncTokenType::get(b.getContext());
    onStream = UnrealizedConversionCastOp::create(b, token, stream).getResult(0);
    for (Operation *op : ops)
      order(op);
    for (auto exit : func.getOps<func::ReturnOp>()) {
      b.setInsertionPoint(exit);
      synchronize();
      call("mgpuStreamDestroy", stream);
    }
  }

private:
  void order(Operation *op) {
    b.setInsertionPoint(op);
    b.setLoc(op->getLoc());
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      order(launch);
    else if (takesStream(op))
      op->setOperand(op->getNumOperands() - 1, stream);
    else if (auto memcpy = dyn_cast<gpu::MemcpyOp>(op))
      order(memcpy);
    else
      waitFor(op);
  }

  /// A launch that waits for the stream as for a token: gpu-to-llvm makes tokens streams. The
  /// stream that a launch names itself is dropped there, and each launch is given one of its own,
  /// which waits for none.
  void order(gpu::LaunchFuncOp launch) {
    std::optional<gpu::KernelDim3> clusters;
    if (launch.hasClusterSize())
      clusters = launch.getClusterSizeOperandValues();
    gpu::LaunchFuncOp::create(b, launch.getKernel(), launch.getGridSizeOperandValues(),
                              launch.getBlockSizeOperandValues(),
                              launch.getDynamicSharedMemorySize(), launch.getKernelOperands(),
                              onStream.getType(), onStream, clusters);
    launch.erase();
  }

  /// A copy on the stream. The host may read what it wrote at once.
  void order(gpu::MemcpyOp memcpy) {
    auto type = cast<MemRefType>(memcpy.getDst().getType());
    Value bytes = arith::ConstantIntOp::create(b, *getElementBytes(type.getElementType()), 64);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value size = b.createOrFold<memref::DimOp>(memcpy.getDst(), dim);
      bytes = arith::MulIOp::create(b, bytes, arith::IndexCastOp::create(b, b.getI64Type(), size));
    }
    call("mgpuMemcpy", {getPointer(memcpy.getDst()), getPointer(memcpy.getSrc()), bytes, stream});
    if (memcpy.getDst().getDefiningOp<memref::AllocaOp>())
      synchronize();
    memcpy.erase();
  }

  Value getPointer(Value memref) {
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
    Value number = arith::IndexCastOp::create(b, b.getI64Type(), address);
    return LLVM::IntToPtrOp::create(b, pointer, number);
  }

  /// Allocations are not ordered by the stream. Upstream lowers them with a token only.
  void waitFor(Operation *op) {
    if (isa<gpu::DeallocOp>(op))
      synchronize();
    Type token = gpu::AsyncTokenType::get(b.getContext());
    Value ready = gpu::WaitOp::create(b, token, ValueRange()).getAsyncToken();
    Value done;
    if (auto alloc = dyn_cast<gpu::AllocOp>(op)) {
      auto onStream = gpu::AllocOp::create(b, alloc.getType(), token, ready,
                                           alloc.getDynamicSizes(), alloc.getSymbolOperands());
      done = onStream.getAsyncToken();
      alloc.getMemref().replaceAllUsesWith(onStream.getMemref());
    } else {
      auto dealloc = cast<gpu::DeallocOp>(op);
      done = gpu::DeallocOp::create(b, token, ready, dealloc.getMemref()).getAsyncToken();
    }
    gpu::WaitOp::create(b, Type(), done);
    op->erase();
  }

  void synchronize() { call("mgpuStreamSynchronize", stream); }

  func::CallOp call(StringRef name, ValueRange arguments, TypeRange results = {}) {
    auto callee = module.lookupSymbol<func::FuncOp>(name);
    if (!callee) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      callee = func::FuncOp::create(b, name, b.getFunctionType(arguments.getTypes(), results));
      callee.setPrivate();
    }
    return func::CallOp::create(b, callee, arguments);
  }

  ImplicitLocOpBuilder b;
  ModuleOp module;
  func::FuncOp func;
  Type pointer;
  Value stream;
  /// The stream as a token.
  Value onStream;
};

struct OrderStream : abn::impl::OrderStreamBase<OrderStream> {
  void runOnOperation() override {
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      SmallVector<Operation *> ops;
      func.walk([&](Operation *op) {
        if (usesDevice(op))
          ops.push_back(op);
      });
      if (!ops.empty())
        Stream(getOperation(), func).order(ops);
    }
  }
};
} // namespace
